// Every function of HostCompute.h that calls HCS, in one shape.
#ifndef WINDLASS_WINE_CALLS_H
#define WINDLASS_WINE_CALLS_H

#include "Check.h"

typedef struct call_result {
    hc_outcome outcome;
    hc_handle handle;
    char *answer;
    hc_process_information information;
    char guid[37];
} call_result;

typedef struct tested_call {
    /// The export, and where the table has it.
    const char *function;
    size_t field;
    bool takes_handle, takes_pid, gives_document, gives_answer, gives_handle, gives_information;
    int texts;
    void (*call)(const HostComputeTable *table, hc_text first, hc_text second, call_result *result);
} tested_call;

extern const tested_call tested_calls[];
extern const size_t tested_call_count;

/// What the calls are given: every bit of a handle counts.
static const hc_handle call_handle = (hc_handle)0x123456789ABCDEF0;
static const uint32_t call_pid = 0xFEDCBA98;

/// Frees what a call handed out.
void call_free(call_result *result);
/// Makes the call, its out-parameters filled with rubbish before.
call_result call_make(const tested_call *call, const HostComputeTable *with, hc_text first, hc_text second);

#endif
