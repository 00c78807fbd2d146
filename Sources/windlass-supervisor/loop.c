#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int epoll = -1;
static int64_t tick_at = INT64_MAX;
static struct source children = {.fd = -1};

int64_t now_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void tick_within(int milliseconds) {
    int64_t at = now_milliseconds() + milliseconds;
    if (at < tick_at) tick_at = at;
}

/// No events takes it out of the epoll: a hang-up that is not wanted would be reported for ever.
void source_watch(struct source *source, uint32_t events) {
    if (source->fd < 0 || source->events == events) return;
    struct epoll_event event = {.events = events, .data.ptr = source};
    int operation = events == 0 ? EPOLL_CTL_DEL : source->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(epoll, operation, source->fd, &event) == 0) {
        source->events = events;
    } else {
        tick_within(1000);
    }
}

void source_close(struct source *source) {
    if (source->fd < 0) return;
    source_watch(source, 0);
    close(source->fd);
    source->fd = -1;
    source->events = 0;
}

static void children_ready(void *owner, uint32_t events) {
    (void)owner, (void)events;
    struct signalfd_siginfo information;
    while (read(children.fd, &information, sizeof information) > 0) continue;
    processes_reap();
}

/// Blocks SIGCHLD and ignores what asks a group of processes to end. The runtime's commands take that back.
void loop_open(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    const int ignored[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    children = (struct source){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = children_ready};
    source_watch(&children, EPOLLIN);
    if (epoll < 0 || children.events == 0) exit(1);
}

/// Gives back the pages of the program itself. Those that are used again come back from the cache.
static void trim(void) {
    extern const char __executable_start[], etext[];
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)__executable_start + page - 1) & ~(page - 1);
    madvise((void *)start, ((uintptr_t)etext & ~(page - 1)) - start, MADV_DONTNEED);
}

void loop_run(void) {
    const int rest = 1000; // milliseconds
    bool is_trimmed = false;
    for (;;) {
        clients_pump();
        int64_t wait = tick_at == INT64_MAX ? -1 : tick_at - now_milliseconds();
        if (tick_at != INT64_MAX && wait < 0) wait = 0;
        bool is_resting = wait < 0 && !is_trimmed;
        if (is_resting) wait = rest;
        struct epoll_event event;
        int count = epoll_wait(epoll, &event, 1, (int)wait);
        if (count < 0 && errno != EINTR) exit(1);
        is_trimmed = count == 0 && (is_resting || is_trimmed);
        if (count == 0 && is_resting) trim();
        if (count == 1) {
            struct source *source = event.data.ptr;
            source->ready(source->owner, event.events);
        }
        if (now_milliseconds() >= tick_at) {
            tick_at = INT64_MAX;
            runtime_tick();
            processes_tick();
            clients_tick();
        }
    }
}
