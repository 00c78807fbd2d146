// A program that is asked to stop, as a console program or as a service. What happens to it goes into the file that its
// argument names.
#include <io.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "HostStop.h"

static HANDLE asked;
static volatile LONG reasons[8], count_of_reasons;

static void take(hc_stop_reason reason) {
    LONG at = InterlockedIncrement(&count_of_reasons) - 1;
    if (at < 8) reasons[at] = reason;
    ReleaseSemaphore(asked, 1, NULL);
}

// By the C library where it can, for it and the system's handle lead to the same file; a service's can't under Wine.
static void say(FILE *stream, DWORD standard, const char *text, long number) {
    char line[100];
    int length = snprintf(line, sizeof line, text, number);
    DWORD written = 0;
    if (_fileno(stream) >= 0) fputs(line, stream);
    else WriteFile(GetStdHandle(standard), line, (DWORD)length, &written, NULL);
}

int main(int count, char **arguments) {
    if (count < 2) return 99;
    if (hc_append_output((hc_text){.bytes = arguments[1], .length = strlen(arguments[1])}) != 0) return 90;
    setvbuf(stdout, NULL, _IONBF, 0);
    setvbuf(stderr, NULL, _IONBF, 0);
    asked = CreateSemaphoreW(NULL, 0, 100, NULL);
    hc_stop_source source = 0;
    int32_t error = hc_stop_listen(take, &source);
    if (error != 0) {
        say(stderr, STD_ERROR_HANDLE, "error: %ld\n", error);
        return 91;
    }
    say(stdout, STD_OUTPUT_HANDLE, "listening: %ld\n", source);
    // A console program goes on until the second request, a service obeys the first one.
    for (LONG at = 0; at < (source == HC_STOP_BY_SERVICE ? 1 : 2); at++) {
        if (WaitForSingleObject(asked, 60000) != WAIT_OBJECT_0) return 92;
        say(stderr, STD_ERROR_HANDLE, "asked: %ld\n", reasons[at]);
    }
    DWORD written = 0;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), "finished\n", 9, &written, NULL);
    // Half a second, in which the Service Control Manager sees it stop.
    if (source == HC_STOP_BY_SERVICE) Sleep(500);
    hc_stop_finished(7);
    return 7;
}
