// The one callback that HCS ever gets to know.
#include <stdatomic.h>
#include <stddef.h>

#include "HostCompute.h"

static _Atomic(hc_notification) target;

void hc_set_notification(hc_notification notification) {
    atomic_store(&target, notification);
}

void HCS_CALL hc_trampoline(uint32_t type, void *context, HcsResult status, const HcsChar *data) {
    hc_notification notification = atomic_load(&target);
    if (notification == NULL) return;
    // The data belongs to HCS and lives only during this call, so the UTF-8 copy does too. Without memory for it the
    // notification is passed on without data: that it happened matters more than what it says.
    char *copy = data == NULL ? NULL : hc_utf8(data);
    // The top four bits of the type are flags (hcs-reference A.5).
    notification((uintptr_t)context, type & 0x0FFFFFFFu, status, copy);
    hc_free(copy);
}
