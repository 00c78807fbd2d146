"""One peer of a ZeroMQ socket, by hand: it can send what libzmq would not, and leave when libzmq would not."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)


def frame(body: bytes, more: bool = False) -> bytes:
    """One frame of a message."""
    if len(body) < 256:
        return bytes([more, len(body)]) + body
    return bytes([more | 2]) + struct.pack(">Q", len(body)) + body


def command(name: bytes, data: bytes) -> bytes:
    """One command, of at most 255 bytes."""
    body = bytes([len(name)]) + name + data
    return b"\x04" + bytes([len(body)]) + body


def ready(kind: bytes, identity: bytes = b"") -> bytes:
    """The handshake's last word, with the routing id that the peer claims."""
    properties = {b"Socket-Type": kind} | ({b"Identity": identity} if kind == b"DEALER" else {})
    packed = (bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in properties.items())
    return command(b"READY", b"".join(packed))


PING = command(b"PING", b"\x00\x00")


class Peer:
    """A connection that has not said anything yet."""

    def __init__(self, endpoint: str):
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 5)
        self.socket.settimeout(0.2)

    def greet(self, kind: bytes, identity: bytes = b"") -> Peer:
        """Shakes hands."""
        return self.shake(ready(kind, identity))

    def shake(self, word: bytes) -> Peer:
        """Shakes hands with a last word of one's own.

        A message that comes before the other side's last word would end the connection: libzmq asks ZAP first.
        """
        self.send(GREETING + word)
        with suppress(OSError):
            head = self.take(66)
            self.take(head[65] if len(head) == 66 else 0)
        return self

    def take(self, count: int) -> bytes:
        """So many bytes; fewer where the connection has ended."""
        data = b""
        while len(data) < count and (piece := self.socket.recv(count - len(data))):
            data += piece
        return data

    def send(self, data: bytes) -> bool:
        """Sends until all has gone; False where the other side takes no more of it, or has gone."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def reset(self) -> None:
        """Leaves without a word: what was not read yet is discarded on both sides."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.socket.close()
