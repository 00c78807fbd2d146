// Reads that the reactor's thread waits for.
#if defined(_WIN32)

#include "slots_windows.h"

#include <stdlib.h>
#include <string.h>

typedef struct direct_read {
    OVERLAPPED overlapped;
    HANDLE event;
    uint8_t buffer[read_size];
} direct_read;

// Bytes that were seen in a pipe can be read at once, unless another reader has taken them meanwhile.
enum { patience_ms = 50 };

static direct_read *reading;  // NULL where the last one was given up

static direct_read *make_read(void) {
    direct_read *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (made->event != NULL) return made;
    free(made);
    return NULL;
}

bool reads_start(void) {
    reading = make_read();
    return reading != NULL;
}

static bool is_done(void) { return WaitForSingleObject(reading->event, patience_ms) == WAIT_OBJECT_0; }

bool read_seen(HANDLE from, DWORD size, const uint8_t **bytes, DWORD *got) {
    *got = 0;
    if (reading == NULL) reading = make_read();
    if (reading == NULL) return false;
    memset(&reading->overlapped, 0, sizeof reading->overlapped);
    // The low bit of the event keeps this read's completion from every port.
    reading->overlapped.hEvent = (HANDLE)((uintptr_t)reading->event | 1);
    if (!ReadFile(from, reading->buffer, size, NULL, &reading->overlapped)) {
        DWORD error = GetLastError();
        if (error != ERROR_IO_PENDING && error != ERROR_MORE_DATA) return false;
        if (error == ERROR_IO_PENDING && !is_done()) {
            CancelIoEx(from, &reading->overlapped);
            if (!is_done()) {
                // The system may write to it at any time, so this memory is given up.
                reading = NULL;
                return true;
            }
        }
    }
    *bytes = reading->buffer;
    if (GetOverlappedResult(from, &reading->overlapped, got, FALSE)) return true;
    DWORD error = GetLastError();
    return error == ERROR_MORE_DATA || error == ERROR_OPERATION_ABORTED;
}

#endif
