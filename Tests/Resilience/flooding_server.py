"""A server that floods its clients and resets them: they must live."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from stage import require
from wire import Deadline, pack
from worker import binary, environment
from zmtp import GREETING, PING, frame, ready

PIECE = (frame(pack([1, 1, None, {}])) + PING) * 5000
EVENT = (frame(b"exit/c", more=True) + frame(pack({"host": "h", "epoch": 1, "last_seq": 1})) + PING) * 3000


class FloodingServer(threading.Thread):
    """Shakes hands with whoever comes, sends until nothing more is taken, and resets the connection."""

    def __init__(self, kind: bytes, piece: bytes):
        super().__init__(daemon=True)
        self.kind, self.piece = kind, piece
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.resets = 0
        self.changed = threading.Condition()

    def run(self) -> None:
        with suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                with suppress(OSError):
                    self._flood(connection)
                with self.changed:
                    self.resets += 1
                    self.changed.notify_all()

    def _flood(self, connection: socket.socket) -> None:
        connection.settimeout(0.1)
        connection.sendall(GREETING + ready(self.kind))
        for _ in range(3):
            connection.recv(4096)
        try:
            for _ in range(20):
                connection.sendall(self.piece)
        finally:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def await_resets(self, count: int, client: subprocess.Popen) -> None:
        """Waits for so many, of a client that lives."""
        deadline = Deadline(300)
        with self.changed:
            while self.resets < count:
                require(client.poll() is None, f"the client ended with {client.poll()} after {self.resets} resets")
                require(not deadline.passed, f"only {self.resets} resets")
                self.changed.wait(1)


PYTHON = """
import sys, threading, windlass
client = windlass.Client(sys.argv[1], events=sys.argv[2])
threading.Thread(target=lambda: [None for _ in client.events(timeout=1000)], daemon=True).start()
client.wait("c", timeout=1000)
"""


def flooded_clients(folder: Path, count: int) -> int:
    """Has the command line and the Python package flooded, in what they ask and in what they follow."""
    package = str(Path(__file__).resolve().parents[2] / "Sources/Python")
    variables = environment() | {"HOME": str(folder), "PYTHONPATH": package}
    commands, events = FloodingServer(b"ROUTER", PIECE), FloodingServer(b"XPUB", EVENT)
    commands.start(), events.start()
    for arguments in (
        [binary(), "events", "--worker", commands.endpoint, "--events", events.endpoint],
        [binary(), "wait", "c", "--timeout", "1000s", "--worker", commands.endpoint],
        [sys.executable, "-c", PYTHON, commands.endpoint, events.endpoint],
    ):
        servers = [commands] if "wait" in arguments else [commands, events]
        before = [server.resets for server in servers]
        client = subprocess.Popen(arguments, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            for server, resets in zip(servers, before, strict=True):
                server.await_resets(resets + count, client)
        finally:
            client.kill()
            client.wait()
            client.stderr.close()
    return count
