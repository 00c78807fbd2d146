// How completions of a handle come to the reactor.
#if defined(_WIN32)

#include "slots_windows.h"

#include <string.h>

// NtQueryInformationFile and what it needs; the headers that declare them are a driver's.
typedef LONG(NTAPI *query_file)(HANDLE file, void *status, void *answer, ULONG length, int what);
enum { file_mode_information = 16, synchronous_modes = 0x10 | 0x20 };

// Whether operations on a handle block. A handle that cannot be asked is taken to block, because a blocking read would
// stop the reactor.
static bool is_synchronous(HANDLE handle) {
    HMODULE library = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = library == NULL ? NULL : GetProcAddress(library, "NtQueryInformationFile");
    if (found == NULL) return true;
    query_file query = NULL;
    memcpy(&query, &found, sizeof query);
    uintptr_t status[2] = {0, 0};
    ULONG mode = 0;
    return query(handle, status, &mode, sizeof mode, file_mode_information) < 0 || (mode & synchronous_modes) != 0;
}

static VOID CALLBACK event_is_set(PVOID index, BOOLEAN timed_out) {
    (void)timed_out;
    PostQueuedCompletionStatus(slots_port, 0, key_look, (OVERLAPPED *)index);
}

// The handle's own port is left as it is: replacing it (FileReplaceCompletionInformation) would bring completions here
// whose OVERLAPPED is another process's.
static DWORD bind_by_event(slot *to) {
    to->event = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (to->event == NULL) return GetLastError();
    if (RegisterWaitForSingleObject(
            &to->wait, to->event, event_is_set, (PVOID)(uintptr_t)to->index, INFINITE, WT_EXECUTEINWAITTHREAD))
        return 0;
    DWORD error = GetLastError();
    to->wait = NULL;
    return error == 0 ? ERROR_NOT_ENOUGH_MEMORY : error;
}

DWORD slot_bind(slot *to) {
    if (CreateIoCompletionPort(to->handle, slots_port, key_stream, 0) != NULL) return 0;
    DWORD error = GetLastError();
    // The same answer means that the object is bound already, and that the handle is one whose operations block.
    if (error != ERROR_INVALID_PARAMETER || is_synchronous(to->handle)) return error;
    return bind_by_event(to);
}

#endif
