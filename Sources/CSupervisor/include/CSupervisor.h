#pragma once

#include <stddef.h>
#include <stdint.h>

// What windlass-supervisor and a driver have in common: the frames of its socket and the files in its bundle.
//
// One supervisor keeps one container: its init and its execs. It outlives the worker. A later worker, also a newer one,
// opens the same socket and goes on.
//
// Command line (every DIR and PATH is absolute):
//
//   windlass-supervisor --bundle DIR --id ID --runtime PATH --root DIR
//     [--cgroup DIR]...         folders in mounted cgroup hierarchies that the supervisor moves itself into; made if
//                               missing; never removed
//     [--memory-events PATH]    the container's memory.events (v2) or memory.oom_control (v1), which has `oom_kill N`
//     [--start WAY]             `fifo-read` (runc) or `fifo-write` (crun) opens exec.fifo and falls back to the
//                               command; `command` (default) runs `RUNTIME start`. The driver chooses by version.
//     [--terminal] [--stdin] [--lossless] [--spool-limit BYTES]   of init; 65536 to 1 GiB, default 1 MiB
//     [--runtime-argument X]... before the runtime's subcommand, such as --systemd-cgroup
//
// It ends with 0 once the supervisor runs in the background and its socket listens, and with another code and one line
// on stderr if that failed; then nothing is left but the folder `processes`. If it was killed, the socket shows whether
// there is a supervisor. `RUNTIME create` runs after that: whether
// it worked is in the PROCESS frames of WATCH, and in init.spool. If it failed, the supervisor ends as soon as that is
// recorded and sent to the connections that watch.
//
// Files in the bundle:
//
//   config.json               the driver's, complete before the supervisor starts
//   supervisor.sock           the socket, SOCK_SEQPACKET, mode 0600, peers of the same user or root only. It is removed
//                             when the supervisor ends by itself. Where the path has over 107 bytes, connect to
//                             /proc/self/fd/N/supervisor.sock
//   supervisor.pid            "PID STARTTIME\n" of the supervisor (field 22 of /proc/PID/stat), before the create runs
//   processes/NAME.json       the OCI process of an exec, the driver's, complete before EXEC
//   processes/NAME.spool      what is known of the process, and its output. init's is init.spool. Mode 0600.
//   processes/NAME.log        what the runtime logged (its --log-format json), for the message after a failure
//   processes/NAME.pid        the runtime's --pid-file
//   processes/console.N       the console socket of process number N, while the runtime creates it

/// Of the frames and the spool file. A supervisor speaks one version; its HELLO_REPLY says which. A newer client speaks
/// that one.
#define SUPERVISOR_VERSION 1
#define SUPERVISOR_MAGIC 0x31534c57u

/// Bytes of a process name with its final zero: A-Z a-z 0-9 _ . - , beginning with a letter or a digit.
#define SUPERVISOR_NAME_SIZE 132
/// The most bytes of one INPUT, and of the chunks of one OUTPUT with their headers.
#define SUPERVISOR_DATA_SIZE 32768
/// Processes that a supervisor keeps, ended ones that were not forgotten included.
#define SUPERVISOR_PROCESSES 1024
/// Connections at a time. One more takes the place of the oldest that has not said HELLO, else of the oldest.
#define SUPERVISOR_CONNECTIONS 16

// One frame is one packet. Integers have the machine's byte order. Every frame has exactly the size of its struct, plus
// the data that INPUT and OUTPUT count. A frame that is wrong closes its connection. `process` is the number of a
// process: init is 0, an exec's is in the REPLY to EXEC and in its PROCESS frames; no number is used twice.
// `tag` is the client's choice and comes back in the answer. Every request has one answer, unless it says otherwise.

enum {
    // Requests. The first one of a connection is HELLO.
    SUPERVISOR_HELLO = 1,     // supervisor_hello -> HELLO_REPLY
    SUPERVISOR_WATCH = 2,     // supervisor_request -> REPLY, then PROCESS of each process, then one upon each change
    SUPERVISOR_START = 3,     // supervisor_request -> REPLY once init runs; again: 0 at once if it runs or has ended
    SUPERVISOR_EXEC = 4,      // supervisor_exec -> REPLY once it runs (value: its number) or failed
    SUPERVISOR_SIGNAL = 5,    // supervisor_signal -> REPLY; ESRCH: it has ended. CREATING: ends the runtime's command
    SUPERVISOR_RESIZE = 6,    // supervisor_resize -> REPLY; ENOTTY: it has no terminal
    SUPERVISOR_INPUT = 7,     // supervisor_input -> REPLY once all of it is in the pipe (value: the next offset)
    SUPERVISOR_READ = 8,      // supervisor_read -> OUTPUT
    SUPERVISOR_RELEASE = 9,   // supervisor_release -> REPLY
    SUPERVISOR_LOSSLESS = 10, // supervisor_lossless -> REPLY
    SUPERVISOR_FORGET = 11,   // supervisor_request_process -> REPLY; of an ended or failed exec: removes its files
    SUPERVISOR_CLOSE = 12,    // supervisor_request -> REPLY, then the supervisor ends; EBUSY: init has not ended

    // Answers and notices.
    SUPERVISOR_HELLO_REPLY = 33,
    SUPERVISOR_REPLY = 34,
    SUPERVISOR_PROCESS = 35,  // tag 0
    SUPERVISOR_OUTPUT = 36,
};

/// Where a process is in its life. The numbers only grow.
enum {
    SUPERVISOR_CREATING = 1, ///< the runtime's create or exec runs
    SUPERVISOR_CREATED = 2,  ///< init only: waits for START
    SUPERVISOR_RUNNING = 3,
    SUPERVISOR_EXITED = 4,   ///< and all that it had written is in the spool
    SUPERVISOR_FAILED = 5,   ///< it never came to be; NAME.log says why
};

/// Flags of a process, in `flags` of EXEC (the first three) and of a process's facts.
enum {
    SUPERVISOR_TERMINAL = 1,       ///< a terminal: one stream, stdout
    SUPERVISOR_STDIN = 2,          ///< EXEC: give it an input. Facts: the input is open.
    SUPERVISOR_KEEP_OUTPUT = 4,    ///< lossless: a full spool stops the reading of the pipes, nothing is dropped
    SUPERVISOR_STDOUT_ENDED = 8,   ///< the stream's end is in the spool
    SUPERVISOR_STDERR_ENDED = 16,
    SUPERVISOR_OOM = 32,           ///< ended by SIGKILL, and there were out-of-memory kills since the last exit
    SUPERVISOR_UNRECORDED = 64,    ///< the exit could not be written to the disk yet; it is tried again every second
};

struct supervisor_request { uint32_t type, tag; };
struct supervisor_request_process { uint32_t type, tag, process; };
struct supervisor_hello { uint32_t type, tag, magic, version; };

/// Runs `RUNTIME exec --detach --process processes/NAME.json`. `terminal` in the JSON must be as in the flags. A name
/// that is known: EEXIST; forget that one first. Errors: EIO, the runtime refused (NAME.log); ENOENT; ESRCH, init has
/// ended or is not started; EAGAIN, SUPERVISOR_PROCESSES are kept. After EIO it is FAILED until it is forgotten.
/// Execs end before init where they share its pid namespace, except one that is CREATING when init ends: it fails, or
/// ends later.
struct supervisor_exec {
    uint32_t type, tag, flags, reserved;
    uint64_t spool_limit; ///< 0: the default
    char name[SUPERVISOR_NAME_SIZE]; ///< padded with zeros
    uint32_t reserved2;
};

struct supervisor_signal { uint32_t type, tag, process, signal; };
struct supervisor_resize { uint32_t type, tag, process; uint16_t rows, columns; };

/// Bytes for a process's input, then its end if `end` is 1. `offset` counts the bytes of its input from the start.
///
/// What was taken before is skipped, so a request may be repeated; a gap is EINVAL. The supervisor holds one INPUT for
/// each process until the pipe has taken it; before that another is EBUSY. Bytes that it holds count as taken and are
/// written also if the connection closes. EPIPE: the input has ended, by `end` or by the process. EAGAIN: its terminal
/// is not there yet. In every REPLY, failures included, `value` is the next offset. A terminal's end is typed (^D).
struct supervisor_input {
    uint32_t type, tag, process, end;
    uint64_t offset;
    uint32_t count, reserved;
    // `count` bytes, at most SUPERVISOR_DATA_SIZE
};

/// Asks for output from `offset` on: the place in the process's output, both streams counted together in the order in
/// which they were read.
///
/// With `wait` 1 the answer comes when there is output after `offset`, or both streams have ended there; else at once.
/// A connection has at most one waiting READ for each process: the next one replaces it, and only that is answered.
/// A client that goes on reading loses nothing: for 2 s after an answer or a READ a full spool makes the process wait.
/// `release` 1: releases what is before `offset` first. An offset after the end: REPLY EINVAL.
struct supervisor_read {
    uint32_t type, tag, process;
    uint32_t limit; ///< of the chunks with their headers; 16 to SUPERVISOR_DATA_SIZE
    uint64_t offset;
    uint8_t wait, release, reserved[6];
};

/// What is before `offset` may be removed from the spool. Another client that asks for it learns that it was dropped.
struct supervisor_release { uint32_t type, tag, process, reserved; uint64_t offset; };

/// With `keep` 1 nothing more is dropped from now on: a full spool stops the process that writes, also while no client
/// is connected, until room is released. With 0 the oldest bytes are dropped.
struct supervisor_lossless { uint32_t type, tag, process, keep; };

struct supervisor_hello_reply {
    uint32_t type, tag, version, pid;
    uint64_t start_time; ///< field 22 of /proc/PID/stat
};

/// `error` is 0 or an errno. ESRCH also: there is no such process. EINVAL: it cannot be asked of it, or not now.
struct supervisor_reply { uint32_t type, tag, error, process; uint64_t value; };

/// What is known of a process.
struct supervisor_process {
    uint32_t number, state, flags;
    uint32_t pid;            ///< as the host counts; 0: not known yet
    uint64_t start_time;     ///< field 22 of /proc/PID/stat
    uint32_t wait_status;    ///< as wait(2) gives it, valid with EXITED
    uint32_t oom_kills;      ///< of the container's cgroup at the exit
    int64_t exit_seconds;    ///< CLOCK_REALTIME
    uint32_t exit_nanoseconds, reserved;
    uint64_t output_start;   ///< offset of the first byte that the spool still has
    uint64_t output_end;     ///< offset after the last
    uint64_t exit_output;    ///< output before this offset was written before the exit; valid with EXITED
    uint64_t dropped;        ///< bytes that were removed without having been released
    uint64_t input_offset;   ///< bytes of input that were taken
    char name[SUPERVISOR_NAME_SIZE];
    uint32_t reserved2;
};

/// A process changed: its state, or that its exit was recorded. What changed twice before it could be sent comes once.
struct supervisor_process_frame { uint32_t type, tag; struct supervisor_process process; };

/// A piece of output, followed by `count` bytes: chunks, each a supervisor_chunk and its bytes, without padding.
struct supervisor_output {
    uint32_t type, tag, process;
    uint32_t flags;    ///< STDOUT_ENDED, STDERR_ENDED, if nothing of the stream comes after `next`
    uint64_t offset;   ///< of the first byte here; at least the one asked for
    uint64_t next;     ///< offset after the last byte here
    uint64_t dropped;  ///< how many bytes from the offset asked for to `offset` are gone
    uint32_t count, reserved;
};

/// The head of a chunk, in an OUTPUT and in a spool file. Its bytes follow.
struct supervisor_chunk {
    uint32_t stream; ///< 1 stdout, 2 stderr
    uint32_t length;
    uint64_t offset; ///< of its first byte
};

/// The first SUPERVISOR_SPOOL_START bytes of a spool file begin with this. Chunks follow one another from `start` to
/// `end`, places in the file; what is before `start` is a hole. The last chunk may be longer than `end` says: cut it.
/// The exit is recorded here with fdatasync before any connection hears of it. A host that lost power may keep less
/// output than `end` says.
struct supervisor_spool_header {
    uint32_t magic, version;
    uint64_t start, end;
    struct supervisor_process process;
};

#define SUPERVISOR_SPOOL_START 4096

/// Reads a spool file, also one whose supervisor has gone. Trusts nothing in it.
/// - Returns: 0, or an errno (EINVAL: it is no spool file of this version).
int supervisor_spool_header_read(int fd, struct supervisor_spool_header *header);

/// Reads chunks of output from `offset` on into `buffer`, as they follow an OUTPUT frame. `output` gets `offset`,
/// `next`, `dropped`, `count` and `flags`. Trusts nothing in the file.
/// - Parameter cursor: where the last read of this file ended; all zero at first. Speeds up reading in order.
/// - Returns: 0, or an errno (EINVAL: `offset` is after the end; EIO: the file is damaged there).
struct supervisor_spool_cursor { uint64_t offset, place; };
int supervisor_spool_read(int fd, const struct supervisor_spool_header *header, struct supervisor_spool_cursor *cursor,
                          uint64_t offset, void *buffer, size_t size, struct supervisor_output *output);

/// Whether a packet is a request of this version, complete and within its bounds.
int supervisor_request_is_valid(const void *packet, size_t size);
