// What must hold before anything runs: the table's types are Windows's types, to the byte.
#include <stddef.h>

#include "Check.h"

_Static_assert(sizeof(void *) == 8, "only 64-bit Windows has containers");
_Static_assert(sizeof(HcsChar) == sizeof(WCHAR) && (HcsChar)-1 > 0, "a unit of UTF-16");
_Static_assert(sizeof(HcsResult) == sizeof(HRESULT) && (HcsResult)-1 < 0, "an HRESULT is signed");
_Static_assert(sizeof(uint32_t) == sizeof(DWORD), "a DWORD");
_Static_assert(sizeof(HcsSystem) == sizeof(HANDLE) && sizeof(hc_handle) == sizeof(HANDLE), "a handle");
_Static_assert(sizeof(uintptr_t) == sizeof(hc_stream), "a stream's number fits where a pointer is posted");
_Static_assert(HCS_OPERATION_PENDING < 0, "pending looks like a failure");
_Static_assert((uint32_t)HCS_OPERATION_PENDING == 0xC0370103, "pending");

// HCS_PROCESS_INFORMATION in Windows's own words (HostComputeService A.4).
typedef struct windows_process_information {
    DWORD ProcessId;
    DWORD Reserved;
    HANDLE StdInput;
    HANDLE StdOutput;
    HANDLE StdError;
} windows_process_information;

#define SAME_PLACE(field)                                                                                             \
    _Static_assert(                                                                                                   \
        offsetof(HcsProcessInformation, field) == offsetof(windows_process_information, field), #field)
SAME_PLACE(ProcessId);
SAME_PLACE(Reserved);
SAME_PLACE(StdInput);
SAME_PLACE(StdOutput);
SAME_PLACE(StdError);
_Static_assert(sizeof(HcsProcessInformation) == sizeof(windows_process_information), "its size");
_Static_assert(sizeof(HcsProcessInformation) == 32 && _Alignof(HcsProcessInformation) == 8, "32 bytes, aligned to 8");

_Static_assert(sizeof(HcsGuid) == sizeof(GUID) && _Alignof(HcsGuid) == _Alignof(GUID), "a GUID");
_Static_assert(offsetof(HcsGuid, Data2) == offsetof(GUID, Data2), "Data2");
_Static_assert(offsetof(HcsGuid, Data3) == offsetof(GUID, Data3), "Data3");
_Static_assert(offsetof(HcsGuid, Data4) == offsetof(GUID, Data4), "Data4");

// 27 exports and the allocator's other half; a function that is forgotten in load.c is found by a check.
_Static_assert(sizeof(HostComputeTable) == 28 * sizeof(void *), "the table");

// The callback in Windows's own words: assignable to what the table takes without a cast.
typedef void(CALLBACK *windows_callback)(uint32_t type, void *context, int32_t status, const uint16_t *data);
extern const windows_callback layout_callback;
const windows_callback layout_callback = hc_trampoline;

_Static_assert(HcsNotificationSystemExited == 1 && HcsNotificationSystemCreateCompleted == 2, "types");
_Static_assert(HcsNotificationSystemStartCompleted == 3 && HcsNotificationSystemPauseCompleted == 4, "types");
_Static_assert(HcsNotificationSystemResumeCompleted == 5 && HcsNotificationSystemSaveCompleted == 8, "types");
_Static_assert(HcsNotificationProcessExited == 0x10000 && HcsNotificationServiceDisconnect == 0x01000000, "types");
