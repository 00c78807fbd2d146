// Notifications, from threads that the service owns.
#include <stdio.h>
#include <string.h>

#include "Check.h"

// What came, in the order in which it came.
typedef struct note {
    uintptr_t number;
    uint32_t type;
    int32_t status;
    DWORD thread;
    char data[64];
} note;

enum { most_notes = 4096 };
static note notes[most_notes];
static uint32_t note_count, inside, most_inside;
// A notification waits here where a section wants it to.
static HANDLE gate;
static volatile LONG gated_number;

static void take(uintptr_t number, uint32_t type, int32_t status, const char *data) {
    EnterCriticalSection(&check_lock);
    if (note_count < most_notes) {
        note *made = &notes[note_count++];
        *made = (note){.number = number, .type = type, .status = status, .thread = GetCurrentThreadId()};
        snprintf(made->data, sizeof made->data, "%s", data == NULL ? "(none)" : data);
    }
    if (++inside > most_inside) most_inside = inside;
    WakeAllConditionVariable(&check_changed);
    LeaveCriticalSection(&check_lock);
    if (number == (uintptr_t)gated_number && gate != NULL) WaitForSingleObject(gate, 30000);
    EnterCriticalSection(&check_lock);
    inside--;
    WakeAllConditionVariable(&check_changed);
    LeaveCriticalSection(&check_lock);
}

static void forget(void) {
    EnterCriticalSection(&check_lock);
    note_count = most_inside = 0;
    LeaveCriticalSection(&check_lock);
}

static uint32_t count_of(uintptr_t number, uint32_t type) {
    uint32_t count = 0;
    for (uint32_t each = 0; each < note_count; each++)
        if (notes[each].number == number && notes[each].type == type) count++;
    return count;
}

static const note *first_of(uintptr_t number) {
    for (uint32_t each = 0; each < note_count; each++)
        if (notes[each].number == number) return &notes[each];
    return NULL;
}

// The states of a compute system, and how an operation's end is told: at once or by a notification.
void section_states(void) {
    hc_set_notification(take);
    static const char *const ids[] = {"pending-1", "sync-1"};
    for (int at = 0; at < 2; at++) {
        hc_status expected = at == 0 ? HC_PENDING : HC_DONE;
        forget();
        hc_handle system = 0, second = 0, callback = 0;
        hc_outcome outcome = hc_create_system(table, text_of(ids[at]), text_of("{}"), &system);
        CHECK(outcome.status == expected && system != 0, "%s: a create hands out a handle either way", ids[at]);
        CHECK(hc_register_system(table, system, 11, &callback).status == HC_DONE && callback != 0, "it is registered");
        service->settle();
        if (at == 0) CHECK(count_of(11, HcsNotificationSystemCreateCompleted) == 1, "its creation is told once");
        outcome = hc_create_system(table, text_of(ids[at]), text_of("{}"), &second);
        CHECK(outcome.code == 0xC037010F && second == 0, "a second one of its id is refused");
        outcome = hc_open_system(table, text_of(ids[at]), &second);
        CHECK(outcome.status == HC_DONE && second != 0 && second != system, "it opens under a second handle");
        outcome = hc_resume_system(table, system);
        CHECK(
            outcome.code == 0xC0370105 && outcome.document != NULL && strstr(outcome.document, "\xF0\x9F\x9A\xAB"),
            "what its state does not allow is refused, and the document says why");
        hc_free(outcome.document);
        CHECK(hc_start_system(table, system).status == expected, "it starts");
        service->settle();
        CHECK(hc_pause_system(table, system).status == expected, "it pauses");
        service->settle();
        CHECK(hc_resume_system(table, second).status == expected, "it resumes, under the other handle");
        service->settle();
        CHECK(hc_shutdown_system(table, system).status == expected, "it shuts down");
        service->settle();
        CHECK(hc_terminate_system(table, system).code == 0xC0370110, "and then it has stopped");
        if (at == 0) {
            CHECK(
                count_of(11, HcsNotificationSystemStartCompleted) == 1 &&
                    count_of(11, HcsNotificationSystemPauseCompleted) == 1 &&
                    count_of(11, HcsNotificationSystemResumeCompleted) == 1 &&
                    count_of(11, HcsNotificationSystemExited) == 1,
                "each operation's end was told once");
            hc_handle late = 0;
            hc_register_system(table, second, 12, &late);
            service->settle();
            CHECK(
                count_of(12, HcsNotificationSystemExited) == 1 && count_of(12, HcsNotificationSystemCreateCompleted) == 1,
                "a registration after the exit is told it too");
            CHECK(hc_unregister_system(table, late).status == HC_DONE, "and ends");
        } else {
            CHECK(note_count == 0, "what was done at once is not told again");
        }
        CHECK(hc_unregister_system(table, callback).status == HC_DONE, "unregistered");
        CHECK(hc_close_system(table, system).status == HC_DONE, "closed");
        CHECK(hc_close_system(table, second).status == HC_DONE, "both handles");
    }
    hc_handle none = 5;
    hc_outcome outcome = hc_create_system(table, text_of("bad"), text_of("not JSON"), &none);
    CHECK(outcome.code == 0xC037010D && none == 0, "a document that is none is refused, without a handle");
    CHECK(outcome.document != NULL && strstr(outcome.document, "not JSON"), "with a document");
    hc_free(outcome.document);
    // Handle 0 is HCS's to refuse: it reaches it as NULL.
    CHECK(hc_close_system(table, 0).code == ERROR_INVALID_HANDLE, "no handle is refused: close");
    CHECK(hc_start_system(table, 0).code == ERROR_INVALID_HANDLE, "no handle is refused: start");
    CHECK(hc_register_system(table, 0, 1, &none).code == ERROR_INVALID_HANDLE && none == 0, "and register");
    CHECK(hc_unregister_system(table, 0).code == ERROR_INVALID_HANDLE, "and unregister");
}

void section_notifications(void) {
    hc_set_notification(take);
    hc_handle system = running_system("notifications"), callbacks[3] = {0};
    // A context that is a whole number, whichever bits it has: 0 is one too.
    static const uintptr_t numbers[3] = {0, 0xFFFFFFFF00000001, UINTPTR_MAX};
    for (int each = 0; each < 3; each++) hc_register_system(table, system, numbers[each], &callbacks[each]);
    service->settle();
    forget();
    static const HcsChar data[] = {'{', 0xE9, 0xD83D, 0xDE00, 0xDE00, '}', 0};
    service->notify((void *)system, 0xF0000001, (HcsResult)0xC0370106, data, 1);
    service->settle();
    for (int each = 0; each < 3; each++) {
        const note *told = first_of(numbers[each]);
        CHECK(told != NULL, "number %p is told", (void *)numbers[each]);
        if (told == NULL) continue;
        CHECK(told->type == HcsNotificationSystemExited, "its type without the flags in its top four bits");
        CHECK((uint32_t)told->status == 0xC0370106, "its status whole");
        CHECK(strcmp(told->data, "{\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBD}") == 0, "its data in UTF-8: %s", told->data);
        CHECK(told->thread != GetCurrentThreadId(), "on a thread of the service");
    }
    forget();
    // A flag besides the failure changes nothing. What only looks like a flagged type, because the newer library has
    // types in these bits, is told whole, so that nobody takes it for an exit or a completion.
    static const struct { uint32_t type; HcsResult status; uint32_t told; } types[] = {
        {0x10000001, 0, 1}, {0x70010000, 0, 0x10000}, {0x10000001, -1, 1}, {0x80000002, (HcsResult)0x80070005, 2},
        {0x80000002, 0, 0x80000002}, {0x80000003, 0, 0x80000003}, {0xC0000001, 0, 0xC0000001},
        {0x80000001, 1, 0x80000001}, {0x02000000, 0, 0x02000000},
    };
    for (size_t at = 0; at < sizeof types / sizeof *types; at++) {
        forget();
        hc_trampoline(types[at].type, (void *)3, types[at].status, NULL);
        const note *told = first_of(3);
        CHECK(
            told != NULL && told->type == types[at].told, "0x%08X with status %d is told as 0x%08X", types[at].type,
            (int)types[at].status, told == NULL ? 0 : told->type);
    }
    forget();
    service->notify((void *)system, 0x01000000, 0, NULL, 1);
    service->notify((void *)system, 0xE, 5, u"", 1);
    service->settle();
    CHECK(count_of(0, HcsNotificationServiceDisconnect) == 1, "a disconnect is told, without data");
    CHECK(count_of(0, 0xE) == 1, "and a type that nobody knows");
    forget();
    fail_allocation_after(0);
    hc_trampoline(1, (void *)3, -1, u"data");
    fail_allocation_after(-1);
    const note *told = first_of(3);
    CHECK(told != NULL && strcmp(told->data, "(none)") == 0, "without memory it is told without data");
    forget();
    hc_set_notification(NULL);
    service->notify((void *)system, 1, 0, data, 1);
    service->settle();
    CHECK(note_count == 0, "with nobody to tell, it is dropped");
    hc_set_notification(take);
    for (int each = 0; each < 3; each++) hc_unregister_system(table, callbacks[each]);
    end_system(system);
}
