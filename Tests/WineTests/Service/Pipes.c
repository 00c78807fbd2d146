// Overlapped named pipes, attached to real processes.
#include <stdio.h>

#include "Service.h"

void (*pipe_given)(void *handle);
bool pipe_client_ends;
service_pipes pipe_kind;

// The text after `"key":"`, with JSON's escapes for the quote and the backslash undone; false where there is none.
static bool json_text(const HcsChar *document, const char *key, WCHAR *out, size_t capacity) {
    for (; *document != 0; document++) {
        size_t at = 0;
        while (key[at] != 0 && document[at] == (HcsChar)key[at]) at++;
        if (key[at] != 0) continue;
        const HcsChar *from = document + at;
        if (from[0] != '"' || from[1] != ':' || from[2] != '"') continue;
        from += 3;
        size_t length = 0;
        for (; *from != 0 && *from != '"' && length + 1 < capacity; from++) {
            if (*from == '\\' && from[1] != 0) from++;
            out[length++] = (WCHAR)*from;
        }
        out[length] = 0;
        return *from == '"';
    }
    return false;
}

static bool json_true(const HcsChar *document, const char *key) {
    static const char yes[] = "\":true";
    for (; *document != 0; document++) {
        size_t at = 0, tail = 0;
        while (key[at] != 0 && document[at] == (HcsChar)key[at]) at++;
        if (key[at] != 0) continue;
        while (yes[tail] != 0 && document[at + tail] == (HcsChar)yes[tail]) tail++;
        if (yes[tail] == 0) return true;
    }
    return false;
}

// Makes a pipe whose two ends are the client's, overlapped, and the process's, ordinary and inherited.
static bool pipe_make(bool client_writes, HANDLE *clients, HANDLE *processes) {
    static LONG number;
    WCHAR name[80];
    wsprintfW(
        name, L"\\\\.\\pipe\\windlass-%u-%u", (unsigned)GetCurrentProcessId(), (unsigned)InterlockedIncrement(&number));
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    bool server_writes = client_writes != pipe_client_ends;
    DWORD direction = server_writes ? PIPE_ACCESS_OUTBOUND : PIPE_ACCESS_INBOUND;
    DWORD overlapped = FILE_FLAG_OVERLAPPED;
    DWORD type = pipe_kind == pipes_of_messages ? PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE : PIPE_TYPE_BYTE;
    HANDLE server = CreateNamedPipeW(
        name, direction | (pipe_client_ends ? 0 : overlapped), type, 1, 65536, 65536, 0,
        pipe_client_ends ? &inherited : NULL);
    if (server == INVALID_HANDLE_VALUE) return false;
    HANDLE other = CreateFileW(
        name, server_writes ? GENERIC_READ : GENERIC_WRITE, 0, pipe_client_ends ? NULL : &inherited, OPEN_EXISTING,
        pipe_client_ends ? overlapped : 0, NULL);
    if (other == INVALID_HANDLE_VALUE) {
        CloseHandle(server);
        return false;
    }
    *clients = pipe_client_ends ? other : server;
    *processes = pipe_client_ends ? server : other;
    if (pipe_kind == pipes_bound) {
        // The binding outlives its port.
        HANDLE port = CreateIoCompletionPort(*clients, NULL, 0, 1);
        if (port != NULL) CloseHandle(port);
    }
    return true;
}

static void give(HANDLE handle) {
    if (handle != NULL && pipe_given != NULL) pipe_given(handle);
}

static HANDLE duplicate(HANDLE pipe) {
    HANDLE made = NULL;
    if (pipe != NULL)
        DuplicateHandle(GetCurrentProcess(), pipe, GetCurrentProcess(), &made, 0, FALSE, DUPLICATE_SAME_ACCESS);
    return made;
}

HcsResult process_start(const HcsChar *parameters, target *process, HcsProcessInformation *information) {
    static const char *const keys[3] = {"CreateStdInPipe", "CreateStdOutPipe", "CreateStdErrPipe"};
    static WCHAR command[8192];
    if (!json_text(parameters, "CommandLine", command, sizeof command / sizeof command[0]))
        return result_invalid_document;
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    HANDLE nothing = CreateFileW(
        L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
    HANDLE clients[3] = {NULL, NULL, NULL}, processes[3] = {nothing, nothing, nothing};
    bool good = true;
    for (int at = 0; at < 3 && good; at++)
        if (json_true(parameters, keys[at])) good = pipe_make(at == 0, &clients[at], &processes[at]);
    STARTUPINFOW startup = {
        .cb = sizeof startup,
        .dwFlags = STARTF_USESTDHANDLES,
        .hStdInput = processes[0],
        .hStdOutput = processes[1],
        .hStdError = processes[2],
    };
    PROCESS_INFORMATION made = {0};
    // Under the service's lock, so that no other process inherits these ends and holds them open.
    good = good && CreateProcessW(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made);
    DWORD error = good ? 0 : GetLastError();
    for (int at = 0; at < 3; at++)
        if (processes[at] != nothing) CloseHandle(processes[at]);
    CloseHandle(nothing);
    if (!good) {
        for (int at = 0; at < 3; at++)
            if (clients[at] != NULL) CloseHandle(clients[at]);
        return HRESULT_FROM_WIN32(error);
    }
    CloseHandle(made.hThread);
    process->process = made.hProcess;
    process->pid = made.dwProcessId;
    *information = (HcsProcessInformation){
        .ProcessId = made.dwProcessId, .StdInput = clients[0], .StdOutput = clients[1], .StdError = clients[2]};
    for (int at = 0; at < 2; at++) process->outputs[at] = duplicate(clients[at + 1]);
    for (int at = 0; at < 3; at++) give(clients[at]);
    return result_ok;
}

HANDLE pipe_again(HANDLE pipe) {
    HANDLE made = duplicate(pipe);
    give(made);
    return made;
}
