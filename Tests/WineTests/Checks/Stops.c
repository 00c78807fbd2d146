// A program is asked to stop: by the console, and by the Service Control Manager.
#include <stdio.h>
#include <string.h>

#include "Check.h"

static char folder[MAX_PATH], output_path[MAX_PATH + 32];

static void start_output(const char *name) {
    GetCurrentDirectoryA(sizeof folder, folder);
    snprintf(output_path, sizeof output_path, "%s\\%s", folder, name);
    DeleteFileA(output_path);
}

// The output so far, with a slash for each line's end; a text that lives until the next call.
static const char *output(void) {
    static char text[4096];
    DWORD got = 0;
    HANDLE file = CreateFileA(
        output_path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    if (file != INVALID_HANDLE_VALUE) {
        ReadFile(file, text, sizeof text - 1, &got, NULL);
        CloseHandle(file);
    }
    text[got] = 0;
    char *to = text;
    for (char *from = text; *from != 0; from++)
        if (*from != '\r') *to++ = *from == '\n' ? '/' : *from;
    *to = 0;
    return text;
}

static bool output_is(void *expected) { return strcmp(output(), expected) == 0; }

static void check_console(void) {
    start_output("console.txt");
    // Its own group, so that the events reach it and not this program; that also has Ctrl+C ignored in it.
    char command[2 * MAX_PATH + 64];
    snprintf(command, sizeof command, "\"%s\\stopper.exe\" \"%s\"", folder, output_path);
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made = {0};
    BOOL started = CreateProcessA(NULL, command, NULL, NULL, FALSE, CREATE_NEW_PROCESS_GROUP, NULL, NULL, &startup, &made);
    if (!CHECK(started, "the program starts")) return;
    CHECK(await(output_is, "listening: 2/"), "it listens to the console: %s", output());
    // Wine sends no Ctrl+Break; it comes by the same way.
    CHECK(GenerateConsoleCtrlEvent(CTRL_C_EVENT, made.dwProcessId), "Ctrl+C is sent");
    CHECK(await(output_is, "listening: 2/asked: 1/"), "and is a request: %s", output());
    CHECK(WaitForSingleObject(made.hProcess, 0) == WAIT_TIMEOUT, "which does not end it");
    CHECK(GenerateConsoleCtrlEvent(CTRL_C_EVENT, made.dwProcessId), "Ctrl+C is sent again");
    CHECK(await(output_is, "listening: 2/asked: 1/asked: 1/finished/"), "and is another one: %s", output());
    DWORD code = 0;
    CHECK(WaitForSingleObject(made.hProcess, 30000) == WAIT_OBJECT_0, "it ends when it is done");
    GetExitCodeProcess(made.hProcess, &code);
    CHECK(code == 7, "with a code of its own: %lu", code);
    TerminateProcess(made.hProcess, 1);
    CloseHandle(made.hThread);
    CloseHandle(made.hProcess);
}

static SC_HANDLE stopping_service;
static SERVICE_STATUS seen;

static bool state_is(void *state) {
    return QueryServiceStatus(stopping_service, &seen) && seen.dwCurrentState == *(DWORD *)state;
}

// A system that is still starting its own services starts no other, or gives up on it too soon; it is asked again.
static bool starts(void *error) {
    // What a program wrote that was given up on.
    DeleteFileA(output_path);
    DWORD code = StartServiceW(stopping_service, 0, NULL) ? 0 : GetLastError();
    *(DWORD *)error = code == ERROR_SERVICE_ALREADY_RUNNING ? 0 : code;
    return code != ERROR_SERVICE_DATABASE_LOCKED && code != ERROR_SERVICE_REQUEST_TIMEOUT;
}

static void check_service(void) {
    start_output("service.txt");
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    if (!CHECK(manager != NULL, "there is a Service Control Manager")) return;
    char command[2 * MAX_PATH + 64];
    snprintf(command, sizeof command, "\"%s\\stopper.exe\" \"%s\"", folder, output_path);
    // A run that was broken off may have left one.
    SC_HANDLE made = OpenServiceW(manager, L"windlass-check", SERVICE_ALL_ACCESS);
    if (made != NULL) {
        DeleteService(made);
        CloseServiceHandle(made);
    }
    made = CreateServiceA(
        manager, "windlass-check", NULL, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START,
        SERVICE_ERROR_IGNORE, command, NULL, NULL, NULL, NULL, NULL);
    stopping_service = made;
    if (CHECK(made != NULL, "a service is made")) {
        DWORD error = 0;
        // A new prefix has been seen to need a minute.
        for (int round = 0; round < 3 && !await(starts, &error); round++) {}
        if (!CHECK(error == 0, "it starts: %lu", error)) {
            DeleteService(made);
            return;
        }
        DWORD running = SERVICE_RUNNING, pending = SERVICE_STOP_PENDING, stopped = SERVICE_STOPPED;
        CHECK(await(state_is, &running), "it runs");
        CHECK(
            seen.dwControlsAccepted == (SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PRESHUTDOWN),
            "and can be stopped: 0x%lX", seen.dwControlsAccepted);
        CHECK(await(output_is, "listening: 1/"), "it listens to its manager: %s", output());
        CHECK(ControlService(made, SERVICE_CONTROL_INTERROGATE, &seen), "it answers who asks");
        CHECK(!ControlService(made, SERVICE_CONTROL_PAUSE, &seen), "it can't be paused");
        CHECK(ControlService(made, SERVICE_CONTROL_STOP, &seen), "it is asked to stop");
        CHECK(await(state_is, &pending) || seen.dwCurrentState == SERVICE_STOPPED, "it says that it does");
        CHECK(await(state_is, &stopped), "and that it has");
        CHECK(
            seen.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR && seen.dwServiceSpecificExitCode == 7,
            "with its code: %lu, %lu", seen.dwWin32ExitCode, seen.dwServiceSpecificExitCode);
        CHECK(await(output_is, "listening: 1/asked: 5/finished/"), "one request was told: %s", output());
        CHECK(DeleteService(made), "it is removed");
        CloseServiceHandle(made);
    }
    CloseServiceHandle(manager);
}

void section_stops(void) {
    // Started from Unix, this program has no console, and no events come without one.
    FreeConsole();
    if (CHECK(AllocConsole(), "there is a console")) check_console();
    FreeConsole();
    check_service();
}
