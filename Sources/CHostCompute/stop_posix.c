// Where programs are asked to stop by signals.
#if !defined(_WIN32)

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "HostStop.h"

static int signal_pipe[2];
static hc_stop_callback tell;

// Runs in a signal handler, so it only writes. If the pipe is full, enough requests are waiting already.
static void take(int signal) {
    int error = errno;
    unsigned char byte = (unsigned char)signal;
    ssize_t written = write(signal_pipe[1], &byte, 1);
    (void)written;
    errno = error;
}

static void *tell_requests(void *unused) {
    (void)unused;
    for (;;) {
        unsigned char byte;
        ssize_t got = read(signal_pipe[0], &byte, 1);
        if (got == 1) tell(byte == SIGINT ? HC_STOP_INTERRUPT : HC_STOP_TERMINATE);
        else if (got == 0 || errno != EINTR) return NULL;
    }
}

// The thread is made now, because the system may have none to give when a request comes.
static int start_telling(void) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, NULL, tell_requests, NULL);
    if (error == 0) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int32_t hc_stop_listen(hc_stop_callback callback, hc_stop_source *source) {
    *source = HC_STOP_BY_SIGNALS;
    tell = callback;
    if (pipe2(signal_pipe, O_CLOEXEC) != 0) return errno;
    fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
    int error = start_telling();
    if (error != 0) return error;
    struct sigaction action = {.sa_handler = take, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGINT, &action, NULL) != 0) return errno;
    return 0;
}

void hc_stop_finished(uint32_t code) {
    (void)code;
}

int32_t hc_append_output(hc_text path) {
    char buffer[PATH_MAX];
    if (path.length >= sizeof buffer) return ENAMETOOLONG;
    memcpy(buffer, path.bytes, path.length);
    buffer[path.length] = 0;
    int file = open(buffer, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (file < 0) return errno;
    int error = dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0 ? errno : 0;
    close(file);
    return error;
}

#endif
