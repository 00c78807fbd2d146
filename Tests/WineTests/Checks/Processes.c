// Real processes behind the table: cmd.exe and a child of our own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Streams.h"

static void check_output(hc_handle system) {
    running *process = process_run(system, "cmd.exe /c echo hello& exit 5", with_out);
    CHECK(await_exit(process) && process->exits == 1, "cmd.exe: its exit is told once");
    CHECK(exit_code(process) == 5, "cmd.exe: its exit code is 5");
    check_ended(process->out_cookie, HC_STREAM_END, "cmd.exe: output");
    CHECK(record_equals(process->out_cookie, "hello\r\n"), "cmd.exe: its output is whole");
    hc_outcome outcome = hc_terminate_process(table, process->process);
    CHECK(outcome.status == HC_FAILED && outcome.code == 0x490, "ending what has ended is refused");
    outcome = hc_modify_process(table, process->process, text_of("{\"Operation\":\"CloseHandle\"}"));
    CHECK(outcome.status == HC_FAILED && outcome.hresult == 0x80070490, "so is modifying it");
    hc_handle late = 0;
    hc_unregister_process(table, process->callback);
    process->callback = 0;
    hc_register_process(table, process->process, 255, &late);
    service->settle();
    CHECK(hc_unregister_process(table, late).status == HC_DONE, "a registration after the exit ends as well");
    process_release(process);

    process = process_run(system, "cmd.exe /c echo one& echo two 1>&2", with_out | with_error);
    check_ended(process->out_cookie, HC_STREAM_END, "cmd.exe: two streams: output");
    check_ended(process->error_cookie, HC_STREAM_END, "cmd.exe: two streams: error");
    CHECK(record_equals(process->out_cookie, "one\r\n"), "cmd.exe: output is not mixed with errors");
    CHECK(record_equals(process->error_cookie, "two \r\n"), "cmd.exe: nor errors with output");
    await_exit(process);
    process_release(process);

    process = process_run(system, "cmd.exe /c exit 0", 0);
    CHECK(await_exit(process) && exit_code(process) == 0, "a process without streams");
    process_release(process);

    process = process_run(system, child_command("flood 3000000"), with_out);
    check_ended(process->out_cookie, HC_STREAM_END, "three million bytes");
    record *of = record_of(process->out_cookie);
    bool good = of->length == 3000000;
    for (size_t at = 0; good && at < of->length; at++) good = of->bytes[at] == (uint8_t)(at * 13);
    CHECK(good, "three million bytes: whole, in order");
    await_exit(process);
    process_release(process);
}

static void check_input(hc_handle system) {
    running *process = process_run(system, "cmd.exe /c more", with_in | with_out);
    CHECK(hc_stream_write(process->in, (const uint8_t *)"typed line\r\n", 12) == 12, "more: input is taken");
    hc_stream_finish(process->in);
    check_ended(process->in_cookie, HC_STREAM_DRAINED, "more: input");
    check_ended(process->out_cookie, HC_STREAM_END, "more: output");
    record *of = record_of(process->out_cookie);
    CHECK(of->length >= 10 && memcmp(of->bytes, "typed line", 10) == 0, "more: what was typed comes back");
    await_exit(process);
    process_release(process);

    // Byte for byte, NULs and line ends among them, more than all buffers hold.
    process = process_run(system, child_command("echo"), with_in | with_out);
    static uint8_t big[900000];
    for (size_t at = 0; at < sizeof big; at++) big[at] = (uint8_t)(at * 11 + at / 256);
    size_t offered = 0;
    uint32_t partial = 0;
    while (offered < sizeof big) {
        int64_t taken = hc_stream_write(process->in, big + offered, sizeof big - offered);
        if (taken < 0) break;
        if ((size_t)taken < sizeof big - offered) partial++;
        offered += (size_t)taken;
        if (taken == 0) Sleep(1);
    }
    CHECK(offered == sizeof big && partial > 0, "echo: input is taken in %u parts", partial + 1);
    CHECK(await_length(process->out_cookie, sizeof big), "echo: and comes back while the input is open");
    hc_stream_finish(process->in);
    check_ended(process->in_cookie, HC_STREAM_DRAINED, "echo: input");
    check_ended(process->out_cookie, HC_STREAM_END, "echo: output");
    of = record_of(process->out_cookie);
    CHECK(of->length == sizeof big && memcmp(of->bytes, big, sizeof big) == 0, "echo: byte for byte");
    CHECK(await_exit(process) && exit_code(process) == 0, "echo: the end of its input ends it");
    process_release(process);

    // A process that ends without reading.
    process = process_run(system, "cmd.exe /c exit 9", with_in);
    await_exit(process);
    hc_stream_write(process->in, big, 100000);
    check_ended(process->in_cookie, HC_STREAM_BROKEN, "input of a process that has ended");
    process_release(process);
}

static void check_ending(hc_handle system) {
    running *process = process_run(system, child_command("wait windlass-never"), with_out | with_in);
    CHECK(exit_code(process) == UINT32_MAX, "a process that runs has no exit code");
    CHECK(hc_terminate_process(table, process->process).status == HC_DONE, "it is ended");
    CHECK(await_exit(process) && exit_code(process) == 0xFFFFFFFE, "and its exit is told");
    check_ended(process->out_cookie, HC_STREAM_END, "its output");
    process_release(process);

    process = process_run(system, child_command("wait windlass-never"), 0);
    hc_outcome outcome = hc_signal_process(table, process->process, text_of("{\"Signal\":\"CtrlC\"}"));
    CHECK(outcome.status == HC_DONE, "a signal is delivered");
    CHECK(utf16_equals(service->last_call().first, "{\"Signal\":\"CtrlC\"}"), "as it was given");
    CHECK(await_exit(process) && exit_code(process) == 0xC000013A, "and its exit code is the signal's");
    process_release(process);

    hc_process_information information;
    hc_handle none = 3;
    outcome = hc_create_process(
        table, system, text_of("{\"CommandLine\":\"nothing-of-that-name.exe\",\"CreateStdOutPipe\":true}"), &information,
        &none);
    CHECK(outcome.status == HC_FAILED && outcome.code == ERROR_FILE_NOT_FOUND, "a program that is not there: 0x2");
    CHECK(none == 0 && information.standard_output == 0, "and no handle");
    CHECK(outcome.document != NULL && strstr(outcome.document, "ErrorEvents"), "but the document that says why");
    hc_free(outcome.document);
}

// What the next worker gets: handles of the pipe objects that the one before it had bound to its port.
static void check_asking_again(hc_handle system) {
    running *process = process_run(system, child_command("echo"), with_in | with_out);
    hc_stream_write(process->in, (const uint8_t *)"one ", 4);
    CHECK(await_length(process->out_cookie, 4), "the first reader has its bytes");
    hc_process_information information = {0};
    hc_outcome outcome = hc_process_info(table, process->process, &information);
    CHECK(outcome.status == HC_DONE && information.pid == process->pid, "asked again, it says the same pid");
    CHECK(information.standard_input == 0 && information.standard_error == 0, "no handle that was not asked for");
    uint64_t cookie = cookie_new();
    hc_stream again = 0;
    hc_stream_close(process->out);
    CHECK(hc_stream_read(information.standard_output, cookie, &again) == 0, "a pipe that is bound already is read");
    hc_stream_write(process->in, (const uint8_t *)"two", 3);
    CHECK(await_length(cookie, 3) && record_of(cookie)->ends == 0, "bytes come while it is open");
    hc_stream_finish(process->in);
    check_ended(cookie, HC_STREAM_END, "asked again");
    CHECK(record_equals(cookie, "two"), "asked again: what was written since");
    CHECK(record_equals(process->out_cookie, "one "), "the first: what was written before");
    process_release(process);
}

// More than 64 streams of real processes at once.
static void check_crowd(hc_handle system) {
    enum { crowd = 22 };
    running *processes[crowd];
    for (int each = 0; each < crowd; each++) {
        char arguments[40];
        snprintf(arguments, sizeof arguments, each % 4 == 0 ? "echo" : "both number-%d", each);
        processes[each] = process_run(system, child_command(arguments), with_in | with_out | with_error);
    }
    for (int each = 0; each < crowd; each += 4) {
        char text[40];
        int length = snprintf(text, sizeof text, "number-%d", each);
        hc_stream_write(processes[each]->in, (const uint8_t *)text, (size_t)length);
        hc_stream_finish(processes[each]->in);
    }
    uint32_t wrong = 0;
    for (int each = 0; each < crowd; each++) {
        char text[40], error[60];
        snprintf(text, sizeof text, "number-%d", each);
        snprintf(error, sizeof error, "error of number-%d", each);
        running *process = processes[each];
        bool good = await_exit(process) && await_end(process->out_cookie) && await_end(process->error_cookie);
        good = good && process->exits == 1 && exit_code(process) == (each % 4 == 0 ? 0u : 7u);
        good = good && record_equals(process->out_cookie, text);
        good = good && record_equals(process->error_cookie, each % 4 == 0 ? "" : error);
        if (!good) {
            wrong++;
            printf(
                "# %d: exits %ld, code %u, ends %u and %u\n", each, process->exits, exit_code(process),
                record_of(process->out_cookie)->ends, record_of(process->error_cookie)->ends);
        }
        process_release(process);
        if (record_of(process->in_cookie)->ends != 1 || record_of(process->out_cookie)->ends != 1) wrong++;
    }
    CHECK(wrong == 0, "%d processes with %d streams at once: %u are wrong", crowd, crowd * 3, wrong);
}

void section_processes(void) {
    streams_start();
    hc_handle system = running_system("processes");
    for (int client_ends = 0; client_ends < 2; client_ends++) {
        service->hand_out_client_ends(client_ends != 0);
        check_output(system);
        check_input(system);
    }
    service->hand_out_client_ends(false);
    check_ending(system);
    check_asking_again(system);
    check_crowd(system);
    end_system(system);
    hc_set_notification(NULL);
}

// A process that leaves a child behind: its own output is complete after a drain, and the stream stays open.
void section_grandchildren(void) {
    streams_start();
    hc_handle system = running_system("grandchildren");
    for (int closes = 0; closes < 2; closes++) {
        char name[40], arguments[60];
        snprintf(name, sizeof name, "windlass-%lu-%d", GetCurrentProcessId(), closes);
        snprintf(arguments, sizeof arguments, "leave %s", name);
        HANDLE event = CreateEventA(NULL, TRUE, FALSE, name);
        running *process = process_run(system, child_command(arguments), with_out);
        CHECK(
            await_exit(process) && exit_code(process) == 3, "the parent's exit is told while its child lives: %u",
            exit_code(process));
        hc_stream_drain(process->out);
        CHECK(record_equals(process->out_cookie, "the parent"), "a drain after the exit has all that it wrote");
        CHECK(
            hc_stream_is_open(process->out) && record_of(process->out_cookie)->ends == 0,
            "and the stream stays open, for the child");
        if (closes) {
            hc_stream_close(process->out);
            check_ended(process->out_cookie, HC_STREAM_END, "closed under the child");
            SetEvent(event);
        } else {
            SetEvent(event);
            check_ended(process->out_cookie, HC_STREAM_END, "the child ends");
            CHECK(record_equals(process->out_cookie, "the parent and its child"), "what the child wrote has come");
        }
        process_release(process);
        CloseHandle(event);
    }
    end_system(system);
    hc_set_notification(NULL);
}
