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

    CHECK(hc_is_folder(text_of("C:\\windows")), "a folder is a folder");
    CHECK(hc_is_folder(text_of("C:\\windows\\")), "with a separator at its end too");
    CHECK(!hc_is_folder(text_of("C:\\windows\\system32\\cmd.exe")), "a file is not");
    CHECK(!hc_is_folder(text_of("C:\\nothing here")), "what is not there is not");
    CHECK(!hc_is_folder((hc_text){NULL, 0}), "no text is not");
    CHECK(!hc_is_folder((hc_text){"C:\\windows\0x", 12}), "a path with a NUL inside is not");
    static char longer[5000];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "C:\\", 3);
    CHECK(!hc_is_folder((hc_text){longer, sizeof longer}), "a path longer than any buffer is not");
    CreateDirectoryW(L"C:\\\u00E9\u4E2D\U0001F600", NULL);
    CHECK(hc_is_folder(text_of("C:\\é中😀")), "a folder whose name is not ASCII is one");
    RemoveDirectoryW(L"C:\\\u00E9\u4E2D\U0001F600");
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
