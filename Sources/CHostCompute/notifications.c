// The one callback that HCS ever gets to know.
#include <stdatomic.h>
#include <stddef.h>

#include "HostCompute.h"

static _Atomic(hc_notification) target;

void hc_set_notification(hc_notification notification) {
    atomic_store(&target, notification);
}

// The low 28 bits name the type and the top four are flags, of which one is defined: failure, 0x80000000
// (HostComputeService A.5 and HCS_NOTIFICATION_FLAGS of Microsoft's header). computecore's newer events use the same
// bits for types of their own: 0x80000002, 0x80000003, 0xC0000001. Without its top bits the last would be read as
// SystemExited. These events come with a status of success [inf]. So the flag is removed only if the status is a
// failure too; any other type keeps its bits, and the driver ignores it.
static uint32_t type_of(uint32_t type, HcsResult status) {
    if ((type & HcsNotificationFlagFailure) != 0 && status >= 0) return type;
    return type & ~(uint32_t)HcsNotificationFlagsReserved;
}

void HCS_CALL hc_trampoline(uint32_t type, void *context, HcsResult status, const HcsChar *data) {
    hc_notification notification = atomic_load(&target);
    if (notification == NULL) return;
    // The data belongs to HCS and lives only during this call, so the UTF-8 copy does too. Without memory for it the
    // notification is passed on without data: the event matters more than its data.
    char *copy = data == NULL ? NULL : hc_utf8(data);
    notification((uintptr_t)context, type_of(type, status), status, copy);
    hc_free(copy);
}
