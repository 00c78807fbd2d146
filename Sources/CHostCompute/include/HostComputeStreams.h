// The standard handles of all processes, read and written by one thread: idle streams cost no thread.
#ifndef WINDLASS_HOST_COMPUTE_STREAMS_H
#define WINDLASS_HOST_COMPUTE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "HostCompute.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A stream; 0 is none. A number is never used again, so an operation on a stream that has ended does nothing.
typedef uint64_t hc_stream;

/// What happened to a stream.
typedef enum hc_stream_event {
    /// A reader has read bytes.
    HC_STREAM_BYTES = 0,
    /// A reader has ended or was closed: its last event, reported exactly once.
    HC_STREAM_END = 1,
    /// A writer has written all bytes after hc_stream_finish and is closed: its last event.
    HC_STREAM_DRAINED = 2,
    /// A writer's other side is gone or the writer was closed, and what was still buffered is lost: its last event.
    HC_STREAM_BROKEN = 3
} hc_stream_event;

/// Takes every event of every stream. `cookie` is the caller's number of the stream. Events of one stream come one
/// after another; `bytes` lives only during the call. It must not block and must not close, drain or resume its own
/// stream. Where it returns false for HC_STREAM_BYTES, the stream is not read any more until hc_stream_resume, except
/// by hc_stream_drain.
typedef bool (*hc_stream_callback)(uint64_t cookie, hc_stream_event event, const uint8_t *bytes, size_t length);

/// How much a writer buffers.
enum { HC_STREAM_BUFFER = 256 * 1024 };

/// Starts the thread, the first time; the callback of the first call stays.
/// Returns 0 or the system's error code.
int32_t hc_streams_start(hc_stream_callback callback);

/// Reads a handle from now on. Takes ownership of the handle in any case: a failed call closes it and reports no event.
/// Returns 0 or the system's error code.
int32_t hc_stream_read(hc_handle handle, uint64_t cookie, hc_stream *stream);
/// Opens a writer on a handle. Takes ownership of the handle in any case.
int32_t hc_stream_open_writer(hc_handle handle, uint64_t cookie, hc_stream *stream);

/// Reads all that a reader has to give now, or a pipe's largest capacity where a writer never pauses; returns when the
/// callback has taken it. What a process wrote before it exited is among it.
void hc_stream_drain(hc_stream stream);

/// Reads a stream again that the callback has stopped; from any thread. Never blocks for long.
void hc_stream_resume(hc_stream stream);

/// Buffers bytes for a writer and never blocks. Returns how many were taken, or -1 where the stream is gone.
int64_t hc_stream_write(hc_stream stream, const uint8_t *bytes, size_t length);
/// Closes a writer once its buffer is empty, and reports HC_STREAM_DRAINED. Returns 0, or -1 if the stream is gone.
int32_t hc_stream_finish(hc_stream stream);

/// Closes a stream now. Its last event, HC_STREAM_END or HC_STREAM_BROKEN, is reported before this returns.
void hc_stream_close(hc_stream stream);
/// Whether a stream has not ended yet.
int32_t hc_stream_is_open(hc_stream stream);

/// Closes a handle that never became a stream.
void hc_handle_close(hc_handle handle);

#ifdef __cplusplus
}
#endif

#endif
