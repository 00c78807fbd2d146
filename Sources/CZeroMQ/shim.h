// libzmq's public header, as the module CZeroMQ.
#include <zmq.h>
