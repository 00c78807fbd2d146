// The reactor over epoll, for the emulator's pipes and pseudo-terminals.
#if defined(__linux__)

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "HostComputeStreams.h"

// A stream lives in a slot. Slots are never freed and so never move; a number is a slot and its generation, so a number
// whose stream has ended names nothing. `lock` is held while the callback runs: that is what keeps a stream's events in
// order between the reactor and a drain on another thread.
typedef struct slot {
    pthread_mutex_t lock;
    uint32_t generation;
    uint32_t next_free;
    uint64_t cookie;
    int fd;  // -1 in a free slot
    bool writer, finishing, armed;
    bool held;  // a reader whose bytes are not wanted for now
    uint8_t *buffer;  // a writer's bytes: `length` of them from `start`
    size_t start, length, capacity;
} slot;

enum {
    slots_in_chunk = 64,
    most_chunks = 16384,
    read_size = 64 * 1024,
    // Linux lets an unprivileged pipe grow to 1 MiB (/proc/sys/fs/pipe-max-size): a drain needs to read no more than
    // this to have seen all that was written before it began.
    drain_limit = 1024 * 1024,
    // A terminal hands bytes from one side to the other on a kernel thread, so what its process wrote can come a
    // moment after its exit; this is how long a drain waits for the end that follows it.
    terminal_patience_ms = 100,
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(slot *) chunks[most_chunks];
static uint32_t slots_made;
static uint32_t first_free = UINT32_MAX;

static int poller = -1;
static hc_stream_callback tell;

static slot *slot_at(uint32_t index) {
    slot *chunk = atomic_load_explicit(&chunks[index / slots_in_chunk], memory_order_acquire);
    return chunk == NULL ? NULL : &chunk[index % slots_in_chunk];
}

// The slot of a stream, locked; NULL where the stream has ended.
static slot *lock_stream(hc_stream stream) {
    uint32_t index = (uint32_t)stream - 1;
    if (stream == 0 || index >= (uint32_t)slots_in_chunk * most_chunks) return NULL;
    slot *found = slot_at(index);
    if (found == NULL) return NULL;
    pthread_mutex_lock(&found->lock);
    if (found->generation != (uint32_t)(stream >> 32) || found->fd < 0) {
        pthread_mutex_unlock(&found->lock);
        return NULL;
    }
    return found;
}

// A slot from the free list, or a new one; UINT32_MAX where there is no room.
static uint32_t take_slot(void) {
    pthread_mutex_lock(&table_lock);
    uint32_t index = first_free;
    if (index != UINT32_MAX) {
        first_free = slot_at(index)->next_free;
    } else if (slots_made < (uint32_t)slots_in_chunk * most_chunks) {
        if (slots_made % slots_in_chunk == 0) {
            slot *chunk = calloc(slots_in_chunk, sizeof(slot));
            if (chunk != NULL) {
                for (int each = 0; each < slots_in_chunk; each++) {
                    pthread_mutex_init(&chunk[each].lock, NULL);
                    chunk[each].fd = -1;
                }
                atomic_store_explicit(&chunks[slots_made / slots_in_chunk], chunk, memory_order_release);
                index = slots_made++;
            }
        } else {
            index = slots_made++;
        }
    }
    pthread_mutex_unlock(&table_lock);
    return index;
}

// Closes the descriptor, reports `event` unless it is negative, and frees the slot. The slot is locked, and stays so.
static void retire(slot *ended, uint32_t index, int event) {
    // Not left to close: a duplicate of the descriptor elsewhere would keep the registration alive.
    if (!ended->writer || ended->armed) epoll_ctl(poller, EPOLL_CTL_DEL, ended->fd, NULL);
    close(ended->fd);
    ended->fd = -1;
    free(ended->buffer);
    ended->buffer = NULL;
    ended->start = ended->length = ended->capacity = 0;
    ended->finishing = ended->armed = ended->held = false;
    ended->generation++;
    if (event >= 0) tell(ended->cookie, (hc_stream_event)event, NULL, 0);
    pthread_mutex_lock(&table_lock);
    ended->next_free = first_free;
    first_free = index;
    pthread_mutex_unlock(&table_lock);
}

typedef enum { read_more, read_empty, read_ended } read_result;

// Leaves a reader alone; the slot is locked. Its hang-up is still reported, once.
static void hold(slot *from, hc_stream stream) {
    if (from->held) return;
    struct epoll_event event = {.events = EPOLLET, .data.u64 = stream};
    from->held = epoll_ctl(poller, EPOLL_CTL_MOD, from->fd, &event) == 0;
}

// One read and its delivery; the slot is locked.
static read_result read_once(slot *from, hc_stream stream, uint8_t *buffer, size_t size, size_t *count) {
    *count = 0;
    for (;;) {
        ssize_t got = read(from->fd, buffer, size);
        if (got > 0) {
            if (!tell(from->cookie, HC_STREAM_BYTES, buffer, (size_t)got)) hold(from, stream);
            *count = (size_t)got;
            return read_more;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return read_empty;
        // 0 is a pipe's end and EIO a terminal's. Any other error ends the stream too.
        return read_ended;
    }
}

// Writes what is buffered; the slot is locked, and may be retired by this.
static void flush(slot *to, uint32_t index) {
    while (to->length > 0) {
        ssize_t put = write(to->fd, to->buffer + to->start, to->length);
        if (put > 0) {
            to->start += (size_t)put;
            to->length -= (size_t)put;
        } else if (put < 0 && errno == EINTR) {
            continue;
        } else if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        } else {
            retire(to, index, HC_STREAM_BROKEN);
            return;
        }
    }
    to->start = 0;
    if (to->finishing) {
        retire(to, index, HC_STREAM_DRAINED);
        return;
    }
    // An idle writer holds no buffer and is not watched.
    free(to->buffer);
    to->buffer = NULL;
    to->capacity = 0;
    epoll_ctl(poller, EPOLL_CTL_DEL, to->fd, NULL);
    to->armed = false;
}

static void *react(void *unused) {
    (void)unused;
    static uint8_t buffer[read_size];
    struct epoll_event events[64];
    for (;;) {
        int count = epoll_wait(poller, events, 64, -1);
        for (int each = 0; each < count; each++) {
            hc_stream stream = events[each].data.u64;
            uint32_t index = (uint32_t)stream - 1;
            slot *ready = lock_stream(stream);
            if (ready == NULL) continue;
            if (ready->writer) {
                flush(ready, index);
            } else if (!ready->held) {
                // One read each, so that a flood in one stream does not keep the others waiting.
                size_t got;
                if (read_once(ready, stream, buffer, sizeof buffer, &got) == read_ended)
                    retire(ready, index, HC_STREAM_END);
            }
            pthread_mutex_unlock(&ready->lock);
        }
    }
    return NULL;
}

int32_t hc_streams_start(hc_stream_callback callback) {
    static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
    int error = 0;
    pthread_mutex_lock(&start_lock);
    if (poller < 0) {
        tell = callback;
        int made = epoll_create1(EPOLL_CLOEXEC);
        if (made < 0) {
            error = errno;
        } else {
            poller = made;
            // The reactor takes no signals. SIGPIPE among them: it is the only thread that writes, so a reader that
            // has gone is an error code here and never the end of the program.
            sigset_t all, before;
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, &before);
            pthread_t thread;
            error = pthread_create(&thread, NULL, react, NULL);
            pthread_sigmask(SIG_SETMASK, &before, NULL);
            if (error == 0) {
                pthread_detach(thread);
            } else {
                close(made);
                poller = -1;
            }
        }
    }
    pthread_mutex_unlock(&start_lock);
    return error;
}

static int32_t adopt(hc_handle handle, uint64_t cookie, bool writer, hc_stream *stream) {
    int fd = (int)handle;
    *stream = 0;
    int on = 1;
    if (ioctl(fd, FIONBIO, &on) < 0) {
        int error = errno;
        close(fd);
        return error;
    }
    uint32_t index = take_slot();
    if (index == UINT32_MAX) {
        close(fd);
        return ENOMEM;
    }
    slot *made = slot_at(index);
    pthread_mutex_lock(&made->lock);
    made->fd = fd;
    made->cookie = cookie;
    made->writer = writer;
    hc_stream number = (uint64_t)made->generation << 32 | (index + 1);
    int error = 0;
    if (!writer) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
        // The event can come before this returns; it waits for the slot's lock.
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) {
            error = errno;
            retire(made, index, -1);
        }
    }
    pthread_mutex_unlock(&made->lock);
    if (error == 0) *stream = number;
    return error;
}

int32_t hc_stream_read(hc_handle handle, uint64_t cookie, hc_stream *stream) {
    return adopt(handle, cookie, false, stream);
}

int32_t hc_stream_open_writer(hc_handle handle, uint64_t cookie, hc_stream *stream) {
    return adopt(handle, cookie, true, stream);
}

static int64_t milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void hc_stream_drain(hc_stream stream) {
    uint8_t buffer[16 * 1024];
    size_t total = 0;
    int64_t deadline = -1;
    for (;;) {
        slot *from = lock_stream(stream);
        if (from == NULL) return;
        if (from->writer) {
            pthread_mutex_unlock(&from->lock);
            return;
        }
        read_result result = read_more;
        while (result == read_more && total < drain_limit) {
            size_t got;
            result = read_once(from, stream, buffer, sizeof buffer, &got);
            total += got;
        }
        if (result == read_ended) {
            retire(from, (uint32_t)stream - 1, HC_STREAM_END);
            pthread_mutex_unlock(&from->lock);
            return;
        }
        int fd = from->fd;
        bool terminal = result == read_empty && isatty(fd);
        // Not while the slot is locked: the reactor must not wait for this stream.
        pthread_mutex_unlock(&from->lock);
        if (!terminal) return;
        int64_t now = milliseconds_now();
        if (deadline < 0) deadline = now + terminal_patience_ms;
        if (now >= deadline) return;
        // Where another thread closes the descriptor meanwhile, this waits for something else; harmless.
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        poll(&readable, 1, (int)(deadline - now));
    }
}

void hc_stream_resume(hc_stream stream) {
    slot *from = lock_stream(stream);
    if (from == NULL) return;
    if (from->held) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = stream};
        from->held = epoll_ctl(poller, EPOLL_CTL_MOD, from->fd, &event) != 0;
    }
    pthread_mutex_unlock(&from->lock);
}

int64_t hc_stream_write(hc_stream stream, const uint8_t *bytes, size_t length) {
    slot *to = lock_stream(stream);
    if (to == NULL) return -1;
    if (!to->writer || to->finishing) {
        pthread_mutex_unlock(&to->lock);
        return -1;
    }
    size_t room = HC_STREAM_BUFFER - to->length;
    size_t taken = length < room ? length : room;
    if (taken > 0) {
        if (to->start + to->length + taken > to->capacity) {
            if (to->length > 0) memmove(to->buffer, to->buffer + to->start, to->length);
            to->start = 0;
            if (to->length + taken > to->capacity) {
                uint8_t *larger = realloc(to->buffer, to->length + taken);
                if (larger == NULL) {
                    taken = 0;
                } else {
                    to->buffer = larger;
                    to->capacity = to->length + taken;
                }
            }
        }
        if (taken > 0) memcpy(to->buffer + to->start + to->length, bytes, taken);
        to->length += taken;
        if (!to->armed && taken > 0) {
            struct epoll_event event = {.events = EPOLLOUT, .data.u64 = stream};
            if (epoll_ctl(poller, EPOLL_CTL_ADD, to->fd, &event) == 0) {
                to->armed = true;
            } else {
                to->length -= taken;
                taken = 0;
            }
        }
    }
    pthread_mutex_unlock(&to->lock);
    return (int64_t)taken;
}

int32_t hc_stream_finish(hc_stream stream) {
    slot *to = lock_stream(stream);
    if (to == NULL) return -1;
    if (to->writer) {
        to->finishing = true;
        if (to->length == 0) retire(to, (uint32_t)stream - 1, HC_STREAM_DRAINED);
    }
    pthread_mutex_unlock(&to->lock);
    return 0;
}

void hc_stream_close(hc_stream stream) {
    slot *ended = lock_stream(stream);
    if (ended == NULL) return;
    retire(ended, (uint32_t)stream - 1, ended->writer ? HC_STREAM_BROKEN : HC_STREAM_END);
    pthread_mutex_unlock(&ended->lock);
}

int32_t hc_stream_is_open(hc_stream stream) {
    slot *found = lock_stream(stream);
    if (found == NULL) return 0;
    pthread_mutex_unlock(&found->lock);
    return 1;
}

void hc_handle_close(hc_handle handle) {
    if (handle != 0) close((int)handle);
}

#endif
