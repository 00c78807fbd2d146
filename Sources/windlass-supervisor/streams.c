#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

/// The most bytes of one read: one stream does not keep the others waiting.
enum { piece = 16384 };

static bool has_terminal(const struct process *process) { return process->facts.flags & SUPERVISOR_TERMINAL; }

static uint32_t end_flag(uint32_t stream) { return stream == 1 ? SUPERVISOR_STDOUT_ENDED : SUPERVISOR_STDERR_ENDED; }

static void end_stream(struct process *process, struct source *source, uint32_t stream) {
    source_close(source);
    process->facts.flags |= end_flag(stream);
    process->spool.is_changed = true;
}

/// Reads once. False: nothing was there, or there is no room for it.
static bool read_stream(struct process *process, struct source *source, uint32_t stream, bool beyond_limit) {
    if (source->fd < 0) return false;
    size_t room = spool_room(process, piece, beyond_limit);
    if (room == 0) {
        process->is_stalled = true;
        source_watch(source, 0);
        tick_within(1000);
        return false;
    }
    unsigned char *bytes = buffer + sizeof(struct supervisor_chunk);
    ssize_t count = read(source->fd, bytes, room);
    if (count > 0) {
        spool_append(process, stream, bytes, (size_t)count);
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    // The end of a pipe is 0 bytes, that of a terminal is EIO.
    end_stream(process, source, stream);
    return false;
}

static void output_ready(void *owner, uint32_t events) {
    (void)events;
    struct process *process = owner;
    read_stream(process, &process->output, 1, false);
}

static void error_ready(void *owner, uint32_t events) {
    (void)events;
    struct process *process = owner;
    read_stream(process, &process->error, 2, false);
}

/// Reads one stream until nothing is there now, though another process may go on writing to it.
static void drain_stream(struct process *process, struct source *source, uint32_t stream) {
    int left = 0;
    bool is_pipe = source->fd >= 0 && !has_terminal(process) && ioctl(source->fd, FIONREAD, &left) == 0;
    if (!is_pipe) left = 1 << 20;
    while (left > 0) {
        uint64_t before = process->facts.output_end;
        if (!read_stream(process, source, stream, true)) break;
        left -= (int)(process->facts.output_end - before);
    }
}

bool streams_drain(struct process *process) {
    process->is_stalled = false;
    drain_stream(process, &process->output, 1);
    drain_stream(process, &process->error, 2);
    bool is_drained = !process->is_stalled;
    streams_continue(process);
    return is_drained;
}

void streams_continue(struct process *process) {
    process->is_stalled = false;
    source_watch(&process->output, EPOLLIN);
    source_watch(&process->error, EPOLLIN);
}

// Input

static void answer_input(struct process *process, int error) {
    client_answer(&process->input_asker, error, process, process->facts.input_offset);
}

void input_close(struct process *process) {
    source_close(&process->input);
    if (process->facts.flags & SUPERVISOR_STDIN) process->spool.is_changed = true;
    process->facts.flags &= ~(uint32_t)SUPERVISOR_STDIN;
    if (process->held.bytes == NULL) return;
    free(process->held.bytes);
    process->held = (struct held_input){0};
    answer_input(process, EPIPE);
}

/// Writes what is held, as far as it goes.
static void write_input(struct process *process) {
    struct held_input *held = &process->held;
    while (held->written < held->count) {
        ssize_t count = write(process->input.fd, held->bytes + held->written, held->count - held->written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return source_watch(&process->input, EPOLLOUT);
        if (count < 0) return input_close(process);
        held->written += (size_t)count;
    }
    bool end = held->end;
    free(held->bytes);
    *held = (struct held_input){0};
    source_watch(&process->input, 0);
    if (end) input_close(process);
    answer_input(process, 0);
}

static void input_ready(void *owner, uint32_t events) {
    (void)events;
    write_input(owner);
}

/// What ends the input of a program that reads lines from its terminal.
static unsigned char end_of_file(int master) {
    struct termios settings;
    return tcgetattr(master, &settings) == 0 ? settings.c_cc[VEOF] : 4;
}

int input_take(struct process *process, uint64_t offset, const unsigned char *bytes, size_t count, bool end) {
    struct supervisor_process *facts = &process->facts;
    if (process->held.bytes) return EBUSY;
    if (offset > facts->input_offset || offset > UINT64_MAX - count) return EINVAL;
    uint64_t skipped = facts->input_offset - offset;
    if (skipped > count) skipped = count;
    if (process->input.fd < 0) {
        // A repeated end is no failure, and a terminal that is not there yet is not an end.
        if (facts->flags & SUPERVISOR_STDIN) return EAGAIN;
        return end && skipped == count ? 0 : EPIPE;
    }
    count -= skipped;
    // One more for the end of a terminal.
    unsigned char *copy = malloc(count + 1);
    if (copy == NULL) return ENOMEM;
    if (count > 0) memcpy(copy, bytes + skipped, count);
    facts->input_offset += count;
    process->spool.is_changed = true;
    if (end && has_terminal(process)) copy[count++] = end_of_file(process->input.fd);
    process->held = (struct held_input){.bytes = copy, .count = count, .end = end};
    return 0;
}

void input_write(struct process *process) { write_input(process); }

// Opening and closing

static void close_child(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

void streams_close_child(struct process *process) {
    for (int i = 0; i < 3; i++) close_child(&process->child[i]);
}

void streams_close(struct process *process) {
    streams_close_child(process);
    input_close(process);
    source_close(&process->output);
    source_close(&process->error);
    if (process->console.fd >= 0) unlink(process_path(process, NULL));
    source_close(&process->console);
}

/// A pipe of which one end is ours and does not block, and the other is the process's.
static int open_pipe(struct source *ours, int *child, int our_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return errno;
    ours->fd = ends[our_end];
    *child = ends[1 - our_end];
    fcntl(ours->fd, F_SETFL, O_NONBLOCK);
    return 0;
}

static void console_ready(void *owner, uint32_t events) {
    (void)events;
    streams_receive_terminal(owner);
}

static int open_console(struct process *process) {
    // Relative to the bundle, and so short enough.
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, process_path(process, NULL), sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return errno;
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1)) {
        int error = errno;
        close(fd);
        return error;
    }
    process->console = (struct source){.fd = fd, .ready = console_ready, .owner = process};
    source_watch(&process->console, EPOLLIN);
    return 0;
}

int streams_open(struct process *process) {
    process->output.ready = output_ready;
    process->error.ready = error_ready;
    process->input.ready = input_ready;
    process->input.owner = process->output.owner = process->error.owner = process;
    if (has_terminal(process)) {
        process->facts.flags |= SUPERVISOR_STDERR_ENDED;
        return open_console(process);
    }
    int error = open_pipe(&process->output, &process->child[1], 0);
    if (!error) error = open_pipe(&process->error, &process->child[2], 0);
    if (!error && process->facts.flags & SUPERVISOR_STDIN) error = open_pipe(&process->input, &process->child[0], 1);
    streams_continue(process);
    return error;
}

/// The console's source is first the listener, then the runtime's connection.
static void console_connected(void *owner, uint32_t events) {
    (void)events;
    struct process *process = owner;
    char bytes[256];
    union { struct cmsghdr head; char bytes[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec vector = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t count = recvmsg(process->console.fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    source_close(&process->console);
    struct cmsghdr *head = count > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int))) return;
    memcpy(&process->output.fd, CMSG_DATA(head), sizeof(int));
    fcntl(process->output.fd, F_SETFL, O_NONBLOCK);
    if (process->facts.flags & SUPERVISOR_STDIN) process->input.fd = fcntl(process->output.fd, F_DUPFD_CLOEXEC, 3);
    streams_continue(process);
}

void streams_receive_terminal(struct process *process) {
    if (process->console.fd < 0) return;
    if (process->console.ready == console_ready) {
        int connection = accept4(process->console.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection < 0) return;
        unlink(process_path(process, NULL));
        source_close(&process->console);
        process->console.fd = connection;
        process->console.ready = console_connected;
        source_watch(&process->console, EPOLLIN);
    }
    console_connected(process, 0);
}
