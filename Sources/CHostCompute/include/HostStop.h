// How the system asks a program to stop: by signals, or by the console control events and the Service Control Manager of
// Windows. And where a program writes that the system has given no console.
#ifndef WINDLASS_HOST_STOP_H
#define WINDLASS_HOST_STOP_H

#include <stdint.h>

#include "HostCompute.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Who asks the program to stop.
typedef enum hc_stop_reason {
    /// Ctrl+C at the console, or sent to its process group; SIGINT.
    HC_STOP_INTERRUPT = 1,
    /// Ctrl+Break, as before.
    HC_STOP_BREAK = 2,
    /// The console's window is being closed: a few seconds are left.
    HC_STOP_CLOSE = 3,
    /// The system shuts down: some seconds are left.
    HC_STOP_SHUTDOWN = 4,
    /// The service is to stop.
    HC_STOP_SERVICE = 5,
    /// SIGTERM.
    HC_STOP_TERMINATE = 6
} hc_stop_reason;

/// Takes every request, the second and later ones too, on a thread that is there for that. It must not wait for the end.
typedef void (*hc_stop_callback)(hc_stop_reason reason);

/// What tells the requests; see hc_stop_listen.
typedef enum hc_stop_source {
    /// This platform asks by signals.
    HC_STOP_BY_SIGNALS = 0,
    /// The program has been started by the Service Control Manager, which believes it to be running from now on.
    HC_STOP_BY_SERVICE = 1,
    /// The program has been started by anything else.
    HC_STOP_BY_CONSOLE = 2
} hc_stop_source;

/// Has requests to stop told from now on; once in a program, soon after its start: the Service Control Manager waits for
/// half a minute. Returns 0, or the system's error where nothing will be told.
int32_t hc_stop_listen(hc_stop_callback callback, hc_stop_source *source);

/// The program has done what a stop takes and ends with `code`: whoever asked is told, and is waited for no longer than
/// that takes. Without a request it does the same; the Service Control Manager then takes a code other than 0 for a
/// failure and starts the service again, where it is set up to.
void hc_stop_finished(uint32_t code);

/// Has standard output and standard error go to the end of a file, which is made where it is missing. Before anything
/// has been written. Returns 0 or the system's error.
int32_t hc_append_output(hc_text path);

#ifdef __cplusplus
}
#endif

#endif
