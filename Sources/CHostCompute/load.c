// Finding vmcompute.dll, and what else only the operating system knows.
#include "HostCompute.h"

#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

static HostComputeTable table;
static DWORD load_error;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

// Function pointers are copied as bytes: C knows no cast between them and FARPROC that every compiler accepts.
#define BIND(library, field, name)                                                                                    \
    do {                                                                                                              \
        FARPROC found = GetProcAddress(library, name);                                                                \
        memcpy(&table.field, &found, sizeof table.field);                                                             \
    } while (0)
#define BIND_EXPORT(name) BIND(vmcompute, name, #name)

static BOOL CALLBACK load_once(PINIT_ONCE unused, PVOID parameter, PVOID *context) {
    (void)unused, (void)parameter, (void)context;
    // The system directory only: a library of the same name beside the program or in the path must never be loaded.
    HMODULE vmcompute = LoadLibraryExW(L"vmcompute.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (vmcompute == NULL) {
        load_error = GetLastError();
        return TRUE;
    }
    HMODULE com = LoadLibraryExW(L"api-ms-win-core-com-l1-1-0.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (com == NULL) com = LoadLibraryExW(L"ole32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (com == NULL) {
        load_error = GetLastError();
        return TRUE;
    }
    // Every export is optional: an absent one is an error of its call.
    BIND_EXPORT(HcsEnumerateComputeSystems);
    BIND_EXPORT(HcsCreateComputeSystem);
    BIND_EXPORT(HcsOpenComputeSystem);
    BIND_EXPORT(HcsCloseComputeSystem);
    BIND_EXPORT(HcsStartComputeSystem);
    BIND_EXPORT(HcsShutdownComputeSystem);
    BIND_EXPORT(HcsTerminateComputeSystem);
    BIND_EXPORT(HcsPauseComputeSystem);
    BIND_EXPORT(HcsResumeComputeSystem);
    BIND_EXPORT(HcsSaveComputeSystem);
    BIND_EXPORT(HcsGetComputeSystemProperties);
    BIND_EXPORT(HcsModifyComputeSystem);
    BIND_EXPORT(HcsRegisterComputeSystemCallback);
    BIND_EXPORT(HcsUnregisterComputeSystemCallback);
    BIND_EXPORT(HcsCreateProcess);
    BIND_EXPORT(HcsOpenProcess);
    BIND_EXPORT(HcsCloseProcess);
    BIND_EXPORT(HcsTerminateProcess);
    BIND_EXPORT(HcsSignalProcess);
    BIND_EXPORT(HcsGetProcessInfo);
    BIND_EXPORT(HcsGetProcessProperties);
    BIND_EXPORT(HcsModifyProcess);
    BIND_EXPORT(HcsRegisterProcessCallback);
    BIND_EXPORT(HcsUnregisterProcessCallback);
    BIND_EXPORT(HcsGetServiceProperties);
    BIND_EXPORT(HcsModifyServiceSettings);
    BIND_EXPORT(NameToGuid);
    BIND(com, FreeString, "CoTaskMemFree");
    if (table.FreeString == NULL) load_error = ERROR_PROC_NOT_FOUND;
    return TRUE;
}

const HostComputeTable *hc_load(uint32_t *error) {
    InitOnceExecuteOnce(&once, load_once, NULL, NULL);
    *error = load_error;
    return load_error == 0 ? &table : NULL;
}

void hc_system_version(char *version, size_t capacity) {
    // RtlGetVersion returns the real version; GetVersionEx returns Windows 8 to a program without a manifest.
    typedef LONG(WINAPI * rtl_get_version)(OSVERSIONINFOW *);
    rtl_get_version function = NULL;
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC found = ntdll == NULL ? NULL : GetProcAddress(ntdll, "RtlGetVersion");
    memcpy(&function, &found, sizeof function);
    OSVERSIONINFOW info = {.dwOSVersionInfoSize = sizeof info};
    if (capacity > 0) version[0] = 0;
    if (function != NULL && function(&info) == 0)
        snprintf(
            version, capacity, "%lu.%lu.%lu", (unsigned long)info.dwMajorVersion, (unsigned long)info.dwMinorVersion,
            (unsigned long)info.dwBuildNumber);
}

uint32_t hc_processor_count(void) {
    DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count == 0 ? 1 : (uint32_t)count;
}

// The form of a path that no limit of length holds for, malloc'ed: without a manifest Windows refuses others from
// MAX_PATH characters on. NULL where there is no memory.
static WCHAR *lengthened(const WCHAR *path) {
    static const WCHAR local[] = L"\\\\?\\", network[] = L"\\\\?\\UNC\\";
    DWORD room = GetFullPathNameW(path, 0, NULL, NULL);
    WCHAR *full = room == 0 ? NULL : malloc((room + wcslen(network)) * sizeof *full);
    if (full == NULL) return NULL;
    DWORD length = GetFullPathNameW(path, room, full, NULL);
    if (length == 0 || length >= room) {
        free(full);
        return NULL;
    }
    if (wcsncmp(full, local, wcslen(local)) == 0 || wcsncmp(full, L"\\\\.\\", 4) == 0) return full;
    bool is_share = wcsncmp(full, L"\\\\", 2) == 0;
    const WCHAR *prefix = is_share ? network : local;
    // Of a share the two separators at its beginning go.
    memmove(full + wcslen(prefix), full + (is_share ? 2 : 0), (length + 1 - (is_share ? 2 : 0)) * sizeof *full);
    memcpy(full, prefix, wcslen(prefix) * sizeof *full);
    return full;
}

int32_t hc_is_folder(hc_text path, int32_t *error) {
    HcsChar buffer[1024];
    hc_status status = HC_DONE;
    *error = 0;
    HcsChar *path16 = hc_utf16(path, buffer, 1024, &status);
    if (path16 == NULL) {
        *error = status == HC_NO_MEMORY ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_NAME;
        return 0;
    }
    WCHAR *longer = wcslen((const WCHAR *)path16) < MAX_PATH ? NULL : lengthened((const WCHAR *)path16);
    DWORD attributes = GetFileAttributesW(longer == NULL ? (const WCHAR *)path16 : longer);
    DWORD failure = attributes == INVALID_FILE_ATTRIBUTES ? GetLastError() : 0;
    free(longer);
    if (path16 != buffer) hc_free((char *)path16);
    if (failure == 0) return (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (failure != ERROR_FILE_NOT_FOUND && failure != ERROR_PATH_NOT_FOUND) *error = (int32_t)failure;
    return 0;
}

#else

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const HostComputeTable *hc_load(uint32_t *error) {
    *error = 0;
    return NULL;
}

void hc_system_version(char *version, size_t capacity) {
    if (capacity > 0) version[0] = 0;
}

uint32_t hc_processor_count(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (uint32_t)count;
}

int32_t hc_is_folder(hc_text path, int32_t *error) {
    char buffer[PATH_MAX];
    *error = ENAMETOOLONG;
    if (path.length >= sizeof buffer) return 0;
    if (path.length > 0) memcpy(buffer, path.bytes, path.length);
    buffer[path.length] = 0;
    struct stat status;
    *error = stat(buffer, &status) == 0 ? 0 : errno;
    if (*error == 0) return S_ISDIR(status.st_mode);
    if (*error == ENOENT || *error == ENOTDIR) *error = 0;
    return 0;
}

#endif
