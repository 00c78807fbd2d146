#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct process *processes;
uint64_t announcements;

static uint32_t next_number;
static int memory_events = -1;
static uint32_t oom_kills;

struct process *process_add(const char *name, uint32_t flags) {
    struct process *process = calloc(1, sizeof *process);
    if (process == NULL) return NULL;
    struct process **last = &processes;
    while (*last) last = &(*last)->next;
    *last = process;
    process->facts.number = next_number++;
    process->facts.flags = flags;
    process->facts.state = SUPERVISOR_CREATING;
    strncpy(process->facts.name, name, SUPERVISOR_NAME_SIZE - 1);
    process->spool.fd = process->pidfd = -1;
    process->input.fd = process->output.fd = process->error.fd = process->console.fd = -1;
    for (int i = 0; i < 3; i++) process->child[i] = -1;
    return process;
}

void process_remove(struct process *process) {
    streams_close(process);
    clients_forget(process);
    if (process->spool.fd >= 0) close(process->spool.fd);
    if (process->pidfd >= 0) close(process->pidfd);
    const char *suffixes[] = {"spool", "log", "pid", "json"};
    for (int i = 0; i < 4; i++) unlink(process_path(process, suffixes[i]));
    struct process **link = &processes;
    while (*link != process) link = &(*link)->next;
    *link = process->next;
    free(process);
}

struct process *process_find(uint32_t number) {
    struct process *process = processes;
    while (process && process->facts.number != number) process = process->next;
    return process;
}

struct process *process_named(const char *name) {
    struct process *process = processes;
    while (process && strcmp(process->facts.name, name) != 0) process = process->next;
    return process;
}

const char *process_path(const struct process *process, const char *suffix) {
    static char path[SUPERVISOR_NAME_SIZE + 32];
    if (suffix) {
        snprintf(path, sizeof path, "processes/%s.%s", process->facts.name, suffix);
    } else {
        snprintf(path, sizeof path, "processes/console.%u", process->facts.number);
    }
    return path;
}

/// A small file, as a string.
static bool read_text(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t count = read(fd, text, size - 1);
    close(fd);
    text[count > 0 ? count : 0] = 0;
    return count > 0;
}

bool process_start_time(pid_t pid, uint64_t *start_time, pid_t *parent) {
    char path[40], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_text(path, text, sizeof text)) return false;
    // The name in brackets may hold anything.
    char *at = strrchr(text, ')');
    if (!at) return false;
    for (int field = 3; at && field <= 22; field++) {
        at = strchr(at + 1, ' ');
        if (at && field == 4) *parent = (pid_t)strtol(at, NULL, 10);
    }
    if (!at) return false;
    *start_time = strtoull(at, NULL, 10);
    return true;
}

bool process_learn(struct process *process) {
    char text[32];
    if (!read_text(process_path(process, "pid"), text, sizeof text)) return false;
    pid_t pid = (pid_t)strtol(text, NULL, 10), parent = 0;
    uint64_t start_time = 0;
    // Only of a child of ours do we see the end.
    if (pid <= 1 || !process_start_time(pid, &start_time, &parent) || parent != getpid()) return false;
    process->facts.pid = (uint32_t)pid;
    process->facts.start_time = start_time;
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return true;
}

void process_announce(struct process *process, uint32_t state) {
    process->facts.state = state;
    process->changed = ++announcements;
    spool_save(process, false);
}

void process_failed(struct process *process) {
    streams_close(process);
    process->facts.flags |= SUPERVISOR_STDOUT_ENDED | SUPERVISOR_STDERR_ENDED;
    process_announce(process, SUPERVISOR_FAILED);
}

/// The number of processes that the kernel has killed in the container for want of memory.
static uint32_t read_oom_kills(void) {
    char text[1024];
    if (memory_events < 0 && settings.memory_events)
        memory_events = open(settings.memory_events, O_RDONLY | O_CLOEXEC);
    ssize_t count = memory_events < 0 ? 0 : pread(memory_events, text, sizeof text - 1, 0);
    text[count > 0 ? count : 0] = 0;
    const char *line = strstr(text, "oom_kill ");
    return line ? (uint32_t)strtoul(line + 9, NULL, 10) : oom_kills;
}

static void record(struct process *process) {
    uint32_t *flags = &process->facts.flags;
    if (spool_save(process, true) == 0) {
        if (*flags & SUPERVISOR_UNRECORDED) process->changed = ++announcements;
        *flags &= ~(uint32_t)SUPERVISOR_UNRECORDED;
    } else {
        *flags |= SUPERVISOR_UNRECORDED;
        tick_within(1000);
    }
}

/// The exit is announced once all that the process had written is in the spool and the disk has the exit.
void process_settle(struct process *process) {
    struct supervisor_process *facts = &process->facts;
    if (process->command || process->is_settled) return;
    if (!streams_drain(process)) return;
    process->is_settled = true;
    facts->exit_output = facts->output_end;
    input_close(process);
    record(process);
    process_announce(process, SUPERVISOR_EXITED);
}

static void process_ended(struct process *process, int status) {
    struct supervisor_process *facts = &process->facts;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    process->is_reaped = true;
    facts->wait_status = (uint32_t)status;
    facts->exit_seconds = now.tv_sec;
    facts->exit_nanoseconds = (uint32_t)now.tv_nsec;
    facts->oom_kills = read_oom_kills();
    bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (is_killed && facts->oom_kills > oom_kills) facts->flags |= SUPERVISOR_OOM;
    oom_kills = facts->oom_kills;
    facts->exit_output = facts->output_end;
    if (process == processes) runtime_start_end(process);
    process_settle(process);
    if (!process->is_settled) record(process);
}

static void reap(struct process *process) {
    int status;
    pid_t pid = (pid_t)process->facts.pid;
    if (pid && !process->is_reaped && waitpid(pid, &status, WNOHANG) == pid) process_ended(process, status);
}

/// A command's process may end before the command has written its number. So commands come first, and a child that is
/// not known yet stays a zombie while a command is under way. Init comes last: its execs have ended before it.
void processes_reap(void) {
    bool is_busy = false;
    int status;
    for (struct process *process = processes; process; process = process->next) {
        if (process->command && waitpid(process->command, &status, WNOHANG) == process->command) {
            process->command = 0;
            runtime_command_ended(process, status);
        }
        is_busy = is_busy || process->command;
    }
    for (struct process *process = processes->next; process; process = process->next) reap(process);
    reap(processes);
    if (is_busy) return;
    // Strays that lost their parent.
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        struct process *process = processes;
        while (process && process->facts.pid != (uint32_t)pid) process = process->next;
        if (process && !process->is_reaped) process_ended(process, status);
    }
}

void processes_tick(void) {
    for (struct process *process = processes; process; process = process->next) {
        if (process->is_stalled) streams_continue(process);
        if (!process->is_reaped) continue;
        process_settle(process);
        if (process->facts.flags & SUPERVISOR_UNRECORDED) record(process);
    }
}
