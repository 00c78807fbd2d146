#include "CSupervisor.h"

#include <string.h>

_Static_assert(sizeof(struct supervisor_exec) == 160, "supervisor_exec");
_Static_assert(sizeof(struct supervisor_input) == 32, "supervisor_input");
_Static_assert(sizeof(struct supervisor_read) == 32, "supervisor_read");
_Static_assert(sizeof(struct supervisor_release) == 24, "supervisor_release");
_Static_assert(sizeof(struct supervisor_reply) == 24, "supervisor_reply");
_Static_assert(sizeof(struct supervisor_hello_reply) == 24, "supervisor_hello_reply");

static int is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// A name is part of a path: it has no slash and does not begin with a point. All that follows it is zero.
static int is_name(const char name[SUPERVISOR_NAME_SIZE]) {
    size_t length = 0;
    while (length < SUPERVISOR_NAME_SIZE && name[length]) length++;
    if (length == 0 || length > 128 || !is_alphanumeric(name[0])) return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_alphanumeric(name[i]) && name[i] != '_' && name[i] != '.' && name[i] != '-') return 0;
    for (size_t i = length; i < SUPERVISOR_NAME_SIZE; i++)
        if (name[i]) return 0;
    return 1;
}

int supervisor_request_is_valid(const void *packet, size_t size) {
    union {
        struct supervisor_request request;
        struct supervisor_exec exec;
        struct supervisor_signal signal;
        struct supervisor_input input;
        struct supervisor_read read;
        struct supervisor_lossless lossless;
    } frame;
    if (size < sizeof frame.request) return 0;
    // A packet has no alignment of its own.
    memset(&frame, 0, sizeof frame);
    memcpy(&frame, packet, size < sizeof frame ? size : sizeof frame);
    switch (frame.request.type) {
    case SUPERVISOR_HELLO: return size == sizeof(struct supervisor_hello);
    case SUPERVISOR_WATCH:
    case SUPERVISOR_START:
    case SUPERVISOR_CLOSE: return size == sizeof(struct supervisor_request);
    case SUPERVISOR_EXEC: {
        const uint32_t known = SUPERVISOR_TERMINAL | SUPERVISOR_STDIN | SUPERVISOR_KEEP_OUTPUT;
        return size == sizeof frame.exec && (frame.exec.flags & ~known) == 0 && is_name(frame.exec.name);
    }
    case SUPERVISOR_SIGNAL:
        return size == sizeof frame.signal && frame.signal.signal >= 1 && frame.signal.signal <= 64;
    case SUPERVISOR_RESIZE: return size == sizeof(struct supervisor_resize);
    case SUPERVISOR_INPUT:
        return size >= sizeof frame.input && frame.input.count <= SUPERVISOR_DATA_SIZE && frame.input.end <= 1
            && size - sizeof frame.input == frame.input.count;
    case SUPERVISOR_READ:
        return size == sizeof frame.read && frame.read.limit > sizeof(struct supervisor_chunk)
            && frame.read.limit <= SUPERVISOR_DATA_SIZE && frame.read.wait <= 1 && frame.read.release <= 1;
    case SUPERVISOR_RELEASE: return size == sizeof(struct supervisor_release);
    case SUPERVISOR_LOSSLESS: return size == sizeof frame.lossless && frame.lossless.keep <= 1;
    case SUPERVISOR_FORGET: return size == sizeof(struct supervisor_request_process);
    default: return 0;
    }
}
