"""Something at a worker's address that answers as a test wants, in the clear or with CURVE."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from wire import pack, unpack


class StandIn:
    """A ROUTER on a thread of its own. `answer(method, params)` gives an error and a result, or None for silence."""

    def __init__(self, answer: Callable[[str, dict], tuple[dict | None, Any] | None], secret: bytes | None = None):
        self.context = zmq.Context()
        self.asked: list[tuple[str, dict]] = []
        self.answer = answer
        self.authenticator = ThreadAuthenticator(self.context)
        self.authenticator.start()
        self.socket, self.endpoint = self._bound(zmq.ROUTER, secret)
        self.publisher, self.events = self._bound(zmq.XPUB, secret)
        self.end, self.ended = self.context.socket(zmq.PAIR), self.context.socket(zmq.PAIR)
        self.ended.bind("inproc://end")
        self.end.connect("inproc://end")
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _bound(self, kind: int, secret: bytes | None) -> tuple[zmq.Socket, str]:
        socket = self.context.socket(kind)
        socket.linger = 0
        if secret is not None:
            socket.curve_server = True
            socket.curve_secretkey = secret
        return socket, f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"

    def authorize(self, *keys: bytes) -> None:
        """Only these clients may connect from now on."""
        self.authenticator.configure_curve_callback(credentials_provider=_Known(keys))

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self.ended, zmq.POLLIN)
        while self.ended not in dict(poller.poll()):
            *envelope, body = self.socket.recv_multipart()
            _, msgid, method, (params,) = unpack(body)
            self.asked.append((method, params))
            if (answer := self.answer(method, params)) is not None:
                self.socket.send_multipart([*envelope, pack([1, msgid, *answer])])

    def close(self) -> None:
        self.end.send(b"")
        self.thread.join()
        self.authenticator.stop()
        self.context.destroy(0)


class _Known:
    def __init__(self, keys: tuple[bytes, ...]):
        self.keys = keys

    def callback(self, domain: str, key: bytes) -> bool:
        return key in self.keys


def key_files(folder: Path, name: str) -> tuple[str, str, bytes, bytes]:
    """The public and the secret file of a new pair of keys, as pyzmq writes them, and both keys."""
    folder.mkdir(exist_ok=True)
    public, secret = zmq.auth.create_certificates(folder, name)
    return (public, secret, *zmq.auth.load_certificate(secret))
