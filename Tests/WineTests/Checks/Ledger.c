// The ledger: every allocation of CHostCompute, and every handle that it closes.
//
// The linker sends malloc, calloc, realloc, free and CloseHandle here (--wrap). A block carries its state in front of
// it and is kept for a while after it was freed, so that a second free is seen and a use after it reads rubbish.
#include <stdlib.h>
#include <string.h>

#include "Check.h"

void *__real_malloc(size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

typedef struct block_head {
    uint64_t state;
    uint64_t size;
} block_head;

static const uint64_t block_live = 0x4C49564557494E44, block_dead = 0xDEADDEADDEADDEAD;

static LONG blocks_out, frees_bad, closes_bad;

// A thread's own numbers, in slots of the system: the compiler's thread-local variables are allocated with malloc.
// The first holds how many allocations are let through, plus one; 0 lets all of them.
static DWORD failing_slot(void) {
    static volatile LONG slot = -1;
    if (slot == -1) InterlockedCompareExchange(&slot, (LONG)TlsAlloc(), -1);
    return (DWORD)slot;
}
static DWORD made_slot(void) {
    static volatile LONG slot = -1;
    if (slot == -1) InterlockedCompareExchange(&slot, (LONG)TlsAlloc(), -1);
    return (DWORD)slot;
}
static intptr_t number_in(DWORD slot) { return (intptr_t)TlsGetValue(slot); }
static void set_number(DWORD slot, intptr_t number) { TlsSetValue(slot, (void *)number); }

// Freed blocks, kept; the oldest goes when another comes.
enum { kept_blocks = 256 };
static block_head *volatile kept[kept_blocks];
static LONG kept_at;

void fail_allocation_after(int count) { set_number(failing_slot(), count < 0 ? 0 : count + 1); }
long allocations_made(void) { return (long)number_in(made_slot()); }
long memory_out(void) { return blocks_out; }
long bad_frees(void) { return frees_bad; }
long bad_closes(void) { return closes_bad; }

void *__wrap_malloc(size_t size) {
    // TlsGetValue clears the last error, which the caller may still want.
    DWORD error = GetLastError();
    intptr_t failing = number_in(failing_slot());
    if (failing == 1) return NULL;
    if (failing > 1) set_number(failing_slot(), failing - 1);
    set_number(made_slot(), number_in(made_slot()) + 1);
    SetLastError(error);
    block_head *head = __real_malloc(sizeof *head + size);
    if (head == NULL) return NULL;
    *head = (block_head){.state = block_live, .size = size};
    // Rubbish, so that what relies on zeroes is seen.
    memset(head + 1, 0xA5, size);
    InterlockedIncrement(&blocks_out);
    return head + 1;
}

void *__wrap_calloc(size_t count, size_t size) {
    void *made = __wrap_malloc(count * size);
    if (made != NULL) memset(made, 0, count * size);
    return made;
}

void __wrap_free(void *block) {
    if (block == NULL) return;
    block_head *head = (block_head *)block - 1;
    if (head->state != block_live) {
        InterlockedIncrement(&frees_bad);
        return;
    }
    head->state = block_dead;
    memset(block, 0xDD, head->size);
    InterlockedDecrement(&blocks_out);
    LONG at = InterlockedIncrement(&kept_at) % kept_blocks;
    __real_free(InterlockedExchangePointer((void *volatile *)&kept[at < 0 ? -at : at], head));
}

void *__wrap_realloc(void *block, size_t size) {
    void *made = __wrap_malloc(size);
    if (made == NULL || block == NULL) return made;
    const block_head *head = (block_head *)block - 1;
    if (head->state != block_live) {
        InterlockedIncrement(&frees_bad);
        return made;
    }
    memcpy(made, block, head->size < size ? head->size : size);
    __wrap_free(block);
    return made;
}

// Handles: those that the service has handed out must each be closed once, by CHostCompute.

enum { most_given = 8192 };
static struct {
    HANDLE handle;
    bool open;
} given[most_given];
static uint32_t given_count;
static LONG given_open;
static CRITICAL_SECTION *given_lock;

static void lock_given(void) {
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    static CRITICAL_SECTION section;
    BOOL pending = FALSE;
    InitOnceBeginInitialize(&once, 0, &pending, NULL);
    if (pending) {
        InitializeCriticalSection(&section);
        given_lock = &section;
        InitOnceComplete(&once, 0, NULL);
    }
    EnterCriticalSection(given_lock);
}

void handle_given(void *handle) {
    lock_given();
    if (given_count < most_given) {
        given[given_count].handle = handle;
        given[given_count++].open = true;
        given_open++;
    }
    LeaveCriticalSection(given_lock);
}

long handles_out(void) { return given_open; }

extern BOOL(WINAPI *__real___imp_CloseHandle)(HANDLE handle);
extern BOOL(WINAPI *__wrap___imp_CloseHandle)(HANDLE handle);

static BOOL WINAPI close_handle(HANDLE handle) {
    // The latest of that number: numbers come again.
    lock_given();
    bool found = false;
    for (uint32_t each = given_count; each > 0 && !found; each--) {
        if (given[each - 1].handle != handle) continue;
        found = true;
        if (given[each - 1].open) given_open--;
        given[each - 1].open = false;
    }
    LeaveCriticalSection(given_lock);
    BOOL good = __real___imp_CloseHandle(handle);
    // Closing a handle twice closes another one that has got its number meanwhile, whose own close then fails.
    if (!good) InterlockedIncrement(&closes_bad);
    return good;
}

BOOL(WINAPI *__wrap___imp_CloseHandle)(HANDLE handle) = close_handle;
