// Handles and what they stand for, and what the library was called with.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Service.h"

CRITICAL_SECTION service_lock;
service_counts counts;

void violation(const char *function, const char *what) {
    InterlockedIncrement((volatile LONG *)&counts.violations);
    printf("# violation: %s: %s\n", function, what);
}

typedef struct handle_record {
    handle_kind kind;
    void *object;
    bool open;
} handle_record;

enum { most_handles = 8192, most_targets = 2048 };
static handle_record handles[most_handles];
static uint32_t handle_count;
static target targets[most_targets];

// Bits above the lower 32 are set, so that a handle which loses them on its way is no handle.
static const uintptr_t handle_mark = (uintptr_t)0x7EA5E00D00000000;

static uint32_t *open_count(handle_kind kind) {
    switch (kind) {
    case kind_system: return &counts.systems_open;
    case kind_process: return &counts.processes_open;
    default: return &counts.callbacks_open;
    }
}

void *handle_open(handle_kind kind, void *object) {
    if (handle_count == most_handles) return NULL;
    handles[handle_count] = (handle_record){.kind = kind, .object = object, .open = true};
    ++*open_count(kind);
    return (void *)(handle_mark | (uintptr_t)++handle_count << 4 | (uintptr_t)kind);
}

static handle_record *record_of(void *handle) {
    uintptr_t bits = (uintptr_t)handle;
    uintptr_t index = (bits & 0xFFFFFFFFu) >> 4;
    if ((bits & ~(uintptr_t)0xFFFFFFFFu) != handle_mark || index == 0 || index > handle_count) return NULL;
    handle_record *found = &handles[index - 1];
    return (bits & 0xF) == (uintptr_t)found->kind ? found : NULL;
}

void *handle_object(handle_kind kind, void *handle, const char *function) {
    handle_record *found = record_of(handle);
    if (handle != NULL && (found == NULL || found->kind != kind)) violation(function, "not a handle of this kind");
    if (found != NULL && !found->open) violation(function, "a handle that has been closed");
    return found != NULL && found->kind == kind && found->open ? found->object : NULL;
}

void handle_close(void *handle) {
    handle_record *found = record_of(handle);
    if (found == NULL) return;
    found->open = false;
    --*open_count(found->kind);
}

target *target_take(bool is_process) {
    for (uint32_t each = 0; each < most_targets; each++) {
        if (targets[each].used) continue;
        targets[each] = (target){.used = true, .is_process = is_process};
        return &targets[each];
    }
    return NULL;
}

bool same_text(const HcsChar *left, const HcsChar *right) {
    while (*left != 0 && *left == *right) left++, right++;
    return *left == *right;
}

target *system_named(const HcsChar *id) {
    for (uint32_t each = 0; each < most_targets; each++) {
        target *found = &targets[each];
        if (found->used && !found->is_process && found->state != state_stopped && same_text(found->id, id)) return found;
    }
    return NULL;
}

// What was called.

static service_call last;
static HcsChar *last_first, *last_second;
static service_script next_script;

static HcsChar *copy_of(const HcsChar *text) {
    if (text == NULL) return NULL;
    size_t units = 0;
    while (text[units] != 0) units++;
    HcsChar *copy = malloc((units + 1) * sizeof(HcsChar));
    if (copy != NULL) memcpy(copy, text, (units + 1) * sizeof(HcsChar));
    return copy;
}

void record(const char *function, void *handle, const HcsChar *first, const HcsChar *second, uint32_t pid) {
    EnterCriticalSection(&service_lock);
    counts.calls++;
    free(last_first);
    free(last_second);
    last_first = copy_of(first);
    last_second = copy_of(second);
    last = (service_call){
        .function = function, .handle = (uintptr_t)handle, .first = last_first, .second = last_second, .pid = pid};
    LeaveCriticalSection(&service_lock);
}

static service_call last_call(void) {
    return last;
}

static void set_script(const service_script *script) {
    next_script = script == NULL ? (service_script){0} : *script;
}

bool scripted(const char *function, service_script *script) {
    if (next_script.function == NULL || strcmp(next_script.function, function) != 0) return false;
    *script = next_script;
    next_script = (service_script){0};
    return true;
}

bool out_is_empty(const char *function, void *out) {
    if (out == NULL) {
        violation(function, "an out-parameter is NULL");
        return false;
    }
    if (*(void **)out != NULL) violation(function, "an out-parameter was not NULL before the call");
    return true;
}

bool text_is_given(const char *function, const HcsChar *text) {
    if (text == NULL) violation(function, "a text is NULL");
    return text != NULL;
}

// What the test program steers it by.

static service_counts get_counts(void) {
    EnterCriticalSection(&service_lock);
    service_counts copy = counts;
    LeaveCriticalSection(&service_lock);
    return copy;
}

static void set_given(void (*given)(void *)) { pipe_given = given; }
static void hand_out_client_ends(bool client_ends) { pipe_client_ends = client_ends; }
static void hand_out_pipes(service_pipes kind) { pipe_kind = kind; }

static const service_control control = {
#if defined(LACKS_EXPORTS)
    .lacks_exports = true,
#endif
    .set_given = set_given,
    .script = set_script,
    .last_call = last_call,
    .counts = get_counts,
    .notify = control_notify,
    .hand_out_client_ends = hand_out_client_ends,
    .hand_out_pipes = hand_out_pipes,
    .settle = notifications_settle,
};

const service_control *TestControl(void);
const service_control *TestControl(void) {
    return &control;
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved);
BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved) {
    (void)instance, (void)reserved;
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    setvbuf(stdout, NULL, _IONBF, 0);
    InitializeCriticalSection(&service_lock);
    return strings_start();
}
