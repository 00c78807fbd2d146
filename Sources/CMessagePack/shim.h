// msgpack-c's public header, as the module CMessagePack.
#include <msgpack.h>
