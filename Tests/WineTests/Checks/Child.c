// What the checks run as a process where a shell can't say it exactly. Everything is unbuffered and binary.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static bool put(HANDLE to, const void *bytes, size_t length) {
    DWORD written = 0;
    while (length > 0) {
        if (!WriteFile(to, bytes, (DWORD)length, &written, NULL)) return false;
        bytes = (const char *)bytes + written;
        length -= written;
    }
    return true;
}

static void await_event(const char *name) {
    HANDLE event = CreateEventA(NULL, TRUE, FALSE, name);
    WaitForSingleObject(event, 60000);
}

int main(int count, char **arguments) {
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE);
    HANDLE error = GetStdHandle(STD_ERROR_HANDLE);
    const char *what = count > 1 ? arguments[1] : "", *with = count > 2 ? arguments[2] : "";
    static char buffer[65536];
    if (strcmp(what, "echo") == 0) {
        // Until its input ends.
        DWORD got = 0;
        while (ReadFile(in, buffer, sizeof buffer, &got, NULL) && got > 0)
            if (!put(out, buffer, got)) return 2;
        return 0;
    }
    if (strcmp(what, "both") == 0) {
        put(out, with, strlen(with));
        put(error, "error of ", 9);
        put(error, with, strlen(with));
        return 7;
    }
    if (strcmp(what, "flood") == 0) {
        size_t left = (size_t)strtoul(with, NULL, 10), at = 0;
        while (left > 0) {
            size_t size = left < sizeof buffer ? left : sizeof buffer;
            for (size_t each = 0; each < size; each++) buffer[each] = (char)((at + each) * 13);
            if (!put(out, buffer, size)) return 2;
            at += size, left -= size;
        }
        return 0;
    }
    if (strcmp(what, "hold") == 0) {
        await_event(with);
        put(out, " and its child", 14);
        return 0;
    }
    if (strcmp(what, "leave") == 0) {
        // Leaves a child behind that holds the output open.
        char command[600];
        snprintf(command, sizeof command, "\"%s\" hold %s", arguments[0], with);
        STARTUPINFOA startup = {
            .cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES, .hStdInput = in, .hStdOutput = out,
            .hStdError = error};
        PROCESS_INFORMATION made;
        if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made))
            return (int)(1000 + GetLastError());
        put(out, "the parent", 10);
        return 3;
    }
    if (strcmp(what, "wait") == 0) {
        await_event(with);
        return 0;
    }
    return 99;
}
