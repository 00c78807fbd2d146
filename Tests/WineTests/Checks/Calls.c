// Every function of HostCompute.h that calls HCS, in one shape.
#include "Calls.h"

#include <stddef.h>
#include <string.h>

#define CALL(name)                                                                                                    \
    static void name(const HostComputeTable *with, hc_text first, hc_text second, call_result *result)

#define UNUSED (void)first, (void)second

CALL(enumerate) { UNUSED, result->outcome = hc_enumerate_systems(with, first, &result->answer); }
CALL(create) { result->outcome = hc_create_system(with, first, second, &result->handle); }
CALL(open_system) { UNUSED, result->outcome = hc_open_system(with, first, &result->handle); }
CALL(close_system) { UNUSED, result->outcome = hc_close_system(with, call_handle); }
CALL(start) { UNUSED, result->outcome = hc_start_system(with, call_handle); }
CALL(shut_down) { UNUSED, result->outcome = hc_shutdown_system(with, call_handle); }
CALL(terminate) { UNUSED, result->outcome = hc_terminate_system(with, call_handle); }
CALL(pause_system) { UNUSED, result->outcome = hc_pause_system(with, call_handle); }
CALL(resume) { UNUSED, result->outcome = hc_resume_system(with, call_handle); }
CALL(system_properties) {
    UNUSED, result->outcome = hc_system_properties(with, call_handle, first, &result->answer);
}
CALL(modify_system) { UNUSED, result->outcome = hc_modify_system(with, call_handle, first); }
CALL(register_system) { UNUSED, result->outcome = hc_register_system(with, call_handle, 7, &result->handle); }
CALL(unregister_system) { UNUSED, result->outcome = hc_unregister_system(with, call_handle); }
CALL(create_process) {
    UNUSED, result->outcome = hc_create_process(with, call_handle, first, &result->information, &result->handle);
}
CALL(open_process) { UNUSED, result->outcome = hc_open_process(with, call_handle, call_pid, &result->handle); }
CALL(close_process) { UNUSED, result->outcome = hc_close_process(with, call_handle); }
CALL(terminate_process) { UNUSED, result->outcome = hc_terminate_process(with, call_handle); }
CALL(signal_process) { UNUSED, result->outcome = hc_signal_process(with, call_handle, first); }
CALL(process_info) { UNUSED, result->outcome = hc_process_info(with, call_handle, &result->information); }
CALL(process_properties) { UNUSED, result->outcome = hc_process_properties(with, call_handle, &result->answer); }
CALL(modify_process) { UNUSED, result->outcome = hc_modify_process(with, call_handle, first); }
CALL(register_process) { UNUSED, result->outcome = hc_register_process(with, call_handle, 7, &result->handle); }
CALL(unregister_process) { UNUSED, result->outcome = hc_unregister_process(with, call_handle); }
CALL(service_properties) { UNUSED, result->outcome = hc_service_properties(with, first, &result->answer); }
CALL(name_to_guid) { UNUSED, result->outcome = hc_name_to_guid(with, first, result->guid); }

#define EXPORT(name) .function = #name, .field = offsetof(HostComputeTable, name)

// clang-format off
const tested_call tested_calls[] = {
    {EXPORT(HcsEnumerateComputeSystems), .texts = 1, .gives_document = true, .gives_answer = true, .call = enumerate},
    {EXPORT(HcsCreateComputeSystem), .texts = 2, .gives_document = true, .gives_handle = true, .call = create},
    {EXPORT(HcsOpenComputeSystem), .texts = 1, .gives_document = true, .gives_handle = true, .call = open_system},
    {EXPORT(HcsCloseComputeSystem), .takes_handle = true, .call = close_system},
    {EXPORT(HcsStartComputeSystem), .takes_handle = true, .gives_document = true, .call = start},
    {EXPORT(HcsShutdownComputeSystem), .takes_handle = true, .gives_document = true, .call = shut_down},
    {EXPORT(HcsTerminateComputeSystem), .takes_handle = true, .gives_document = true, .call = terminate},
    {EXPORT(HcsPauseComputeSystem), .takes_handle = true, .gives_document = true, .call = pause_system},
    {EXPORT(HcsResumeComputeSystem), .takes_handle = true, .gives_document = true, .call = resume},
    {EXPORT(HcsGetComputeSystemProperties), .takes_handle = true, .texts = 1, .gives_document = true,
        .gives_answer = true, .call = system_properties},
    {EXPORT(HcsModifyComputeSystem), .takes_handle = true, .texts = 1, .gives_document = true, .call = modify_system},
    {EXPORT(HcsRegisterComputeSystemCallback), .takes_handle = true, .gives_handle = true, .call = register_system},
    {EXPORT(HcsUnregisterComputeSystemCallback), .takes_handle = true, .call = unregister_system},
    {EXPORT(HcsCreateProcess), .takes_handle = true, .texts = 1, .gives_document = true, .gives_handle = true,
        .gives_information = true, .call = create_process},
    {EXPORT(HcsOpenProcess), .takes_handle = true, .takes_pid = true, .gives_document = true, .gives_handle = true,
        .call = open_process},
    {EXPORT(HcsCloseProcess), .takes_handle = true, .call = close_process},
    {EXPORT(HcsTerminateProcess), .takes_handle = true, .gives_document = true, .call = terminate_process},
    {EXPORT(HcsSignalProcess), .takes_handle = true, .texts = 1, .gives_document = true, .call = signal_process},
    {EXPORT(HcsGetProcessInfo), .takes_handle = true, .gives_document = true, .gives_information = true,
        .call = process_info},
    {EXPORT(HcsGetProcessProperties), .takes_handle = true, .gives_document = true, .gives_answer = true,
        .call = process_properties},
    {EXPORT(HcsModifyProcess), .takes_handle = true, .texts = 1, .gives_document = true, .call = modify_process},
    {EXPORT(HcsRegisterProcessCallback), .takes_handle = true, .gives_handle = true, .call = register_process},
    {EXPORT(HcsUnregisterProcessCallback), .takes_handle = true, .call = unregister_process},
    {EXPORT(HcsGetServiceProperties), .texts = 1, .gives_document = true, .gives_answer = true,
        .call = service_properties},
    {EXPORT(NameToGuid), .texts = 1, .call = name_to_guid},
};
// clang-format on
const size_t tested_call_count = sizeof tested_calls / sizeof tested_calls[0];

void call_free(call_result *result) {
    hc_free(result->outcome.document);
    hc_free(result->answer);
}

call_result call_make(const tested_call *call, const HostComputeTable *with, hc_text first, hc_text second) {
    // An out-parameter that a call forgets to set is seen: the answer is one that must not be freed.
    static char rubbish[] = "rubbish";
    call_result result = {.handle = 99, .answer = rubbish, .information = {98, 97, 96, 95}};
    memset(result.guid, 'x', sizeof result.guid);
    call->call(with, first, second, &result);
    if (!call->gives_handle) result.handle = 0;
    if (!call->gives_information) result.information = (hc_process_information){0};
    if (!call->gives_answer) result.answer = NULL;
    if (result.answer == rubbish) {
        CHECK(false, "%s sets its answer", call->function);
        result.answer = NULL;
    }
    return result;
}
