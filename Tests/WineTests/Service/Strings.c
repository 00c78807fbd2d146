// Strings that HCS hands out, and the spy that sees them freed.
//
// Strings come from COM's allocator and are freed by the client with the system's own CoTaskMemFree: only a spy on that
// allocator can count them. A freed string is overwritten and kept, so its address can't come back as another string
// and a second free of it is always seen.
#define COBJMACROS
#include "Service.h"

#include <objbase.h>
#include <stdlib.h>
#include <string.h>

typedef struct string_record {
    void *address;
    size_t size;
    bool freed;
} string_record;

enum { most_strings = 65536 };
static string_record strings[most_strings];
static uint32_t string_count;
static CRITICAL_SECTION strings_lock;

HcsChar *string_make(const HcsChar *text) {
    if (text == NULL) return NULL;
    size_t units = 0;
    while (text[units] != 0) units++;
    size_t size = (units + 1) * sizeof(HcsChar);
    HcsChar *made = CoTaskMemAlloc(size);
    if (made == NULL) return NULL;
    memcpy(made, text, size);
    EnterCriticalSection(&strings_lock);
    if (string_count < most_strings) strings[string_count++] = (string_record){.address = made, .size = size};
    LeaveCriticalSection(&strings_lock);
    InterlockedIncrement((volatile LONG *)&counts.strings_made);
    return made;
}

static void *STDMETHODCALLTYPE pre_free(IMallocSpy *self, void *address, WINBOOL spied) {
    (void)self, (void)spied;
    if (address == NULL) return NULL;
    void *pass_on = address;
    EnterCriticalSection(&strings_lock);
    string_record *known = NULL;
    for (uint32_t each = 0; each < string_count && known == NULL; each++)
        if (strings[each].address == address) known = &strings[each];
    if (known == NULL) {
        counts.strings_freed_unknown++;
    } else if (known->freed) {
        counts.strings_freed_twice++;
        pass_on = NULL;
    } else {
        known->freed = true;
        memset(address, 0xDD, known->size);
        counts.strings_freed++;
        pass_on = NULL;
    }
    LeaveCriticalSection(&strings_lock);
    return pass_on;
}

// The rest of the spy lets everything pass.
static HRESULT STDMETHODCALLTYPE query_interface(IMallocSpy *self, REFIID id, void **out) {
    if (!IsEqualIID(id, &IID_IUnknown) && !IsEqualIID(id, &IID_IMallocSpy)) {
        *out = NULL;
        return E_NOINTERFACE;
    }
    *out = self;
    return S_OK;
}
static ULONG STDMETHODCALLTYPE add_ref(IMallocSpy *self) { return (void)self, 2; }
static ULONG STDMETHODCALLTYPE release(IMallocSpy *self) { return (void)self, 1; }
static SIZE_T STDMETHODCALLTYPE pre_alloc(IMallocSpy *self, SIZE_T size) { return (void)self, size; }
static void *STDMETHODCALLTYPE post_alloc(IMallocSpy *self, void *made) { return (void)self, made; }
static void STDMETHODCALLTYPE post_free(IMallocSpy *self, WINBOOL spied) { (void)self, (void)spied; }
static SIZE_T STDMETHODCALLTYPE pre_realloc(
    IMallocSpy *self, void *old, SIZE_T size, void **passed, WINBOOL spied) {
    (void)self, (void)spied;
    *passed = old;
    return size;
}
static void *STDMETHODCALLTYPE post_realloc(IMallocSpy *self, void *made, WINBOOL spied) {
    return (void)self, (void)spied, made;
}
static void *STDMETHODCALLTYPE pre_get_size(IMallocSpy *self, void *address, WINBOOL spied) {
    return (void)self, (void)spied, address;
}
static SIZE_T STDMETHODCALLTYPE post_get_size(IMallocSpy *self, SIZE_T size, WINBOOL spied) {
    return (void)self, (void)spied, size;
}
static void *STDMETHODCALLTYPE pre_did_alloc(IMallocSpy *self, void *address, WINBOOL spied) {
    return (void)self, (void)spied, address;
}
static int STDMETHODCALLTYPE post_did_alloc(IMallocSpy *self, void *address, WINBOOL spied, int actual) {
    return (void)self, (void)address, (void)spied, actual;
}
static void STDMETHODCALLTYPE heap_minimize(IMallocSpy *self) { (void)self; }

static IMallocSpyVtbl spy_functions = {
    query_interface, add_ref,      release,      pre_alloc,     post_alloc,     pre_free,      post_free,    pre_realloc,
    post_realloc,    pre_get_size, post_get_size, pre_did_alloc, post_did_alloc, heap_minimize, heap_minimize,
};
static IMallocSpy spy = {&spy_functions};

bool strings_start(void) {
    InitializeCriticalSection(&strings_lock);
    return SUCCEEDED(CoRegisterMallocSpy(&spy));
}
