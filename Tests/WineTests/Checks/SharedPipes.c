// Pipes that are not as new: bound to another worker's port, in message mode, read by somebody else; and what is no pipe.
#include <string.h>
#include <winsock2.h>

#include "Streams.h"

// Another handle of the same object, entered in the ledger.
static HANDLE duplicate(HANDLE of) {
    HANDLE made = NULL;
    DuplicateHandle(GetCurrentProcess(), of, GetCurrentProcess(), &made, 0, FALSE, DUPLICATE_SAME_ACCESS);
    handle_given(made);
    return made;
}

// The port of a worker that died: the binding of the object outlives it.
static void bind_elsewhere(HANDLE pipe) {
    HANDLE port = CreateIoCompletionPort(pipe, NULL, 99, 1);
    CHECK(port != NULL, "a pipe is bound to another port");
    CloseHandle(port);
    HANDLE own = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    CHECK(
        CreateIoCompletionPort(pipe, own, 1, 0) == NULL && GetLastError() == ERROR_INVALID_PARAMETER,
        "and can't be bound again");
    CloseHandle(own);
}

static void check_bound_reader(bool client_end) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(false, client_end, &ours, &theirs);
    bind_elsewhere(ours);
    write_all(theirs, "before ", 7);
    CHECK(hc_stream_read((hc_handle)ours, cookie, &stream) == 0 && stream != 0, "a pipe that is bound already is read");
    CHECK(await_length(cookie, 7), "what was in it comes");
    uint32_t late = 0;
    for (int turn = 0; turn < 200; turn++) {
        write_all(theirs, "x", 1);
        if (!await_length(cookie, (size_t)(8 + turn))) late++;
    }
    CHECK(late == 0, "and what is written then");
    for (int turn = 0; turn < 50; turn++) {
        write_all(theirs, "y", 1);
        hc_stream_drain(stream);
    }
    CHECK(record_of(cookie)->length == 257, "drains of it return with what was written");
    CHECK(hc_stream_is_open(stream) && record_of(cookie)->ends == 0, "it stays open");
    CloseHandle(theirs);
    check_ended(cookie, HC_STREAM_END, "a bound one");
    pipe_pair(false, client_end, &ours, &theirs);
    bind_elsewhere(ours);
    cookie = cookie_new();
    hc_stream_read((hc_handle)ours, cookie, &stream);
    hc_stream_close(stream);
    check_ended(cookie, HC_STREAM_END, "a bound one that is closed");
    CloseHandle(theirs);
}

static void check_bound_writer(void) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(true, false, &ours, &theirs);
    bind_elsewhere(ours);
    CHECK(hc_stream_open_writer((hc_handle)ours, cookie, &stream) == 0, "a pipe that is bound already is written");
    static uint8_t block[50000], got[sizeof block];
    for (size_t at = 0; at < sizeof block; at++) block[at] = (uint8_t)(at * 7);
    CHECK(hc_stream_write(stream, block, sizeof block) == sizeof block, "it takes bytes");
    size_t received = 0;
    DWORD count = 0;
    while (received < sizeof got && ReadFile(theirs, got + received, (DWORD)(sizeof got - received), &count, NULL))
        received += count;
    CHECK(received == sizeof got && memcmp(block, got, sizeof got) == 0, "and they arrive whole");
    hc_stream_finish(stream);
    check_ended(cookie, HC_STREAM_DRAINED, "a bound writer");
    CloseHandle(theirs);
}

// Messages longer than a read, and an empty one, which is no end.
static void check_messages(void) {
    WCHAR name[80];
    wsprintfW(name, L"\\\\.\\pipe\\messages-%u", (unsigned)GetCurrentProcessId());
    HANDLE ours = CreateNamedPipeW(
        name, PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, 1, 65536, 1 << 20, 0,
        NULL);
    HANDLE theirs = CreateFileW(name, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(ours != INVALID_HANDLE_VALUE && theirs != INVALID_HANDLE_VALUE, "a pipe of messages is made");
    handle_given(ours);
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    static char block[200000];
    DWORD count = 0;
    WriteFile(theirs, "first", 5, &count, NULL);
    CHECK(hc_stream_read((hc_handle)ours, cookie, &stream) == 0, "a pipe of messages is read");
    CHECK(await_length(cookie, 5), "a message comes");
    WriteFile(theirs, block, sizeof block, &count, NULL);
    CHECK(await_length(cookie, 5 + sizeof block), "one that is longer than a read comes whole");
    WriteFile(theirs, "", 0, &count, NULL);
    WriteFile(theirs, "last", 4, &count, NULL);
    CHECK(await_length(cookie, 9 + sizeof block), "what comes after an empty one comes too");
    CHECK(record_of(cookie)->ends == 0, "and none is the end");
    CloseHandle(theirs);
    check_ended(cookie, HC_STREAM_END, "a pipe of messages");
    CHECK(record_of(cookie)->length == 9 + sizeof block, "no byte twice");
}

// HcsGetProcessInfo gives everyone the same pipe: what one sees, another may take.
static void check_two_readers(void) {
    HANDLE ours, theirs, quiet_ours, quiet_theirs;
    hc_stream first = 0, second = 0, quiet = 0;
    uint64_t cookie = cookie_new(), second_cookie = cookie_new(), quiet_cookie = cookie_new();
    pipe_pair(false, false, &ours, &theirs);
    pipe_pair(false, false, &quiet_ours, &quiet_theirs);
    HANDLE again = duplicate(ours);
    CHECK(hc_stream_read((hc_handle)ours, cookie, &first) == 0, "one reader");
    CHECK(hc_stream_read((hc_handle)again, second_cookie, &second) == 0, "and another one of the same pipe");
    hc_stream_read((hc_handle)quiet_ours, quiet_cookie, &quiet);
    uint32_t held = 0;
    for (int turn = 0; turn < 200; turn++) {
        write_all(theirs, "x", 1);
        write_all(quiet_theirs, "y", 1);
        if (!await_length(quiet_cookie, (size_t)turn + 1)) held++;
    }
    CHECK(held == 0, "a third one is read meanwhile");
    CloseHandle(theirs);
    check_ended(cookie, HC_STREAM_END, "one of two readers");
    check_ended(second_cookie, HC_STREAM_END, "the other");
    CHECK(record_of(cookie)->length + record_of(second_cookie)->length == 200, "each byte goes to one of them");
    CloseHandle(quiet_theirs);
    check_ended(quiet_cookie, HC_STREAM_END, "the third");
}

// Another process takes what was seen before it is read: the reactor waits for it a moment and no longer.
static void check_stolen(void) {
    HANDLE ours, theirs;
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    pipe_pair(false, false, &ours, &theirs);
    HANDLE thief = duplicate(ours);
    hc_stream_read((hc_handle)ours, cookie, &stream);
    size_t stolen = 0;
    for (int turn = 0; turn < 200; turn++) {
        char taken[8];
        DWORD count = 0, seen = 0;
        write_all(theirs, "x", 1);
        if (!PeekNamedPipe(thief, NULL, 0, NULL, &seen, NULL) || seen == 0) continue;
        OVERLAPPED read = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
        HANDLE event = read.hEvent;
        read.hEvent = (HANDLE)((uintptr_t)event | 1);
        BOOL good = ReadFile(thief, taken, sizeof taken, NULL, &read);
        if (!good && GetLastError() == ERROR_IO_PENDING && WaitForSingleObject(event, 20) != WAIT_OBJECT_0)
            CancelIoEx(thief, &read);
        if (GetOverlappedResult(thief, &read, &count, TRUE)) stolen += count;
        CloseHandle(event);
    }
    hc_handle_close((hc_handle)thief);
    CloseHandle(theirs);
    check_ended(cookie, HC_STREAM_END, "a pipe that somebody else reads");
    CHECK(record_of(cookie)->length + stolen == 200, "no byte is lost or comes twice: %u were taken", (unsigned)stolen);
}

// What is no pipe can't be asked for what there is: a socket, as a guest's stream may be one.
static void check_socket(void) {
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int length = sizeof address;
    bind(listener, (struct sockaddr *)&address, sizeof address);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&address, &length);
    SOCKET theirs = socket(AF_INET, SOCK_STREAM, 0);
    connect(theirs, (struct sockaddr *)&address, sizeof address);
    SOCKET ours = accept(listener, NULL, NULL);
    closesocket(listener);
    DWORD available = 0;
    bool is_pipe = PeekNamedPipe((HANDLE)ours, NULL, 0, NULL, &available, NULL);
    CHECK(!is_pipe, "a socket is no pipe: %u", (unsigned)GetLastError());
    handle_given((HANDLE)ours);
    hc_stream stream = 0;
    uint64_t cookie = cookie_new();
    CHECK(hc_stream_read((hc_handle)ours, cookie, &stream) == 0, "a socket is read");
    send(theirs, "hello", 5, 0);
    CHECK(await_length(cookie, 5), "its bytes come");
    CHECK(hc_stream_is_open(stream), "and it stays open");
    send(theirs, " world", 6, 0);
    closesocket(theirs);
    check_ended(cookie, HC_STREAM_END, "a socket");
    CHECK(record_equals(cookie, "hello world"), "all bytes come before the end");
    WSACleanup();
}

void section_shared_pipes(void) {
    CHECK(streams_start(), "the reactor has started");
    check_bound_reader(false);
    check_bound_reader(true);
    check_bound_writer();
    check_messages();
    check_two_readers();
    check_stolen();
    check_socket();
}
