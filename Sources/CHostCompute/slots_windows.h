// The table of streams that streams_windows.c works on.
#ifndef WINDLASS_SLOTS_WINDOWS_H
#define WINDLASS_SLOTS_WINDOWS_H

#define WIN32_LEAN_AND_MEAN
#include <stdbool.h>
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
    bool held;  // a reader whose bytes are not wanted for now
    // For a handle whose completions the port cannot receive: the event of a completion, and the wait for it.
    HANDLE event, wait;
    uint8_t *input;  // a reader's buffer, where what there is to read can't be asked for
    uint8_t *flying;  // a writer's bytes that the system is writing
    size_t flying_length, flying_written;
    uint8_t *waiting;  // and those that come after them
    size_t waiting_length;
} slot;

/// Where the reactor's thread learns of everything.
extern HANDLE slots_port;
/// What it learns of: `key_look` and `key_turn` come with the index of a slot and the number of a stream in place of
/// the pointer.
enum { key_stream = 1, key_drain = 2, key_turn = 3, key_look = 4 };

/// The most that one read brings.
enum { read_size = 64 * 1024 };

/// Before any other function. False, with the system's error, where there is no port.
bool slots_start(void);
/// A slot that holds nothing; NULL where there is no room. Not locked.
slot *slot_take(void);
/// Frees a slot whose handle is closed and which has no operation outstanding; it is locked.
void slot_free(slot *ended);
/// The number of the stream that is in a slot.
hc_stream slot_number(const slot *of);
/// The slot of a stream, locked; NULL where the stream has ended.
slot *slot_lock(hc_stream stream);
/// The slot at an index; NULL where there is none. Not locked.
slot *slot_at(uint32_t index);
/// The slot that an OVERLAPPED is part of; NULL where it is not ours. Reads nothing through the pointer.
slot *slot_of(const OVERLAPPED *overlapped);

/// Has the completions of the slot's handle come to the port, with `key_stream` or `key_look`. Returns 0 or the
/// system's error.
DWORD slot_bind(slot *to);

/// Before any read. False, with the system's error, where there is no room.
bool reads_start(void);
/// Reads `size` bytes that have been seen in a pipe, without waiting for them longer than a moment: *got is 0 where
/// they are gone. *bytes lives until the next call. Only on the reactor's thread. False where the stream has ended.
bool read_seen(HANDLE from, DWORD size, const uint8_t **bytes, DWORD *got);

#endif
