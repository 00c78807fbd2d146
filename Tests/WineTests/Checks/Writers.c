// Writers: bounded, whole, finished or broken.
#include <stdio.h>
#include <string.h>

#include "Streams.h"

static uint8_t big[600000];

static void check_whole(bool client_end) {
    const char *what = client_end ? "a client's end" : "a server's end";
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(true, client_end, &ours, &theirs);
    CHECK(hc_stream_open_writer((hc_handle)ours, cookie, &stream) == 0 && stream != 0, "%s is written", what);
    size_t offered = 0, received = 0;
    uint32_t wrong = 0, partial = 0;
    while (received < sizeof big) {
        if (offered < sizeof big) {
            int64_t taken = hc_stream_write(stream, big + offered, sizeof big - offered);
            if (taken < 0 || taken > HC_STREAM_BUFFER) wrong++;
            if (taken >= 0 && (size_t)taken < sizeof big - offered) partial++;
            offered += (size_t)(taken < 0 ? 0 : taken);
            if (offered == sizeof big && hc_stream_finish(stream) != 0) wrong++;
        }
        // What was taken can be read already before the reactor has heard that it was written and takes more.
        if (received == offered) {
            Sleep(0);
            continue;
        }
        uint8_t part[5000];
        DWORD count = 0;
        if (!ReadFile(theirs, part, sizeof part, &count, NULL) || memcmp(part, big + received, count) != 0) {
            wrong++;
            break;
        }
        received += count;
    }
    CHECK(wrong == 0 && received == sizeof big, "%s: %u bytes arrive whole", what, (unsigned)received);
    CHECK(partial > 0, "%s: %u of the writes were taken in part", what, partial);
    check_ended(cookie, HC_STREAM_DRAINED, what);
    CHECK(hc_stream_write(stream, big, 1) == -1, "%s: nothing can be written after it", what);
    DWORD count = 0;
    CHECK(
        !ReadFile(theirs, big + sizeof big - 1, 1, &count, NULL) && GetLastError() == ERROR_BROKEN_PIPE,
        "%s: the other side reads its end", what);
    CloseHandle(theirs);
}

// Nobody reads: the buffer fills and then takes no more, and nothing blocks.
static void check_bounded(void) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(true, false, &ours, &theirs);
    hc_stream_open_writer((hc_handle)ours, cookie, &stream);
    size_t taken = 0;
    int refused = 0;
    for (int turn = 0; turn < 2000 && refused < 50; turn++) {
        int64_t now = hc_stream_write(stream, big, 10000);
        if (now < 0) break;
        taken += (size_t)now;
        refused = now == 0 ? refused + 1 : 0;
    }
    CHECK(refused == 50, "a writer that nobody reads takes no more, after %u bytes", (unsigned)taken);
    CHECK(taken >= HC_STREAM_BUFFER, "but its whole buffer");
    CHECK(taken <= HC_STREAM_BUFFER + 65536 + 10000, "and no more than the buffer and the pipe hold");
    CHECK(hc_stream_write(stream, big, 0) == 0, "writing nothing takes nothing");
    hc_stream_close(stream);
    check_ended(cookie, HC_STREAM_BROKEN, "closed with a write in the air");
    CloseHandle(theirs);
}

static void check_broken(void) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(true, false, &ours, &theirs);
    hc_stream_open_writer((hc_handle)ours, cookie, &stream);
    CloseHandle(theirs);
    CHECK(hc_stream_write(stream, big, 10) == 10, "bytes for a reader that is gone are taken");
    check_ended(cookie, HC_STREAM_BROKEN, "its reader is gone");

    // And with a write in the air.
    cookie = cookie_new();
    pipe_pair(true, false, &ours, &theirs);
    hc_stream_open_writer((hc_handle)ours, cookie, &stream);
    hc_stream_write(stream, big, 200000);
    uint8_t first;
    DWORD count = 0;
    ReadFile(theirs, &first, 1, &count, NULL);
    CloseHandle(theirs);
    check_ended(cookie, HC_STREAM_BROKEN, "its reader goes away in a write");
}

static void check_finish(void) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(true, false, &ours, &theirs);
    hc_stream_open_writer((hc_handle)ours, cookie, &stream);
    CHECK(hc_stream_finish(stream) == 0, "an idle writer is finished");
    check_ended(cookie, HC_STREAM_DRAINED, "finished idle");
    CloseHandle(theirs);

    cookie = cookie_new();
    pipe_pair(true, false, &ours, &theirs);
    hc_stream_open_writer((hc_handle)ours, cookie, &stream);
    fail_allocation_after(0);
    int64_t without_memory = hc_stream_write(stream, (const uint8_t *)"lost", 4);
    fail_allocation_after(-1);
    CHECK(without_memory == 0 && hc_stream_is_open(stream), "without memory nothing is taken, and nothing breaks");
    hc_stream_write(stream, (const uint8_t *)"bye", 3);
    hc_stream_finish(stream);
    hc_stream_finish(stream);
    CHECK(hc_stream_write(stream, big, 1) == -1, "a writer that is being finished takes no more");
    // The bytes outlive the close of this side.
    check_ended(cookie, HC_STREAM_DRAINED, "finished twice");
    char got[8] = {0};
    DWORD count = 0;
    ReadFile(theirs, got, sizeof got, &count, NULL);
    CHECK(count == 3 && memcmp(got, "bye", 3) == 0, "what was handed over is read after the close");
    CloseHandle(theirs);

    // A reader is no writer.
    cookie = cookie_new();
    pipe_pair(false, false, &ours, &theirs);
    hc_stream_read((hc_handle)ours, cookie, &stream);
    CHECK(hc_stream_write(stream, big, 1) == -1, "a reader can't be written");
    hc_stream_finish(stream);
    write_all(theirs, "on", 2);
    CHECK(await_length(cookie, 2), "and finishing one does not harm it");
    hc_stream_close(stream);
    CloseHandle(theirs);
}

// Writes from several threads: each whole, none lost.
static hc_stream shared_stream;

static DWORD WINAPI write_lines(LPVOID parameter) {
    char line[16];
    for (int turn = 0; turn < 200; turn++) {
        snprintf(line, sizeof line, "%c%03d\n", (char)('A' + (int)(intptr_t)parameter), turn);
        while (hc_stream_write(shared_stream, (const uint8_t *)line, 5) == 0) Sleep(0);
    }
    return 0;
}

static void check_threads(void) {
    HANDLE ours, theirs, threads[8];
    uint64_t cookie = cookie_new();
    pipe_pair(true, false, &ours, &theirs);
    hc_stream_open_writer((hc_handle)ours, cookie, &shared_stream);
    for (intptr_t each = 0; each < 8; each++) threads[each] = thread_start(write_lines, (void *)each);
    static char got[8 * 200 * 5];
    size_t received = 0;
    while (received < sizeof got) {
        DWORD count = 0;
        if (!ReadFile(theirs, got + received, (DWORD)(sizeof got - received), &count, NULL)) break;
        received += count;
    }
    for (int each = 0; each < 8; each++) thread_join(threads[each]);
    int next[8] = {0};
    uint32_t wrong = 0;
    for (size_t at = 0; at + 5 <= received; at += 5) {
        int who = got[at] - 'A', number = 0;
        if (who < 0 || who > 7 || sscanf(got + at + 1, "%3d", &number) != 1 || number != next[who]++) wrong++;
    }
    CHECK(received == sizeof got && wrong == 0, "8 threads write 1,600 lines: each whole, in its thread's order");
    hc_stream_finish(shared_stream);
    check_ended(cookie, HC_STREAM_DRAINED, "written by 8 threads");
    CloseHandle(theirs);
}

void section_writers(void) {
    for (size_t at = 0; at < sizeof big; at++) big[at] = (uint8_t)(at * 7 + at / 251);
    check_whole(false);
    check_whole(true);
    check_bounded();
    check_broken();
    check_finish();
    check_threads();
}
