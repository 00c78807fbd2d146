#include "Baselines.h"

#include <errno.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int baseline_echo(const char *endpoint, const void *reply, size_t reply_size, int announce_fd) {
    msgpack_unpacked sample;
    msgpack_unpacked_init(&sample);
    if (msgpack_unpack_next(&sample, reply, reply_size, NULL) != MSGPACK_UNPACK_SUCCESS) return -EINVAL;
    msgpack_object answer = sample.data;
    if (answer.type != MSGPACK_OBJECT_ARRAY || answer.via.array.size != 4) return -EINVAL;

    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    int linger = 0, limit = 100000;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &limit, sizeof limit);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &limit, sizeof limit);
    if (zmq_bind(socket, endpoint) != 0) return -zmq_errno();
    char bound[256];
    size_t size = sizeof bound;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size);
    dprintf(announce_fd, "%s\n", bound);

    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_unpacked request;
    msgpack_unpacked_init(&request);
    zmq_msg_t identity, body;
    zmq_msg_init(&identity);
    zmq_msg_init(&body);
    int going = 1;
    while (going) {
        if (zmq_msg_recv(&identity, socket, 0) < 0 || zmq_msg_recv(&body, socket, 0) < 0) break;
        size_t offset = 0;
        if (msgpack_unpack_next(&request, zmq_msg_data(&body), zmq_msg_size(&body), &offset) !=
            MSGPACK_UNPACK_SUCCESS)
            continue;
        msgpack_object_str method = request.data.via.array.ptr[2].via.str;
        if (method.size == 3 && memcmp(method.ptr, "end", 3) == 0) going = 0;
        answer.via.array.ptr[1] = request.data.via.array.ptr[1];
        msgpack_sbuffer_clear(&buffer);
        msgpack_pack_object(&packer, answer);
        zmq_send(socket, zmq_msg_data(&identity), zmq_msg_size(&identity), ZMQ_SNDMORE);
        zmq_send(socket, buffer.data, buffer.size, 0);
    }
    zmq_msg_close(&identity);
    zmq_msg_close(&body);
    msgpack_unpacked_destroy(&request);
    msgpack_unpacked_destroy(&sample);
    msgpack_sbuffer_destroy(&buffer);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}

static void ask(void *socket, msgpack_packer *packer, msgpack_sbuffer *buffer, uint32_t number, const char *method,
                const char *id) {
    msgpack_sbuffer_clear(buffer);
    msgpack_pack_array(packer, 4);
    msgpack_pack_uint8(packer, 0);
    msgpack_pack_uint32(packer, number);
    msgpack_pack_str_with_body(packer, method, strlen(method));
    msgpack_pack_array(packer, 1);
    msgpack_pack_map(packer, 1);
    msgpack_pack_str_with_body(packer, "id", 2);
    msgpack_pack_str_with_body(packer, id, strlen(id));
    zmq_send(socket, buffer->data, buffer->size, 0);
}

int64_t baseline_load(const char *endpoint, const char *prefix, uint32_t ids, uint32_t count, uint32_t in_flight,
                      uint64_t *latencies) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int linger = 0, limit = 100000, timeout = 30000;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &limit, sizeof limit);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &limit, sizeof limit);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    baseline_use_keys(socket);
    zmq_connect(socket, endpoint);

    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_unpacked reply;
    msgpack_unpacked_init(&reply);
    zmq_msg_t body;
    zmq_msg_init(&body);
    uint64_t *sent_at = calloc(count, sizeof *sent_at);
    char id[160];
    int64_t result = 0;
    uint32_t sent = 0, received = 0;
    // One round trip before the clock starts: the connection stands then.
    snprintf(id, sizeof id, "%s0", prefix);
    ask(socket, &packer, &buffer, UINT32_MAX, "state", id);
    if (zmq_msg_recv(&body, socket, 0) < 0) result = -zmq_errno();
    uint64_t start = now();
    while (result == 0 && received < count) {
        while (sent < count && sent - received < in_flight) {
            snprintf(id, sizeof id, "%s%u", prefix, sent % ids);
            sent_at[sent] = now();
            ask(socket, &packer, &buffer, sent, "state", id);
            sent++;
        }
        if (zmq_msg_recv(&body, socket, 0) < 0) {
            result = -zmq_errno();
            break;
        }
        size_t offset = 0;
        msgpack_object *data = &reply.data;
        if (msgpack_unpack_next(&reply, zmq_msg_data(&body), zmq_msg_size(&body), &offset) !=
                MSGPACK_UNPACK_SUCCESS ||
            data->type != MSGPACK_OBJECT_ARRAY || data->via.array.ptr[2].type != MSGPACK_OBJECT_NIL) {
            result = -EPROTO;
            break;
        }
        uint64_t number = data->via.array.ptr[1].via.u64;
        if (latencies && number < count) latencies[number] = now() - sent_at[number];
        received++;
    }
    if (result == 0) result = (int64_t)(now() - start);
    free(sent_at);
    zmq_msg_close(&body);
    msgpack_unpacked_destroy(&reply);
    msgpack_sbuffer_destroy(&buffer);
    zmq_close(socket);
    zmq_ctx_term(context);
    return result;
}

int baseline_end(const char *endpoint) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int timeout = 5000, linger = 0;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_connect(socket, endpoint);
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    ask(socket, &packer, &buffer, 1, "end", "");
    char reply[4096];
    int result = zmq_recv(socket, reply, sizeof reply, 0) < 0 ? -zmq_errno() : 0;
    msgpack_sbuffer_destroy(&buffer);
    zmq_close(socket);
    zmq_ctx_term(context);
    return result;
}
