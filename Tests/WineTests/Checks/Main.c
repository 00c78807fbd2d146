// Runs the sections of one mode and says how many checks there were:
//   checks absent   there is no vmcompute.dll in the system directory, and one beside this program
//   checks lacking  the one in the system directory lacks exports
//   checks          everything
//   checks only S   the section S
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "Check.h"
#include "Streams.h"

const HostComputeTable *table;
const service_control *service;
CRITICAL_SECTION check_lock;
CONDITION_VARIABLE check_changed = CONDITION_VARIABLE_INIT;

static LONG made, failed;
static const char *section_name = "", *only_section;

bool check(bool good, const char *file, int line, const char *format, ...) {
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    LONG number = InterlockedIncrement(&made);
    if (good) {
        printf("ok %ld - %s: %s\n", number, section_name, what);
    } else {
        InterlockedIncrement(&failed);
        printf("not ok %ld - %s: %s (%s:%d)\n", number, section_name, what, file, line);
    }
    return good;
}

bool await(bool (*condition)(void *), void *context) {
    ULONGLONG deadline = GetTickCount64() + 30000;
    EnterCriticalSection(&check_lock);
    bool good = condition(context);
    while (!good) {
        ULONGLONG now = GetTickCount64();
        if (now >= deadline) break;
        // Not everything that is waited for announces itself, so this looks again by itself too.
        DWORD patience = (DWORD)(deadline - now) < 20 ? (DWORD)(deadline - now) : 20;
        SleepConditionVariableCS(&check_changed, &check_lock, patience);
        good = condition(context);
    }
    LeaveCriticalSection(&check_lock);
    return good;
}

hc_text text_of(const char *text) {
    return (hc_text){.bytes = text, .length = strlen(text)};
}

bool utf16_equals(const HcsChar *text, const char *ascii) {
    if (text == NULL) return false;
    while (*ascii != 0 && *text == (HcsChar)*ascii) text++, ascii++;
    return *ascii == 0 && *text == 0;
}

HANDLE thread_start(DWORD(WINAPI *run)(LPVOID), void *parameter) {
    HANDLE thread = CreateThread(NULL, 0, run, parameter, 0, NULL);
    if (thread == NULL) CHECK(false, "a thread is started");
    return thread;
}

void thread_join(HANDLE thread) {
    if (thread == NULL) return;
    if (WaitForSingleObject(thread, 30000) != WAIT_OBJECT_0) CHECK(false, "a thread ends within half a minute");
    CloseHandle(thread);
}

balance balance_now(void) {
    return (balance){.memory = memory_out(), .handles = handles_out(), .counts = service->counts()};
}

void check_balance(balance before, const char *section) {
    service_counts counts = service->counts();
    uint32_t made_since = counts.strings_made - before.counts.strings_made;
    uint32_t freed_since = counts.strings_freed - before.counts.strings_freed;
    CHECK(made_since == freed_since, "%s: %u strings handed out, %u freed", section, made_since, freed_since);
    CHECK(counts.strings_freed_twice == 0, "%s: %u strings freed twice", section, counts.strings_freed_twice);
    CHECK(
        counts.strings_freed_unknown == 0, "%s: %u frees of what was no string", section, counts.strings_freed_unknown);
    CHECK(counts.systems_open == before.counts.systems_open, "%s: no system's handle is left", section);
    CHECK(counts.processes_open == before.counts.processes_open, "%s: no process's handle is left", section);
    CHECK(counts.callbacks_open == before.counts.callbacks_open, "%s: no callback is left registered", section);
    CHECK(handles_out() == before.handles, "%s: %ld pipe handles are left", section, handles_out() - before.handles);
    CHECK(bad_closes() == 0, "%s: %ld closes of what was not open", section, bad_closes());
    CHECK(memory_out() == before.memory, "%s: %ld allocations are left", section, memory_out() - before.memory);
    CHECK(bad_frees() == 0, "%s: %ld frees of what was not allocated", section, bad_frees());
    CHECK(
        counts.violations == before.counts.violations, "%s: %u calls that HCS would not have forgiven", section,
        counts.violations - before.counts.violations);
}

hc_handle running_system(const char *id) {
    hc_handle system = 0;
    hc_outcome outcome = hc_create_system(table, text_of(id), text_of("{}"), &system);
    bool good = outcome.status == HC_PENDING || outcome.status == HC_DONE;
    service->settle();
    outcome = hc_start_system(table, system);
    good = good && (outcome.status == HC_PENDING || outcome.status == HC_DONE);
    service->settle();
    if (!good) CHECK(false, "system %s runs", id);
    return system;
}

void end_system(hc_handle system) {
    hc_free(hc_terminate_system(table, system).document);
    service->settle();
    hc_close_system(table, system);
}

static void find_service(void) {
    HMODULE library = GetModuleHandleW(L"vmcompute.dll");
    service_control_export find = NULL;
    FARPROC found = library == NULL ? NULL : GetProcAddress(library, "TestControl");
    memcpy(&find, &found, sizeof find);
    service = find == NULL ? NULL : find();
    if (service != NULL) service->set_given(handle_given);
}

static void run(const char *name, void (*section)(void)) {
    if (only_section != NULL && service != NULL && strcmp(only_section, name) != 0) return;
    section_name = name;
    balance before = {0};
    if (service != NULL) before = balance_now();
    section();
    if (service == NULL) return;
    service->settle();
    check_balance(before, "afterwards");
}

// A crash is a failed check, and its last line is printed all the same.
static LONG WINAPI crashed(EXCEPTION_POINTERS *pointers) {
    CHECK(false, "no crash: 0x%08lX", pointers->ExceptionRecord->ExceptionCode);
    printf("%ld checks, %ld failed\n", made, failed);
    ExitProcess(3);
}

int main(int count, char **arguments) {
    const char *mode = count > 1 ? arguments[1] : "";
    if (count > 2 && strcmp(mode, "only") == 0) only_section = arguments[2];
    setvbuf(stdout, NULL, _IONBF, 0);
    SetUnhandledExceptionFilter(crashed);
    InitializeCriticalSection(&check_lock);
    if (strcmp(mode, "absent") == 0) {
        run("no library", section_loading_absent);
    } else {
        run("loading", section_loading);
        find_service();
        uint32_t error = 0;
        table = hc_load(&error);
        if (!CHECK(table != NULL && service != NULL, "the test library is there")) goto end;
        if (strcmp(mode, "lacking") == 0) {
            run("lacking exports", section_lacking);
        } else {
            run("text", section_text);
            run("layer ids", section_guids);
            run("answers", section_answers);
            run("missing exports", section_missing_exports);
            run("refused texts", section_refused_texts);
            run("folding", section_folding);
            run("no memory", section_memory);
            run("states", section_states);
            run("notifications", section_notifications);
            run("races", section_races);
            streams_warm();
            run("readers", section_readers);
            run("shared pipes", section_shared_pipes);
            run("writers", section_writers);
            run("many streams", section_many_streams);
            run("processes", section_processes);
            run("odd pipes", section_odd_pipes);
            run("grandchildren", section_grandchildren);
            run("stops", section_stops);
        }
    }
end:
    printf("%ld checks, %ld failed\n", made, failed);
    return failed == 0 && made > 0 ? 0 : 1;
}
