// Many streams at once, on the reactor's one thread.
#include <stdio.h>
#include <string.h>

#include "Streams.h"

enum { pairs = 64, bytes_each = 100000 };

static HANDLE feeds[pairs];
static uint64_t cookies[pairs];
static hc_stream streams[pairs];

static DWORD WINAPI feed(LPVOID parameter) {
    int which = (int)(intptr_t)parameter;
    uint8_t block[777];
    for (size_t done = 0; done < bytes_each;) {
        size_t size = bytes_each - done < sizeof block ? bytes_each - done : sizeof block;
        for (size_t at = 0; at < size; at++) block[at] = (uint8_t)((done + at) * 31 + (size_t)which);
        if (write_all(feeds[which], block, size) != size) return 1;
        done += size;
    }
    CloseHandle(feeds[which]);
    return 0;
}

static DWORD WINAPI drain(LPVOID parameter) {
    int which = (int)(intptr_t)parameter;
    while (hc_stream_is_open(streams[which])) {
        hc_stream_drain(streams[which]);
        Sleep(0);
    }
    return 0;
}

static DWORD WINAPI close_late(LPVOID parameter) {
    hc_stream_close(streams[(int)(intptr_t)parameter]);
    return 0;
}

static void check_all_at_once(void) {
    HANDLE threads[pairs + 4];
    for (int each = 0; each < pairs; each++) {
        HANDLE ours;
        cookies[each] = cookie_new();
        pipe_pair(false, each % 2 == 0, &ours, &feeds[each]);
        if (hc_stream_read((hc_handle)ours, cookies[each], &streams[each]) != 0) CHECK(false, "stream %d opens", each);
    }
    for (intptr_t each = 0; each < pairs; each++) threads[each] = thread_start(feed, (void *)each);
    // Some are drained by other threads all the while.
    for (intptr_t each = 0; each < 4; each++) threads[pairs + each] = thread_start(drain, (void *)(each * 7));
    for (int each = 0; each < pairs + 4; each++) thread_join(threads[each]);
    uint32_t wrong = 0, unordered = 0;
    for (int each = 0; each < pairs; each++) {
        await_end(cookies[each]);
        record *of = record_of(cookies[each]);
        bool good = of->length == bytes_each && of->ends == 1 && of->last == HC_STREAM_END;
        for (size_t at = 0; good && at < bytes_each; at++)
            good = of->bytes[at] == (uint8_t)(at * 31 + (size_t)each);
        if (!good) wrong++;
        if (of->overlapping > 0 || of->after_end > 0) unordered++;
    }
    CHECK(wrong == 0, "%d streams at once: each byte in its place, each end once; %u are wrong", pairs, wrong);
    CHECK(unordered == 0, "events of one stream never overlap, drained or not");
}

// A close that comes while bytes and the end do: one last event, whoever is first.
static void check_close_races(void) {
    uint32_t wrong = 0;
    for (int turn = 0; turn < 200; turn++) {
        HANDLE ours;
        int which = turn % pairs;
        cookies[which] = cookie_new();
        pipe_pair(false, turn % 2 == 0, &ours, &feeds[which]);
        hc_stream_read((hc_handle)ours, cookies[which], &streams[which]);
        HANDLE closer = thread_start(close_late, (void *)(intptr_t)which);
        write_all(feeds[which], "abc", 3);
        CloseHandle(feeds[which]);
        thread_join(closer);
        record *of = record_of(cookies[which]);
        if (of->ends != 1 || of->after_end != 0 || of->overlapping != 0) wrong++;
    }
    CHECK(wrong == 0, "200 closes against bytes and ends: one last event each; %u are wrong", wrong);
}

// No memory for one stream more: the call says so and has closed the handle.
static void check_no_room(void) {
    enum { most = 512 };
    static HANDLE others[most];
    static hc_stream opened[most];
    int count = 0;
    int32_t error = 0;
    HANDLE ours = NULL;
    uint64_t cookie = 0;
    while (count < most && error == 0) {
        cookie = cookie_new();
        pipe_pair(false, false, &ours, &others[count]);
        fail_allocation_after(0);
        error = hc_stream_read((hc_handle)ours, cookie, &opened[count]);
        fail_allocation_after(-1);
        count++;
    }
    DWORD flags = 0;
    CHECK(error == ERROR_NOT_ENOUGH_MEMORY && opened[count - 1] == 0, "stream %d finds no memory and is none", count);
    CHECK(!GetHandleInformation(ours, &flags) && record_of(cookie)->ends == 0, "its handle is closed, nothing told");
    for (int each = 0; each < count; each++) {
        hc_stream_close(opened[each]);
        CloseHandle(others[each]);
    }
    streams_catch_up();
}

void section_many_streams(void) {
    streams_start();
    check_no_room();
    check_all_at_once();
    check_close_races();
}
