// Notifications against registering, unregistering and each other.
#include <stdio.h>

#include "Check.h"

enum { crowd = 24 };

static volatile LONG told, told_after, entered, left, most_entered;
static volatile LONG unregistered[64];
static HANDLE gate;
static volatile LONG gated;

static void take(uintptr_t number, uint32_t type, int32_t status, const char *data) {
    (void)type, (void)status, (void)data;
    if (unregistered[number % 64]) InterlockedIncrement(&told_after);
    LONG now = InterlockedIncrement(&entered) - left;
    EnterCriticalSection(&check_lock);
    if (now > most_entered) most_entered = now;
    WakeAllConditionVariable(&check_changed);
    LeaveCriticalSection(&check_lock);
    if (gated) WaitForSingleObject(gate, 30000);
    InterlockedIncrement(&told);
    InterlockedIncrement(&left);
}

static bool all_entered(void *count) { return most_entered >= *(LONG *)count; }
static bool one_waits(void *unused) { return (void)unused, service->counts().unregisters_waiting > 0; }

typedef struct unregistering {
    hc_handle callback;
    volatile LONG done;
} unregistering;

static DWORD WINAPI unregister(LPVOID parameter) {
    unregistering *what = parameter;
    hc_unregister_system(table, what->callback);
    InterlockedExchange(&what->done, 1);
    return 0;
}

static void reset(bool with_gate) {
    told = told_after = entered = left = most_entered = 0;
    for (int each = 0; each < 64; each++) unregistered[each] = 0;
    ResetEvent(gate);
    gated = with_gate;
}

static void check_waiting(hc_handle system) {
    reset(true);
    unregistering what = {0};
    hc_register_system(table, system, 1, &what.callback);
    LONG expected = crowd;
    service->notify((void *)system, 1, 0, u"x", crowd);
    // What came before the registration is told as well, the creation.
    expected += 1;
    CHECK(await(all_entered, &expected), "%d notifications run at once", crowd);
    CHECK(most_entered == expected, "each on a thread of its own");
    HANDLE thread = thread_start(unregister, &what);
    CHECK(await(one_waits, NULL), "unregistering waits while they run");
    CHECK(what.done == 0, "and has not returned");
    SetEvent(gate);
    thread_join(thread);
    CHECK(what.done == 1 && told == expected, "it returns when all %ld have", told);
    unregistered[1] = 1;
    service->notify((void *)system, 1, 0, u"x", crowd);
    service->settle();
    CHECK(told == expected && told_after == 0, "and nothing is told after it");
}

static DWORD WINAPI flood(LPVOID parameter) {
    for (int turn = 0; turn < 20; turn++) service->notify(parameter, 1, 0, u"flood", 4);
    return 0;
}

static DWORD WINAPI come_and_go(LPVOID parameter) {
    static LONG next;
    uintptr_t number = (uintptr_t)InterlockedIncrement(&next) % 64;
    for (int turn = 0; turn < 20; turn++) {
        hc_handle callback = 0;
        unregistered[number] = 0;
        if (hc_register_system(table, (hc_handle)parameter, number, &callback).status != HC_DONE) return 1;
        if (hc_unregister_system(table, callback).status != HC_DONE) return 2;
        unregistered[number] = 1;
    }
    return 0;
}

static void check_flood(hc_handle system) {
    reset(false);
    HANDLE threads[8];
    for (int each = 0; each < 8; each++)
        threads[each] = thread_start(each < 4 ? come_and_go : flood, (void *)system);
    for (int each = 0; each < 8; each++) thread_join(threads[each]);
    service->settle();
    CHECK(told_after == 0, "80 registrations that come and go in a flood: %ld told, none after the end", told);
}

// An exit that beats the registration, and one that comes after it.
static void check_exit(bool before) {
    reset(false);
    hc_handle system = running_system(before ? "exit-before" : "exit-after"), callback = 0;
    if (!before) hc_register_system(table, system, 2, &callback);
    service->settle();
    LONG known = told;
    hc_free(hc_terminate_system(table, system).document);
    if (before) {
        service->settle();
        CHECK(told == 0, "an exit without a registration is told to nobody");
        hc_register_system(table, system, 2, &callback);
        service->settle();
        CHECK(told == 2, "the registration that comes after it is told the creation and the exit");
    } else {
        service->settle();
        CHECK(told == known + 1, "an exit after the registration is told once");
    }
    hc_unregister_system(table, callback);
    hc_close_system(table, system);
}

// Registering while the exit is under way: told once, by the one way or the other.
static void check_exit_during(void) {
    uint32_t wrong = 0;
    for (int turn = 0; turn < 40; turn++) {
        reset(false);
        char id[32];
        snprintf(id, sizeof id, "exit-during-%d", turn);
        hc_handle system = running_system(id), callback = 0;
        hc_free(hc_terminate_system(table, system).document);
        hc_register_system(table, system, 3, &callback);
        service->settle();
        // The creation and the exit.
        if (told != 2) wrong++;
        hc_unregister_system(table, callback);
        hc_close_system(table, system);
    }
    CHECK(wrong == 0, "40 exits during a registration are each told once: %u are not", wrong);
}

void section_races(void) {
    gate = CreateEventW(NULL, TRUE, FALSE, NULL);
    hc_set_notification(take);
    hc_handle system = running_system("races");
    check_waiting(system);
    check_flood(system);
    check_exit(true);
    check_exit(false);
    check_exit_during();
    end_system(system);
    hc_set_notification(NULL);
    CloseHandle(gate);
    gate = NULL;
}
