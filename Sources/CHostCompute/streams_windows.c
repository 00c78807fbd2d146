// The reactor over an I/O completion port, for the overlapped pipe ends that HCS hands out.
//
// A reader always has a read of zero bytes outstanding: it completes when there is something to read and needs no
// buffer while there is not. What there is then gets read into the reactor's one buffer, so bytes come only from the
// reactor's thread; the slot's lock is held while the callback runs.
#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "HostComputeStreams.h"

// A stream lives in a slot; see streams_posix.c. A slot is used again only when no operation of it is outstanding,
// because the system writes to its OVERLAPPED until then.
typedef struct slot {
    CRITICAL_SECTION lock;
    OVERLAPPED overlapped;
    HANDLE handle;  // NULL in a closed slot
    uint64_t cookie;
    uint32_t generation;
    uint32_t index;
    uint32_t next_free;
    bool writer, finishing, outstanding, ended;
    uint8_t *flying;  // a writer's bytes that the system is writing
    size_t flying_length, flying_written;
    uint8_t *waiting;  // and those that come after them
    size_t waiting_length;
} slot;

enum { slots_in_chunk = 64, most_chunks = 16384, read_size = 64 * 1024 };

// A drain asks the reactor's thread and waits for its answer.
typedef struct drain_request {
    hc_stream stream;
    HANDLE done;
} drain_request;

enum { key_stream = 1, key_drain = 2, key_write = 3 };

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static CRITICAL_SECTION table_lock;
static slot *volatile chunks[most_chunks];
static uint32_t slots_made;
static uint32_t first_free = UINT32_MAX;

static HANDLE port;
static HANDLE read_event;
static DWORD start_error;
static hc_stream_callback tell;
static uint8_t buffer[read_size];

static slot *slot_at(uint32_t index) {
    slot *chunk = chunks[index / slots_in_chunk];
    return chunk == NULL ? NULL : &chunk[index % slots_in_chunk];
}

static slot *lock_stream(hc_stream stream) {
    uint32_t index = (uint32_t)stream - 1;
    if (stream == 0 || index >= (uint32_t)slots_in_chunk * most_chunks) return NULL;
    slot *found = slot_at(index);
    if (found == NULL) return NULL;
    EnterCriticalSection(&found->lock);
    if (found->generation != (uint32_t)(stream >> 32) || found->handle == NULL || found->ended) {
        LeaveCriticalSection(&found->lock);
        return NULL;
    }
    return found;
}

static uint32_t take_slot(void) {
    EnterCriticalSection(&table_lock);
    uint32_t index = first_free;
    if (index != UINT32_MAX) {
        first_free = slot_at(index)->next_free;
    } else if (slots_made < (uint32_t)slots_in_chunk * most_chunks) {
        bool room = true;
        if (slots_made % slots_in_chunk == 0) {
            slot *chunk = calloc(slots_in_chunk, sizeof(slot));
            room = chunk != NULL;
            if (room) {
                for (uint32_t each = 0; each < slots_in_chunk; each++) {
                    InitializeCriticalSection(&chunk[each].lock);
                    chunk[each].index = slots_made + each;
                }
                MemoryBarrier();
                chunks[slots_made / slots_in_chunk] = chunk;
            }
        }
        if (room) index = slots_made++;
    }
    LeaveCriticalSection(&table_lock);
    return index;
}

// Frees a slot whose handle is closed and which has no operation outstanding; it is locked.
static void free_slot(slot *ended) {
    free(ended->flying);
    free(ended->waiting);
    ended->flying = ended->waiting = NULL;
    ended->flying_length = ended->flying_written = ended->waiting_length = 0;
    ended->finishing = ended->ended = false;
    ended->generation++;
    EnterCriticalSection(&table_lock);
    ended->next_free = first_free;
    first_free = ended->index;
    LeaveCriticalSection(&table_lock);
}

// Closes the handle and tells `event` unless it is negative; the slot is locked. An outstanding operation keeps the
// slot until it completes, which closing the handle makes it do.
static void retire(slot *ended, int event) {
    ended->ended = true;
    if (ended->outstanding) CancelIoEx(ended->handle, &ended->overlapped);
    CloseHandle(ended->handle);
    ended->handle = NULL;
    if (event >= 0) tell(ended->cookie, (hc_stream_event)event, NULL, 0);
    if (!ended->outstanding) free_slot(ended);
}

// Has the system say when there is something to read; the slot is locked.
static void arm(slot *from) {
    memset(&from->overlapped, 0, sizeof from->overlapped);
    from->outstanding = true;
    DWORD unused = 0;
    if (!ReadFile(from->handle, buffer, 0, &unused, &from->overlapped) && GetLastError() != ERROR_IO_PENDING) {
        // ERROR_BROKEN_PIPE is the end; nothing more comes after any other error either.
        from->outstanding = false;
        retire(from, HC_STREAM_END);
    }
}

// Reads what there is, at most `limit` bytes; the slot is locked. False where the stream has ended.
static bool read_available(slot *from, size_t limit) {
    while (limit > 0) {
        DWORD available = 0, got = 0;
        if (!PeekNamedPipe(from->handle, NULL, 0, NULL, &available, NULL)) return false;
        if (available == 0) return true;
        // The low bit of the event keeps this read's completion from the port: it is waited for here, and as the bytes
        // are there, it does not wait.
        OVERLAPPED overlapped = {.hEvent = (HANDLE)((uintptr_t)read_event | 1)};
        DWORD size = available < read_size ? available : read_size;
        if (!ReadFile(from->handle, buffer, size, NULL, &overlapped) && GetLastError() != ERROR_IO_PENDING) return false;
        if (!GetOverlappedResult(from->handle, &overlapped, &got, TRUE)) return false;
        if (got > 0) tell(from->cookie, HC_STREAM_BYTES, buffer, got);
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
    memset(&to->overlapped, 0, sizeof to->overlapped);
    to->outstanding = true;
    DWORD length = (DWORD)(to->flying_length - to->flying_written);
    if (!WriteFile(to->handle, to->flying + to->flying_written, length, NULL, &to->overlapped) &&
        GetLastError() != ERROR_IO_PENDING) {
        to->outstanding = false;
        retire(to, HC_STREAM_BROKEN);
    }
}

static void completed(slot *ready, bool good, DWORD count) {
    EnterCriticalSection(&ready->lock);
    ready->outstanding = false;
    if (ready->ended) {
        free_slot(ready);
    } else if (ready->writer) {
        if (good) {
            ready->flying_written += count;
            write_next(ready);
        } else {
            retire(ready, HC_STREAM_BROKEN);
        }
    } else if (good && read_available(ready, read_size)) {
        arm(ready);
    } else {
        retire(ready, HC_STREAM_END);
    }
    LeaveCriticalSection(&ready->lock);
}

static void drain(hc_stream stream) {
    slot *from = lock_stream(stream);
    if (from == NULL) return;
    // One mebibyte is more than HCS's pipes hold, and keeps a writer that never pauses from holding the reactor. [inf]
    if (!from->writer && !read_available(from, 1024 * 1024)) retire(from, HC_STREAM_END);
    LeaveCriticalSection(&from->lock);
}

static DWORD WINAPI react(LPVOID unused) {
    (void)unused;
    for (;;) {
        DWORD count = 0;
        ULONG_PTR key = 0;
        OVERLAPPED *overlapped = NULL;
        BOOL good = GetQueuedCompletionStatus(port, &count, &key, &overlapped, INFINITE);
        if (overlapped == NULL) continue;
        switch (key) {
        case key_stream:
            completed(CONTAINING_RECORD(overlapped, slot, overlapped), good, count);
            break;
        case key_drain: {
            drain_request *request = (drain_request *)overlapped;
            drain(request->stream);
            SetEvent(request->done);
            break;
        }
        case key_write: {
            // The number travels in place of the pointer.
            slot *found = lock_stream((hc_stream)(uintptr_t)overlapped);
            if (found == NULL) break;
            if (!found->outstanding) write_next(found);
            LeaveCriticalSection(&found->lock);
            break;
        }
        }
    }
    return 0;
}

static BOOL CALLBACK start_once(PINIT_ONCE unused, PVOID parameter, PVOID *context) {
    (void)unused, (void)context;
    tell = *(hc_stream_callback *)parameter;
    InitializeCriticalSection(&table_lock);
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    read_event = CreateEventW(NULL, TRUE, FALSE, NULL);
    HANDLE thread = port == NULL || read_event == NULL ? NULL : CreateThread(NULL, 0, react, NULL, 0, NULL);
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

static int32_t adopt(hc_handle raw, uint64_t cookie, bool writer, hc_stream *stream) {
    HANDLE handle = (HANDLE)raw;
    *stream = 0;
    uint32_t index = take_slot();
    if (index == UINT32_MAX) {
        CloseHandle(handle);
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    slot *made = slot_at(index);
    EnterCriticalSection(&made->lock);
    made->handle = handle;
    made->cookie = cookie;
    made->writer = writer;
    hc_stream number = (uint64_t)made->generation << 32 | (index + 1);
    DWORD error = 0;
    if (CreateIoCompletionPort(handle, port, key_stream, 0) == NULL) {
        error = GetLastError();
        retire(made, -1);
    } else if (!writer) {
        // A pipe that has ended already tells its end from here.
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
    slot *from = lock_stream(stream);
    if (from == NULL) return;
    LeaveCriticalSection(&from->lock);
    drain_request request = {.stream = stream, .done = CreateEventW(NULL, TRUE, FALSE, NULL)};
    if (request.done == NULL) return;
    if (PostQueuedCompletionStatus(port, 0, key_drain, (OVERLAPPED *)&request))
        WaitForSingleObject(request.done, INFINITE);
    CloseHandle(request.done);
}

int64_t hc_stream_write(hc_stream stream, const uint8_t *bytes, size_t length) {
    slot *to = lock_stream(stream);
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
    if (taken > 0 && idle) PostQueuedCompletionStatus(port, 0, key_write, (OVERLAPPED *)(uintptr_t)stream);
    return taken;
}

int32_t hc_stream_finish(hc_stream stream) {
    slot *to = lock_stream(stream);
    if (to == NULL) return -1;
    to->finishing = true;
    LeaveCriticalSection(&to->lock);
    PostQueuedCompletionStatus(port, 0, key_write, (OVERLAPPED *)(uintptr_t)stream);
    return 0;
}

void hc_stream_close(hc_stream stream) {
    slot *ended = lock_stream(stream);
    if (ended == NULL) return;
    retire(ended, ended->writer ? HC_STREAM_BROKEN : HC_STREAM_END);
    LeaveCriticalSection(&ended->lock);
}

int32_t hc_stream_is_open(hc_stream stream) {
    slot *found = lock_stream(stream);
    if (found == NULL) return 0;
    LeaveCriticalSection(&found->lock);
    return 1;
}

void hc_handle_close(hc_handle handle) {
    if (handle != 0) CloseHandle((HANDLE)handle);
}

#endif
