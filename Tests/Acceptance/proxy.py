"""Somebody on the way between a client and a worker, who changes a byte."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Proxy:
    """Passes on what both sides send. `tamper()` changes a byte of what the worker sends next."""

    def __init__(self, target: str, host: str = "127.0.0.1"):
        address, _, port = target.removeprefix("tcp://").rpartition(":")
        self.target = (address, int(port))
        self.listener = socket.create_server((host, 0))
        self.endpoint = f"tcp://{host}:{self.listener.getsockname()[1]}"
        self.connections, self.tampered = 0, threading.Event()
        self._tampers = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for each in [self.listener, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def tamper(self) -> None:
        self._tampers = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                worker = socket.create_connection(self.target)
                self._open += [client, worker]
                self.connections += 1
                for source, sink, is_answer in ((client, worker, False), (worker, client, True)):
                    threading.Thread(target=self._pass_on, args=(source, sink, is_answer), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while piece := bytearray(source.recv(65536)):
                if is_answer and self._tampers:
                    self._tampers = False
                    piece[-1] ^= 1
                    self.tampered.set()
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
