// Starts programs whose limits and umask are not this program's own, which posix_spawn cannot do.
#if defined(__linux__)

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "HostSpawn.h"

// The child has the parent's memory until it runs the program, and the parent waits that long: no allocation, no lock.
static int become(const hc_spawn_request *request) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    if (setsid() < 0) return errno;
    umask(S_IWGRP | S_IWOTH);
    for (int number = 0; number < 3; number++) {
        int from = request->streams[number];
        if (request->terminal != NULL) {
            // The session has just begun, so the terminal that it opens becomes its controlling one.
            from = number == 0 ? open(request->terminal, O_RDWR) : 0;
        } else if (from < 0) {
            from = open("/dev/null", O_RDWR);
        }
        if (from < 0) return errno;
        if (from != number && dup2(from, number) < 0) return errno;
        if (from > 2 && request->streams[number] != from) close(from);
    }
    // What this finds open beyond has been closed on exec until Linux 5.9, which lacks the call.
    syscall(SYS_close_range, 3U, ~0U, 0U);
    if (chdir(request->directory) != 0) return errno;
    struct rlimit limit;
    if (request->descriptors > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = request->descriptors < limit.rlim_max ? request->descriptors : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(request->program, request->arguments, request->environment);
    return errno;
}

int32_t hc_spawn(const hc_spawn_request *request, int32_t *pid) {
    // Written by the child.
    volatile int error = 0;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = vfork();
    if (child == 0) {
        error = become(request);
        _exit(127);
    }
    if (child < 0) error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        *pid = child;
    } else if (child > 0) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    }
    return error;
}

#endif
