#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Files

const int linux_path_only = O_PATH;

int linux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int linux_remove_folder(int parent, const char *name) { return unlinkat(parent, name, AT_REMOVEDIR); }

int linux_unlock_terminal(int master) {
    int locked = 0;
    unsigned number = 0;
    if (ioctl(master, TIOCSPTLCK, &locked) != 0 || ioctl(master, TIOCGPTN, &number) != 0) return -1;
    return (int)number;
}

// Programs that are started

static int checked(int error) {
    if (error == 0) return 0;
    errno = error;
    return -1;
}

int linux_own_session(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (checked(posix_spawnattr_init(attributes)) != 0) return -1;
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    return checked(posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
}

// Processes that end

int linux_process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int linux_watch_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

int linux_watch_add(int watch, int descriptor, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    return epoll_ctl(watch, EPOLL_CTL_ADD, descriptor, &event);
}

int linux_watch_remove(int watch, int descriptor) { return epoll_ctl(watch, EPOLL_CTL_DEL, descriptor, NULL); }

int linux_watch_wait(int watch, uint64_t *numbers, int capacity) {
    struct epoll_event events[64];
    int most = capacity < 64 ? capacity : 64;
    int count = epoll_wait(watch, events, most, -1);
    for (int index = 0; index < count; index++) numbers[index] = events[index].data.u64;
    return count;
}

// Unix sockets

/// Room for the one control message that there can be, aligned for its header.
union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int) * LINUX_MOST_DESCRIPTORS)];
};

ssize_t linux_send(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count) {
    if (descriptor_count < 0 || descriptor_count > LINUX_MOST_DESCRIPTORS) return checked(EINVAL);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {0};
    if (descriptor_count > 0) {
        size_t size = sizeof(int) * (size_t)descriptor_count;
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(size);
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), descriptors, size);
    }
    ssize_t sent;
    do { sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL); } while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t linux_receive(int socket, void *bytes, size_t count, int *descriptors, int *descriptor_count) {
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    union control control = {0};
    // Not CMSG_SPACE, whose padding has room for one more descriptor. The kernel drops those that find none.
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
        .msg_controllen = CMSG_LEN(sizeof(int) * LINUX_MOST_DESCRIPTORS)};
    *descriptor_count = 0;
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return got;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return got;
    *descriptor_count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(descriptors, CMSG_DATA(header), sizeof(int) * (size_t)*descriptor_count);
    return got;
}

int linux_peer(int socket, pid_t *process, uid_t *user) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *process = peer.pid;
    *user = peer.uid;
    return 0;
}

bool linux_has_lost_peer(int socket) {
    struct pollfd query = {.fd = socket, .events = POLLRDHUP};
    return poll(&query, 1, 0) == 1;
}
