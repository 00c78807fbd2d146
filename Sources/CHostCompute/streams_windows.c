// The reactor over an I/O completion port, for the overlapped pipe ends that HCS hands out.
//
// A reader always has a read of zero bytes outstanding: it completes when there is something to read and needs no
// buffer while there is not. What there is then gets read into one buffer of the reactor's, so bytes come only from the
// reactor's thread; the slot's lock is held while the callback runs.
//
// HcsGetProcessInfo hands out handles of the pipe objects that the process has had from its start, and an object can be
// bound to one completion port only, for its whole life: to the port of the worker that was there before. The streams
// of such an object have an event each instead, whose low bit keeps its completions from whatever port it is bound to.
#if defined(_WIN32)

#include "slots_windows.h"

#include <stdlib.h>
#include <string.h>

// NTSTATUS of a read that left a part of a message in the pipe: what it brought is data all the same.
enum { status_buffer_overflow = (int)0x80000005 };

// A drain asks the reactor's thread and waits for its answer.
typedef struct drain_request {
    hc_stream stream;
    HANDLE done;
} drain_request;

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static DWORD start_error;
static hc_stream_callback tell;

// Closes the handle and reports `event` unless it is negative. The slot is locked. An outstanding operation is
// cancelled and keeps the slot until it completes.
static void retire(slot *ended, int event) {
    ended->ended = true;
    if (ended->outstanding) CancelIoEx(ended->handle, &ended->overlapped);
    CloseHandle(ended->handle);
    ended->handle = NULL;
    if (event >= 0) tell(ended->cookie, (hc_stream_event)event, NULL, 0);
    if (!ended->outstanding) slot_free(ended);
}

// Makes the slot's OVERLAPPED ready for an operation.
static void prepare(slot *with) {
    memset(&with->overlapped, 0, sizeof with->overlapped);
    if (with->event != NULL) with->overlapped.hEvent = (HANDLE)((uintptr_t)with->event | 1);
    with->outstanding = true;
}

// Has the reactor's thread go on with a stream.
static void give_turn(hc_stream stream) { PostQueuedCompletionStatus(slots_port, 0, key_turn, (OVERLAPPED *)(uintptr_t)stream); }

// Starts a read of no bytes, which completes when there is something to read, or a real read where that is not
// possible. The slot is locked.
static void arm(slot *from) {
    static uint8_t none;
    prepare(from);
    DWORD size = from->input == NULL ? 0 : read_size;
    if (ReadFile(from->handle, from->input == NULL ? &none : from->input, size, NULL, &from->overlapped)) return;
    DWORD error = GetLastError();
    if (error == ERROR_IO_PENDING) return;
    // Whether a completion follows this answer is not the same everywhere; see `look`.
    if (error == ERROR_MORE_DATA && from->input != NULL) return;
    from->outstanding = false;
    if (error == ERROR_MORE_DATA) {
        give_turn(slot_number(from));
    } else {
        // ERROR_BROKEN_PIPE is the end; nothing more comes after any other error either.
        retire(from, HC_STREAM_END);
    }
}

// Reads what there is, at most `limit` bytes; the slot is locked. False where the stream has ended.
static bool read_available(slot *from, size_t limit) {
    while (limit > 0) {
        DWORD available = 0, got = 0;
        const uint8_t *bytes = NULL;
        if (!PeekNamedPipe(from->handle, NULL, 0, NULL, &available, NULL)) return false;
        if (available == 0) return true;
        if (!read_seen(from->handle, available < read_size ? available : read_size, &bytes, &got)) return false;
        if (got == 0) return true;
        if (!tell(from->cookie, HC_STREAM_BYTES, bytes, got)) from->held = true;
        limit = got < limit ? limit - got : 0;
    }
    return true;
}

// Starts the next write, or finishes; the slot is locked and nothing is outstanding. Only on the reactor's thread.
static void write_next(slot *to) {
    if (to->flying_written >= to->flying_length) {
        free(to->flying);
        to->flying = to->waiting;
        to->flying_length = to->waiting_length;
        to->flying_written = 0;
        to->waiting = NULL;
        to->waiting_length = 0;
    }
    if (to->flying_length == 0) {
        if (to->finishing) retire(to, HC_STREAM_DRAINED);
        return;
    }
    prepare(to);
    DWORD length = (DWORD)(to->flying_length - to->flying_written);
    if (!WriteFile(to->handle, to->flying + to->flying_written, length, NULL, &to->overlapped) &&
        GetLastError() != ERROR_IO_PENDING) {
        to->outstanding = false;
        retire(to, HC_STREAM_BROKEN);
    }
}

// Goes on after a read that brought `count` bytes; the slot is locked. Of a pipe, a read of none is no end: a program
// may write an empty message, and what comes behind it would be lost. HCS ends a stream by closing it. [inf]
static void read_next(slot *from, bool good, DWORD count) {
    bool more = good;
    if (more && from->input != NULL) {
        if (count > 0 && !tell(from->cookie, HC_STREAM_BYTES, from->input, count)) from->held = true;
        more = count > 0;
    } else if (more) {
        more = read_available(from, read_size);
    }
    if (!more) {
        retire(from, HC_STREAM_END);
    } else if (!from->held) {
        arm(from);
    }
}

// Takes the outcome of a slot's operation, if it is complete; the slot is locked. The operation itself is asked,
// because a completion may belong to an earlier operation, or to another process that has the same pipe. Returns false
// if the operation is not complete.
static bool look(slot *at) {
    if (!at->outstanding || !HasOverlappedIoCompleted(&at->overlapped)) return false;
    MemoryBarrier();
    LONG status = (LONG)at->overlapped.Internal;
    DWORD count = (DWORD)at->overlapped.InternalHigh;
    bool good = status >= 0 || (!at->writer && status == status_buffer_overflow);
    at->outstanding = false;
    if (at->ended) {
        slot_free(at);
    } else if (!at->writer) {
        read_next(at, good, count);
    } else if (good) {
        at->flying_written += count;
        write_next(at);
    } else {
        retire(at, HC_STREAM_BROKEN);
    }
    return true;
}

static void look_at(slot *at) {
    if (at == NULL) return;
    EnterCriticalSection(&at->lock);
    look(at);
    LeaveCriticalSection(&at->lock);
}

static void take_turn(hc_stream stream) {
    slot *found = slot_lock(stream);
    if (found == NULL) return;
    if (!found->outstanding && found->writer) write_next(found);
    else if (!found->outstanding && !found->held && found->input != NULL) arm(found);
    else if (!found->outstanding && !found->held) read_next(found, true, 0);
    LeaveCriticalSection(&found->lock);
}

static void drain(hc_stream stream) {
    // One mebibyte is more than HCS's pipes hold, and keeps a writer that never pauses from holding the reactor. [inf]
    size_t limit = 1024 * 1024;
    slot *from = slot_lock(stream);
    if (from == NULL) return;
    if (from->input != NULL) {
        while (limit > 0 && !from->ended && look(from)) limit -= read_size;
    } else if (!from->writer && !read_available(from, limit)) {
        retire(from, HC_STREAM_END);
    }
    LeaveCriticalSection(&from->lock);
}

static DWORD WINAPI react(LPVOID unused) {
    (void)unused;
    for (;;) {
        DWORD count = 0;
        ULONG_PTR key = 0;
        OVERLAPPED *overlapped = NULL;
        GetQueuedCompletionStatus(slots_port, &count, &key, &overlapped, INFINITE);
        if (key == key_look) look_at(slot_at((uint32_t)(uintptr_t)overlapped));
        if (overlapped == NULL) continue;
        switch (key) {
        case key_stream:
            look_at(slot_of(overlapped));
            break;
        case key_drain: {
            drain_request *request = (drain_request *)overlapped;
            drain(request->stream);
            SetEvent(request->done);
            break;
        }
        case key_turn:
            take_turn((hc_stream)(uintptr_t)overlapped);
            break;
        }
    }
    return 0;
}

static BOOL CALLBACK start_once(PINIT_ONCE unused, PVOID parameter, PVOID *context) {
    (void)unused, (void)context;
    tell = *(hc_stream_callback *)parameter;
    HANDLE thread = !slots_start() || !reads_start() ? NULL : CreateThread(NULL, 0, react, NULL, 0, NULL);
    if (thread == NULL) {
        start_error = GetLastError();
        if (start_error == 0) start_error = ERROR_NOT_ENOUGH_MEMORY;
    } else {
        CloseHandle(thread);
    }
    return TRUE;
}

int32_t hc_streams_start(hc_stream_callback callback) {
    InitOnceExecuteOnce(&once, start_once, &callback, NULL);
    return (int32_t)start_error;
}

// Whether PeekNamedPipe works on a handle. For a handle that is no pipe, Windows fails with ERROR_INVALID_FUNCTION
// [inf], Wine with ERROR_NOT_SUPPORTED.
static bool can_be_peeked(HANDLE handle) {
    if (PeekNamedPipe(handle, NULL, 0, NULL, NULL, NULL)) return true;
    DWORD error = GetLastError();
    return error != ERROR_INVALID_FUNCTION && error != ERROR_NOT_SUPPORTED;
}

static int32_t adopt(hc_handle raw, uint64_t cookie, bool writer, hc_stream *stream) {
    HANDLE handle = (HANDLE)raw;
    *stream = 0;
    slot *made = slot_take();
    if (made == NULL) {
        CloseHandle(handle);
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    EnterCriticalSection(&made->lock);
    made->handle = handle;
    made->cookie = cookie;
    made->writer = writer;
    hc_stream number = slot_number(made);
    DWORD error = slot_bind(made);
    // A handle that is no pipe cannot be peeked, and is read with a buffer of its own. [inf]
    if (error == 0 && !writer && !can_be_peeked(handle)) {
        made->input = malloc(read_size);
        if (made->input == NULL) error = ERROR_NOT_ENOUGH_MEMORY;
    }
    if (error != 0) {
        retire(made, -1);
    } else if (!writer) {
        // For a pipe that has ended already, this call reports the end.
        arm(made);
    }
    LeaveCriticalSection(&made->lock);
    if (error == 0) *stream = number;
    return (int32_t)error;
}

int32_t hc_stream_read(hc_handle handle, uint64_t cookie, hc_stream *stream) {
    return adopt(handle, cookie, false, stream);
}

int32_t hc_stream_open_writer(hc_handle handle, uint64_t cookie, hc_stream *stream) {
    return adopt(handle, cookie, true, stream);
}

void hc_stream_drain(hc_stream stream) {
    // Looked up first: a stream that has ended needs no round trip.
    slot *from = slot_lock(stream);
    if (from == NULL) return;
    LeaveCriticalSection(&from->lock);
    drain_request request = {.stream = stream, .done = CreateEventW(NULL, TRUE, FALSE, NULL)};
    if (request.done == NULL) return;
    if (PostQueuedCompletionStatus(slots_port, 0, key_drain, (OVERLAPPED *)&request))
        WaitForSingleObject(request.done, INFINITE);
    CloseHandle(request.done);
}

void hc_stream_resume(hc_stream stream) {
    slot *from = slot_lock(stream);
    if (from == NULL) return;
    bool due = from->held;
    from->held = false;
    LeaveCriticalSection(&from->lock);
    if (due) give_turn(stream);
}

int64_t hc_stream_write(hc_stream stream, const uint8_t *bytes, size_t length) {
    slot *to = slot_lock(stream);
    if (to == NULL) return -1;
    int64_t taken = -1;
    if (to->writer && !to->finishing) {
        size_t held = to->flying_length - to->flying_written + to->waiting_length;
        size_t room = held < HC_STREAM_BUFFER ? HC_STREAM_BUFFER - held : 0;
        size_t size = length < room ? length : room;
        taken = 0;
        uint8_t *larger = size == 0 ? NULL : realloc(to->waiting, to->waiting_length + size);
        if (larger != NULL) {
            memcpy(larger + to->waiting_length, bytes, size);
            to->waiting = larger;
            to->waiting_length += size;
            taken = (int64_t)size;
        }
    }
    bool idle = !to->outstanding;
    LeaveCriticalSection(&to->lock);
    if (taken > 0 && idle) give_turn(stream);
    return taken;
}

int32_t hc_stream_finish(hc_stream stream) {
    slot *to = slot_lock(stream);
    if (to == NULL) return -1;
    to->finishing = true;
    LeaveCriticalSection(&to->lock);
    give_turn(stream);
    return 0;
}

void hc_stream_close(hc_stream stream) {
    slot *ended = slot_lock(stream);
    if (ended == NULL) return;
    retire(ended, ended->writer ? HC_STREAM_BROKEN : HC_STREAM_END);
    LeaveCriticalSection(&ended->lock);
}

int32_t hc_stream_is_open(hc_stream stream) {
    slot *found = slot_lock(stream);
    if (found == NULL) return 0;
    LeaveCriticalSection(&found->lock);
    return 1;
}

void hc_handle_close(hc_handle handle) {
    if (handle != 0) CloseHandle((HANDLE)handle);
}

#endif
