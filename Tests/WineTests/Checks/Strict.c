// What Windows refuses and Wine grants. The linker sends these calls here (--wrap).
#include <string.h>

#include "Check.h"

extern DWORD(WINAPI *__real___imp_GetFileAttributesW)(LPCWSTR path);
extern DWORD(WINAPI *__wrap___imp_GetFileAttributesW)(LPCWSTR path);
extern BOOL(WINAPI *__real___imp_PeekNamedPipe)(HANDLE, LPVOID, DWORD, LPDWORD, LPDWORD, LPDWORD);
extern BOOL(WINAPI *__wrap___imp_PeekNamedPipe)(HANDLE, LPVOID, DWORD, LPDWORD, LPDWORD, LPDWORD);

static volatile LONG peeks_refused;
static const WCHAR *volatile denied;
static WCHAR asked_for[64];

void refuse_peeks(bool refused) { peeks_refused = refused; }
const WCHAR *path_asked_for(void) { return asked_for; }
void deny_path(const WCHAR *path) { denied = path; }

// Without a manifest that says otherwise, a path of MAX_PATH characters or more is not found.
static DWORD WINAPI attributes(LPCWSTR path) {
    const WCHAR *refused = denied;
    lstrcpynW(asked_for, path, 64);
    DWORD error = 0;
    if (refused != NULL && wcscmp(path, refused) == 0) error = ERROR_ACCESS_DENIED;
    if (wcslen(path) >= MAX_PATH && wcsncmp(path, L"\\\\?\\", 4) != 0) error = ERROR_PATH_NOT_FOUND;
    if (error == 0) return __real___imp_GetFileAttributesW(path);
    SetLastError(error);
    return INVALID_FILE_ATTRIBUTES;
}

static BOOL WINAPI peek(HANDLE pipe, LPVOID buffer, DWORD size, LPDWORD got, LPDWORD available, LPDWORD left) {
    if (!peeks_refused) return __real___imp_PeekNamedPipe(pipe, buffer, size, got, available, left);
    SetLastError(ERROR_INVALID_FUNCTION);
    return FALSE;
}

DWORD(WINAPI *__wrap___imp_GetFileAttributesW)(LPCWSTR path) = attributes;
BOOL(WINAPI *__wrap___imp_PeekNamedPipe)(HANDLE, LPVOID, DWORD, LPDWORD, LPDWORD, LPDWORD) = peek;
