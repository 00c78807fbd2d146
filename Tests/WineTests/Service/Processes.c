// The exports for processes: real ones, of the host.
#include "Service.h"

#define EXPORT(name, ...)                                                                                             \
    HcsResult HCS_CALL name(__VA_ARGS__);                                                                             \
    HcsResult HCS_CALL name(__VA_ARGS__)

static target *object_of(handle_kind kind, void *handle, const char *function) {
    EnterCriticalSection(&service_lock);
    target *found = handle_object(kind, handle, function);
    LeaveCriticalSection(&service_lock);
    return found;
}

// The exit is in the properties before it is told (HostComputeService I.2).
static DWORD WINAPI watch(LPVOID parameter) {
    target *process = parameter;
    WaitForSingleObject(process->process, INFINITE);
    DWORD code = 0;
    GetExitCodeProcess(process->process, &code);
    EnterCriticalSection(&service_lock);
    process->code = code;
    process->exited = true;
    LeaveCriticalSection(&service_lock);
    deliver(process, HcsNotificationProcessExited, result_ok, u"{\"Exited\":true}", true);
    delivery_ends();
    return 0;
}

EXPORT(
    HcsCreateProcess, HcsSystem system, const HcsChar *parameters, HcsProcessInformation *information,
    HcsProcess *process, HcsChar **result) {
    static const char name[] = "HcsCreateProcess";
    record(name, system, parameters, NULL, 0);
    if (!out_is_empty(name, process) || !out_is_empty(name, result) || information == NULL)
        return result_invalid_argument;
    service_script script;
    if (scripted(name, &script)) {
        *information = script.information;
        *process = (HcsProcess)script.handle;
        *result = string_make(script.document);
        return script.result;
    }
    if (!text_is_given(name, parameters)) return result_invalid_argument;
    target *in = object_of(kind_system, system, name);
    if (in == NULL) return result_invalid_handle;
    if (in->state != state_running) return result_invalid_state;
    EnterCriticalSection(&service_lock);
    target *made = target_take(true);
    HcsResult answer = made == NULL ? result_access_denied : process_start(parameters, made, information);
    if (answer == result_ok) {
        made->system = in;
        *process = handle_open(kind_process, made);
        delivery_begins();
        HANDLE thread = CreateThread(NULL, 0, watch, made, 0, NULL);
        if (thread != NULL) CloseHandle(thread);
    } else {
        if (made != NULL) made->used = false;
        *result = string_make(
            u"{\"Error\":-2147024894,\"ErrorEvents\":[{\"Message\":\"The program can't be started\",\"EventId\":1}]}");
    }
    LeaveCriticalSection(&service_lock);
    return answer;
}

EXPORT(HcsOpenProcess, HcsSystem system, uint32_t pid, HcsProcess *process, HcsChar **result) {
    static const char name[] = "HcsOpenProcess";
    record(name, system, NULL, NULL, pid);
    if (!out_is_empty(name, process) || !out_is_empty(name, result)) return result_invalid_argument;
    service_script script;
    if (scripted(name, &script)) {
        *process = (HcsProcess)script.handle;
        *result = string_make(script.document);
        return script.result;
    }
    if (object_of(kind_system, system, name) == NULL) return result_invalid_handle;
    return result_not_found;
}

EXPORT(HcsCloseProcess, HcsProcess process) {
    record("HcsCloseProcess", process, NULL, NULL, 0);
    ANSWER_SCRIPT("HcsCloseProcess", NULL);
    target *closed = object_of(kind_process, process, "HcsCloseProcess");
    if (closed == NULL) return result_invalid_handle;
    EnterCriticalSection(&service_lock);
    for (int at = 0; at < 2; at++) {
        if (closed->outputs[at] != NULL) CloseHandle(closed->outputs[at]);
        closed->outputs[at] = NULL;
    }
    handle_close(process);
    LeaveCriticalSection(&service_lock);
    return result_ok;
}

static HcsResult end(target *process, DWORD code) {
    if (process == NULL) return result_invalid_handle;
    if (process->exited) return result_not_found;
    return TerminateProcess(process->process, code) ? result_ok : result_access_denied;
}

EXPORT(HcsTerminateProcess, HcsProcess process, HcsChar **result) {
    static const char name[] = "HcsTerminateProcess";
    record(name, process, NULL, NULL, 0);
    if (!out_is_empty(name, result)) return result_invalid_argument;
    ANSWER_SCRIPT(name, result);
    return end(object_of(kind_process, process, name), 0xFFFFFFFE);
}

#if !defined(LACKS_EXPORTS)
EXPORT(HcsSignalProcess, HcsProcess process, const HcsChar *options, HcsChar **result) {
    static const char name[] = "HcsSignalProcess";
    record(name, process, options, NULL, 0);
    if (!out_is_empty(name, result)) return result_invalid_argument;
    ANSWER_SCRIPT(name, result);
    if (!text_is_given(name, options)) return result_invalid_argument;
    return end(object_of(kind_process, process, name), 0xC000013A);
}
#endif

EXPORT(HcsGetProcessInfo, HcsProcess process, HcsProcessInformation *information, HcsChar **result) {
    static const char name[] = "HcsGetProcessInfo";
    record(name, process, NULL, NULL, 0);
    if (!out_is_empty(name, result) || information == NULL) return result_invalid_argument;
    service_script script;
    if (scripted(name, &script)) {
        *information = script.information;
        *result = string_make(script.document);
        return script.result;
    }
    target *found = object_of(kind_process, process, name);
    if (found == NULL) return result_invalid_handle;
    // The same pipe objects as before, with all that was done to them (HostComputeService A.4).
    EnterCriticalSection(&service_lock);
    *information = (HcsProcessInformation){
        .ProcessId = found->pid, .StdOutput = pipe_again(found->outputs[0]), .StdError = pipe_again(found->outputs[1])};
    LeaveCriticalSection(&service_lock);
    return result_ok;
}

EXPORT(HcsGetProcessProperties, HcsProcess process, HcsChar **properties, HcsChar **result) {
    static const char name[] = "HcsGetProcessProperties";
    record(name, process, NULL, NULL, 0);
    if (!out_is_empty(name, properties) || !out_is_empty(name, result)) return result_invalid_argument;
    ANSWER_SCRIPT_WITH(name, properties, result);
    target *found = object_of(kind_process, process, name);
    if (found == NULL) return result_invalid_handle;
    WCHAR text[160];
    wsprintfW(
        text, L"{\"ProcessId\":%u,\"Exited\":%s,\"ExitCode\":%u,\"LastWaitResult\":0}", (unsigned)found->pid,
        found->exited ? L"true" : L"false", (unsigned)found->code);
    *properties = string_make((const HcsChar *)text);
    return result_ok;
}

EXPORT(HcsModifyProcess, HcsProcess process, const HcsChar *settings, HcsChar **result) {
    static const char name[] = "HcsModifyProcess";
    record(name, process, settings, NULL, 0);
    if (!out_is_empty(name, result)) return result_invalid_argument;
    ANSWER_SCRIPT(name, result);
    if (!text_is_given(name, settings)) return result_invalid_argument;
    target *found = object_of(kind_process, process, name);
    if (found == NULL) return result_invalid_handle;
    return found->exited ? result_not_found : result_ok;
}

EXPORT(
    HcsRegisterProcessCallback, HcsProcess process, HcsNotificationCallback callback, void *context,
    HcsCallback *handle) {
    record("HcsRegisterProcessCallback", process, NULL, NULL, 0);
    if (!out_is_empty("HcsRegisterProcessCallback", handle)) return result_invalid_argument;
    service_script script;
    if (scripted("HcsRegisterProcessCallback", &script)) {
        *handle = (HcsCallback)script.handle;
        return script.result;
    }
    target *found = object_of(kind_process, process, "HcsRegisterProcessCallback");
    return notifications_register(found, callback, context, handle);
}

EXPORT(HcsUnregisterProcessCallback, HcsCallback handle) {
    record("HcsUnregisterProcessCallback", handle, NULL, NULL, 0);
    ANSWER_SCRIPT("HcsUnregisterProcessCallback", NULL);
    return notifications_unregister(handle, "HcsUnregisterProcessCallback");
}
