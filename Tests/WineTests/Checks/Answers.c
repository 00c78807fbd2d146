// Every call with every kind of answer: what it was given arrives, what it answers comes back, and is freed once.
#include <stdio.h>
#include <string.h>

#include "Calls.h"

// The service's texts, and what must come of them: not ASCII, and with half a character.
static const HcsChar document16[] = {'{', 0xE9, 0xD83D, 0xDE00, 0xD83D, '}', 0};
static const char document8[] = "{\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBD}";
static const HcsChar answer16[] = {'[', 0x4E2D, ']', 0};
static const char answer8[] = "[\xE4\xB8\xAD]";
static const uintptr_t given_handle = 0xABCDEF0123456789, given_pipe = 0xFEDCBA9876543210;

static hc_text first_text(void) { return text_of("{\"first\":1}"); }
static hc_text second_text(void) { return text_of("{\"second\":2}"); }

static service_script script_of(const tested_call *call, HcsResult result, bool texts) {
    return (service_script){
        .function = call->function,
        .result = result,
        .answer = texts && call->gives_answer ? answer16 : NULL,
        .document = texts && call->gives_document ? document16 : NULL,
        .handle = given_handle,
        .information = {
            .ProcessId = 4711,
            // What is not asked for is 0, or INVALID_HANDLE_VALUE; each of the three can be either.
            .StdInput = (HcsStream)(result == 1 ? UINTPTR_MAX : given_pipe),
            .StdOutput = (HcsStream)(result == 1 ? given_pipe : UINTPTR_MAX),
            .StdError = (HcsStream)(result == 1 ? UINTPTR_MAX : 0),
        },
    };
}

// What HCS was called with.
static void check_given(const tested_call *call) {
    service_call last = service->last_call();
    CHECK(strcmp(last.function, call->function) == 0, "%s: the export of that name is called", call->function);
    CHECK(last.handle == (call->takes_handle ? call_handle : 0), "%s: the handle arrives whole", call->function);
    if (call->takes_pid) CHECK(last.pid == call_pid, "%s: the pid arrives", call->function);
    if (call->texts >= 1) CHECK(utf16_equals(last.first, "{\"first\":1}"), "%s: the text arrives", call->function);
    if (call->texts >= 2) CHECK(utf16_equals(last.second, "{\"second\":2}"), "%s: both texts arrive", call->function);
}

static void check_kind(const tested_call *call, const char *kind, HcsResult hresult, hc_status expected, bool texts) {
    service_counts before = service->counts();
    service_script script = script_of(call, hresult, texts);
    service->script(&script);
    call_result result = call_make(call, table, first_text(), second_text());
    service_counts after = service->counts();
    CHECK(
        after.calls == before.calls + 1 && result.outcome.status == expected, "%s, %s: called once, and told so",
        call->function, kind);
    bool failed = expected == HC_FAILED;
    bool numbers = failed ? result.outcome.hresult == (uint32_t)hresult && result.outcome.code == hc_normalise(hresult)
                          : result.outcome.hresult == 0 && result.outcome.code == 0;
    CHECK(numbers, "%s, %s: its code is 0x%08X", call->function, kind, result.outcome.code);
    bool document = failed && texts && call->gives_document;
    CHECK(
        document ? result.outcome.document != NULL && strcmp(result.outcome.document, document8) == 0
                 : result.outcome.document == NULL,
        "%s, %s: a document %s", call->function, kind, document ? "is handed on" : "is not");
    bool answer = expected == HC_DONE && texts && call->gives_answer;
    if (call->gives_answer)
        CHECK(
            answer ? result.answer != NULL && strcmp(result.answer, answer8) == 0 : result.answer == NULL,
            "%s, %s: an answer %s", call->function, kind, answer ? "is handed on" : "is not");
    if (call->gives_handle)
        CHECK(
            result.handle == (failed ? 0 : given_handle), "%s, %s: a handle %s", call->function, kind,
            failed ? "is not taken" : "is taken whole");
    if (call->gives_information) {
        hc_process_information *told = &result.information;
        CHECK(told->pid == (failed ? 0 : 4711), "%s, %s: the process's id", call->function, kind);
        hc_handle in = failed || hresult == 1 ? 0 : given_pipe, out = failed || hresult != 1 ? 0 : given_pipe;
        CHECK(
            told->standard_input == in && told->standard_output == out && told->standard_error == 0,
            "%s, %s: its handles whole, and 0 where HCS says INVALID_HANDLE_VALUE", call->function, kind);
    }
    if (expected != HC_DONE && strcmp(call->function, "NameToGuid") == 0)
        CHECK(result.guid[0] == 0, "%s, %s: no id is told", call->function, kind);
    uint32_t strings = after.strings_made - before.strings_made;
    uint32_t wanted = texts ? (call->gives_document ? 1 : 0) + (call->gives_answer ? 1 : 0) : 0;
    CHECK(
        strings == wanted && after.strings_freed - before.strings_freed == strings,
        "%s, %s: %u strings were handed out and freed", call->function, kind, strings);
    call_free(&result);
}

void section_answers(void) {
    for (size_t each = 0; each < tested_call_count; each++) {
        const tested_call *call = &tested_calls[each];
        check_kind(call, "S_OK", 0, HC_DONE, true);
        check_given(call);
        check_kind(call, "S_FALSE", 1, HC_DONE, true);
        check_kind(call, "S_OK without texts", 0, HC_DONE, false);
        check_kind(call, "pending", HCS_OPERATION_PENDING, HC_PENDING, true);
        check_kind(call, "not found", (HcsResult)0x80070490, HC_FAILED, true);
        check_kind(call, "refused without texts", (HcsResult)0xC037010E, HC_FAILED, false);
    }
    service->script(NULL);
}

// A table that lacks one function: its calls say so, HCS is not called, and nothing is handed out.
void section_missing_exports(void) {
    for (size_t each = 0; each < tested_call_count; each++) {
        const tested_call *call = &tested_calls[each];
        HostComputeTable without = *table;
        memset((char *)&without + call->field, 0, sizeof(void *));
        service_counts before = service->counts();
        call_result result = call_make(call, &without, first_text(), second_text());
        CHECK(
            result.outcome.status == HC_NOT_EXPORTED && service->counts().calls == before.calls,
            "%s: there is no such function", call->function);
        CHECK(
            result.outcome.code == 0 && result.outcome.document == NULL && result.handle == 0 &&
                result.answer == NULL && result.information.pid == 0 && result.information.standard_input == 0,
            "%s: and nothing is handed out", call->function);
        CHECK(
            memcmp((const char *)table + call->field, (const char *)&without + call->field, sizeof(void *)) != 0,
            "%s: and the library has it", call->function);
        call_free(&result);
    }
    CHECK(
        table->HcsSaveComputeSystem != NULL && table->HcsModifyServiceSettings != NULL,
        "the two exports that have no call are bound too");
}

// A text that HCS could misread is refused before HCS is called.
void section_refused_texts(void) {
    static const hc_text bad[] = {{"a\0b", 3}, {"\xED\xA0\xBD", 3}, {"\xFF", 1}};
    for (size_t each = 0; each < tested_call_count; each++) {
        const tested_call *call = &tested_calls[each];
        for (int at = 0; at < call->texts; at++) {
            for (size_t which = 0; which < sizeof bad / sizeof bad[0]; which++) {
                service_counts before = service->counts();
                call_result result = call_make(
                    call, table, at == 0 ? bad[which] : first_text(), at == 1 ? bad[which] : second_text());
                CHECK(
                    result.outcome.status == HC_BAD_TEXT && result.outcome.document == NULL && result.handle == 0 &&
                        result.answer == NULL && service->counts().calls == before.calls,
                    "%s: text %d with %s is refused, HCS not called", call->function, at + 1,
                    which == 0 ? "a NUL" : which == 1 ? "half a surrogate pair" : "a byte that is none");
                call_free(&result);
            }
        }
    }
}

void section_folding(void) {
    static const struct {
        uint32_t from, to;
    } known[] = {
        {0x80070490, 0x490},      {0x8007006D, 109},        {0x80070005, 5},          {0x8007FFFF, 0xFFFF},
        {0x80070000, 0},          {0xC037010E, 0xC037010E}, {0x80370110, 0x80370110}, {0xC0370110, 0xC0370110},
        {0x8037011F, 0x8037011F}, {0x80004005, 0x80004005}, {0xC000013A, 0xC000013A}, {0x800401F3, 0x800401F3},
        {0x80080005, 0x80080005}, {0x80060005, 0x80060005}, {0x800F0005, 0x800F0005}, {0x90070005, 0x90070005},
        // The customer, severity and reserved bits are not looked at (HostComputeService A.1).
        {0xC0070005, 5},          {0xA0070002, 2},          {0xE0070002, 2},          {0x00070002, 2},
        {0xC0370103, 0xC0370103}, {0x8000FFFF, 0x8000FFFF}, {0x80010108, 0x80010108}, {0x800706BF, 0x6BF},
    };
    for (size_t each = 0; each < sizeof known / sizeof known[0]; each++) {
        uint32_t folded = hc_normalise((HcsResult)known[each].from);
        CHECK(folded == known[each].to, "0x%08X becomes 0x%X", known[each].from, folded);
        HcsResult result = (HcsResult)known[each].from;
        if (result >= 0 || result == HCS_OPERATION_PENDING) continue;
        service->script(&(service_script){.function = "HcsStartComputeSystem", .result = result});
        hc_outcome outcome = hc_start_system(table, call_handle);
        CHECK(
            outcome.status == HC_FAILED && outcome.code == known[each].to && outcome.hresult == known[each].from,
            "and a call that fails with it tells both");
    }
}

// With every allocation of a call failing in turn: no crash, nothing lost, nothing freed twice.
void section_memory(void) {
    static char longer[4000];
    memset(longer, 'x', sizeof longer);
    hc_text text = {longer, sizeof longer};
    for (size_t each = 0; each < tested_call_count; each++) {
        const tested_call *call = &tested_calls[each];
        for (int failed = 0; failed < 2; failed++) {
            service_script script = script_of(call, failed ? (HcsResult)0x80070005 : 0, true);
            service->script(&script);
            long before = allocations_made();
            call_result result = call_make(call, table, text, text);
            int needed = (int)(allocations_made() - before);
            call_free(&result);
            for (int at = 0; at < needed; at++) {
                service_counts counts = service->counts();
                service->script(&script);
                fail_allocation_after(at);
                result = call_make(call, table, text, text);
                fail_allocation_after(-1);
                bool called = service->counts().calls != counts.calls;
                bool told = called && failed ? result.outcome.status == HC_FAILED && result.outcome.code == 5
                                             : result.outcome.status == HC_NO_MEMORY;
                CHECK(
                    told && result.answer == NULL && result.outcome.document == NULL,
                    "%s that %s, allocation %d of %d fails: it says so", call->function,
                    failed ? "is refused" : "succeeds", at + 1, needed);
                call_free(&result);
            }
        }
    }
    service->script(NULL);
}
