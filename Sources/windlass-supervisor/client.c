#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { queue_size = 64 };

/// One connection. What it is sent is made from the state at the moment of sending; only answers are queued.
struct client {
    struct client *next; ///< older first
    struct source source;
    bool is_greeted, is_watching, is_blocked;
    uint64_t seen; ///< the announcements that it was sent
    struct supervisor_reply queue[queue_size];
    size_t queued;
};

/// A READ that waits.
struct wait {
    struct wait *next;
    struct client *client;
    struct process *process;
    uint32_t tag, limit;
    uint64_t offset;
};

unsigned char buffer[BUFFER_SIZE];

static struct source listener = {.fd = -1};
static struct client *clients;
static struct wait *waits;

static void remove_waits(const struct client *client, const struct process *process) {
    for (struct wait **link = &waits; *link;) {
        struct wait *wait = *link;
        if ((client && wait->client != client) || (process && wait->process != process)) {
            link = &wait->next;
            continue;
        }
        *link = wait->next;
        free(wait);
    }
}

static void close_client(struct client *client) {
    remove_waits(client, NULL);
    for (struct process *process = processes; process; process = process->next) {
        if (process->asker.client == client) process->asker.client = NULL;
        if (process->input_asker.client == client) process->input_asker.client = NULL;
    }
    struct client **link = &clients;
    while (*link != client) link = &(*link)->next;
    *link = client->next;
    source_close(&client->source);
    free(client);
}

// Sending. A connection that takes nothing more is left alone until it does.

static bool send_packet(struct client *client, const void *bytes, size_t size) {
    if (client->is_blocked) return false;
    if (send(client->source.fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    // Of a connection that has gone the requests are still read, up to its end.
    client->is_blocked = errno == EAGAIN;
    return !client->is_blocked;
}

static void reply(struct client *client, uint32_t tag, int error, uint32_t process, uint64_t value) {
    struct supervisor_reply answer = {SUPERVISOR_REPLY, tag, (uint32_t)error, process, value};
    if (client->queued == 0 && send_packet(client, &answer, sizeof answer)) return;
    // It asks for much and reads nothing. No request is read while an answer is queued, so this is its own doing.
    if (client->queued < queue_size) client->queue[client->queued++] = answer;
    else shutdown(client->source.fd, SHUT_RDWR);
}

void client_answer(struct asker *asker, int error, const struct process *process, uint64_t value) {
    if (asker->client) reply(asker->client, asker->tag, error, process->facts.number, value);
    asker->client = NULL;
}

void clients_forget(const struct process *process) {
    for (struct wait *wait = waits; wait; wait = wait->next)
        if (wait->process == process) reply(wait->client, wait->tag, ESRCH, process->facts.number, 0);
    remove_waits(NULL, process);
}

static void send_queue(struct client *client) {
    size_t sent = 0;
    while (sent < client->queued && send_packet(client, &client->queue[sent], sizeof *client->queue)) sent++;
    client->queued -= sent;
    memmove(client->queue, client->queue + sent, client->queued * sizeof *client->queue);
}

static void send_changes(struct client *client) {
    while (client->is_watching && client->seen < announcements) {
        struct process *next = NULL;
        for (struct process *process = processes; process; process = process->next)
            if (process->changed > client->seen && (!next || process->changed < next->changed)) next = process;
        if (next) {
            struct supervisor_process_frame frame = {SUPERVISOR_PROCESS, 0, next->facts};
            if (!send_packet(client, &frame, sizeof frame)) return;
        }
        client->seen = next ? next->changed : announcements;
    }
}

/// Answers a READ. False: the connection takes nothing more now.
static bool send_output(struct client *client, struct process *process, uint32_t tag, uint64_t offset, size_t limit) {
    struct supervisor_output *output = (struct supervisor_output *)buffer;
    struct supervisor_spool_header header = spool_header(process);
    int error = supervisor_spool_read(process->spool.fd, &header, &process->spool.cursor, offset, output + 1, limit,
                                      output);
    if (error) {
        reply(client, tag, error, process->facts.number, 0);
        return true;
    }
    output->type = SUPERVISOR_OUTPUT;
    output->tag = tag;
    output->process = process->facts.number;
    output->reserved = 0;
    if (!send_packet(client, output, sizeof *output + output->count)) return false;
    // Not before: a client that takes nothing must not make the process wait.
    process->read_at = now_milliseconds();
    return true;
}

static bool is_due(const struct process *process, uint64_t offset) {
    const uint32_t ended = SUPERVISOR_STDOUT_ENDED | SUPERVISOR_STDERR_ENDED;
    return process->facts.output_end != offset || (process->facts.flags & ended) == ended;
}

static void send_outputs(struct client *client) {
    for (struct wait **link = &waits; *link;) {
        struct wait *wait = *link;
        if (wait->client != client || !is_due(wait->process, wait->offset)) {
            link = &wait->next;
            continue;
        }
        if (!send_output(client, wait->process, wait->tag, wait->offset, wait->limit)) return;
        *link = wait->next;
        free(wait);
    }
}

void clients_pump(void) {
    for (struct process *process = processes; process; process = process->next)
        if (process->spool.is_changed) spool_save(process, false);
    for (struct client *client = clients; client; client = client->next) {
        send_queue(client);
        send_changes(client);
        send_outputs(client);
        source_watch(&client->source, client->is_blocked ? EPOLLOUT : EPOLLIN);
    }
}

// Requests

static int forget(struct process *process) {
    if (process == processes) return EINVAL;
    if (process->facts.state < SUPERVISOR_EXITED) return EBUSY;
    process_remove(process);
    return 0;
}

/// The answer comes from `asker`, unless this returns an error.
static int start(struct client *client, uint32_t tag) {
    struct process *init = processes;
    if (init->facts.state == SUPERVISOR_CREATING) return EINVAL;
    client_answer(&init->asker, ECANCELED, init, 0);
    init->asker = (struct asker){client, tag};
    if (init->facts.state == SUPERVISOR_CREATED && !init->is_reaped) runtime_start(init);
    else client_answer(&init->asker, 0, init, init->facts.pid);
    return 0;
}

static int exec(struct client *client, const struct supervisor_exec *frame) {
    size_t count = 0;
    for (struct process *process = processes; process; process = process->next) count++;
    if (process_named(frame->name)) return EEXIST;
    if (processes->facts.state != SUPERVISOR_RUNNING || processes->is_reaped) return ESRCH;
    if (count >= SUPERVISOR_PROCESSES) return EAGAIN;
    struct process *process = process_add(frame->name, frame->flags);
    if (process == NULL) return ENOMEM;
    uint64_t limit = frame->spool_limit ? frame->spool_limit : settings.spool_limit;
    if (limit < 65536) limit = 65536;
    if (limit > 1 << 30) limit = 1 << 30;
    int error = access(process_path(process, "json"), R_OK) ? errno : spool_open(process, limit);
    if (!error) error = streams_open(process);
    if (!error) error = runtime_exec(process);
    if (error) {
        process_remove(process);
        return error;
    }
    process->asker = (struct asker){client, frame->tag};
    process_announce(process, SUPERVISOR_CREATING);
    return 0;
}

static int send_signal(struct process *process, int number) {
    if (process->facts.state == SUPERVISOR_CREATING)
        return process->command == 0 ? ESRCH : kill(process->command, number) ? errno : 0;
    if (process->is_reaped || process->facts.pid == 0) return ESRCH;
    if (process->pidfd >= 0) return syscall(SYS_pidfd_send_signal, process->pidfd, number, NULL, 0) ? errno : 0;
    // It is our child and not reaped, so the number is its own.
    return kill((pid_t)process->facts.pid, number) ? errno : 0;
}

static int resize(const struct process *process, const struct supervisor_resize *frame) {
    if (!(process->facts.flags & SUPERVISOR_TERMINAL)) return ENOTTY;
    if (process->output.fd < 0) return ESRCH;
    struct winsize size = {.ws_row = frame->rows, .ws_col = frame->columns};
    return ioctl(process->output.fd, TIOCSWINSZ, &size) ? errno : 0;
}

static void input(struct client *client, struct process *process, const struct supervisor_input *frame) {
    int error = input_take(process, frame->offset, (const unsigned char *)(frame + 1), frame->count, frame->end);
    if (error || process->held.bytes == NULL)
        return reply(client, frame->tag, error, frame->process, process->facts.input_offset);
    process->input_asker = (struct asker){client, frame->tag};
    input_write(process);
}

static int release(struct process *process, uint64_t offset) {
    if (offset > process->facts.output_end) return EINVAL;
    spool_release(process, offset);
    if (process->is_stalled) streams_continue(process);
    if (process->is_reaped) process_settle(process);
    return 0;
}

static void read_output(struct client *client, struct process *process, struct supervisor_read frame) {
    process->read_at = now_milliseconds();
    if (frame.release) release(process, frame.offset);
    for (struct wait **link = &waits; *link; link = &(*link)->next) {
        struct wait *old = *link;
        if (old->client != client || old->process != process) continue;
        *link = old->next;
        free(old);
        break;
    }
    if (frame.offset > process->facts.output_end) return reply(client, frame.tag, EINVAL, frame.process, 0);
    bool is_now = (!frame.wait || is_due(process, frame.offset)) && client->queued == 0;
    if (is_now && send_output(client, process, frame.tag, frame.offset, frame.limit)) return;
    struct wait *wait = malloc(sizeof *wait);
    if (wait == NULL) return reply(client, frame.tag, ENOMEM, frame.process, 0);
    *wait = (struct wait){waits, client, process, frame.tag, frame.limit, frame.offset};
    waits = wait;
}

static void set_lossless(struct process *process, bool keep) {
    process->facts.flags &= ~(uint32_t)SUPERVISOR_KEEP_OUTPUT;
    if (keep) process->facts.flags |= SUPERVISOR_KEEP_OUTPUT;
    process->spool.is_changed = true;
    if (process->is_stalled) streams_continue(process);
}

/// Of the process that a request names with the number after its tag.
static void handle_process(struct client *client, struct process *process) {
    const struct supervisor_request_process *request = (const void *)buffer;
    uint32_t tag = request->tag, number = request->process;
    if (process == NULL) return reply(client, tag, ESRCH, number, 0);
    switch (request->type) {
    case SUPERVISOR_SIGNAL:
        return reply(client, tag, send_signal(process, (int)((struct supervisor_signal *)buffer)->signal), number, 0);
    case SUPERVISOR_RESIZE:
        return reply(client, tag, resize(process, (struct supervisor_resize *)buffer), number, 0);
    case SUPERVISOR_INPUT: return input(client, process, (struct supervisor_input *)buffer);
    case SUPERVISOR_READ: return read_output(client, process, *(struct supervisor_read *)buffer);
    case SUPERVISOR_RELEASE:
        return reply(client, tag, release(process, ((struct supervisor_release *)buffer)->offset), number, 0);
    case SUPERVISOR_LOSSLESS:
        set_lossless(process, ((struct supervisor_lossless *)buffer)->keep);
        return reply(client, tag, 0, number, 0);
    default: return reply(client, tag, forget(process), number, 0);
    }
}

static void greet(struct client *client, const struct supervisor_hello *frame) {
    struct supervisor_hello_reply answer = {SUPERVISOR_HELLO_REPLY, frame->tag, SUPERVISOR_VERSION,
                                            (uint32_t)getpid(), 0};
    pid_t parent;
    process_start_time(getpid(), &answer.start_time, &parent);
    client->is_greeted = true;
    send_packet(client, &answer, sizeof answer);
}

/// False: the connection is to be closed.
static bool handle(struct client *client) {
    const struct supervisor_request *request = (const void *)buffer;
    uint32_t tag = request->tag;
    int error = 0;
    if (request->type == SUPERVISOR_HELLO) {
        const struct supervisor_hello *hello = (const void *)buffer;
        if (client->is_greeted || hello->magic != SUPERVISOR_MAGIC) return false;
        greet(client, hello);
        return true;
    }
    if (!client->is_greeted) return false;
    switch (request->type) {
    case SUPERVISOR_WATCH:
        reply(client, tag, 0, 0, 0);
        client->is_watching = true;
        client->seen = 0;
        return true;
    case SUPERVISOR_START: error = start(client, tag); break;
    case SUPERVISOR_EXEC: error = exec(client, (const struct supervisor_exec *)buffer); break;
    case SUPERVISOR_CLOSE:
        if (processes->facts.state < SUPERVISOR_EXITED) {
            error = EBUSY;
            break;
        }
        reply(client, tag, 0, 0, 0);
        supervisor_end();
    default: handle_process(client, process_find(((const struct supervisor_request_process *)buffer)->process));
    }
    if (error) reply(client, tag, error, 0, 0);
    return true;
}

static void client_ready(void *owner, uint32_t events) {
    struct client *client = owner;
    client->is_blocked = false;
    // What a connection sent before it was closed still counts.
    if (!(events & EPOLLIN)) {
        if (events & (EPOLLHUP | EPOLLERR)) close_client(client);
        return;
    }
    ssize_t count = recv(client->source.fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
    // A reset comes before what was sent before it, which still counts.
    if (count < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET)) return;
    bool is_valid = count > 0 && (size_t)count <= sizeof buffer && supervisor_request_is_valid(buffer, (size_t)count);
    if (!is_valid || !handle(client)) close_client(client);
}

// Connections

static void listener_ready(void *owner, uint32_t events) {
    (void)owner, (void)events;
    int fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        // Without a free descriptor the listener would be ready for ever.
        source_watch(&listener, 0);
        return tick_within(1000);
    }
    struct ucred peer;
    socklen_t size = sizeof peer;
    bool is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
        && (peer.uid == geteuid() || peer.uid == 0);
    struct client *client = is_known ? calloc(1, sizeof *client) : NULL;
    if (client == NULL) {
        close(fd);
        return;
    }
    size_t count = 0;
    struct client *oldest = clients, **last = &clients;
    for (; *last; last = &(*last)->next) {
        count++;
        if (oldest->is_greeted && !(*last)->is_greeted) oldest = *last;
    }
    *last = client;
    client->source = (struct source){.fd = fd, .ready = client_ready, .owner = client};
    source_watch(&client->source, EPOLLIN);
    if (count >= SUPERVISOR_CONNECTIONS) close_client(oldest);
}

void clients_open(int fd) {
    listener = (struct source){.fd = fd, .ready = listener_ready};
    source_watch(&listener, EPOLLIN);
}

void clients_tick(void) { source_watch(&listener, EPOLLIN); }

_Noreturn void supervisor_end(void) {
    clients_pump();
    runtime_kill_children();
    unlink("supervisor.sock");
    exit(0);
}
