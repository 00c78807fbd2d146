// Notifications: each on a thread of the library's own, several at once, and to late registrations what came before.
#include <stdlib.h>
#include <string.h>

#include "Service.h"

typedef struct registration {
    HcsNotificationCallback callback;
    void *context;
    target *about;
    uint32_t running;
    bool open;
} registration;

typedef struct delivery {
    registration *to;
    uint32_t type;
    HcsResult status;
    HcsChar *data;
    size_t data_size;
} delivery;

enum { most_registrations = 4096 };
static registration registrations[most_registrations];
static uint32_t registration_count;
static CONDITION_VARIABLE ended = CONDITION_VARIABLE_INIT;

void delivery_begins(void) {
    EnterCriticalSection(&service_lock);
    counts.deliveries++;
    LeaveCriticalSection(&service_lock);
}

void delivery_ends(void) {
    EnterCriticalSection(&service_lock);
    counts.deliveries--;
    WakeAllConditionVariable(&ended);
    LeaveCriticalSection(&service_lock);
}

static DWORD WINAPI run_delivery(LPVOID parameter) {
    delivery *made = parameter;
    EnterCriticalSection(&service_lock);
    bool open = made->to->open;
    if (open) made->to->running++;
    LeaveCriticalSection(&service_lock);
    if (open) made->to->callback(made->type, made->to->context, made->status, made->data);
    // The data lives only during the callback: whoever keeps it reads this.
    if (made->data != NULL) memset(made->data, 0xDD, made->data_size);
    free(made->data);
    EnterCriticalSection(&service_lock);
    if (open) made->to->running--;
    counts.deliveries--;
    WakeAllConditionVariable(&ended);
    LeaveCriticalSection(&service_lock);
    free(made);
    return 0;
}

// Under the lock.
static void start_delivery(registration *to, uint32_t type, HcsResult status, const HcsChar *data) {
    delivery *made = calloc(1, sizeof *made);
    if (made == NULL) return;
    made->to = to;
    made->type = type;
    made->status = status;
    if (data != NULL) {
        size_t units = 0;
        while (data[units] != 0) units++;
        made->data_size = (units + 1) * sizeof(HcsChar);
        made->data = malloc(made->data_size);
        if (made->data != NULL) memcpy(made->data, data, made->data_size);
    }
    counts.deliveries++;
    HANDLE thread = CreateThread(NULL, 0, run_delivery, made, 0, NULL);
    if (thread == NULL) {
        violation("CreateThread", "no thread for a delivery");
        counts.deliveries--;
        free(made->data);
        free(made);
    } else {
        CloseHandle(thread);
    }
}

void deliver(target *about, uint32_t type, HcsResult status, const HcsChar *data, bool remember) {
    EnterCriticalSection(&service_lock);
    if (remember && about->fact_count < sizeof about->facts / sizeof about->facts[0])
        about->facts[about->fact_count++] = (fact){.type = type, .status = status};
    for (uint32_t each = 0; each < registration_count; each++)
        if (registrations[each].open && registrations[each].about == about)
            start_delivery(&registrations[each], type, status, data);
    LeaveCriticalSection(&service_lock);
}

HcsResult notifications_register(
    target *about, HcsNotificationCallback callback, void *context, HcsCallback *handle) {
    if (about == NULL) return result_invalid_handle;
    if (callback == NULL || handle == NULL) return result_invalid_argument;
    EnterCriticalSection(&service_lock);
    HcsResult result = result_access_denied;
    if (registration_count < most_registrations) {
        registration *made = &registrations[registration_count++];
        *made = (registration){.callback = callback, .context = context, .about = about, .open = true};
        *handle = handle_open(kind_callback, made);
        for (uint32_t each = 0; each < about->fact_count; each++)
            start_delivery(made, about->facts[each].type, about->facts[each].status, NULL);
        result = result_ok;
    }
    LeaveCriticalSection(&service_lock);
    return result;
}

HcsResult notifications_unregister(HcsCallback handle, const char *function) {
    EnterCriticalSection(&service_lock);
    HcsResult result = result_invalid_handle;
    registration *found = handle_object(kind_callback, handle, function);
    if (found != NULL) {
        found->open = false;
        counts.unregisters_waiting++;
        while (found->running > 0) SleepConditionVariableCS(&ended, &service_lock, INFINITE);
        counts.unregisters_waiting--;
        handle_close(handle);
        result = result_ok;
    }
    LeaveCriticalSection(&service_lock);
    return result;
}

void notifications_settle(void) {
    EnterCriticalSection(&service_lock);
    while (counts.deliveries > 0) SleepConditionVariableCS(&ended, &service_lock, INFINITE);
    LeaveCriticalSection(&service_lock);
}

void control_notify(void *handle, uint32_t type, HcsResult status, const HcsChar *data, uint32_t times) {
    EnterCriticalSection(&service_lock);
    handle_kind kind = ((uintptr_t)handle & 0xF) == kind_process ? kind_process : kind_system;
    target *about = handle_object(kind, handle, "notify");
    LeaveCriticalSection(&service_lock);
    for (uint32_t each = 0; about != NULL && each < times; each++) deliver(about, type, status, data, false);
}
