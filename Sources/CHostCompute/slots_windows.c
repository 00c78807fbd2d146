// The table of streams: slots that never move and are used again.
#if defined(_WIN32)

#include "slots_windows.h"

#include <stdlib.h>

enum { slots_in_chunk = 64, most_chunks = 16384 };

static CRITICAL_SECTION table_lock;
static slot *volatile chunks[most_chunks];
static uint32_t slots_made;
static uint32_t first_free = UINT32_MAX;

HANDLE slots_port;

bool slots_start(void) {
    InitializeCriticalSection(&table_lock);
    slots_port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    return slots_port != NULL;
}

slot *slot_at(uint32_t index) {
    if (index >= (uint32_t)slots_in_chunk * most_chunks) return NULL;
    slot *chunk = chunks[index / slots_in_chunk];
    return chunk == NULL ? NULL : &chunk[index % slots_in_chunk];
}

slot *slot_of(const OVERLAPPED *overlapped) {
    uintptr_t at = (uintptr_t)overlapped - offsetof(slot, overlapped);
    for (uint32_t each = 0; each < most_chunks && chunks[each] != NULL; each++) {
        uintptr_t first = (uintptr_t)chunks[each];
        if (at < first || at - first >= slots_in_chunk * sizeof(slot)) continue;
        return (at - first) % sizeof(slot) == 0 ? (slot *)at : NULL;
    }
    return NULL;
}

hc_stream slot_number(const slot *of) { return (uint64_t)of->generation << 32 | (of->index + 1); }

slot *slot_lock(hc_stream stream) {
    slot *found = stream == 0 ? NULL : slot_at((uint32_t)stream - 1);
    if (found == NULL) return NULL;
    EnterCriticalSection(&found->lock);
    if (found->generation != (uint32_t)(stream >> 32) || found->handle == NULL || found->ended) {
        LeaveCriticalSection(&found->lock);
        return NULL;
    }
    return found;
}

slot *slot_take(void) {
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
    return index == UINT32_MAX ? NULL : slot_at(index);
}

void slot_free(slot *ended) {
    // The callback of the wait takes no lock, so this does not wait for long.
    if (ended->wait != NULL) UnregisterWaitEx(ended->wait, INVALID_HANDLE_VALUE);
    if (ended->event != NULL) CloseHandle(ended->event);
    ended->wait = ended->event = NULL;
    free(ended->input);
    free(ended->flying);
    free(ended->waiting);
    ended->input = ended->flying = ended->waiting = NULL;
    ended->flying_length = ended->flying_written = ended->waiting_length = 0;
    ended->finishing = ended->ended = ended->held = false;
    ended->generation++;
    EnterCriticalSection(&table_lock);
    ended->next_free = first_free;
    first_free = ended->index;
    LeaveCriticalSection(&table_lock);
}

#endif
