// What the stream checks share: a recorder of events by cookie, pipes, and processes with their streams.
#ifndef WINDLASS_WINE_STREAMS_H
#define WINDLASS_WINE_STREAMS_H

#include "Check.h"

/// What has been told of one stream.
typedef struct record {
    uint8_t *bytes;
    size_t length, capacity;
    /// Last events, and the latest of them.
    uint32_t ends;
    hc_stream_event last;
    /// Events that came while another of the same stream was being told, or after its last one.
    uint32_t overlapping, after_end;
    volatile LONG inside;
    /// Bytes are not kept, only counted.
    bool counts_only;
    /// Taking bytes takes a while, so that a writer is always ahead of them.
    bool slow;
    /// From this length on the stream is stopped; 0 for never.
    size_t hold_at;
} record;

/// Starts the reactor the first time.
bool streams_start(void);
/// Opens and closes many: the reactor keeps the memory of its slots for good, and no section may be blamed for it.
void streams_warm(void);
/// Returns when the reactor has seen all that completed before, so that the slots of closed streams are free again.
void streams_catch_up(void);
/// A cookie that nobody else has, and its record.
uint64_t cookie_new(void);
record *record_of(uint64_t cookie);
bool record_equals(uint64_t cookie, const char *text);
/// Waits for the last event.
bool await_end(uint64_t cookie);
/// Waits until this much has been told.
bool await_length(uint64_t cookie, size_t length);
/// Checks that the last event came once, alone, and was this one.
void check_ended(uint64_t cookie, hc_stream_event expected, const char *what);

/// An overlapped pipe end as HCS hands it out, entered in the ledger, and the other one; `client_end` says which.
void pipe_pair(bool we_write, bool client_end, HANDLE *ours, HANDLE *theirs);
size_t write_all(HANDLE to, const void *bytes, size_t length);

/// A process and its streams.
typedef struct running {
    hc_handle process, callback;
    uint32_t pid;
    hc_stream in, out, error;
    uint64_t in_cookie, out_cookie, error_cookie;
    volatile LONG exits;
} running;

enum { with_in = 1, with_out = 2, with_error = 4 };

/// Starts `command` in `system` with these streams; checks that it can be.
running *process_run(hc_handle system, const char *command, unsigned streams);
/// The command line of this program's own child, with arguments.
const char *child_command(const char *arguments);
bool await_exit(running *process);
/// The exit code that HCS tells; UINT32_MAX where it tells none.
uint32_t exit_code(running *process);
/// Closes all that is open of it.
void process_release(running *process);

#endif
