// What Linux offers and Swift's module of the C library leaves out: GNU extensions, and macros that are no constants.
//
// A function that can fail returns -1 and sets errno.

#ifndef CLINUX_H
#define CLINUX_H

#include <malloc.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// Files.

/// O_PATH: opens a place in the file system and not what is there.
extern const int linux_path_only;

/// Makes a pipe whose ends are close-on-exec: ends[0] to read, ends[1] to write.
int linux_pipe(int ends[2]);

/// Removes an empty folder by its name in the folder `parent`.
int linux_remove_folder(int parent, const char *name);

/// Unlocks the terminal that belongs to the master of /dev/ptmx. Returns its number in /dev/pts.
int linux_unlock_terminal(int master);

// Programs that are started.

/// Makes the attributes of a program that begins a session of its own, with no signal blocked and none ignored. The
/// caller destroys them.
int linux_own_session(posix_spawnattr_t *attributes);

// Processes that end.

/// A descriptor that becomes readable when the process exits.
int linux_process_descriptor(pid_t process);

/// An epoll descriptor.
int linux_watch_open(void);

/// Watches a descriptor until it is readable. It is reported under `number`.
int linux_watch_add(int watch, int descriptor, uint64_t number);

int linux_watch_remove(int watch, int descriptor);

/// Waits without limit for descriptors that are readable. Returns how many, at most `capacity`, and stores their numbers.
int linux_watch_wait(int watch, uint64_t *numbers, int capacity);

// Unix sockets, with descriptors beside the bytes.

enum { LINUX_MOST_DESCRIPTORS = 3 };

/// Sends without waiting, and without SIGPIPE, what there is room for. The descriptors, at most LINUX_MOST_DESCRIPTORS, go
/// with the first byte.
ssize_t linux_send(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count);

/// Receives bytes, and stores up to LINUX_MOST_DESCRIPTORS descriptors, close-on-exec, which then belong to the caller.
ssize_t linux_receive(int socket, void *bytes, size_t count, int *descriptors, int *descriptor_count);

/// The process at the other end, and its user. For a client it is the process that made the service's socket.
int linux_peer(int socket, pid_t *process, uid_t *user);

/// Whether the other end has closed. What it sent before may still wait to be read.
bool linux_has_lost_peer(int socket);

#endif
