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
        try:
            connection.sendall(GREETING + ready(self.kind))
            with suppress(TimeoutError):  # what the client says has come
                while connection.recv(4096):
                    pass
            for _ in range(20):
                connection.sendall(self.piece)
        finally:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def reset(self, count: int, client: subprocess.Popen) -> None:
        """Waits for so many, or until the client gave up with a sentence. None may be ended by a signal."""
        deadline = Deadline(60)
        with self.changed:
            while self.resets < count and client.poll() is None and not deadline.passed:
                self.changed.wait(0.2)
        code = client.poll()
        require(code is None or code >= 0, f"the client ended with {code} after {self.resets} resets")


# Resets of one client: each makes it wait longer before it comes again.
RESETS = 4

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
        goals = [(server, server.resets + count) for server in servers]
        while any(server.resets < goal for server, goal in goals):
            client = subprocess.Popen(arguments, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                for server in servers:
                    server.reset(server.resets + RESETS, client)
            finally:
                client.kill()
                client.wait()
    return count
