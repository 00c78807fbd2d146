#pragma once

// Calls of Linux that Swift cannot make: those without a function in the C library, those with variable arguments, and
// those that need a thread of their own. Every function returns a negative errno where it fails.

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/types.h>

/// A descriptor of the process; the caller closes it.
int lc_pidfd_open(int32_t pid);
int lc_pidfd_signal(int pidfd, int signal);

/// The wait status of a process that has ended: as its parent, which reaps it, or by PIDFD_GET_INFO (Linux 6.15), where
/// `pidfd` was opened before it was reaped.
/// - Returns: 1 with `status` set; 0 where it runs, or its status cannot be known.
int lc_pidfd_status(int pidfd, int32_t *status);

/// Orphans below this process become its children, and not those of process 1.
int lc_become_subreaper(void);

/// Connects to the SOCK_SEQPACKET socket `name` in `folder`, whose path may be of any length. Close-on-exec, non-blocking.
int lc_connect(const char *folder, const char *name);

/// Sends one packet without SIGPIPE and without blocking.
ssize_t lc_send(int socket, const void *packet, size_t size);

/// Makes a network namespace with its loopback device up, and mounts it at `path`, a file that is made.
int lc_make_network_namespace(const char *path);
/// Removes it. What is gone already is no failure.
int lc_remove_network_namespace(const char *path);

/// Mounts an overlay at `target`.
int lc_mount_overlay(const char *target, const char *options);
/// Unmounts whatever is at `target`, at once or as soon as its last user ends. What is not mounted is no failure.
int lc_unmount(const char *target);

/// Runs a program and waits for it: stdin from `input`, stdout and stderr into `output`, at most `size` bytes of it, the
/// environment `environment`. Every other descriptor is closed. Killed after `timeout_ms`.
/// - Returns: its wait status, and the number of bytes in `output_length`.
int lc_run(const char *const *arguments, const char *const *environment, const void *input, size_t input_length,
           void *output, size_t size, size_t *output_length, int timeout_ms);
