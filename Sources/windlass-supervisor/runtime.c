#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/// How long init may take to come to its fifo, and then the runtime's `start`.
enum { fifo_milliseconds = 10000, command_milliseconds = 10000 };

/// The start of init. There is one at a time.
static struct source fifo = {.fd = -1};
static bool is_starting;
static int64_t start_deadline;

/// In the child: as the supervisor was started, so that the container does not inherit its habits.
static void restore(void) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_NOFILE, &original_files);
    umask(022);
    setsid();
}

/// Runs the runtime. Its stdio are the process's pipes; where it has none of its own, what it says goes to the log.
static int run(struct process *process, const char *const *arguments, bool has_streams) {
    const char *words[64];
    char log[SUPERVISOR_NAME_SIZE + 32], pid_file[SUPERVISOR_NAME_SIZE + 32], console[SUPERVISOR_NAME_SIZE + 32];
    char json[SUPERVISOR_NAME_SIZE + 32];
    snprintf(log, sizeof log, "%s", process_path(process, "log"));
    snprintf(pid_file, sizeof pid_file, "%s", process_path(process, "pid"));
    snprintf(json, sizeof json, "%s", process_path(process, "json"));
    snprintf(console, sizeof console, "%s", process_path(process, NULL));
    size_t count = 0;
    words[count++] = settings.runtime;
    words[count++] = "--root";
    words[count++] = settings.root;
    words[count++] = "--log";
    words[count++] = log;
    words[count++] = "--log-format";
    words[count++] = "json";
    for (size_t i = 0; i < settings.runtime_argument_count; i++) words[count++] = settings.runtime_arguments[i];
    for (; *arguments; arguments++) words[count++] = *arguments;
    if (has_streams) {
        words[count++] = "--pid-file";
        words[count++] = pid_file;
        if (process != processes) {
            words[count++] = "--process";
            words[count++] = json;
        }
        if (process->facts.flags & SUPERVISOR_TERMINAL) {
            words[count++] = "--console-socket";
            words[count++] = console;
        }
    }
    words[count++] = settings.id;
    words[count] = NULL;

    pid_t child = fork();
    if (child < 0) return errno;
    if (child > 0) {
        process->command = child;
        return 0;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int said = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (int i = 0; i < 3; i++) {
        int fd = has_streams ? process->child[i] : -1;
        if (fd < 0) fd = i == 0 ? null : said;
        if (fd < 0) fd = null;
        dup2(fd, i);
    }
    restore();
    // Of the worker's environment the runtime needs nothing, and acts on some of it (NOTIFY_SOCKET).
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *const environment[] = {path, NULL};
    execve(settings.runtime, (char *const *)words, environment);
    // The driver finds this where it finds what the runtime says.
    dprintf(said, "{\"level\":\"error\",\"msg\":\"%s: %s\"}\n", settings.runtime, strerror(errno));
    _exit(127);
}

int runtime_create(struct process *process) {
    const char *arguments[] = {"create", "--bundle", settings.bundle, NULL};
    int error = run(process, arguments, true);
    streams_close_child(process);
    return error;
}

int runtime_exec(struct process *process) {
    unlink(process_path(process, "pid"));
    unlink(process_path(process, "log"));
    const char *arguments[] = {"exec", "--detach", NULL};
    int error = run(process, arguments, true);
    streams_close_child(process);
    return error;
}

void runtime_kill_children(void) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t count = read(fd, text, sizeof text - 1);
    close(fd);
    text[count > 0 ? count : 0] = 0;
    for (char *at = text, *end; *at; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at) break;
        if (pid > 1) kill((pid_t)pid, SIGKILL);
    }
}

// Start

static void answer_start(int error) {
    is_starting = false;
    source_close(&fifo);
    client_answer(&processes->asker, error, processes, processes->facts.pid);
}

static void start_by_command(void) {
    source_close(&fifo);
    const char *arguments[] = {"start", NULL};
    start_deadline = now_milliseconds() + command_milliseconds;
    tick_within(command_milliseconds);
    int error = run(processes, arguments, false);
    if (error) answer_start(error);
}

static const char *fifo_path(void) {
    static char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s/exec.fifo", settings.root, settings.id);
    return length < (int)sizeof path ? path : "";
}

/// The file's absence is how the runtimes know that the container runs.
static void started(void) {
    unlink(fifo_path());
    process_announce(processes, SUPERVISOR_RUNNING);
    answer_start(0);
}

/// runc: init writes a byte as it goes on.
static void fifo_ready(void *owner, uint32_t events) {
    (void)owner, (void)events;
    char byte;
    ssize_t count = read(fifo.fd, &byte, 1);
    if (count == 1) return started();
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    start_by_command();
}

/// crun: init reads, and there is somebody to write to only when it has come that far.
static void write_fifo(void) {
    int fd = open(fifo_path(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENXIO && now_milliseconds() < start_deadline) return tick_within(1);
    if (fd < 0) return start_by_command();
    ssize_t count = write(fd, "0", 1);
    close(fd);
    if (count == 1) return started();
    start_by_command();
}

void runtime_start(struct process *process) {
    if (is_starting) return;
    is_starting = true;
    start_deadline = now_milliseconds() + fifo_milliseconds;
    if (strcmp(settings.start, "fifo-write") == 0) return write_fifo();
    if (strcmp(settings.start, "fifo-read") != 0) return start_by_command();
    int fd = open(fifo_path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return start_by_command();
    fifo = (struct source){.fd = fd, .ready = fifo_ready, .owner = process};
    source_watch(&fifo, EPOLLIN);
    tick_within(fifo_milliseconds);
}

void runtime_start_end(struct process *process) {
    // A `start` that runs says itself how it went.
    if (!is_starting || process->command) return;
    // It may have gone on and ended before the fifo was looked at.
    char byte;
    if (fifo.fd >= 0 && read(fifo.fd, &byte, 1) == 1) return started();
    answer_start(ESRCH);
}

void runtime_tick(void) {
    if (!is_starting) return;
    if (now_milliseconds() < start_deadline) {
        if (processes->command == 0 && fifo.fd < 0) write_fifo();
        else tick_within((int)(start_deadline - now_milliseconds()));
    } else if (processes->command) {
        kill(processes->command, SIGKILL);
    } else {
        start_by_command();
    }
}

// Ends of commands

static void start_ended(struct process *process, bool is_successful) {
    if (is_successful && !process->is_reaped) process_announce(process, SUPERVISOR_RUNNING);
    answer_start(is_successful ? 0 : process->is_reaped ? ESRCH : EIO);
    if (process->is_reaped) process_settle(process);
}

void runtime_command_ended(struct process *process, int status) {
    bool is_successful = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (process == processes && process->facts.state != SUPERVISOR_CREATING) return start_ended(process, is_successful);

    streams_receive_terminal(process);
    source_close(&process->console);
    unlink(process_path(process, NULL));
    bool has_terminal = process->facts.flags & SUPERVISOR_TERMINAL;
    bool is_made = is_successful && process_learn(process) && (!has_terminal || process->output.fd >= 0);
    if (is_made) {
        process_announce(process, process == processes ? SUPERVISOR_CREATED : SUPERVISOR_RUNNING);
        client_answer(&process->asker, 0, process, process->facts.number);
        if (process->is_reaped) process_settle(process);
        return;
    }
    if (process->facts.pid && !process->is_reaped) kill((pid_t)process->facts.pid, SIGKILL);
    process_failed(process);
    client_answer(&process->asker, EIO, process, process->facts.number);
    if (process != processes) return;
    spool_save(process, true);
    supervisor_end();
}
