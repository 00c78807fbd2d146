#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { block = 4096, step = 65536 };

/// For so long after its last READ a reader is taken for one that goes on reading.
enum { reader_patience = 2000 };

/// Whether output that finds no room waits in the pipe.
static bool keeps(const struct process *process) {
    if (process->facts.flags & SUPERVISOR_KEEP_OUTPUT) return true;
    return process->read_at != 0 && now_milliseconds() - process->read_at < reader_patience;
}

int spool_open(struct process *process, uint64_t limit) {
    struct spool *spool = &process->spool;
    *spool = (struct spool){.limit = limit, .start = SUPERVISOR_SPOOL_START, .end = SUPERVISOR_SPOOL_START,
                            .freed = SUPERVISOR_SPOOL_START, .reserved = SUPERVISOR_SPOOL_START};
    spool->fd = open(process_path(process, "spool"), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (spool->fd < 0) return errno;
    // The exit has its place on the disk before the process exists.
    int error = posix_fallocate(spool->fd, 0, SUPERVISOR_SPOOL_START);
    return error ? error : spool_save(process, false);
}

struct supervisor_spool_header spool_header(const struct process *process) {
    struct supervisor_spool_header header = {SUPERVISOR_MAGIC, SUPERVISOR_VERSION, process->spool.start,
                                             process->spool.end, process->facts};
    return header;
}

int spool_save(struct process *process, bool sync) {
    struct supervisor_spool_header header = spool_header(process);
    if (process->is_reaped) header.process.state = SUPERVISOR_EXITED;
    header.process.flags &= ~(uint32_t)SUPERVISOR_UNRECORDED;
    ssize_t count = pwrite(process->spool.fd, &header, sizeof header, 0);
    if (count < 0) return errno;
    if (count != sizeof header) return ENOSPC;
    process->spool.is_changed = false;
    return sync && fdatasync(process->spool.fd) ? errno : 0;
}

/// Gives the disk back what is before `start`.
static void free_start(struct process *process, uint64_t least) {
    struct spool *spool = &process->spool;
    if (spool->start == spool->end) {
        if (spool->end - SUPERVISOR_SPOOL_START < least) return;
        spool->start = spool->end = spool->freed = spool->reserved = SUPERVISOR_SPOOL_START;
        spool->chunk_place = 0;
        spool->cursor = (struct supervisor_spool_cursor){0};
        // The header first: it never names bytes that are not there.
        if (spool_save(process, false) == 0 && ftruncate(spool->fd, SUPERVISOR_SPOOL_START)) spool->is_changed = true;
        return;
    }
    uint64_t aligned = spool->start / block * block;
    if (spool->has_no_holes || aligned <= spool->freed || aligned - spool->freed < least) return;
    off_t from = (off_t)spool->freed, length = (off_t)(aligned - spool->freed);
    if (fallocate(spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, length) == 0) {
        spool->freed = aligned;
    } else if (errno == EOPNOTSUPP) {
        spool->has_no_holes = true;
    }
}

/// Removes the first chunk. A chunk that cannot be read takes all that follows it along.
static void remove_chunk(struct process *process) {
    struct spool *spool = &process->spool;
    struct supervisor_process *facts = &process->facts;
    struct supervisor_chunk chunk;
    ssize_t count = pread(spool->fd, &chunk, sizeof chunk, (off_t)spool->start);
    uint64_t next = facts->output_end, place = spool->end;
    if (count == sizeof chunk && chunk.offset == facts->output_start && chunk.length <= next - chunk.offset
        && chunk.length <= place - spool->start - sizeof chunk) {
        next = chunk.offset + chunk.length;
        place = spool->start + sizeof chunk + chunk.length;
    }
    uint64_t kept = spool->released > facts->output_start ? spool->released : facts->output_start;
    if (next > kept) facts->dropped += next - kept;
    facts->output_start = next;
    spool->start = place;
    spool->is_changed = true;
}

void spool_release(struct process *process, uint64_t offset) {
    struct spool *spool = &process->spool;
    if (offset <= spool->released || offset > process->facts.output_end) return;
    spool->released = offset;
    while (spool->start < spool->end) {
        struct supervisor_chunk chunk;
        ssize_t count = pread(spool->fd, &chunk, sizeof chunk, (off_t)spool->start);
        if (count == sizeof chunk && chunk.offset + chunk.length > offset) break;
        remove_chunk(process);
    }
    free_start(process, process->is_stalled ? 1 : step);
}

/// How far the chunks may reach beyond what they hold now.
static uint64_t used(const struct spool *spool) {
    return spool->end - (spool->has_no_holes ? SUPERVISOR_SPOOL_START : spool->start);
}

size_t spool_room(struct process *process, size_t wanted, bool beyond_limit) {
    struct spool *spool = &process->spool;
    if (!keeps(process)) return wanted;
    const uint64_t head = sizeof(struct supervisor_chunk);
    if (!beyond_limit) {
        uint64_t taken = used(spool) + head;
        if (taken >= spool->limit) return 0;
        if (wanted > spool->limit - taken) wanted = (size_t)(spool->limit - taken);
    }
    // Bytes that are read and cannot be written would be lost. The disk has to promise the room first.
    if (spool->reserved < spool->end) spool->reserved = spool->end;
    for (uint64_t size = step; size && spool->reserved < spool->end + head + wanted; size = size == step ? block : 0)
        if (fallocate(spool->fd, 0, (off_t)spool->reserved, (off_t)size) == 0) spool->reserved += size;
    // Where that cannot be asked, it has to be tried.
    if (spool->reserved < spool->end + head + 1) return errno == EOPNOTSUPP ? wanted : 0;
    uint64_t room = spool->reserved - spool->end - head;
    return wanted < room ? wanted : (size_t)room;
}

static bool write_all(int fd, const unsigned char *bytes, size_t count, uint64_t place) {
    for (size_t done = 0; done < count;) {
        ssize_t written = pwrite(fd, bytes + done, count - done, (off_t)(place + done));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        done += (size_t)written;
    }
    return true;
}

/// The last chunk grows while it is of the same stream: a program that writes byte by byte costs no head for each.
static bool write_chunk(struct process *process, uint32_t stream, unsigned char *bytes, size_t count) {
    struct spool *spool = &process->spool;
    struct supervisor_chunk *chunk = &spool->chunk;
    const size_t head = sizeof *chunk;
    if (spool->start < spool->end && spool->chunk_place >= spool->start && chunk->stream == stream
        && chunk->length + count <= spool->limit / 8 && chunk->length + count <= step) {
        struct supervisor_chunk longer = *chunk;
        longer.length += (uint32_t)count;
        if (!write_all(spool->fd, bytes, count, spool->end)) return false;
        if (!write_all(spool->fd, (unsigned char *)&longer, head, spool->chunk_place)) return false;
        *chunk = longer;
        spool->end += count;
        return true;
    }
    struct supervisor_chunk new = {stream, (uint32_t)count, process->facts.output_end};
    memcpy(bytes - head, &new, head);
    if (!write_all(spool->fd, bytes - head, head + count, spool->end)) return false;
    *chunk = new;
    spool->chunk_place = spool->end;
    spool->end += head + count;
    return true;
}

void spool_append(struct process *process, uint32_t stream, unsigned char *bytes, size_t count) {
    struct spool *spool = &process->spool;
    struct supervisor_process *facts = &process->facts;
    if (!keeps(process)) {
        // A file that cannot be freed from its beginning is emptied.
        while (spool->start < spool->end && used(spool) + sizeof(struct supervisor_chunk) + count > spool->limit)
            remove_chunk(process);
        free_start(process, step);
    }
    bool is_written = write_chunk(process, stream, bytes, count);
    while (!is_written && !keeps(process) && spool->start < spool->end) {
        // The disk is full: the oldest output makes room for the newest.
        remove_chunk(process);
        free_start(process, 1);
        is_written = write_chunk(process, stream, bytes, count);
    }
    facts->output_end += count;
    spool->is_changed = true;
    if (is_written) return;
    // Nothing is left that could make room.
    facts->dropped += facts->output_end - facts->output_start;
    facts->output_start = facts->output_end;
    spool->start = spool->end;
}
