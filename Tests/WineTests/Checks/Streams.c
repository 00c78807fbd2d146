// What the stream checks share.
#include "Streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most_records = 4096 };
static record records[most_records];
static LONG record_count;

static bool tell(uint64_t cookie, hc_stream_event event, const uint8_t *bytes, size_t length) {
    record *to = record_of(cookie);
    if (InterlockedIncrement(&to->inside) != 1) to->overlapping++;
    if (to->slow) Sleep(5);
    EnterCriticalSection(&check_lock);
    if (to->ends > 0) to->after_end++;
    if (event != HC_STREAM_BYTES) {
        to->ends++;
        to->last = event;
    } else {
        if (!to->counts_only && to->length + length > to->capacity) {
            to->capacity = (to->length + length) * 2;
            // Not malloc: the ledger counts what CHostCompute allocates.
            uint8_t *larger = HeapAlloc(GetProcessHeap(), 0, to->capacity);
            if (to->length > 0) memcpy(larger, to->bytes, to->length);
            if (to->bytes != NULL) HeapFree(GetProcessHeap(), 0, to->bytes);
            to->bytes = larger;
        }
        if (!to->counts_only) memcpy(to->bytes + to->length, bytes, length);
        to->length += length;
    }
    WakeAllConditionVariable(&check_changed);
    LeaveCriticalSection(&check_lock);
    bool goes_on = to->hold_at == 0 || to->length < to->hold_at;
    InterlockedDecrement(&to->inside);
    return goes_on;
}

bool streams_start(void) { return hc_streams_start(tell) == 0; }

void streams_catch_up(void) {
    for (int turn = 0; turn < 2; turn++) {
        HANDLE ours, theirs;
        hc_stream stream = 0;
        uint64_t cookie = cookie_new();
        pipe_pair(false, false, &ours, &theirs);
        hc_stream_read((hc_handle)ours, cookie, &stream);
        CloseHandle(theirs);
        // Its end comes through the same queue, behind everything else.
        await_end(cookie);
    }
}

void streams_warm(void) {
    enum { warm = 192 };
    static hc_stream streams[warm];
    static HANDLE others[warm];
    streams_start();
    for (int each = 0; each < warm; each++) {
        HANDLE ours;
        pipe_pair(false, false, &ours, &others[each]);
        hc_stream_read((hc_handle)ours, cookie_new(), &streams[each]);
    }
    for (int each = 0; each < warm; each++) {
        hc_stream_close(streams[each]);
        CloseHandle(others[each]);
    }
    streams_catch_up();
}

uint64_t cookie_new(void) { return (uint64_t)InterlockedIncrement(&record_count) % most_records; }
record *record_of(uint64_t cookie) { return &records[cookie % most_records]; }

bool record_equals(uint64_t cookie, const char *text) {
    record *of = record_of(cookie);
    EnterCriticalSection(&check_lock);
    bool same = of->length == strlen(text) && (of->length == 0 || memcmp(of->bytes, text, of->length) == 0);
    if (!same) printf("# got %u bytes: '%.*s'\n", (unsigned)of->length, (int)of->length, (const char *)of->bytes);
    LeaveCriticalSection(&check_lock);
    return same;
}

static bool has_ended(void *cookie) { return record_of(*(uint64_t *)cookie)->ends > 0; }
bool await_end(uint64_t cookie) { return await(has_ended, &cookie); }

typedef struct wanted_length {
    uint64_t cookie;
    size_t length;
} wanted_length;

static bool has_length(void *parameter) {
    wanted_length *wanted = parameter;
    return record_of(wanted->cookie)->length >= wanted->length;
}

bool await_length(uint64_t cookie, size_t length) {
    wanted_length wanted = {cookie, length};
    return await(has_length, &wanted);
}

void check_ended(uint64_t cookie, hc_stream_event expected, const char *what) {
    bool ended = await_end(cookie);
    record *of = record_of(cookie);
    CHECK(ended && of->ends == 1 && of->last == expected, "%s: its last event is %d, once", what, (int)expected);
    CHECK(of->overlapping == 0 && of->after_end == 0, "%s: one event after another, none after the last", what);
}

void pipe_pair(bool we_write, bool client_end, HANDLE *ours, HANDLE *theirs) {
    static LONG number;
    WCHAR name[80];
    wsprintfW(name, L"\\\\.\\pipe\\checks-%u-%u", (unsigned)GetCurrentProcessId(),
              (unsigned)InterlockedIncrement(&number));
    bool server_writes = we_write != client_end;
    HANDLE server = CreateNamedPipeW(
        name, (server_writes ? PIPE_ACCESS_OUTBOUND : PIPE_ACCESS_INBOUND) | (client_end ? 0 : FILE_FLAG_OVERLAPPED),
        PIPE_TYPE_BYTE, 1, 65536, 65536, 0, NULL);
    HANDLE client = CreateFileW(
        name, server_writes ? GENERIC_READ : GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
        client_end ? FILE_FLAG_OVERLAPPED : 0, NULL);
    if (server == INVALID_HANDLE_VALUE || client == INVALID_HANDLE_VALUE) CHECK(false, "a pipe is made");
    *ours = client_end ? client : server;
    *theirs = client_end ? server : client;
    handle_given(*ours);
}

size_t write_all(HANDLE to, const void *bytes, size_t length) {
    size_t done = 0;
    while (done < length) {
        DWORD count = 0;
        if (!WriteFile(to, (const char *)bytes + done, (DWORD)(length - done), &count, NULL)) break;
        done += count;
    }
    return done;
}

// Processes.

enum { most_running = 256 };
static running processes[most_running];
static LONG running_count;

static void take_exit(uintptr_t number, uint32_t type, int32_t status, const char *data) {
    (void)status, (void)data;
    if (type != HcsNotificationProcessExited || number >= most_running) return;
    EnterCriticalSection(&check_lock);
    processes[number].exits++;
    WakeAllConditionVariable(&check_changed);
    LeaveCriticalSection(&check_lock);
}

static void open_stream(
    hc_handle handle, unsigned wanted, int32_t (*open)(hc_handle, uint64_t, hc_stream *), uint64_t *cookie,
    hc_stream *stream, const char *command) {
    *cookie = cookie_new();
    if ((handle != 0) != (wanted != 0)) CHECK(false, "%s: the handles asked for and no others", command);
    if (handle != 0 && open(handle, *cookie, stream) != 0) CHECK(false, "%s: its stream opens", command);
}

running *process_run(hc_handle system, const char *command, unsigned streams) {
    LONG number = InterlockedIncrement(&running_count) % most_running;
    running *made = &processes[number];
    *made = (running){0};
    char document[1200], escaped[1000];
    size_t at = 0;
    for (const char *from = command; *from != 0 && at + 2 < sizeof escaped; from++) {
        if (*from == '"' || *from == '\\') escaped[at++] = '\\';
        escaped[at++] = *from;
    }
    escaped[at] = 0;
    snprintf(
        document, sizeof document,
        "{\"CommandLine\":\"%s\",\"CreateStdInPipe\":%s,\"CreateStdOutPipe\":%s,\"CreateStdErrPipe\":%s}", escaped,
        streams & with_in ? "true" : "false", streams & with_out ? "true" : "false",
        streams & with_error ? "true" : "false");
    hc_set_notification(take_exit);
    hc_process_information information;
    hc_outcome outcome = hc_create_process(table, system, text_of(document), &information, &made->process);
    hc_free(outcome.document);
    if (outcome.status != HC_DONE) {
        CHECK(false, "%s is started: 0x%X", command, outcome.code);
        return made;
    }
    made->pid = information.pid;
    outcome = hc_register_process(table, made->process, (uintptr_t)number, &made->callback);
    if (outcome.status != HC_DONE) CHECK(false, "%s is registered", command);
    open_stream(
        information.standard_input, streams & with_in, hc_stream_open_writer, &made->in_cookie, &made->in, command);
    open_stream(
        information.standard_output, streams & with_out, hc_stream_read, &made->out_cookie, &made->out, command);
    open_stream(
        information.standard_error, streams & with_error, hc_stream_read, &made->error_cookie, &made->error, command);
    return made;
}

const char *child_command(const char *arguments) {
    static char command[900];
    WCHAR path[MAX_PATH];
    GetModuleFileNameW(NULL, path, MAX_PATH);
    WCHAR *slash = wcsrchr(path, L'\\');
    if (slash != NULL) slash[1] = 0;
    snprintf(command, sizeof command, "\"%lschild.exe\" %s", path, arguments);
    return command;
}

static bool has_exited(void *process) { return ((running *)process)->exits > 0; }
bool await_exit(running *process) { return await(has_exited, process); }

uint32_t exit_code(running *process) {
    char *properties = NULL;
    hc_outcome outcome = hc_process_properties(table, process->process, &properties);
    uint32_t code = UINT32_MAX;
    static const char exited[] = "\"Exited\":true,\"ExitCode\":";
    const char *found = outcome.status == HC_DONE ? strstr(properties, exited) : NULL;
    if (found != NULL) code = (uint32_t)strtoul(found + sizeof exited - 1, NULL, 10);
    hc_free(properties);
    hc_free(outcome.document);
    return code;
}

void process_release(running *process) {
    hc_stream_close(process->in);
    hc_stream_close(process->out);
    hc_stream_close(process->error);
    if (process->callback != 0) hc_unregister_process(table, process->callback);
    if (process->process != 0) hc_close_process(table, process->process);
}
