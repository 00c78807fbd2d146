// Starting a program with umask 0022, all signals at their defaults and none blocked, in a session of its own.
#ifndef WINDLASS_HOST_SPAWN_H
#define WINDLASS_HOST_SPAWN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hc_spawn_request {
    /// A path; it is not looked for.
    const char *program;
    /// Both end with NULL.
    char *const *arguments;
    char *const *environment;
    const char *directory;
    /// The terminal that becomes its controlling one and all of its standard streams; NULL to use `streams`.
    const char *terminal;
    /// Descriptors for its standard streams; -1 for /dev/null.
    int32_t streams[3];
    /// How many descriptors it may have (the soft limit); 0 for as many as this program.
    uint64_t descriptors;
} hc_spawn_request;

/// Starts a program. Linux only. Returns 0, or the system's error and leaves nothing behind.
int32_t hc_spawn(const hc_spawn_request *request, int32_t *pid);

#ifdef __cplusplus
}
#endif

#endif
