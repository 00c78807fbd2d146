// The vmcompute.dll ABI as one table of function pointers.
//
// On Windows the table is filled from vmcompute.dll in the system directory; on a machine that has no Host Compute
// Service the emulator fills the same table. Nothing above this header knows which of the two answers.
//
// Conventions (HostComputeService A.1):
//  - every function returns an HRESULT; negative is failure, except HCS_OPERATION_PENDING, which says that the
//    operation was accepted, that handles written by the call are valid, and that a notification will follow;
//  - strings are NUL-terminated UTF-16. Strings that come out are freed with FreeString, on success and on failure
//    alike, whenever they are not NULL. The data of a notification belongs to HCS and lives only during the callback;
//  - a function that the loaded library does not export is NULL in the table.
#ifndef WINDLASS_HOST_COMPUTE_TABLE_H
#define WINDLASS_HOST_COMPUTE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && !defined(_WIN64)
#define HCS_CALL __stdcall
#else
#define HCS_CALL
#endif

typedef int32_t HcsResult;
typedef uint16_t HcsChar;
typedef void *HcsSystem;
typedef void *HcsProcess;
typedef void *HcsCallback;
typedef void *HcsStream;

/// Accepted; a notification will follow. Negative, yet not a failure.
#define HCS_OPERATION_PENDING ((HcsResult)0xC0370103)

/// Flags in the top four bits of a notification's type; the failure is the only one that is defined.
#define HcsNotificationFlagFailure 0x80000000u
#define HcsNotificationFlagsReserved 0xF0000000u

/// Notification types (HostComputeService C.1).
enum {
    HcsNotificationInvalid = 0x00000000,
    HcsNotificationSystemExited = 0x00000001,
    HcsNotificationSystemCreateCompleted = 0x00000002,
    HcsNotificationSystemStartCompleted = 0x00000003,
    HcsNotificationSystemPauseCompleted = 0x00000004,
    HcsNotificationSystemResumeCompleted = 0x00000005,
    HcsNotificationSystemSaveCompleted = 0x00000008,
    HcsNotificationProcessExited = 0x00010000,
    HcsNotificationServiceDisconnect = 0x01000000
};

/// HCS_PROCESS_INFORMATION (HostComputeService A.4): the standard handles are overlapped named pipe ends on Windows and
/// file descriptors in the emulator, where 0 also means "not asked for". Each belongs to the caller and is closed once.
typedef struct HcsProcessInformation {
    uint32_t ProcessId;
    uint32_t Reserved;
    HcsStream StdInput;
    HcsStream StdOutput;
    HcsStream StdError;
} HcsProcessInformation;

/// GUID as Windows lays it out: the first three fields are little-endian in memory.
typedef struct HcsGuid {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} HcsGuid;

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(HcsProcessInformation) == 32, "HCS_PROCESS_INFORMATION is 32 bytes on 64-bit systems");
_Static_assert(offsetof(HcsProcessInformation, StdInput) == 8, "StdInput at 8");
_Static_assert(offsetof(HcsProcessInformation, StdOutput) == 16, "StdOutput at 16");
_Static_assert(offsetof(HcsProcessInformation, StdError) == 24, "StdError at 24");
#endif
_Static_assert(sizeof(HcsGuid) == 16, "GUID is 16 bytes");

/// Called on threads that HCS owns, several at once. `context` is the number given at registration, never a pointer.
typedef void(HCS_CALL *HcsNotificationCallback)(
    uint32_t type, void *context, HcsResult status, const HcsChar *data);

typedef struct HostComputeTable {
    // Compute systems (HostComputeService A.2).
    HcsResult(HCS_CALL *HcsEnumerateComputeSystems)(const HcsChar *query, HcsChar **systems, HcsChar **result);
    HcsResult(HCS_CALL *HcsCreateComputeSystem)(
        const HcsChar *id, const HcsChar *configuration, void *identity, HcsSystem *system, HcsChar **result);
    HcsResult(HCS_CALL *HcsOpenComputeSystem)(const HcsChar *id, HcsSystem *system, HcsChar **result);
    HcsResult(HCS_CALL *HcsCloseComputeSystem)(HcsSystem system);
    HcsResult(HCS_CALL *HcsStartComputeSystem)(HcsSystem system, const HcsChar *options, HcsChar **result);
    HcsResult(HCS_CALL *HcsShutdownComputeSystem)(HcsSystem system, const HcsChar *options, HcsChar **result);
    HcsResult(HCS_CALL *HcsTerminateComputeSystem)(HcsSystem system, const HcsChar *options, HcsChar **result);
    HcsResult(HCS_CALL *HcsPauseComputeSystem)(HcsSystem system, const HcsChar *options, HcsChar **result);
    HcsResult(HCS_CALL *HcsResumeComputeSystem)(HcsSystem system, const HcsChar *options, HcsChar **result);
    HcsResult(HCS_CALL *HcsSaveComputeSystem)(HcsSystem system, const HcsChar *options, HcsChar **result);
    HcsResult(HCS_CALL *HcsGetComputeSystemProperties)(
        HcsSystem system, const HcsChar *query, HcsChar **properties, HcsChar **result);
    HcsResult(HCS_CALL *HcsModifyComputeSystem)(HcsSystem system, const HcsChar *configuration, HcsChar **result);
    HcsResult(HCS_CALL *HcsRegisterComputeSystemCallback)(
        HcsSystem system, HcsNotificationCallback callback, void *context, HcsCallback *handle);
    HcsResult(HCS_CALL *HcsUnregisterComputeSystemCallback)(HcsCallback handle);

    // Processes and the service (HostComputeService A.3).
    HcsResult(HCS_CALL *HcsCreateProcess)(
        HcsSystem system, const HcsChar *parameters, HcsProcessInformation *information, HcsProcess *process,
        HcsChar **result);
    HcsResult(HCS_CALL *HcsOpenProcess)(HcsSystem system, uint32_t pid, HcsProcess *process, HcsChar **result);
    HcsResult(HCS_CALL *HcsCloseProcess)(HcsProcess process);
    HcsResult(HCS_CALL *HcsTerminateProcess)(HcsProcess process, HcsChar **result);
    HcsResult(HCS_CALL *HcsSignalProcess)(HcsProcess process, const HcsChar *options, HcsChar **result);
    HcsResult(HCS_CALL *HcsGetProcessInfo)(
        HcsProcess process, HcsProcessInformation *information, HcsChar **result);
    HcsResult(HCS_CALL *HcsGetProcessProperties)(HcsProcess process, HcsChar **properties, HcsChar **result);
    HcsResult(HCS_CALL *HcsModifyProcess)(HcsProcess process, const HcsChar *settings, HcsChar **result);
    HcsResult(HCS_CALL *HcsRegisterProcessCallback)(
        HcsProcess process, HcsNotificationCallback callback, void *context, HcsCallback *handle);
    HcsResult(HCS_CALL *HcsUnregisterProcessCallback)(HcsCallback handle);
    HcsResult(HCS_CALL *HcsGetServiceProperties)(const HcsChar *query, HcsChar **properties, HcsChar **result);
    HcsResult(HCS_CALL *HcsModifyServiceSettings)(const HcsChar *settings, HcsChar **result);

    // Layer ids (HostComputeService E), and the allocator that HCS's strings come from: CoTaskMemFree on Windows.
    HcsResult(HCS_CALL *NameToGuid)(const HcsChar *name, HcsGuid *guid);
    void(HCS_CALL *FreeString)(void *string);
} HostComputeTable;

#ifdef __cplusplus
}
#endif

#endif
