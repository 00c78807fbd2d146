// Where programs are asked to stop by signals.
#if !defined(_WIN32)

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "HostStop.h"

int32_t hc_stop_listen(hc_stop_callback callback, hc_stop_source *source) {
    (void)callback;
    *source = HC_STOP_BY_SIGNALS;
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
