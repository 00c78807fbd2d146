// The library comes from the system directory and from nowhere else, and all of it is found.
#include <objbase.h>
#include <stdio.h>
#include <string.h>

#include "Check.h"

void section_loading_absent(void) {
    uint32_t error = 0;
    CHECK(hc_load(&error) == NULL, "nothing is loaded where the system directory has none");
    CHECK(error == ERROR_MOD_NOT_FOUND, "the system's code says so: %u", error);
    CHECK(GetModuleHandleW(L"vmcompute.dll") == NULL, "the one beside this program is not loaded");
    uint32_t again = 0;
    CHECK(hc_load(&again) == NULL && again == error, "a second call says the same");
    // Without this the checks above would hold for a missing file too.
    HMODULE beside = LoadLibraryW(L"vmcompute.dll");
    CHECK(beside != NULL, "though an ordinary load takes the one beside this program");
    CHECK(hc_load(&again) == NULL, "and even then it is not taken");
}

static DWORD WINAPI load(LPVOID parameter) {
    uint32_t error = 1;
    *(const HostComputeTable **)parameter = hc_load(&error);
    return error;
}

static void check_host(void) {
    char version[64];
    hc_system_version(version, sizeof version);
    unsigned major = 0, minor = 0, build = 0;
    CHECK(sscanf(version, "%u.%u.%u", &major, &minor, &build) == 3 && major >= 6, "the version is %s", version);
    char small[4] = {'x', 'x', 'x', 'x'};
    hc_system_version(small, 3);
    CHECK(strlen(small) == 2 && small[3] == 'x', "the version is cut to the room that there is");
    hc_system_version(small, 0);
    CHECK(small[3] == 'x', "and to none");
    CHECK(hc_processor_count() >= 1, "%u processors", hc_processor_count());
}

// Whether it is said to be a folder, and without an error.
static bool is_folder(hc_text path) {
    int32_t error = -1;
    return hc_is_folder(path, &error) && error == 0;
}

// The error of a path that can't be said to be a folder; 0 where it is said to be none.
static int32_t folder_error(hc_text path) {
    int32_t error = -1;
    return hc_is_folder(path, &error) ? -1 : error;
}

static void check_folders(void) {
    CHECK(is_folder(text_of("C:\\windows")), "a folder is a folder");
    CHECK(is_folder(text_of("C:\\windows\\")), "with a separator at its end too");
    CHECK(folder_error(text_of("C:\\windows\\system32\\cmd.exe")) == 0, "a file is not");
    CHECK(folder_error(text_of("C:\\nothing here")) == 0, "what is not there is not");
    CHECK(folder_error(text_of("C:\\nothing\\here")) == 0, "nor what is in it");
    CHECK(folder_error((hc_text){NULL, 0}) == 0, "no text is not");
    CHECK(folder_error((hc_text){"C:\\windows\0x", 12}) == ERROR_INVALID_NAME, "a path with a NUL inside is an error");
    deny_path(L"C:\\denied");
    CHECK(folder_error(text_of("C:\\denied")) == ERROR_ACCESS_DENIED, "what can't be looked at is no missing folder");
    deny_path(NULL);
    static char longer[5000];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "C:\\", 3);
    CHECK(!is_folder((hc_text){longer, sizeof longer}), "a path longer than any buffer is not");
    CreateDirectoryW(L"C:\\\u00E9\u4E2D\U0001F600", NULL);
    CHECK(is_folder(text_of("C:\\é中😀")), "a folder whose name is not ASCII is one");
    RemoveDirectoryW(L"C:\\\u00E9\u4E2D\U0001F600");
}

// A layer's folder may lie deeper than MAX_PATH characters.
static void check_long_folders(void) {
    enum { levels = 8 };
    WCHAR made[levels][512];
    char path[512] = "C:\\", slashes[512] = "C:/", odd[600];
    WCHAR at[512] = L"\\\\?\\C:";
    for (int level = 0; level < levels; level++) {
        snprintf(path + strlen(path), sizeof path - strlen(path), "%s%d-%050d", level == 0 ? "" : "\\", level, level);
        snprintf(
            slashes + strlen(slashes), sizeof slashes - strlen(slashes), "%s%d-%050d", level == 0 ? "" : "/", level, level);
        MultiByteToWideChar(CP_UTF8, 0, path + 2, -1, at + 6, 500);
        wcscpy(made[level], at);
        CreateDirectoryW(at, NULL);
    }
    CHECK(strlen(path) > MAX_PATH && is_folder(text_of(path)), "a path of %u characters", (unsigned)strlen(path));
    CHECK(is_folder(text_of(slashes)), "with the other separators");
    snprintf(odd, sizeof odd, "%s\\.\\x\\..", path);
    CHECK(is_folder(text_of(odd)), "with dots in it");
    snprintf(odd, sizeof odd, "\\\\?\\%s", path);
    CHECK(is_folder(text_of(odd)), "in the longer form already");
    snprintf(odd, sizeof odd, "%s\\UtilityVM", path);
    CHECK(folder_error(text_of(odd)) == 0, "what is not in it is not there");
    memcpy(odd, "\\\\server\\share\\", 15);
    memcpy(odd + 15, path + 3, strlen(path) - 2);
    is_folder(text_of(odd));
    CHECK(wcsncmp(path_asked_for(), L"\\\\?\\UNC\\server\\share\\0-", 23) == 0, "a share has a longer form of its own");
    for (int level = levels - 1; level >= 0; level--) RemoveDirectoryW(made[level]);
}

void section_loading(void) {
    enum { loaders = 16 };
    const HostComputeTable *loaded[loaders];
    HANDLE threads[loaders];
    for (int each = 0; each < loaders; each++) threads[each] = thread_start(load, &loaded[each]);
    for (int each = 0; each < loaders; each++) thread_join(threads[each]);
    uint32_t error = 1;
    const HostComputeTable *first = hc_load(&error);
    bool same = first != NULL;
    for (int each = 0; each < loaders; each++) same = same && loaded[each] == first;
    if (!CHECK(same, "%d threads that load at once get the same table", loaders)) return;
    CHECK(error == 0, "no error is told");

    WCHAR path[MAX_PATH] = {0}, system[MAX_PATH] = {0};
    GetModuleFileNameW(GetModuleHandleW(L"vmcompute.dll"), path, MAX_PATH);
    UINT length = GetSystemDirectoryW(system, MAX_PATH);
    CHECK(length > 0 && CompareStringOrdinal(path, (int)length, system, (int)length, TRUE) == CSTR_EQUAL,
          "the library is the one of the system directory: %ls", path);
    void *free_string = NULL;
    memcpy(&free_string, &first->FreeString, sizeof free_string);
    HMODULE owner = NULL;
    GetModuleHandleExW(
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, free_string, &owner);
    FARPROC expected = GetProcAddress(owner, "CoTaskMemFree");
    CHECK(expected != NULL && memcmp(&expected, &free_string, sizeof expected) == 0, "strings are freed by COM");
    check_host();
    check_folders();
    check_long_folders();
}

void section_lacking(void) {
    balance before = balance_now();
    CHECK(service->lacks_exports, "this library lacks exports");
    CHECK(table->HcsSignalProcess == NULL, "a function that is not exported is NULL");
    CHECK(table->HcsSaveComputeSystem == NULL && table->HcsModifyServiceSettings == NULL, "so are the others");
    CHECK(table->HcsCreateProcess != NULL && table->NameToGuid != NULL, "the rest is there");
    hc_handle system = running_system("lacking");
    CHECK(system != 0, "a system is created and started without them");
    hc_outcome outcome = hc_signal_process(table, 1, text_of("{}"));
    CHECK(outcome.status == HC_NOT_EXPORTED, "HcsSignalProcess: the call says that there is no such function");
    CHECK(outcome.code == 0 && outcome.hresult == 0 && outcome.document == NULL, "and nothing else");
    end_system(system);
    check_balance(before, "without the exports");
}
