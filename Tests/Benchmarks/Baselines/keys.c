#include "Baselines.h"

#include <stdio.h>
#include <zmq.h>

// Z85, with the NUL; all empty in the clear.
static char server[41], public[41], secret[41];

void baseline_secure(const char *server_key, const char *public_key, const char *secret_key) {
    snprintf(server, sizeof server, "%s", server_key ? server_key : "");
    snprintf(public, sizeof public, "%s", public_key ? public_key : "");
    snprintf(secret, sizeof secret, "%s", secret_key ? secret_key : "");
}

void baseline_use_keys(void *socket) {
    if (server[0] == 0) return;
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, sizeof server);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, sizeof public);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, sizeof secret);
}
