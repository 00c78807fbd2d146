// One thin call per function of the table: convert, call, normalise, free.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "HostCompute.h"

// Most documents and all ids fit into this many units, so that a call rarely allocates.
enum { stack_units = 1024 };

uint32_t hc_normalise(HcsResult result) {
    uint32_t bits = (uint32_t)result;
    return (bits & 0x1FFF0000u) == 0x00070000u ? bits & 0xFFFFu : bits;
}

static hc_outcome only(hc_status status) {
    return (hc_outcome){.status = status};
}

// Result and property strings come from HCS's allocator, on success and on failure alike.
static void release(const HostComputeTable *table, HcsChar *string) {
    if (string != NULL && table->FreeString != NULL) table->FreeString(string);
}

// Turns what a call answered into an outcome; consumes `document`.
static hc_outcome finish(const HostComputeTable *table, HcsResult result, HcsChar *document) {
    hc_outcome outcome = {.status = HC_DONE};
    if (result == HCS_OPERATION_PENDING) {
        outcome.status = HC_PENDING;
    } else if (result < 0) {
        outcome.status = HC_FAILED;
        outcome.code = hc_normalise(result);
        outcome.hresult = (uint32_t)result;
        if (document != NULL) outcome.document = hc_utf8(document);
    }
    release(table, document);
    return outcome;
}

// As finish, and hands `answer` over as UTF-8; consumes both strings. NULL stays NULL: the caller judges that.
static hc_outcome finish_with_answer(
    const HostComputeTable *table, HcsResult result, HcsChar *document, HcsChar *answer, char **out) {
    hc_outcome outcome = finish(table, result, document);
    *out = NULL;
    if (outcome.status == HC_DONE && answer != NULL) {
        *out = hc_utf8(answer);
        if (*out == NULL) outcome.status = HC_NO_MEMORY;
    }
    release(table, answer);
    return outcome;
}

// Declares `name`, the UTF-16 form of `text`; returns from the calling function where there is none.
#define CONVERT(name, text)                                                                                           \
    HcsChar name##_buffer[stack_units];                                                                               \
    hc_status name##_status = HC_DONE;                                                                                \
    HcsChar *name = hc_utf16(text, name##_buffer, stack_units, &name##_status);                                       \
    if (name == NULL) return only(name##_status)

#define RELEASE(name)                                                                                                 \
    if (name != name##_buffer) free(name)

#define REQUIRE(function)                                                                                             \
    if (table->function == NULL) return only(HC_NOT_EXPORTED)

// `options` is an empty string, never NULL (HostComputeService A.1).
static const HcsChar no_options[] = {0};

hc_outcome hc_enumerate_systems(const HostComputeTable *table, hc_text query, char **systems) {
    *systems = NULL;
    REQUIRE(HcsEnumerateComputeSystems);
    CONVERT(query16, query);
    HcsChar *answer = NULL, *document = NULL;
    HcsResult result = table->HcsEnumerateComputeSystems(query16, &answer, &document);
    RELEASE(query16);
    return finish_with_answer(table, result, document, answer, systems);
}

hc_outcome hc_create_system(const HostComputeTable *table, hc_text id, hc_text configuration, hc_handle *system) {
    *system = 0;
    REQUIRE(HcsCreateComputeSystem);
    CONVERT(id16, id);
    hc_status status = HC_DONE;
    HcsChar buffer[stack_units];
    HcsChar *configuration16 = hc_utf16(configuration, buffer, stack_units, &status);
    if (configuration16 == NULL) {
        RELEASE(id16);
        return only(status);
    }
    HcsSystem handle = NULL;
    HcsChar *document = NULL;
    HcsResult result = table->HcsCreateComputeSystem(id16, configuration16, NULL, &handle, &document);
    if (configuration16 != buffer) free(configuration16);
    RELEASE(id16);
    hc_outcome outcome = finish(table, result, document);
    // A pending create has already written a valid handle; a failed one has written nothing of meaning.
    if (outcome.status != HC_FAILED) *system = (hc_handle)handle;
    return outcome;
}

hc_outcome hc_open_system(const HostComputeTable *table, hc_text id, hc_handle *system) {
    *system = 0;
    REQUIRE(HcsOpenComputeSystem);
    CONVERT(id16, id);
    HcsSystem handle = NULL;
    HcsChar *document = NULL;
    HcsResult result = table->HcsOpenComputeSystem(id16, &handle, &document);
    RELEASE(id16);
    hc_outcome outcome = finish(table, result, document);
    if (outcome.status != HC_FAILED) *system = (hc_handle)handle;
    return outcome;
}

hc_outcome hc_close_system(const HostComputeTable *table, hc_handle system) {
    REQUIRE(HcsCloseComputeSystem);
    return finish(table, table->HcsCloseComputeSystem((HcsSystem)system), NULL);
}

// Start, shutdown, terminate, pause and resume share one shape.
#define OPERATION(name, function)                                                                                     \
    hc_outcome name(const HostComputeTable *table, hc_handle system) {                                                \
        REQUIRE(function);                                                                                            \
        HcsChar *document = NULL;                                                                                     \
        HcsResult result = table->function((HcsSystem)system, no_options, &document);                                 \
        return finish(table, result, document);                                                                       \
    }

OPERATION(hc_start_system, HcsStartComputeSystem)
OPERATION(hc_shutdown_system, HcsShutdownComputeSystem)
OPERATION(hc_terminate_system, HcsTerminateComputeSystem)
OPERATION(hc_pause_system, HcsPauseComputeSystem)
OPERATION(hc_resume_system, HcsResumeComputeSystem)

hc_outcome hc_system_properties(const HostComputeTable *table, hc_handle system, hc_text query, char **properties) {
    *properties = NULL;
    REQUIRE(HcsGetComputeSystemProperties);
    CONVERT(query16, query);
    HcsChar *answer = NULL, *document = NULL;
    HcsResult result = table->HcsGetComputeSystemProperties((HcsSystem)system, query16, &answer, &document);
    RELEASE(query16);
    return finish_with_answer(table, result, document, answer, properties);
}

hc_outcome hc_modify_system(const HostComputeTable *table, hc_handle system, hc_text configuration) {
    REQUIRE(HcsModifyComputeSystem);
    CONVERT(configuration16, configuration);
    HcsChar *document = NULL;
    HcsResult result = table->HcsModifyComputeSystem((HcsSystem)system, configuration16, &document);
    RELEASE(configuration16);
    return finish(table, result, document);
}

hc_outcome hc_register_system(const HostComputeTable *table, hc_handle system, uintptr_t number, hc_handle *callback) {
    *callback = 0;
    REQUIRE(HcsRegisterComputeSystemCallback);
    HcsCallback handle = NULL;
    HcsResult result =
        table->HcsRegisterComputeSystemCallback((HcsSystem)system, hc_trampoline, (void *)number, &handle);
    hc_outcome outcome = finish(table, result, NULL);
    if (outcome.status != HC_FAILED) *callback = (hc_handle)handle;
    return outcome;
}

hc_outcome hc_unregister_system(const HostComputeTable *table, hc_handle callback) {
    REQUIRE(HcsUnregisterComputeSystemCallback);
    return finish(table, table->HcsUnregisterComputeSystemCallback((HcsCallback)callback), NULL);
}

static hc_process_information information_of(const HcsProcessInformation *from) {
    // 0 is "not asked for"; the newer library also writes INVALID_HANDLE_VALUE (HostComputeService A.4).
    uintptr_t invalid = UINTPTR_MAX;
    uintptr_t in = (uintptr_t)from->StdInput, out = (uintptr_t)from->StdOutput, error = (uintptr_t)from->StdError;
    return (hc_process_information){
        .pid = from->ProcessId,
        .standard_input = in == invalid ? 0 : in,
        .standard_output = out == invalid ? 0 : out,
        .standard_error = error == invalid ? 0 : error,
    };
}

hc_outcome hc_create_process(
    const HostComputeTable *table, hc_handle system, hc_text parameters, hc_process_information *information,
    hc_handle *process) {
    *process = 0;
    *information = (hc_process_information){0};
    REQUIRE(HcsCreateProcess);
    CONVERT(parameters16, parameters);
    HcsProcessInformation raw = {0};
    HcsProcess handle = NULL;
    HcsChar *document = NULL;
    HcsResult result = table->HcsCreateProcess((HcsSystem)system, parameters16, &raw, &handle, &document);
    RELEASE(parameters16);
    hc_outcome outcome = finish(table, result, document);
    if (outcome.status != HC_FAILED) {
        *process = (hc_handle)handle;
        *information = information_of(&raw);
    }
    return outcome;
}

hc_outcome hc_open_process(const HostComputeTable *table, hc_handle system, uint32_t pid, hc_handle *process) {
    *process = 0;
    REQUIRE(HcsOpenProcess);
    HcsProcess handle = NULL;
    HcsChar *document = NULL;
    HcsResult result = table->HcsOpenProcess((HcsSystem)system, pid, &handle, &document);
    hc_outcome outcome = finish(table, result, document);
    if (outcome.status != HC_FAILED) *process = (hc_handle)handle;
    return outcome;
}

hc_outcome hc_close_process(const HostComputeTable *table, hc_handle process) {
    REQUIRE(HcsCloseProcess);
    return finish(table, table->HcsCloseProcess((HcsProcess)process), NULL);
}

hc_outcome hc_terminate_process(const HostComputeTable *table, hc_handle process) {
    REQUIRE(HcsTerminateProcess);
    HcsChar *document = NULL;
    HcsResult result = table->HcsTerminateProcess((HcsProcess)process, &document);
    return finish(table, result, document);
}

hc_outcome hc_signal_process(const HostComputeTable *table, hc_handle process, hc_text options) {
    REQUIRE(HcsSignalProcess);
    CONVERT(options16, options);
    HcsChar *document = NULL;
    HcsResult result = table->HcsSignalProcess((HcsProcess)process, options16, &document);
    RELEASE(options16);
    return finish(table, result, document);
}

hc_outcome hc_process_info(const HostComputeTable *table, hc_handle process, hc_process_information *information) {
    *information = (hc_process_information){0};
    REQUIRE(HcsGetProcessInfo);
    HcsProcessInformation raw = {0};
    HcsChar *document = NULL;
    HcsResult result = table->HcsGetProcessInfo((HcsProcess)process, &raw, &document);
    hc_outcome outcome = finish(table, result, document);
    if (outcome.status != HC_FAILED) *information = information_of(&raw);
    return outcome;
}

hc_outcome hc_process_properties(const HostComputeTable *table, hc_handle process, char **properties) {
    *properties = NULL;
    REQUIRE(HcsGetProcessProperties);
    HcsChar *answer = NULL, *document = NULL;
    HcsResult result = table->HcsGetProcessProperties((HcsProcess)process, &answer, &document);
    return finish_with_answer(table, result, document, answer, properties);
}

hc_outcome hc_modify_process(const HostComputeTable *table, hc_handle process, hc_text settings) {
    REQUIRE(HcsModifyProcess);
    CONVERT(settings16, settings);
    HcsChar *document = NULL;
    HcsResult result = table->HcsModifyProcess((HcsProcess)process, settings16, &document);
    RELEASE(settings16);
    return finish(table, result, document);
}

hc_outcome hc_register_process(
    const HostComputeTable *table, hc_handle process, uintptr_t number, hc_handle *callback) {
    *callback = 0;
    REQUIRE(HcsRegisterProcessCallback);
    HcsCallback handle = NULL;
    HcsResult result = table->HcsRegisterProcessCallback((HcsProcess)process, hc_trampoline, (void *)number, &handle);
    hc_outcome outcome = finish(table, result, NULL);
    if (outcome.status != HC_FAILED) *callback = (hc_handle)handle;
    return outcome;
}

hc_outcome hc_unregister_process(const HostComputeTable *table, hc_handle callback) {
    REQUIRE(HcsUnregisterProcessCallback);
    return finish(table, table->HcsUnregisterProcessCallback((HcsCallback)callback), NULL);
}

hc_outcome hc_service_properties(const HostComputeTable *table, hc_text query, char **properties) {
    *properties = NULL;
    REQUIRE(HcsGetServiceProperties);
    CONVERT(query16, query);
    HcsChar *answer = NULL, *document = NULL;
    HcsResult result = table->HcsGetServiceProperties(query16, &answer, &document);
    RELEASE(query16);
    return finish_with_answer(table, result, document, answer, properties);
}

hc_outcome hc_name_to_guid(const HostComputeTable *table, hc_text name, char guid[37]) {
    memset(guid, 0, 37);
    REQUIRE(NameToGuid);
    CONVERT(name16, name);
    HcsGuid raw = {0};
    HcsResult result = table->NameToGuid(name16, &raw);
    RELEASE(name16);
    hc_outcome outcome = finish(table, result, NULL);
    if (outcome.status == HC_DONE) {
        const uint8_t *tail = raw.Data4;
        snprintf(
            guid, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", (unsigned)raw.Data1, (unsigned)raw.Data2,
            (unsigned)raw.Data3, tail[0], tail[1], tail[2], tail[3], tail[4], tail[5], tail[6], tail[7]);
    }
    return outcome;
}
