#define _GNU_SOURCE
#include "CSupervisor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

// The layout is a contract with supervisors and drivers of other versions.
_Static_assert(sizeof(struct supervisor_process) == 224, "supervisor_process");
_Static_assert(sizeof(struct supervisor_spool_header) == 248, "supervisor_spool_header");
_Static_assert(sizeof(struct supervisor_output) == 48, "supervisor_output");
_Static_assert(sizeof(struct supervisor_chunk) == 16, "supervisor_chunk");

/// Reads all of it or fails: a short file is EIO.
static int read_all(int fd, void *buffer, size_t size, uint64_t place) {
    if (place > INT64_MAX - size) return EIO;
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(fd, (char *)buffer + done, size - done, (off_t)(place + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        if (count == 0) return EIO;
        done += (size_t)count;
    }
    return 0;
}

int supervisor_spool_header_read(int fd, struct supervisor_spool_header *header) {
    int error = read_all(fd, header, sizeof *header, 0);
    if (error) return error == EIO ? EINVAL : error;
    const struct supervisor_process *process = &header->process;
    if (header->magic != SUPERVISOR_MAGIC || header->version != SUPERVISOR_VERSION) return EINVAL;
    if (header->start < SUPERVISOR_SPOOL_START || header->end < header->start) return EINVAL;
    if (process->output_end < process->output_start) return EINVAL;
    if (memchr(process->name, 0, sizeof process->name) == NULL) return EINVAL;
    return 0;
}

/// Reads the head of the chunk at `place`, and cuts it at the end of the spool.
static int read_chunk(int fd, const struct supervisor_spool_header *header, uint64_t place, uint64_t offset,
                      struct supervisor_chunk *chunk) {
    if (place > header->end || header->end - place < sizeof *chunk) return EIO;
    int error = read_all(fd, chunk, sizeof *chunk, place);
    if (error) return error;
    uint64_t left = header->end - place - sizeof *chunk;
    if (chunk->length > left) chunk->length = (uint32_t)left;
    if (chunk->offset != offset || chunk->length == 0 || (chunk->stream != 1 && chunk->stream != 2)) return EIO;
    return 0;
}

int supervisor_spool_read(int fd, const struct supervisor_spool_header *header, struct supervisor_spool_cursor *cursor,
                          uint64_t offset, void *buffer, size_t size, struct supervisor_output *output) {
    const struct supervisor_process *process = &header->process;
    if (offset > process->output_end) return EINVAL;
    uint64_t first = offset < process->output_start ? process->output_start : offset;
    output->offset = first;
    output->dropped = first - offset;
    output->next = first;
    output->count = 0;
    output->flags = 0;

    // The chunk that `at` is the first byte of begins at `place`.
    uint64_t place = header->start, at = process->output_start;
    if (cursor->place >= header->start && cursor->offset >= at && cursor->offset <= first) {
        place = cursor->place;
        at = cursor->offset;
    }
    struct supervisor_chunk chunk;
    while (place < header->end && output->next < process->output_end) {
        int error = read_chunk(fd, header, place, at, &chunk);
        if (error) return error;
        if (at + chunk.length <= output->next) {
            at += chunk.length;
            place += sizeof chunk + chunk.length;
            continue;
        }
        if (size - output->count <= sizeof chunk) break;
        uint32_t skipped = (uint32_t)(output->next - at);
        size_t room = size - output->count - sizeof chunk;
        uint32_t length = chunk.length - skipped;
        if (length > room) length = (uint32_t)room;
        if (length > process->output_end - output->next) length = (uint32_t)(process->output_end - output->next);
        char *target = (char *)buffer + output->count;
        error = read_all(fd, target + sizeof chunk, length, place + sizeof chunk + skipped);
        if (error) return error;
        struct supervisor_chunk piece = {chunk.stream, length, output->next};
        memcpy(target, &piece, sizeof piece);
        output->count += (uint32_t)(sizeof piece + length);
        output->next += length;
    }
    cursor->place = place;
    cursor->offset = at;
    if (output->next == process->output_end)
        output->flags = process->flags & (SUPERVISOR_STDOUT_ENDED | SUPERVISOR_STDERR_ENDED);
    return 0;
}
