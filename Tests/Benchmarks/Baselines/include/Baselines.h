// What the worker is measured against: the least that a C program does for the same job, and the load that both get.
#ifndef WINDLASS_BASELINES_H
#define WINDLASS_BASELINES_H

#include <stddef.h>
#include <stdint.h>

/// Has baseline_load and baseline_subscribe connect by CURVE from now on: with the server's public key and a client's two, in
/// Z85. NULL goes back to the clear. Not while one of them runs.
void baseline_secure(const char *server_key, const char *public_key, const char *secret_key);

/// Gives a client's socket the keys of baseline_secure, before it connects.
void baseline_use_keys(void *socket);

/// A ROUTER that unpacks every request with msgpack-c and packs `reply`, under the request's msgid, with msgpack-c.
/// Binds to `endpoint` and writes the real one to `bound`. Serves until a request's method is "end".
int baseline_echo(const char *endpoint, const void *reply, size_t reply_size, int announce_fd);

/// Sends `count` requests [0, msgid, "state", [{"id": prefix + n}]], n from 0 to `ids` - 1 in turn, keeps `in_flight` of
/// them under way, and unpacks every reply. `latencies` gets each round trip in nanoseconds where it is not NULL.
/// Returns the nanoseconds that all took, or a negative errno.
int64_t baseline_load(const char *endpoint, const char *prefix, uint32_t ids, uint32_t count, uint32_t in_flight,
                      uint64_t *latencies);

/// Ends a baseline_echo.
int baseline_end(const char *endpoint);

/// A PUB that sends `count` events [topic, body] when `subscribers` have subscribed; they run in threads of their own, as
/// in baseline_subscribe. Returns the nanoseconds until the last one has them all, or a negative errno.
int64_t baseline_publish(const void *topic, size_t topic_size, const void *body, size_t body_size, uint32_t count,
                         uint32_t subscribers);

/// Subscribes `subscribers` threads to `endpoint`, calls `ready` when each has been sent something, and waits until each
/// has received `count` messages whose topic begins with `topic`. Returns the nanoseconds between the two.
int64_t baseline_subscribe(const char *endpoint, const char *topic, uint32_t count, uint32_t subscribers,
                           void (*ready)(void *), void *context);

/// Runs `program` `count` times with posix_spawn and waitpid, `at_a_time` at a time. Returns the nanoseconds, or a
/// negative errno.
int64_t baseline_spawn(const char *program, uint32_t count, uint32_t at_a_time);

#endif
