// Requests to stop under Windows: console control events, or the controls of a service.
#include "HostStop.h"

#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#include <fcntl.h>
#include <io.h>
#include <stdbool.h>
#include <stdio.h>
#include <windows.h>

// How long the Service Control Manager is asked to wait for the next word of a service that stops, and how often it
// gets one, in milliseconds.
enum { wait_hint = 30000, word_every = 5000 };

static hc_stop_callback target;
// Set when it is known whether the Service Control Manager started the program, and when the program has finished.
static HANDLE decided, finished, dispatcher;
static DWORD refusal, exit_code;

static CRITICAL_SECTION lock;
// Under the lock: the last status that was reported to the Service Control Manager.
static SERVICE_STATUS_HANDLE service;
static SERVICE_STATUS status;

static void report(DWORD state) {
    EnterCriticalSection(&lock);
    // SERVICE_STOPPED is final: a report that comes later must not replace it.
    if (status.dwCurrentState != SERVICE_STOPPED) {
        BOOL pending = state == SERVICE_STOP_PENDING;
        status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
        status.dwCheckPoint = pending ? status.dwCheckPoint + 1 : 0;
        status.dwWaitHint = pending ? wait_hint : 0;
        status.dwControlsAccepted =
            state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PRESHUTDOWN : 0;
        status.dwCurrentState = state;
        if (state == SERVICE_STOPPED && exit_code != 0) {
            status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
            status.dwServiceSpecificExitCode = exit_code;
        }
        SetServiceStatus(service, &status);
    }
    LeaveCriticalSection(&lock);
}

static DWORD WINAPI on_control(DWORD control, DWORD type, LPVOID data, LPVOID context) {
    (void)type, (void)data, (void)context;
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
    case SERVICE_CONTROL_PRESHUTDOWN:
        report(SERVICE_STOP_PENDING);
        target(control == SERVICE_CONTROL_STOP ? HC_STOP_SERVICE : HC_STOP_SHUTDOWN);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE: return NO_ERROR;
    default: return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

static BOOL stopping(void) {
    EnterCriticalSection(&lock);
    BOOL is = status.dwCurrentState == SERVICE_STOP_PENDING;
    LeaveCriticalSection(&lock);
    return is;
}

// Runs for as long as the service does. The name in its table is not looked at where a program is one service.
static void WINAPI service_main(DWORD count, LPWSTR *arguments) {
    (void)count, (void)arguments;
    service = RegisterServiceCtrlHandlerExW(L"", on_control, NULL);
    if (service == NULL) {
        refusal = GetLastError();
        SetEvent(decided);
        return;
    }
    report(SERVICE_RUNNING);
    SetEvent(decided);
    // A stop may take longer than the Service Control Manager waits without a word.
    while (WaitForSingleObject(finished, word_every) == WAIT_TIMEOUT)
        if (stopping()) report(SERVICE_STOP_PENDING);
    report(SERVICE_STOPPED);
}

// Blocks until the service has stopped; returns at once where no Service Control Manager waits for this program.
static DWORD WINAPI dispatch(LPVOID unused) {
    (void)unused;
    SERVICE_TABLE_ENTRYW entries[] = {{(LPWSTR)L"", service_main}, {NULL, NULL}};
    if (!StartServiceCtrlDispatcherW(entries)) {
        refusal = GetLastError();
        SetEvent(decided);
    }
    return 0;
}

static BOOL WINAPI on_event(DWORD event) {
    switch (event) {
    case CTRL_C_EVENT: target(HC_STOP_INTERRUPT); return TRUE;
    case CTRL_BREAK_EVENT: target(HC_STOP_BREAK); return TRUE;
    // A program that SYSTEM runs is notified of every user's logoff, which is no reason to stop. A program that runs in
    // the session that ends is ended without this event.
    case CTRL_LOGOFF_EVENT: return TRUE;
    case CTRL_CLOSE_EVENT:
    case CTRL_SHUTDOWN_EVENT:
        target(event == CTRL_CLOSE_EVENT ? HC_STOP_CLOSE : HC_STOP_SHUTDOWN);
        // The system ends the process when this returns, or when the wait takes too long.
        WaitForSingleObject(finished, INFINITE);
        return TRUE;
    default: return FALSE;
    }
}

int32_t hc_stop_listen(hc_stop_callback callback, hc_stop_source *source) {
    *source = HC_STOP_BY_CONSOLE;
    target = callback;
    InitializeCriticalSection(&lock);
    decided = CreateEventW(NULL, TRUE, FALSE, NULL);
    finished = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (decided == NULL || finished == NULL) return (int32_t)GetLastError();
    dispatcher = CreateThread(NULL, 0, dispatch, NULL, 0, NULL);
    if (dispatcher == NULL) return (int32_t)GetLastError();
    WaitForSingleObject(decided, INFINITE);
    if (refusal == 0) {
        *source = HC_STOP_BY_SERVICE;
        return 0;
    }
    if (refusal != ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) return (int32_t)refusal;
    // A parent may have had Ctrl+C ignored in its children, which is inherited: here it is a request.
    SetConsoleCtrlHandler(NULL, FALSE);
    return SetConsoleCtrlHandler(on_event, TRUE) ? 0 : (int32_t)GetLastError();
}

void hc_stop_finished(uint32_t code) {
    if (finished == NULL) return;
    exit_code = code;
    SetEvent(finished);
    // Waits until the stop is reported to the Service Control Manager, which takes a process that ends earlier for
    // crashed.
    if (service != NULL) WaitForSingleObject(dispatcher, word_every);
}

// Redirects both the C library's stream and the system's handle, because writers use either.
static bool redirect(FILE *stream, DWORD standard, int descriptor) {
    // A service's streams have no descriptor, and opening any file gives them one. Not under Wine, where they stay
    // mute.
    bool open = _fileno(stream) >= 0 || freopen("NUL", "w", stream) != NULL;
    if (open && _dup2(descriptor, _fileno(stream)) != 0) return false;
    return SetStdHandle(standard, (HANDLE)_get_osfhandle(descriptor));
}

int32_t hc_append_output(hc_text path) {
    HcsChar buffer[1024];
    hc_status converted = HC_DONE;
    HcsChar *path16 = hc_utf16(path, buffer, 1024, &converted);
    if (path16 == NULL) return ERROR_INVALID_NAME;
    // A reader of the file, such as a log rotator, may also rename it.
    HANDLE file = CreateFileW(
        (const WCHAR *)path16, FILE_APPEND_DATA | SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
        NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD error = GetLastError();
    if (path16 != buffer) hc_free((char *)path16);
    if (file == INVALID_HANDLE_VALUE) return (int32_t)error;
    int descriptor = _open_osfhandle((intptr_t)file, _O_APPEND | _O_BINARY);
    if (descriptor < 0) {
        CloseHandle(file);
        return ERROR_TOO_MANY_OPEN_FILES;
    }
    // It stays open for as long as the program runs.
    bool good = redirect(stdout, STD_OUTPUT_HANDLE, descriptor) && redirect(stderr, STD_ERROR_HANDLE, descriptor);
    return good ? 0 : ERROR_INVALID_HANDLE;
}

#endif
