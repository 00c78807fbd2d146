#include "Baselines.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct subscriber {
    pthread_t thread;
    void *context;
    const char *endpoint;
    const char *topic;
    uint32_t count;
    pthread_barrier_t *ready;
    int failed;
};

// Says that it is there when anything at all has come: a welcome, or what the publisher sends until all are there.
static void *subscribe(void *argument) {
    struct subscriber *self = argument;
    void *socket = zmq_socket(self->context, ZMQ_SUB);
    int none = 0, timeout = 60000;
    zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    baseline_use_keys(socket);
    zmq_connect(socket, self->endpoint);
    zmq_msg_t topic, body;
    zmq_msg_init(&topic);
    zmq_msg_init(&body);
    size_t length = strlen(self->topic);
    int is_ready = 0;
    uint32_t received = 0;
    while (received < self->count) {
        if (zmq_msg_recv(&topic, socket, 0) < 0 || zmq_msg_recv(&body, socket, 0) < 0) {
            self->failed = 1;
            break;
        }
        if (!is_ready) {
            is_ready = 1;
            pthread_barrier_wait(self->ready);
        }
        if (zmq_msg_size(&topic) >= length && memcmp(zmq_msg_data(&topic), self->topic, length) == 0) received++;
    }
    if (!is_ready) pthread_barrier_wait(self->ready);
    zmq_msg_close(&topic);
    zmq_msg_close(&body);
    zmq_close(socket);
    return NULL;
}

int64_t baseline_subscribe(const char *endpoint, const char *topic, uint32_t count, uint32_t subscribers,
                           void (*ready)(void *), void *context) {
    void *sockets = zmq_ctx_new();
    struct subscriber *all = calloc(subscribers, sizeof *all);
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, subscribers + 1);
    for (uint32_t index = 0; index < subscribers; index++) {
        all[index] = (struct subscriber){.context = sockets, .endpoint = endpoint, .topic = topic, .count = count,
                                         .ready = &barrier};
        pthread_create(&all[index].thread, NULL, subscribe, &all[index]);
    }
    pthread_barrier_wait(&barrier);
    uint64_t start = now();
    ready(context);
    int failed = 0;
    for (uint32_t index = 0; index < subscribers; index++) {
        pthread_join(all[index].thread, NULL);
        failed |= all[index].failed;
    }
    int64_t result = failed ? -ETIMEDOUT : (int64_t)(now() - start);
    pthread_barrier_destroy(&barrier);
    free(all);
    zmq_ctx_term(sockets);
    return result;
}

struct publisher {
    void *socket;
    const void *topic, *body;
    size_t topic_size, body_size;
    uint32_t count;
    atomic_int go;
    pthread_t thread;
};

static void *publish(void *argument) {
    struct publisher *self = argument;
    // Until every subscriber is there, each is sent something that does not count.
    while (!atomic_load(&self->go)) {
        zmq_send(self->socket, "hello", 5, ZMQ_SNDMORE);
        zmq_send(self->socket, "", 0, 0);
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    for (uint32_t sent = 0; sent < self->count; sent++) {
        zmq_send(self->socket, self->topic, self->topic_size, ZMQ_SNDMORE);
        zmq_send(self->socket, self->body, self->body_size, 0);
    }
    return NULL;
}

static void let_go(void *argument) { atomic_store(&((struct publisher *)argument)->go, 1); }

int64_t baseline_publish(const void *topic, size_t topic_size, const void *body, size_t body_size, uint32_t count,
                         uint32_t subscribers) {
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PUB);
    int none = 0;
    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0) return -zmq_errno();
    char endpoint[256];
    size_t size = sizeof endpoint;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    struct publisher publisher = {.socket = socket, .topic = topic, .topic_size = topic_size, .body = body,
                                  .body_size = body_size, .count = count};
    pthread_create(&publisher.thread, NULL, publish, &publisher);
    char prefix[256];
    snprintf(prefix, sizeof prefix, "%.*s", (int)topic_size, (const char *)topic);
    int64_t result = baseline_subscribe(endpoint, prefix, count, subscribers, let_go, &publisher);
    pthread_join(publisher.thread, NULL);
    zmq_close(socket);
    zmq_ctx_term(context);
    return result;
}
