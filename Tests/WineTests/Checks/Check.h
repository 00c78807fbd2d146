// One line per check, and what the checks share.
#ifndef WINDLASS_WINE_CHECK_H
#define WINDLASS_WINE_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

#include "Control.h"
#include "HostCompute.h"
#include "HostComputeStreams.h"

/// Prints one line and counts it.
bool check(bool good, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
#define CHECK(condition, ...) check(condition, __FILE__, __LINE__, __VA_ARGS__)

// The library under test and the one that answers it; set before the first section.
extern const HostComputeTable *table;
extern const service_control *service;

/// What has been handed out since, and is still out. Comparable between two moments.
typedef struct balance {
    long memory, handles;
    service_counts counts;
} balance;
balance balance_now(void);
/// Checks that since `before` everything has been given back, once, by the right way.
void check_balance(balance before, const char *section);

// Ledger.c: every allocation of CHostCompute and every handle it closes passes through here.
/// Has the allocation fail that comes after `count` more, on this thread; negative lets all succeed.
void fail_allocation_after(int count);
/// How many allocations this thread has made.
long allocations_made(void);
void handle_given(void *handle);
/// How often a handle has been closed that was not open, and memory freed that was not allocated.
long bad_closes(void);
long bad_frees(void);
/// Pipe handles that were handed out and are open.
long handles_out(void);
long memory_out(void);

// Strict.c: what Windows refuses and Wine grants.
/// From now on no handle can be peeked: ERROR_INVALID_FUNCTION, as of what is no pipe. [inf]
void refuse_peeks(bool refused);
/// Access to this path is denied; NULL for none. The text must live as long.
void deny_path(const WCHAR *path);
/// The beginning of the path that was last asked for.
const WCHAR *path_asked_for(void);

// Waiting: for what another thread changes under `check_lock`; false after half a minute, which is a failure.
extern CRITICAL_SECTION check_lock;
extern CONDITION_VARIABLE check_changed;
bool await(bool (*condition)(void *context), void *context);

hc_text text_of(const char *text);
bool utf16_equals(const HcsChar *text, const char *ascii);
/// Starts a thread that must not fail to start.
HANDLE thread_start(DWORD(WINAPI *run)(LPVOID), void *parameter);
void thread_join(HANDLE thread);
/// The system `id`, created and running; its handle.
hc_handle running_system(const char *id);
/// Ends it and closes the handle.
void end_system(hc_handle system);

// Sections.
void section_loading_absent(void);
void section_loading(void);
void section_lacking(void);
void section_text(void);
void section_guids(void);
void section_answers(void);
void section_missing_exports(void);
void section_refused_texts(void);
void section_folding(void);
void section_memory(void);
void section_states(void);
void section_notifications(void);
void section_races(void);
void section_readers(void);
void section_shared_pipes(void);
void section_writers(void);
void section_many_streams(void);
void section_processes(void);
void section_odd_pipes(void);
void section_grandchildren(void);
void section_stops(void);

#endif
