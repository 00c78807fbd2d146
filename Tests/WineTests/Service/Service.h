// What the parts of the test vmcompute.dll know of each other.
#ifndef WINDLASS_WINE_SERVICE_H
#define WINDLASS_WINE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

#include "Control.h"
#include "HostComputeTable.h"

enum {
    result_ok = 0,
    result_invalid_argument = (int)0x80070057,
    result_invalid_handle = (int)0x80070006,
    result_not_found = (int)0x80070490,
    result_access_denied = (int)0x80070005,
    result_invalid_state = (int)0xC0370105,
    result_invalid_document = (int)0xC037010D,
    result_no_system = (int)0xC037010E,
    result_system_exists = (int)0xC037010F,
    result_stopped = (int)0xC0370110,
};

typedef enum target_state { state_created, state_running, state_paused, state_stopped } target_state;

/// What has happened to a target and is told to registrations that come later too.
typedef struct fact {
    uint32_t type;
    HcsResult status;
} fact;

/// A compute system or a process in one.
typedef struct target {
    bool used, is_process;
    HcsChar id[128];
    target_state state;
    struct target *system;
    HANDLE process;
    /// The pipe objects of its outputs, which HcsGetProcessInfo hands out again; 0 where there is none.
    HANDLE outputs[2];
    DWORD pid, code;
    bool exited;
    fact facts[8];
    uint32_t fact_count;
} target;

typedef enum handle_kind { kind_system = 1, kind_process = 2, kind_callback = 3 } handle_kind;

/// Guards everything here. Never held while a callback runs.
extern CRITICAL_SECTION service_lock;
extern service_counts counts;

/// Notes a call that HCS would not have forgiven.
void violation(const char *function, const char *what);

// Strings.c: what HCS hands out comes from COM's allocator; a spy on it sees each string freed.
bool strings_start(void);
HcsChar *string_make(const HcsChar *text);

// Handles.c: numbers that are never used twice, so that a handle closed twice or of the wrong kind is seen.
void *handle_open(handle_kind kind, void *object);
/// The object of an open handle of this kind; NULL and a violation where it is none.
void *handle_object(handle_kind kind, void *handle, const char *function);
void handle_close(void *handle);
target *target_take(bool is_process);
target *system_named(const HcsChar *id);
bool same_text(const HcsChar *left, const HcsChar *right);

// Recorder.c: what was called with what, and scripted answers.
void record(const char *function, void *handle, const HcsChar *first, const HcsChar *second, uint32_t pid);
/// Whether this call is scripted; then its script is in *script and used up.
bool scripted(const char *function, service_script *script);
/// Checks that an out-parameter is there and empty.
bool out_is_empty(const char *function, void *out);
bool text_is_given(const char *function, const HcsChar *text);

// Notifications.c.
void deliver(target *about, uint32_t type, HcsResult status, const HcsChar *data, bool remember);
HcsResult notifications_register(target *about, HcsNotificationCallback callback, void *context, HcsCallback *handle);
HcsResult notifications_unregister(HcsCallback handle, const char *function);
void notifications_settle(void);
/// Something that settling waits for has begun, or has ended.
void delivery_begins(void);
void delivery_ends(void);
void control_notify(void *handle, uint32_t type, HcsResult status, const HcsChar *data, uint32_t times);

// Pipes.c.
extern void (*pipe_given)(void *handle);
extern bool pipe_client_ends;
extern service_pipes pipe_kind;
/// Starts the process that `parameters` describes, with the pipes that it asks for.
HcsResult process_start(const HcsChar *parameters, target *process, HcsProcessInformation *information);
/// Another handle of a pipe object, for the client; NULL for NULL.
HANDLE pipe_again(HANDLE pipe);

/// Answers a scripted call that gives a result document, or, with NULL for it, none.
#define ANSWER_SCRIPT(name, document_out)                                                                             \
    do {                                                                                                              \
        HcsChar **where = document_out;                                                                               \
        service_script script;                                                                                        \
        if (scripted(name, &script)) {                                                                                \
            if (where != NULL) *where = string_make(script.document);                                                 \
            return script.result;                                                                                     \
        }                                                                                                             \
    } while (0)

/// Answers a scripted call that gives an answer too.
#define ANSWER_SCRIPT_WITH(name, answer_out, document_out)                                                            \
    do {                                                                                                              \
        service_script script;                                                                                        \
        if (scripted(name, &script)) {                                                                                \
            *(answer_out) = string_make(script.answer);                                                               \
            *(document_out) = string_make(script.document);                                                           \
            return script.result;                                                                                     \
        }                                                                                                             \
    } while (0)

#endif
