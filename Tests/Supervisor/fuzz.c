// What a supervisor reads from its peers and from its files: nothing in it reaches beyond its bounds.
#define _GNU_SOURCE
#include "CSupervisor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(int condition) {
    if (!condition) abort();
}

static void fuzz_request(const uint8_t *data, size_t size) {
    // A copy of exactly this size: a byte too far is found.
    uint8_t *packet = malloc(size ? size : 1);
    memcpy(packet, data, size);
    if (supervisor_request_is_valid(packet, size)) {
        uint32_t type;
        memcpy(&type, packet, sizeof type);
        check(size >= 8 && type >= SUPERVISOR_HELLO && type <= SUPERVISOR_CLOSE);
        if (type == SUPERVISOR_EXEC) {
            const char *name = (const char *)packet + offsetof(struct supervisor_exec, name);
            check(strnlen(name, SUPERVISOR_NAME_SIZE) <= 128);
            check(!memchr(name, '/', SUPERVISOR_NAME_SIZE) && *name != '.');
        }
    }
    free(packet);
}

/// A spool file with the input as its header and its chunks.
static void fuzz_spool(const uint8_t *data, size_t size) {
    static int fd = -1;
    if (fd < 0) fd = memfd_create("spool", 0);
    struct supervisor_spool_header header = {.magic = SUPERVISOR_MAGIC, .version = SUPERVISOR_VERSION};
    uint64_t place = SUPERVISOR_SPOOL_START;
    if (size < 40) return;
    // Mostly plausible, or nothing but the first check would be tried.
    header.start = place + (data[0] & 15);
    header.end = data[1] & 1 ? place + size - 40 : place + data[2] * 8u;
    memcpy(&header.process.output_start, data + 8, data[3] & 7);
    header.process.output_end = header.process.output_start + (data[1] & 2 ? 100 : data[4] * 16u);
    if (data[1] & 4) memcpy(&header.end, data + 16, 8);
    if (data[1] & 8) memcpy(&header.process.output_end, data + 24, 8);
    check(ftruncate(fd, 0) == 0);
    check(pwrite(fd, &header, sizeof header, 0) == sizeof header);
    check(pwrite(fd, data + 40, size - 40, (off_t)place) == (ssize_t)(size - 40));
    struct supervisor_spool_header read;
    if (supervisor_spool_header_read(fd, &read)) return;
    struct supervisor_spool_cursor cursor = {0, 0};
    if (data[1] & 16) memcpy(&cursor, data + 24, sizeof cursor);
    uint64_t offset = read.process.output_start;
    if (data[1] & 32) memcpy(&offset, data + 32, 8);
    for (int turn = 0; turn < 50; turn++) {
        size_t room = 17 + data[5] * 3u;
        uint8_t *buffer = malloc(room);
        struct supervisor_output output = {0};
        int error = supervisor_spool_read(fd, &read, &cursor, offset, buffer, room, &output);
        if (!error) {
            check(output.count <= room && output.next <= read.process.output_end && output.next >= output.offset);
            uint64_t bytes = 0;
            for (size_t at = 0; at < output.count;) {
                struct supervisor_chunk chunk;
                check(output.count - at >= sizeof chunk);
                memcpy(&chunk, buffer + at, sizeof chunk);
                at += sizeof chunk;
                check(chunk.length <= output.count - at && (chunk.stream == 1 || chunk.stream == 2));
                at += chunk.length;
                bytes += chunk.length;
            }
            check(bytes == output.next - output.offset);
        }
        free(buffer);
        if (error || output.next == offset) break;
        offset = output.next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    if (data[0] & 128) fuzz_spool(data, size);
    else fuzz_request(data + 1, size - 1);
    return 0;
}
