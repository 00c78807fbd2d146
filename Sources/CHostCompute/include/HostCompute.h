// Calls into a HostComputeTable in UTF-8, so that what lies above needs no UTF-16, no foreign allocator and no pointer
// handed to a foreign thread.
//
// Rules that hold for every call here:
//  - handles are numbers (0 = none); text goes in as UTF-8 with a length, because an embedded NUL must be refused and
//    not silently end the text;
//  - strings that HCS allocated are copied to UTF-8 and freed with FreeString exactly once;
//  - what an outcome or an out-parameter hands out as `char *` is malloc'ed and freed by the caller with hc_free;
//  - a function that the table does not have is an outcome, never a crash.
#ifndef WINDLASS_HOST_COMPUTE_H
#define WINDLASS_HOST_COMPUTE_H

#include <stddef.h>
#include <stdint.h>

#include "HostComputeTable.h"

#ifdef __cplusplus
extern "C" {
#endif

/// HCS_SYSTEM, HCS_PROCESS, HCS_CALLBACK or a standard handle, as a number; 0 is none.
typedef uintptr_t hc_handle;

/// UTF-8 text; `bytes` needs no NUL at its end.
typedef struct hc_text {
    const char *bytes;
    size_t length;
} hc_text;

/// What became of a call.
typedef enum hc_status {
    /// The operation is complete.
    HC_DONE = 0,
    /// Accepted: handles are valid, and a notification will follow.
    HC_PENDING = 1,
    /// HCS refused; `code` and `hresult` are the reason.
    HC_FAILED = 2,
    /// The loaded library has no such function.
    HC_NOT_EXPORTED = 3,
    /// The text given is not UTF-8 or holds a NUL; HCS was not called.
    HC_BAD_TEXT = 4,
    /// No memory for the conversion; where this comes after the call, the answer is lost.
    HC_NO_MEMORY = 5
} hc_status;

typedef struct hc_outcome {
    hc_status status;
    /// Where HC_FAILED: the normalised code, Win32 codes folded to their low 16 bits (HostComputeService A.1).
    uint32_t code;
    /// Where HC_FAILED: the HRESULT as HCS gave it.
    uint32_t hresult;
    /// Where HC_FAILED: the result document or NULL; free with hc_free. Otherwise NULL: the document of a pending
    /// operation is dropped, because its notification decides.
    char *document;
} hc_outcome;

/// Frees what a call here handed out; NULL is nothing to free.
void hc_free(char *text);

/// 0x8007xxxx is a Win32 code in an HRESULT's clothes: it becomes xxxx. Anything else stays.
uint32_t hc_normalise(HcsResult result);

// Text (text.c).

/// NUL-terminated UTF-16 of UTF-8, malloc'ed; NULL with *status set to HC_BAD_TEXT (not UTF-8, or a NUL inside) or
/// HC_NO_MEMORY. Uses `buffer` (of `capacity` units) instead of malloc where it is large enough.
HcsChar *hc_utf16(hc_text text, HcsChar *buffer, size_t capacity, hc_status *status);
/// NUL-terminated UTF-8 of NUL-terminated UTF-16, malloc'ed; NULL where there is no memory. Unpaired surrogates become
/// U+FFFD: HCS's text is for people and for JSON, and half a character must not cost the whole answer.
char *hc_utf8(const HcsChar *text);

// Compute systems.

hc_outcome hc_enumerate_systems(const HostComputeTable *table, hc_text query, char **systems);
hc_outcome hc_create_system(const HostComputeTable *table, hc_text id, hc_text configuration, hc_handle *system);
hc_outcome hc_open_system(const HostComputeTable *table, hc_text id, hc_handle *system);
hc_outcome hc_close_system(const HostComputeTable *table, hc_handle system);
hc_outcome hc_start_system(const HostComputeTable *table, hc_handle system);
hc_outcome hc_shutdown_system(const HostComputeTable *table, hc_handle system);
hc_outcome hc_terminate_system(const HostComputeTable *table, hc_handle system);
hc_outcome hc_pause_system(const HostComputeTable *table, hc_handle system);
hc_outcome hc_resume_system(const HostComputeTable *table, hc_handle system);
hc_outcome hc_system_properties(const HostComputeTable *table, hc_handle system, hc_text query, char **properties);
hc_outcome hc_modify_system(const HostComputeTable *table, hc_handle system, hc_text configuration);
hc_outcome hc_register_system(const HostComputeTable *table, hc_handle system, uintptr_t number, hc_handle *callback);
/// Blocks until callbacks that run have returned: never call it from a notification, nor under a lock that one takes.
hc_outcome hc_unregister_system(const HostComputeTable *table, hc_handle callback);

// Processes and the service.

/// What CreateProcess and GetProcessInfo hand out; every handle that is not 0 is the caller's, to be closed once.
typedef struct hc_process_information {
    uint32_t pid;
    hc_handle standard_input;
    hc_handle standard_output;
    hc_handle standard_error;
} hc_process_information;

hc_outcome hc_create_process(
    const HostComputeTable *table, hc_handle system, hc_text parameters, hc_process_information *information,
    hc_handle *process);
hc_outcome hc_open_process(const HostComputeTable *table, hc_handle system, uint32_t pid, hc_handle *process);
hc_outcome hc_close_process(const HostComputeTable *table, hc_handle process);
hc_outcome hc_terminate_process(const HostComputeTable *table, hc_handle process);
hc_outcome hc_signal_process(const HostComputeTable *table, hc_handle process, hc_text options);
hc_outcome hc_process_info(const HostComputeTable *table, hc_handle process, hc_process_information *information);
hc_outcome hc_process_properties(const HostComputeTable *table, hc_handle process, char **properties);
hc_outcome hc_modify_process(const HostComputeTable *table, hc_handle process, hc_text settings);
hc_outcome hc_register_process(const HostComputeTable *table, hc_handle process, uintptr_t number, hc_handle *callback);
/// Blocks as hc_unregister_system does.
hc_outcome hc_unregister_process(const HostComputeTable *table, hc_handle callback);
hc_outcome hc_service_properties(const HostComputeTable *table, hc_text query, char **properties);

/// The printed, lower-case form of NameToGuid(name).
hc_outcome hc_name_to_guid(const HostComputeTable *table, hc_text name, char guid[37]);

// Notifications (notifications.c).

/// Takes every notification. `number` is the one given at registration; `type` is without its flags where it is a known
/// kind of type, and whole where not; `data` is UTF-8 or NULL and lives only during the call. Runs on threads that HCS
/// owns, several at once: it must not block.
typedef void (*hc_notification)(uintptr_t number, uint32_t type, int32_t status, const char *data);

/// Says where notifications go; before the first registration. NULL drops them.
void hc_set_notification(hc_notification notification);

/// What is registered with HCS: reduces a notification to numbers and UTF-8.
void HCS_CALL hc_trampoline(uint32_t type, void *context, HcsResult status, const HcsChar *data);

// The host (load.c).

/// The table of vmcompute.dll in the system directory, the same one at every call; NULL with *error set to the system's
/// code where it cannot be loaded, and to 0 where this platform has no Host Compute Service.
const HostComputeTable *hc_load(uint32_t *error);
/// The version of the operating system as `10.0.17763`; empty where it is not Windows.
void hc_system_version(char *version, size_t capacity);
/// Processors of the host; at least 1.
uint32_t hc_processor_count(void);
/// Whether `path`, of any length, is a folder of the host. *error is the system's code if that cannot be found out, and
/// 0 otherwise. A missing path is no folder.
int32_t hc_is_folder(hc_text path, int32_t *error);

#ifdef __cplusplus
}
#endif

#endif
