#define _GNU_SOURCE
#include "CLinuxContainers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int start(pid_t *pid, const char *const *arguments, const char *const *environment, int stream) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int fd = 0; fd < 3; fd++) posix_spawn_file_actions_adddup2(&actions, stream, fd);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int error = posix_spawn(pid, arguments[0], &actions, &attributes, (char *const *)arguments,
                            (char *const *)environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

int lc_run(const char *const *arguments, const char *const *environment, const void *input, size_t input_length,
           void *output, size_t size, size_t *output_length, int timeout_ms) {
    *output_length = 0;
    int streams[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, streams) != 0) return -errno;
    pid_t pid;
    int error = start(&pid, arguments, environment, streams[1]);
    close(streams[1]);
    if (error != 0) {
        close(streams[0]);
        return -error;
    }
    int pidfd = lc_pidfd_open(pid);
    fcntl(streams[0], F_SETFL, O_NONBLOCK);
    int64_t deadline = now_ms() + timeout_ms;
    const char *rest = input;
    char spare[4096];
    int reading = 1, writing = 1, ended = 0;
    // It ends with the program, and not with its output: what the program leaves behind may hold that open for ever.
    while (!ended) {
        if (writing && input_length == 0) {
            shutdown(streams[0], SHUT_WR);
            writing = 0;
        }
        struct pollfd fds[2] = {
            {.fd = reading || writing ? streams[0] : -1, .events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)},
            {.fd = pidfd, .events = POLLIN},
        };
        int64_t left = deadline - now_ms();
        if (left <= 0) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
            error = ETIMEDOUT;
            break;
        }
        if (poll(fds, 2, (int)(left > 1000 || pidfd < 0 ? (left < 50 ? left : 50) : left)) < 0 && errno != EINTR) break;
        ended = pidfd >= 0 && fds[1].revents != 0;
        if (pidfd < 0) {
            siginfo_t info = {0};
            ended = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
        }
        if (writing && (fds[0].revents & (POLLOUT | POLLERR | POLLHUP))) {
            ssize_t count = send(streams[0], rest, input_length, MSG_NOSIGNAL);
            if (count > 0) {
                rest += count;
                input_length -= (size_t)count;
            } else if (errno != EAGAIN && errno != EINTR) {
                writing = 0;
            }
        }
        while (reading) {
            size_t room = size - *output_length;
            ssize_t count = room > 0 ? recv(streams[0], (char *)output + *output_length, room, 0)
                                     : recv(streams[0], spare, sizeof spare, 0);
            if (count > 0 && room > 0) *output_length += (size_t)count;
            if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) reading = 0;
            if (count < 0) break;
        }
    }
    close(streams[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    if (pidfd >= 0) close(pidfd);
    return error != 0 ? -error : status;
}
