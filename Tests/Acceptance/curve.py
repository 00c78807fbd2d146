"""A worker that other hosts may come in to: its keys, its clients' files, and a CURVE peer by hand."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket as sockets
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq
from nacl.bindings import crypto_box, crypto_box_keypair, crypto_box_open
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from wire import DEADLINE, Deadline, Dealer
from worker import Worker

NUMBERS = itertools.count(1)
EVERYWHERE = ["tcp://127.0.0.1:*", "tcp://0.0.0.0:*"]


def certificate(public: bytes, secret: bytes | None = None, **metadata: str) -> str:
    """A key in ZPL."""
    lines = ["metadata", *(f'    {name} = "{value}"' for name, value in metadata.items()), "curve"]
    lines.append(f'    public-key = "{public.decode()}"')
    if secret:
        lines.append(f'    secret-key = "{secret.decode()}"')
    return "\n".join(lines) + "\n"


class Door:
    """The keys of a worker and of its clients, and the worker."""

    def __init__(self, folder: Path, start_worker: Callable[..., Worker], peers: Callable[..., Any]):
        self.folder = folder / f"door-{next(NUMBERS)}"
        self.clients = self.folder / "clients"
        self.clients.mkdir(parents=True, mode=0o755)
        self.start_worker, self.peers = start_worker, peers
        self.public, self.secret = zmq.curve_keypair()
        self.server_key = self.folder / "server.key_secret"
        self.keep(self.public, self.secret)
        self.worker: Worker = None
        self.admin: Dealer = None

    def keep(self, public: bytes, secret: bytes) -> None:
        """Writes the server's key."""
        self.write(self.server_key, certificate(public, secret), 0o600)

    @staticmethod
    def write(path: Path, text: str, mode: int = 0o644) -> None:
        """Writes a file in one step."""
        new = path.with_name(f".{path.name}.new")
        new.write_text(text)
        new.chmod(mode)
        new.rename(path)

    @property
    def config(self) -> str:
        return f"server_key: {self.server_key}\nclients_dir: {self.clients}\n"

    def start(self, config: str = "", **options: Any) -> Worker:
        """Starts the worker, with an endpoint in the clear and one for other hosts."""
        options = {"commands": EVERYWHERE, "events": EVERYWHERE, "state_dir": self.folder / "state"} | options
        self.worker = self.start_worker(config=self.config + config, **options)
        if self.worker.ready:
            self.admin = self.peers(Dealer, self.worker.commands)
        return self.worker

    # Where it serves

    @property
    def commands(self) -> str:
        return self.worker.ready["commands"][1].replace("0.0.0.0", "127.0.0.1")

    @property
    def events(self) -> str:
        return self.worker.ready["events"][1].replace("0.0.0.0", "127.0.0.1")

    # Who may come in

    def let_in(self, name: str, pair: tuple[bytes, bytes] | None = None, **metadata: str) -> dict[str, bytes]:
        """Writes the file of a client; returns the options of its sockets."""
        public, secret = pair or zmq.curve_keypair()
        self.write(self.clients / f"{name}.key", certificate(public, **metadata))
        return self.options((public, secret))

    def admit(self, name: str, role: str = "scheduler", **metadata: str) -> dict[str, bytes]:
        """The same, and has a worker that runs read the files."""
        options = self.let_in(name, role=role, **metadata)
        if self.admin:
            assert name in self.admin.call("keys_reload")["added"]
        return options

    def options(self, pair: tuple[bytes, bytes], server: bytes | None = None) -> dict[str, bytes]:
        """The options of a client's sockets."""
        return {"curve_publickey": pair[0], "curve_secretkey": pair[1], "curve_serverkey": server or self.public}

    def revoke(self, name: str) -> int:
        """Removes a client's file; returns how many connections the worker ended."""
        (self.clients / f"{name}.key").unlink()
        result = self.admin.call("keys_reload")
        assert name in result["removed"], result
        return result["cut"]

    def dealer(self, options: dict[str, bytes], **more: Any) -> Dealer:
        """A client from another host."""
        return self.peers(Dealer, self.commands, **options, **more)

    # What it has written down

    def audit(self, message: str, **fields: str) -> list[dict[str, str]]:
        """The audit lines so far with these fields."""
        found = [line for line in log_lines(self.worker) if line.get("log") == "audit" and line["msg"] == message]
        return [line for line in found if all(line.get(name) == value for name, value in fields.items())]

    def audited(self, message: str, count: int = 1, **fields: str) -> list[dict[str, str]]:
        """Waits for audit lines; answers of the worker are the clock."""
        deadline = Deadline()
        while len(lines := self.audit(message, **fields)) < count:
            assert not deadline.passed, f"no {message} {fields}: {self.worker.output()}"
            self.admin.call("ping")
        return lines

    def handshakes(self) -> tuple[int, int]:
        """How many the worker has accepted and refused."""
        checks = {check["name"]: check["message"] for check in self.admin.call("health")["checks"]}
        found = re.search(r"(\d+) handshakes were accepted, (\d+) refused", " ".join(checks.values()))
        assert found, checks
        return int(found[1]), int(found[2])


def log_lines(worker: Worker) -> list[dict[str, str]]:
    """The log, line by line."""
    found = []
    for line in worker.log.read_text(errors="replace").splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


class Watch:
    """A socket of a client, and what its monitor says."""

    FAILURES = {
        zmq.EVENT_HANDSHAKE_FAILED_AUTH: "auth",
        zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "protocol",
        zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "closed",
        zmq.EVENT_HANDSHAKE_SUCCEEDED: "in",
    }

    def __init__(self, context: zmq.Context, endpoint: str, kind: int = zmq.DEALER, **options: Any):
        self.socket = context.socket(kind)
        self.socket.linger = 0
        for name, value in options.items():
            setattr(self.socket, name, value)
        self.monitor = self.socket.get_monitor_socket()
        self.socket.connect(endpoint)

    def close(self) -> None:
        if not self.socket.closed:
            self.socket.disable_monitor()
            self.monitor.close(0)
            self.socket.close(0)

    def next(self, *kinds: int, timeout: float = DEADLINE) -> dict[str, Any]:
        """The next event of these kinds."""
        deadline = Deadline(timeout)
        while self.monitor.poll(int(deadline.left * 1000)):
            event = recv_monitor_message(self.monitor)
            if event["event"] in kinds:
                return event
        raise TimeoutError(f"the monitor reported none of {kinds}")

    def outcome(self) -> tuple[str, int]:
        """How the handshake ended: `in`, `auth`, `protocol` or `closed`, and the number with it."""
        event = self.next(*self.FAILURES)
        return self.FAILURES[event["event"]], event["value"]

    def comes_in(self) -> None:
        """Waits until a handshake succeeds: libzmq tries again by itself."""
        self.next(zmq.EVENT_HANDSHAKE_SUCCEEDED)

    def gone(self) -> None:
        """Waits until the worker has ended the connection."""
        self.next(zmq.EVENT_DISCONNECTED)


def watched(dealer) -> Watch:
    """Its monitor, from now on."""
    watch = Watch.__new__(Watch)
    watch.socket, watch.monitor = dealer.socket, dealer.socket.get_monitor_socket()
    return watch


def properties(kind: bytes, **named: bytes) -> bytes:
    """What a peer says of itself in a handshake; a `-` of a name is written as `_`."""
    values = {b"Socket-Type": kind} | {name.replace("_", "-").encode(): value for name, value in named.items()}
    return b"".join(bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in values.items())


class Raw:
    """A CURVE client by hand (ZeroMQ RFC 26): it may say of itself what libzmq would not."""

    def __init__(self, endpoint: str, options: dict[str, bytes], kind: bytes = b"DEALER", **named: bytes):
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self.socket = sockets.create_connection((host, int(port)), 5)
        self.socket.settimeout(DEADLINE)
        self.buffer = b""
        self.sent = self.nonce = 0
        public, secret, server = (z85.decode(options[f"curve_{n}key"]) for n in ("public", "secret", "server"))
        short_public, self.short_secret = crypto_box_keypair()
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32))
        self.take(64)
        hello = crypto_box(bytes(64), self.next_nonce(b"CurveZMQHELLO---"), server, self.short_secret)
        self.command(b"\x05HELLO\x01\x00" + bytes(72) + short_public + self.number() + hello)
        welcome = self.frame()[1]
        assert welcome.startswith(b"\x07WELCOME"), welcome
        box = crypto_box_open(welcome[24:], b"WELCOME-" + welcome[8:24], server, self.short_secret)
        self.server, cookie = box[:32], box[32:]
        noise = os.urandom(16)
        vouch = crypto_box(short_public + server, b"VOUCH---" + noise, self.server, secret)
        initiate = self.box(public + noise + vouch + properties(kind, **named), b"CurveZMQINITIATE")
        self.command(b"\x08INITIATE" + cookie + self.number() + initiate)
        self.answer = self.frame()[1]
        assert self.answer.startswith((b"\x05READY", b"\x05ERROR")), self.answer

    def close(self) -> None:
        self.socket.close()

    def number(self) -> bytes:
        return struct.pack(">Q", self.nonce)

    def next_nonce(self, prefix: bytes) -> bytes:
        self.nonce += 1
        return prefix + self.number()

    def box(self, data: bytes, prefix: bytes) -> bytes:
        return crypto_box(data, self.next_nonce(prefix), self.server, self.short_secret)

    def command(self, body: bytes) -> None:
        size = bytes([4, len(body)]) if len(body) < 256 else b"\x06" + struct.pack(">Q", len(body))
        self.socket.sendall(size + body)

    def message(self, body: bytes, flags: int = 0) -> bytes:
        """The bytes on the wire of one frame."""
        box = self.box(bytes([flags]) + body, b"CurveZMQMESSAGEC")
        body = b"\x07MESSAGE" + self.number() + box
        return (bytes([0, len(body)]) if len(body) < 256 else b"\x02" + struct.pack(">Q", len(body))) + body

    def send(self, body: bytes) -> None:
        self.socket.sendall(self.message(body))

    def take(self, count: int) -> bytes:
        """Bytes from the wire; the end of the connection is an EOFError."""
        while len(self.buffer) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError
            self.buffer += piece
        piece, self.buffer = self.buffer[:count], self.buffer[count:]
        return piece

    def frame(self) -> tuple[int, bytes]:
        flags = self.take(1)[0]
        return flags, self.take(struct.unpack(">Q", self.take(8))[0] if flags & 2 else self.take(1)[0])

    def receive(self) -> bytes:
        """One frame of a message."""
        body = self.frame()[1]
        assert body.startswith(b"\x07MESSAGE"), body
        return crypto_box_open(body[16:], b"CurveZMQMESSAGES" + body[8:16], self.server, self.short_secret)[1:]
