// How the test program steers the test vmcompute.dll and asks it what it has seen.
#ifndef WINDLASS_WINE_CONTROL_H
#define WINDLASS_WINE_CONTROL_H

#include <stdbool.h>

#include "HostComputeTable.h"

/// What the library was last called with. The texts live until the next call.
typedef struct service_call {
    const char *function;
    uintptr_t handle;
    /// Id, query, document, options or name; NULL where the call has none.
    const HcsChar *first;
    /// The configuration of a new compute system.
    const HcsChar *second;
    uint32_t pid;
} service_call;

/// What the next call of one function answers instead of doing anything.
typedef struct service_script {
    const char *function;
    HcsResult result;
    const HcsChar *answer;
    const HcsChar *document;
    /// Written to the handle that the call hands out, if it hands one out.
    uintptr_t handle;
    /// Written by what hands out a process's standard handles.
    HcsProcessInformation information;
} service_script;

/// Everything that must come to an end, and everything that must never be.
typedef struct service_counts {
    uint32_t strings_made, strings_freed, strings_freed_twice, strings_freed_unknown;
    uint32_t systems_open, processes_open, callbacks_open;
    /// Deliveries whose thread has not ended, and calls of an unregister function that wait for one.
    uint32_t deliveries, unregisters_waiting;
    /// Calls that HCS would not have forgiven, each also printed.
    uint32_t violations;
    uint32_t calls;
} service_counts;

/// What the pipes are like that a service hands out.
typedef enum service_pipes {
    pipes_new = 0,
    /// Bound to a port already, as those that an earlier worker had.
    pipes_bound = 1,
    /// The ends that are read are in message mode.
    pipes_of_messages = 2
} service_pipes;

typedef struct service_control {
    /// Whether this is the library that lacks exports.
    bool lacks_exports;
    /// Is told every pipe handle that is handed out.
    void (*set_given)(void (*given)(void *handle));
    void (*script)(const service_script *script);
    service_call (*last_call)(void);
    service_counts (*counts)(void);
    /// Notifies every registration of a system's or a process's handle, `times` times, each on a thread of its own.
    void (*notify)(void *handle, uint32_t type, HcsResult status, const HcsChar *data, uint32_t times);
    /// Standard handles are the client ends of their pipes from now on, instead of the server ends.
    void (*hand_out_client_ends)(bool client_ends);
    /// What they are like from now on.
    void (*hand_out_pipes)(service_pipes kind);
    /// Waits until every delivery has ended.
    void (*settle)(void);
} service_control;

/// The one export that the real library has not.
typedef const service_control *(*service_control_export)(void);

#endif
