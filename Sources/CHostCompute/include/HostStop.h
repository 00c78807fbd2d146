// Requests to stop: signals, or on Windows console control events and controls of the Service Control Manager. And the
// output of a program that has no console.
#ifndef WINDLASS_HOST_STOP_H
#define WINDLASS_HOST_STOP_H

#include <stdint.h>

#include "HostCompute.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The origin of a request to stop.
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

/// Receives every request, also the second and later ones, on a dedicated thread. It must not wait for the end.
typedef void (*hc_stop_callback)(hc_stop_reason reason);

/// Where requests come from; see hc_stop_listen.
typedef enum hc_stop_source {
    /// This platform asks by signals.
    HC_STOP_BY_SIGNALS = 0,
    /// The program has been started by the Service Control Manager, which believes it to be running from now on.
    HC_STOP_BY_SERVICE = 1,
    /// The program has been started by anything else.
    HC_STOP_BY_CONSOLE = 2
} hc_stop_source;

/// Reports requests to stop to `callback` from now on. Called once in a program, soon after its start: the Service
/// Control Manager waits for half a minute. Returns 0, or the system's error; then no request will be reported.
int32_t hc_stop_listen(hc_stop_callback callback, hc_stop_source *source);

/// Reports that the program has stopped and is about to end with `code`. Waits a short while for the Service Control
/// Manager to take the report. Without a request to stop it does the same; the Service Control Manager then takes a
/// code other than 0 for a failure and restarts the service, if it is configured to.
void hc_stop_finished(uint32_t code);

/// Appends standard output and standard error to a file, which is created if it is missing. Called before anything has
/// been written, and again where the file may have been moved away. Returns 0 or the system's error.
int32_t hc_append_output(hc_text path);

#ifdef __cplusplus
}
#endif

#endif
