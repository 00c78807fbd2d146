#pragma once

#include "CSupervisor.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

// One thread, one loop. Nothing here blocks except the disk.

/// A descriptor in the loop. `ready` may free it: the loop takes one event at a time.
struct source {
    int fd; ///< -1: none
    uint32_t events;
    void (*ready)(void *owner, uint32_t events);
    void *owner;
};

/// What the command line says.
struct settings {
    const char *bundle, *id, *runtime, *root, *memory_events, *start;
    const char *runtime_arguments[16];
    const char *cgroups[16];
    size_t runtime_argument_count, cgroup_count;
    uint64_t spool_limit;
    uint32_t flags; ///< of init
};

/// The writer of a spool file. Places are places in the file.
struct spool {
    int fd;
    bool has_no_holes;        ///< the file system cannot free the beginning of a file
    uint64_t limit;
    uint64_t start, end;      ///< the chunks
    uint64_t freed;           ///< before this the file is a hole
    uint64_t reserved;        ///< up to here the disk has room for sure
    uint64_t released;        ///< offset
    uint64_t chunk_place;     ///< of the last chunk; valid if it is at or after `start`
    struct supervisor_chunk chunk;
    bool is_changed;          ///< the header on the disk is behind
    struct supervisor_spool_cursor cursor;
};

struct client;

/// A request whose answer comes later. `client` is nil if there is none, or if its connection was closed.
struct asker { struct client *client; uint32_t tag; };

/// Input that the pipe has not taken yet.
struct held_input { unsigned char *bytes; size_t count, written; bool end; };

struct process {
    struct process *next;
    struct supervisor_process facts;
    struct spool spool;
    struct source input, output, error; ///< error is unused with a terminal, output is its master
    struct source console;              ///< listens for the terminal
    int child[3];                       ///< the process's ends of its pipes until the runtime has them
    pid_t command;                      ///< the runtime's create, exec or start that is under way, or 0
    int pidfd;
    bool is_reaped, is_settled, is_stalled;
    int64_t read_at;                    ///< when a client asked for output, or was given it, last; 0: never
    uint64_t changed;                   ///< when it was announced last, as a count of announcements
    struct held_input held;
    struct asker asker, input_asker;    ///< of EXEC or START, and of INPUT
};

extern struct settings settings;
extern struct rlimit original_files; ///< the container gets what the supervisor was given
extern struct process *processes; ///< init is the first
extern uint64_t announcements;

// loop.c
void loop_open(void);
void loop_run(void);
void source_watch(struct source *source, uint32_t events);
void source_close(struct source *source);
int64_t now_milliseconds(void);
/// Has the loop call `tick` in at most so many milliseconds.
void tick_within(int milliseconds);

// spool.c
int spool_open(struct process *process, uint64_t limit);
/// How many bytes of output may be read now, at most `wanted`; 0: none until something is released.
size_t spool_room(struct process *process, size_t wanted, bool beyond_limit);
/// `bytes` has room for a chunk's head before it.
void spool_append(struct process *process, uint32_t stream, unsigned char *bytes, size_t count);
void spool_release(struct process *process, uint64_t offset);
struct supervisor_spool_header spool_header(const struct process *process);
/// Brings the header to the disk's cache, and with `sync` to the disk.
int spool_save(struct process *process, bool sync);

// streams.c
int streams_open(struct process *process);
void streams_close_child(struct process *process);
void streams_close(struct process *process);
void streams_receive_terminal(struct process *process);
/// Reads all that is in the pipes now. False: there is no room for it.
bool streams_drain(struct process *process);
/// Reads again what was not read for want of room.
void streams_continue(struct process *process);
/// Takes input, or says why not with an errno.
int input_take(struct process *process, uint64_t offset, const unsigned char *bytes, size_t count, bool end);
/// Writes what was taken, as far as it goes. The answer goes to `input_asker`.
void input_write(struct process *process);
void input_close(struct process *process);

// runtime.c
int runtime_create(struct process *process);
int runtime_exec(struct process *process);
void runtime_start(struct process *process);
/// The start goes no further: init has ended.
void runtime_start_end(struct process *process);
/// The command that was under way ended.
void runtime_command_ended(struct process *process, int status);
void runtime_tick(void);
/// Ends what is still there when the supervisor ends.
void runtime_kill_children(void);

// process.c
struct process *process_add(const char *name, uint32_t flags);
void process_remove(struct process *process);
struct process *process_find(uint32_t number);
struct process *process_named(const char *name);
/// Path of one of its files in the bundle.
const char *process_path(const struct process *process, const char *suffix);
/// Field 22 and the parent in /proc/PID/stat.
bool process_start_time(pid_t pid, uint64_t *start_time, pid_t *parent);
/// Takes the process id from the pid file. False: there is none that is our child.
bool process_learn(struct process *process);
void process_failed(struct process *process);
void process_announce(struct process *process, uint32_t state);
void process_settle(struct process *process);
void processes_reap(void);
void processes_tick(void);

// client.c
void clients_open(int listener);
void clients_tick(void);
/// Sends what is due.
void clients_pump(void);
void client_answer(struct asker *asker, int error, const struct process *process, uint64_t value);
void clients_forget(const struct process *process);
/// Sends what can be sent at once, and ends the supervisor with all that is left of its children.
_Noreturn void supervisor_end(void);

/// Large enough for every packet, and for a chunk with its head.
#define BUFFER_SIZE (sizeof(struct supervisor_output) + SUPERVISOR_DATA_SIZE)
extern unsigned char buffer[BUFFER_SIZE];
