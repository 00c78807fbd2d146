#define _GNU_SOURCE
#include "CLinuxContainers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// Numbers that older headers leave out.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/// The first version of struct pidfd_info of linux/pidfd.h, in which Linux 6.15 sets the exit code.
struct exit_info {
    uint64_t mask;
    uint8_t unused[52];
    int32_t exit_code;
};
_Static_assert(sizeof(struct exit_info) == 64, "PIDFD_GET_INFO has the size in its number");
#define GET_EXIT_INFO _IOWR(0xFF, 11, struct exit_info)
#define EXIT_INFO_EXIT (1u << 3)

static int failed(long result) { return result < 0 ? -errno : (int)result; }

int lc_pidfd_open(int32_t pid) { return failed(syscall(SYS_pidfd_open, pid, 0)); }

int lc_pidfd_signal(int pidfd, int signal) {
    return failed(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int lc_pidfd_status(int pidfd, int32_t *status) {
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) == 0) {
        if (info.si_pid == 0) return 0;
        *status = info.si_code == CLD_EXITED ? info.si_status << 8
                  : info.si_code == CLD_DUMPED ? info.si_status | 0x80
                                               : info.si_status;
        return 1;
    }
    struct exit_info exit = {.mask = EXIT_INFO_EXIT};
    if (ioctl(pidfd, GET_EXIT_INFO, &exit) != 0 || !(exit.mask & EXIT_INFO_EXIT)) return 0;
    *status = exit.exit_code;
    return 1;
}

int lc_become_subreaper(void) { return failed(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }

int lc_connect(const char *folder, const char *name) {
    int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -errno;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, name);
    int error = 0;
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection < 0) {
        error = errno;
    } else if (length < 0 || (size_t)length >= sizeof address.sun_path) {
        error = ENAMETOOLONG;
    } else if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        error = errno;
    }
    close(directory);
    if (error == 0) return connection;
    if (connection >= 0) close(connection);
    return -error;
}

ssize_t lc_send(int socket, const void *packet, size_t size) {
    ssize_t sent;
    do sent = send(socket, packet, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int lc_mount_overlay(const char *target, const char *options) {
    return failed(mount("overlay", target, "overlay", 0, options));
}

int lc_unmount(const char *target) {
    if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT) return 0;
    return -errno;
}
