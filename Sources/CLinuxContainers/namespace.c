#define _GNU_SOURCE
#include "CLinuxContainers.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct work {
    const char *path;
    int error;
};

static int raise_loopback(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    struct ifreq request = {.ifr_flags = IFF_UP};
    strcpy(request.ifr_name, "lo");
    int error = ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
    close(fd);
    return error;
}

// Leaving a namespace is the thread's business alone, so the thread ends with it.
static void *make(void *argument) {
    struct work *work = argument;
    if (unshare(CLONE_NEWNET) != 0) {
        work->error = errno;
    } else if ((work->error = raise_loopback()) == 0) {
        if (mount("/proc/thread-self/ns/net", work->path, NULL, MS_BIND, NULL) != 0) work->error = errno;
    }
    return NULL;
}

int lc_make_network_namespace(const char *path) {
    int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0) return -errno;
    close(fd);
    struct work work = {.path = path};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, make, &work);
    if (error == 0) {
        pthread_join(thread, NULL);
        error = work.error;
    }
    if (error != 0) unlink(path);
    return -error;
}

int lc_remove_network_namespace(const char *path) {
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT) return -errno;
    if (unlink(path) != 0 && errno != ENOENT) return -errno;
    return 0;
}
