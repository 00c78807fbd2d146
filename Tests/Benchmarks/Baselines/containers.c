#define _GNU_SOURCE
#include "Baselines.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int64_t baseline_spawn(const char *program, uint32_t count, uint32_t at_a_time) {
    char *arguments[] = {(char *)program, NULL};
    char *environment[] = {NULL};
    uint32_t started = 0, ended = 0;
    uint64_t start = now();
    while (ended < count) {
        while (started < count && started - ended < at_a_time) {
            pid_t pid;
            int error = posix_spawn(&pid, program, NULL, NULL, arguments, environment);
            if (error != 0) return -error;
            started++;
        }
        if (waitpid(-1, NULL, 0) < 0) return -errno;
        ended++;
    }
    return (int64_t)(now() - start);
}
