// Readers: bytes to the end of the stream, drains, closes, and what must not be a stream.
#include <stdio.h>
#include <string.h>

#include "Streams.h"

static void check_reader(bool client_end) {
    const char *what = client_end ? "a client's end" : "a server's end";
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(false, client_end, &ours, &theirs);
    CHECK(hc_stream_read((hc_handle)ours, cookie, &stream) == 0 && stream != 0, "%s is read", what);
    write_all(theirs, "hello", 5);
    CHECK(await_length(cookie, 5), "%s: bytes come while it is open", what);
    CHECK(hc_stream_is_open(stream) && record_of(cookie)->ends == 0, "%s: and it stays open", what);
    write_all(theirs, " world", 6);
    CloseHandle(theirs);
    check_ended(cookie, HC_STREAM_END, what);
    CHECK(record_equals(cookie, "hello world"), "%s: all bytes come before the end", what);
    CHECK(!hc_stream_is_open(stream), "%s: an ended stream is not open", what);
    hc_stream_drain(stream);
    hc_stream_close(stream);
    hc_stream_close(stream);
    CHECK(hc_stream_write(stream, (const uint8_t *)"x", 1) == -1, "%s: nor can it be written", what);
    CHECK(hc_stream_finish(stream) == -1, "%s: nor finished", what);
    CHECK(record_of(cookie)->ends == 1, "%s: closing it again tells nothing more", what);
}

static void check_ended_before(void) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(false, false, &ours, &theirs);
    CloseHandle(theirs);
    CHECK(hc_stream_read((hc_handle)ours, cookie, &stream) == 0, "a pipe that has ended already is read");
    check_ended(cookie, HC_STREAM_END, "ended before");
    cookie = cookie_new();
    pipe_pair(false, false, &ours, &theirs);
    write_all(theirs, "last words", 10);
    CloseHandle(theirs);
    CHECK(hc_stream_read((hc_handle)ours, cookie, &stream) == 0, "one with bytes left is read");
    check_ended(cookie, HC_STREAM_END, "ended with bytes left");
    CHECK(record_equals(cookie, "last words"), "ended with bytes left: they come");
}

static void check_drain(void) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(false, false, &ours, &theirs);
    hc_stream_read((hc_handle)ours, cookie, &stream);
    uint32_t short_ones = 0;
    for (size_t turn = 1; turn <= 200; turn++) {
        static char block[1000];
        write_all(theirs, block, sizeof block);
        hc_stream_drain(stream);
        if (record_of(cookie)->length != turn * sizeof block) short_ones++;
    }
    CHECK(short_ones == 0, "200 drains return when what was written has been told: %u do not", short_ones);
    hc_stream_drain(stream);
    CHECK(hc_stream_is_open(stream), "a drain with nothing to read returns and leaves the stream open");
    hc_stream_close(stream);
    check_ended(cookie, HC_STREAM_END, "closed while open");
    CHECK(record_of(cookie)->length == 200000, "no byte twice");
    DWORD count = 0;
    CHECK(!WriteFile(theirs, "x", 1, &count, NULL), "the other side sees that it was closed");
    CloseHandle(theirs);
    hc_stream_drain(0);
    hc_stream_close(0);
    hc_stream_drain(0xFFFFFFFFFFFFFFFF);
    CHECK(!hc_stream_is_open(0) && !hc_stream_is_open(12345678901234) && !hc_stream_is_open(UINT64_MAX),
          "a number that names no stream is none");
}

typedef struct writer_without_pause {
    HANDLE to;
    volatile LONG stop;
} writer_without_pause;

static DWORD WINAPI write_on(LPVOID parameter) {
    writer_without_pause *what = parameter;
    static char block[16384];
    while (!what->stop && write_all(what->to, block, sizeof block) == sizeof block) {}
    return 0;
}

// A writer that never pauses keeps neither a drain nor another stream waiting.
static void check_flood(void) {
    HANDLE ours, theirs, quiet_ours, quiet_theirs;
    hc_stream stream = 0, quiet = 0;
    uint64_t cookie = cookie_new(), quiet_cookie = cookie_new();
    record_of(cookie)->counts_only = record_of(cookie)->slow = true;
    pipe_pair(false, false, &ours, &theirs);
    pipe_pair(false, false, &quiet_ours, &quiet_theirs);
    hc_stream_read((hc_handle)ours, cookie, &stream);
    hc_stream_read((hc_handle)quiet_ours, quiet_cookie, &quiet);
    writer_without_pause what = {.to = theirs};
    HANDLE thread = thread_start(write_on, &what);
    await_length(cookie, 1 << 20);
    for (int turn = 0; turn < 5; turn++) hc_stream_drain(stream);
    CHECK(true, "drains of a stream whose writer never pauses return");
    write_all(quiet_theirs, "me too", 6);
    CHECK(await_length(quiet_cookie, 6), "and another stream is read meanwhile");
    hc_stream_close(stream);
    what.stop = 1;
    thread_join(thread);
    check_ended(cookie, HC_STREAM_END, "closed in a flood");
    CloseHandle(theirs);
    CloseHandle(quiet_theirs);
    check_ended(quiet_cookie, HC_STREAM_END, "the other one");
}

// A call that fails has closed the handle and reports nothing.
static void check_refused(void) {
    HANDLE ours, theirs;
    hc_stream second = 77;
    uint64_t second_cookie = cookie_new();
    DWORD flags = 0;

    // A handle that was opened for plain, synchronous use.
    pipe_pair(true, false, &theirs, &ours);
    handle_given(ours);
    CHECK(hc_stream_read((hc_handle)ours, second_cookie, &second) != 0 && second == 0, "a synchronous handle is refused");
    CHECK(record_of(second_cookie)->ends == 0, "and nothing is reported");
    CHECK(!GetHandleInformation(ours, &flags), "and closed");
    CloseHandle(theirs);
    pipe_pair(false, false, &ours, &theirs);
    hc_handle_close((hc_handle)ours);
    CHECK(!GetHandleInformation(ours, &flags), "a handle that never became a stream is closed");
    hc_handle_close(0);
    CloseHandle(theirs);
}

// A stream that is stopped is not read, until it is resumed or drained; others are.
static void check_held(bool client_end) {
    const char *what = client_end ? "held, a client's end" : "held, a server's end";
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    record_of(cookie)->hold_at = 1;
    pipe_pair(false, client_end, &ours, &theirs);
    hc_stream_read((hc_handle)ours, cookie, &stream);
    write_all(theirs, "first", 5);
    CHECK(await_length(cookie, 5), "%s: bytes come before it stops", what);
    write_all(theirs, " second", 7);
    streams_catch_up();
    CHECK(record_of(cookie)->length == 5, "%s: and none after", what);
    hc_stream_drain(stream);
    CHECK(record_equals(cookie, "first second"), "%s: a drain reads it", what);
    write_all(theirs, " third", 6);
    streams_catch_up();
    CHECK(record_of(cookie)->length == 12, "%s: and leaves it stopped", what);
    record_of(cookie)->hold_at = 0;
    hc_stream_resume(stream);
    CHECK(await_length(cookie, 18), "%s: it is read again when it is resumed", what);
    CloseHandle(theirs);
    check_ended(cookie, HC_STREAM_END, what);
    hc_stream_resume(stream);
}

static void check_reuse(void) {
    uint32_t highest = 0, same = 0, wrong_ends = 0;
    hc_stream before = 0;
    for (int turn = 0; turn < 500; turn++) {
        HANDLE ours, theirs;
        hc_stream stream = 0;
        uint64_t cookie = cookie_new();
        pipe_pair(false, turn % 2 == 0, &ours, &theirs);
        hc_stream_read((hc_handle)ours, cookie, &stream);
        if (stream == before || stream == 0) same++;
        if ((uint32_t)stream > highest) highest = (uint32_t)stream;
        hc_stream_close(stream);
        if (record_of(cookie)->ends != 1) wrong_ends++;
        if (hc_stream_is_open(stream) || hc_stream_is_open(before)) same++;
        before = stream;
        CloseHandle(theirs);
        if (turn % 50 == 49) streams_catch_up();
    }
    CHECK(same == 0, "500 streams come and go, and none has another's number");
    CHECK(wrong_ends == 0, "each tells its end before its close returns");
    CHECK(highest <= 192, "and their slots are used again: %u at most", highest);
}

void section_readers(void) {
    CHECK(streams_start() && streams_start(), "the reactor starts, once");
    check_reader(false);
    check_reader(true);
    check_ended_before();
    check_drain();
    check_flood();
    check_refused();
    check_held(false);
    check_held(true);
    check_reuse();
}
