// The exports for compute systems and the service.
#include <string.h>

#include "Service.h"

#define EXPORT(name, ...)                                                                                             \
    HcsResult HCS_CALL name(__VA_ARGS__);                                                                             \
    HcsResult HCS_CALL name(__VA_ARGS__)

// A call that returned 0xC0370103 is finished by this, on a thread of the library's own.
typedef struct completion {
    target *about;
    target_state state;
    uint32_t type;
} completion;

static DWORD WINAPI complete(LPVOID parameter) {
    completion *made = parameter;
    EnterCriticalSection(&service_lock);
    made->about->state = made->state;
    LeaveCriticalSection(&service_lock);
    // Only a creation and an exit are told to registrations that come later (HostComputeService C.3).
    bool remember = made->type == HcsNotificationSystemExited || made->type == HcsNotificationSystemCreateCompleted;
    deliver(made->about, made->type, result_ok, NULL, remember);
    delivery_ends();
    HeapFree(GetProcessHeap(), 0, made);
    return 0;
}

// Ids that begin so are answered at once instead of with pending: clients must take both.
static bool is_synchronous(const target *about) {
    static const HcsChar prefix[] = {'s', 'y', 'n', 'c'};
    return memcmp(about->id, prefix, sizeof prefix) == 0;
}

static HcsResult finish_later(target *about, target_state state, uint32_t type) {
    if (is_synchronous(about)) {
        about->state = state;
        return result_ok;
    }
    completion *made = HeapAlloc(GetProcessHeap(), 0, sizeof *made);
    if (made == NULL) return result_access_denied;
    *made = (completion){.about = about, .state = state, .type = type};
    delivery_begins();
    HANDLE thread = CreateThread(NULL, 0, complete, made, 0, NULL);
    if (thread != NULL) CloseHandle(thread);
    return HCS_OPERATION_PENDING;
}

static target *system_of(HcsSystem handle, const char *function) {
    EnterCriticalSection(&service_lock);
    target *found = handle_object(kind_system, handle, function);
    LeaveCriticalSection(&service_lock);
    return found;
}

static const HcsChar refused[] = u"{\"Error\":-1070137083,\"ErrorMessage\":\"The state does not allow it \u2013 \U0001F6AB\"}";

EXPORT(HcsEnumerateComputeSystems, const HcsChar *query, HcsChar **systems, HcsChar **result) {
    record("HcsEnumerateComputeSystems", NULL, query, NULL, 0);
    if (!out_is_empty("HcsEnumerateComputeSystems", systems) || !out_is_empty("HcsEnumerateComputeSystems", result))
        return result_invalid_argument;
    ANSWER_SCRIPT_WITH("HcsEnumerateComputeSystems", systems, result);
    if (!text_is_given("HcsEnumerateComputeSystems", query)) return result_invalid_argument;
    *systems = string_make(u"[]");
    return result_ok;
}

EXPORT(
    HcsCreateComputeSystem, const HcsChar *id, const HcsChar *configuration, void *identity, HcsSystem *system,
    HcsChar **result) {
    static const char name[] = "HcsCreateComputeSystem";
    record(name, NULL, id, configuration, 0);
    if (identity != NULL) violation(name, "an identity that is not NULL");
    if (!out_is_empty(name, system) || !out_is_empty(name, result)) return result_invalid_argument;
    service_script script;
    if (scripted(name, &script)) {
        *system = (HcsSystem)script.handle;
        *result = string_make(script.document);
        return script.result;
    }
    if (!text_is_given(name, id) || !text_is_given(name, configuration)) return result_invalid_argument;
    if (configuration[0] != '{') {
        *result = string_make(u"{\"Error\":-1070137075,\"ErrorMessage\":\"not JSON\"}");
        return result_invalid_document;
    }
    EnterCriticalSection(&service_lock);
    target *made = system_named(id) == NULL ? target_take(false) : NULL;
    if (made != NULL) {
        for (size_t at = 0; id[at] != 0 && at + 1 < sizeof made->id / sizeof made->id[0]; at++) made->id[at] = id[at];
        *system = handle_open(kind_system, made);
    }
    LeaveCriticalSection(&service_lock);
    if (made == NULL) return result_system_exists;
    return finish_later(made, state_created, HcsNotificationSystemCreateCompleted);
}

EXPORT(HcsOpenComputeSystem, const HcsChar *id, HcsSystem *system, HcsChar **result) {
    static const char name[] = "HcsOpenComputeSystem";
    record(name, NULL, id, NULL, 0);
    if (!out_is_empty(name, system) || !out_is_empty(name, result)) return result_invalid_argument;
    service_script script;
    if (scripted(name, &script)) {
        *system = (HcsSystem)script.handle;
        *result = string_make(script.document);
        return script.result;
    }
    if (!text_is_given(name, id)) return result_invalid_argument;
    EnterCriticalSection(&service_lock);
    target *found = system_named(id);
    if (found != NULL) *system = handle_open(kind_system, found);
    LeaveCriticalSection(&service_lock);
    return found == NULL ? result_no_system : result_ok;
}

EXPORT(HcsCloseComputeSystem, HcsSystem system) {
    record("HcsCloseComputeSystem", system, NULL, NULL, 0);
    ANSWER_SCRIPT("HcsCloseComputeSystem", NULL);
    if (system_of(system, "HcsCloseComputeSystem") == NULL) return result_invalid_handle;
    EnterCriticalSection(&service_lock);
    handle_close(system);
    LeaveCriticalSection(&service_lock);
    return result_ok;
}

static HcsResult operate(
    const char *name, HcsSystem system, const HcsChar *options, HcsChar **result, unsigned allowed_states,
    target_state next, uint32_t type) {
    record(name, system, NULL, NULL, 0);
    if (!out_is_empty(name, result)) return result_invalid_argument;
    // Some clients pass NULL and live; this one has promised the empty text (HostComputeService A.1).
    if (options == NULL || options[0] != 0) violation(name, "options that are not the empty text");
    ANSWER_SCRIPT(name, result);
    target *found = system_of(system, name);
    if (found == NULL) return result_invalid_handle;
    if (found->state == state_stopped) return result_stopped;
    if ((allowed_states >> found->state & 1u) == 0) {
        *result = string_make(refused);
        return result_invalid_state;
    }
    return finish_later(found, next, type);
}

enum { in_created = 1u << state_created, in_running = 1u << state_running, in_paused = 1u << state_paused };

#define OPERATION(name, allowed, next, type)                                                                          \
    EXPORT(name, HcsSystem system, const HcsChar *options, HcsChar **result) {                                        \
        return operate(#name, system, options, result, allowed, next, type);                                          \
    }

OPERATION(HcsStartComputeSystem, in_created, state_running, HcsNotificationSystemStartCompleted)
OPERATION(HcsShutdownComputeSystem, in_running, state_stopped, HcsNotificationSystemExited)
OPERATION(
    HcsTerminateComputeSystem, in_created | in_running | in_paused, state_stopped, HcsNotificationSystemExited)
OPERATION(HcsPauseComputeSystem, in_running, state_paused, HcsNotificationSystemPauseCompleted)
OPERATION(HcsResumeComputeSystem, in_paused, state_running, HcsNotificationSystemResumeCompleted)
#if !defined(LACKS_EXPORTS)
OPERATION(HcsSaveComputeSystem, in_running, state_stopped, HcsNotificationSystemSaveCompleted)
#endif

EXPORT(HcsGetComputeSystemProperties, HcsSystem system, const HcsChar *query, HcsChar **properties, HcsChar **result) {
    static const char name[] = "HcsGetComputeSystemProperties";
    record(name, system, query, NULL, 0);
    if (!out_is_empty(name, properties) || !out_is_empty(name, result)) return result_invalid_argument;
    ANSWER_SCRIPT_WITH(name, properties, result);
    if (!text_is_given(name, query)) return result_invalid_argument;
    if (system_of(system, name) == NULL) return result_invalid_handle;
    *properties = string_make(u"{\"SystemType\":\"Container\"}");
    return result_ok;
}

EXPORT(HcsModifyComputeSystem, HcsSystem system, const HcsChar *configuration, HcsChar **result) {
    static const char name[] = "HcsModifyComputeSystem";
    record(name, system, configuration, NULL, 0);
    if (!out_is_empty(name, result)) return result_invalid_argument;
    ANSWER_SCRIPT(name, result);
    if (!text_is_given(name, configuration)) return result_invalid_argument;
    return system_of(system, name) == NULL ? result_invalid_handle : result_ok;
}

EXPORT(
    HcsRegisterComputeSystemCallback, HcsSystem system, HcsNotificationCallback callback, void *context,
    HcsCallback *handle) {
    record("HcsRegisterComputeSystemCallback", system, NULL, NULL, 0);
    if (!out_is_empty("HcsRegisterComputeSystemCallback", handle)) return result_invalid_argument;
    service_script script;
    if (scripted("HcsRegisterComputeSystemCallback", &script)) {
        *handle = (HcsCallback)script.handle;
        return script.result;
    }
    target *found = system_of(system, "HcsRegisterComputeSystemCallback");
    return notifications_register(found, callback, context, handle);
}

EXPORT(HcsUnregisterComputeSystemCallback, HcsCallback handle) {
    record("HcsUnregisterComputeSystemCallback", handle, NULL, NULL, 0);
    ANSWER_SCRIPT("HcsUnregisterComputeSystemCallback", NULL);
    return notifications_unregister(handle, "HcsUnregisterComputeSystemCallback");
}

EXPORT(HcsGetServiceProperties, const HcsChar *query, HcsChar **properties, HcsChar **result) {
    record("HcsGetServiceProperties", NULL, query, NULL, 0);
    if (!out_is_empty("HcsGetServiceProperties", properties) || !out_is_empty("HcsGetServiceProperties", result))
        return result_invalid_argument;
    ANSWER_SCRIPT_WITH("HcsGetServiceProperties", properties, result);
    *properties = string_make(u"{\"Properties\":[]}");
    return result_ok;
}

#if !defined(LACKS_EXPORTS)
EXPORT(HcsModifyServiceSettings, const HcsChar *settings, HcsChar **result) {
    record("HcsModifyServiceSettings", NULL, settings, NULL, 0);
    return out_is_empty("HcsModifyServiceSettings", result) ? result_ok : result_invalid_argument;
}
#endif
