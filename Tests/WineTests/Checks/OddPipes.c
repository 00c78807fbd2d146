// Real processes of a service whose pipes are not as new.
#include <stdio.h>
#include <string.h>

#include "Streams.h"

// Both ways, all of it, and an end that is not invented.
static void check_whole(hc_handle system, const char *kind) {
    running *process = process_run(system, child_command("flood 300000"), with_out);
    check_ended(process->out_cookie, HC_STREAM_END, kind);
    record *of = record_of(process->out_cookie);
    bool good = of->length == 300000;
    for (size_t at = 0; good && at < of->length; at++) good = of->bytes[at] == (uint8_t)(at * 13);
    CHECK(good, "%s: output is whole and in order: %u bytes", kind, (unsigned)of->length);
    CHECK(await_exit(process), "%s: its exit is told", kind);
    process_release(process);

    process = process_run(system, child_command("echo"), with_in | with_out);
    uint32_t late = 0;
    for (size_t turn = 0; turn < 50; turn++) {
        hc_stream_write(process->in, (const uint8_t *)"typed", 5);
        if (!await_length(process->out_cookie, (turn + 1) * 5)) late++;
    }
    CHECK(late == 0, "%s: what is typed comes back at once", kind);
    CHECK(hc_stream_is_open(process->out) && record_of(process->out_cookie)->ends == 0, "%s: it stays open", kind);
    hc_stream_drain(process->out);
    CHECK(record_of(process->out_cookie)->length == 250, "%s: a drain of what is empty returns", kind);
    hc_stream_finish(process->in);
    check_ended(process->in_cookie, HC_STREAM_DRAINED, kind);
    check_ended(process->out_cookie, HC_STREAM_END, kind);
    CHECK(await_exit(process) && exit_code(process) == 0, "%s: the end of its input ends it", kind);
    process_release(process);

    process = process_run(system, child_command("wait windlass-never"), with_in | with_out);
    hc_stream_close(process->out);
    check_ended(process->out_cookie, HC_STREAM_END, kind);
    hc_terminate_process(table, process->process);
    CHECK(await_exit(process), "%s: one whose output was closed is ended", kind);
    process_release(process);
}

// Everyone who asks gets the same pipe: each byte goes to one of them, and none waits for what the other took.
static void check_read_by_another(hc_handle system) {
    running *process = process_run(system, child_command("echo"), with_in | with_out);
    running *quiet = process_run(system, child_command("echo"), with_in | with_out);
    hc_process_information information = {0};
    hc_process_info(table, process->process, &information);
    hc_stream other = 0;
    uint64_t cookie = cookie_new();
    CHECK(hc_stream_read(information.standard_output, cookie, &other) == 0, "a second reader of a process's output");
    uint32_t held = 0;
    for (size_t turn = 0; turn < 200; turn++) {
        hc_stream_write(process->in, (const uint8_t *)"x", 1);
        hc_stream_write(quiet->in, (const uint8_t *)"y", 1);
        if (!await_length(quiet->out_cookie, turn + 1)) held++;
    }
    CHECK(held == 0, "another process's output is read meanwhile");
    hc_stream_finish(process->in);
    hc_stream_finish(quiet->in);
    check_ended(process->out_cookie, HC_STREAM_END, "one of two readers");
    check_ended(cookie, HC_STREAM_END, "the other reader");
    check_ended(quiet->out_cookie, HC_STREAM_END, "the other process");
    size_t both = record_of(process->out_cookie)->length + record_of(cookie)->length;
    CHECK(both == 200, "each byte goes to one of them: %u", (unsigned)both);
    await_exit(process);
    await_exit(quiet);
    process_release(process);
    process_release(quiet);
}

void section_odd_pipes(void) {
    streams_start();
    hc_handle system = running_system("odd-pipes");
    service->hand_out_pipes(pipes_bound);
    check_whole(system, "pipes that are bound already");
    service->hand_out_client_ends(true);
    check_whole(system, "client ends that are bound already");
    service->hand_out_client_ends(false);
    service->hand_out_pipes(pipes_of_messages);
    check_whole(system, "pipes of messages");
    service->hand_out_pipes(pipes_new);
    refuse_peeks(true);
    check_whole(system, "pipes that can't be peeked");
    service->hand_out_pipes(pipes_bound);
    check_whole(system, "bound ones that can't be peeked");
    service->hand_out_pipes(pipes_new);
    refuse_peeks(false);
    check_read_by_another(system);
    end_system(system);
    hc_set_notification(NULL);
}
