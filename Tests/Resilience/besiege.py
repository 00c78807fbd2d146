"""Peers that a door has to stand: half-open, flooding, leaving in the midst, one after another and at full scale."""

from __future__ import annotations

import itertools
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from nacl.bindings import crypto_box_afternm, crypto_box_beforenm

from curve import Door, Raw, Watch, certificate, properties
from overload import p99
from stage import require
from wire import Collector, Deadline, Dealer, pack, parse
from zmtp import GREETING, PING, Peer, command, frame, ready

LONG = {"process": {"args": ["/bin/sleep", "100000"]}}
SHORT = {"process": {"args": ["/bin/true"]}}


class ManyMessages(Raw):
    """A CURVE peer that encrypts many messages at once."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self.shared = crypto_box_beforenm(self.server, self.short_secret)

    def box(self, data: bytes, prefix: bytes) -> bytes:
        if not hasattr(self, "shared"):
            return super().box(data, prefix)
        return crypto_box_afternm(data, self.next_nonce(prefix), self.shared)

    def reset(self) -> None:
        """Leaves without a word."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


class Pinger(threading.Thread):
    """An honest peer that measures how long its pings take, until it is left."""

    def __init__(self, dealer: Dealer):
        super().__init__(daemon=True)
        self.dealer, self.spans, self.fault = dealer, [], None
        self.ending = threading.Event()

    def __enter__(self) -> Pinger:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.join()
        require(self.fault is None, f"an honest peer: {self.fault!r}")

    def run(self) -> None:
        try:
            while not self.ending.is_set():
                began = time.perf_counter()
                self.dealer.call("ping")
                self.spans.append(time.perf_counter() - began)
        except BaseException as fault:
            self.fault = fault

    @property
    def p99(self) -> float:
        return p99(self.spans)


def comes_and_goes(door: Door, peers: Callable[..., Any], rounds: int) -> None:
    """Connections of one principal come and go while it is revoked: no other is harmed, and the journal is written."""
    alice, bob = door.let_in("alice", role="scheduler"), door.let_in("bob", role="scheduler")
    door.start("max_handshakes_per_second: 100000\n")
    first = door.dealer(alice)
    first.call("ping")
    watch = Watch.__new__(Watch)
    watch.socket, watch.monitor = first.socket, first.socket.get_monitor_socket()
    for number in range(rounds):
        raws = [Raw(door.commands, bob) for _ in range(5)]
        for raw in raws:
            raw.send(pack([0, 7, "ping", []]))
        (door.clients / "bob.key").unlink()
        for raw in raws:
            raw.close()
        door.admin.call("keys_reload")
        first.call("create", id=f"c-{number}", spec=SHORT, request_id=f"r-{number}")
        door.write(door.clients / "bob.key", certificate(bob["curve_publickey"], role="scheduler"))
        require(door.admin.call("keys_reload")["added"] == ["bob"], "bob is let in again")
    require(not watch.monitor.poll(0), "the connection of alice stands as it did")
    numbers, after = [], 0
    while page := door.admin.call("events", after=after)["events"]:
        numbers += [event["seq"] for event in page]
        after = numbers[-1]
    require(numbers == [*range(1, len(numbers) + 1)], "the events have no gap")


def half_open(door: Door, peers: Callable[..., Any], count: int, bound: float) -> dict[str, object]:
    """Connections that stop in the handshake: who is in is served at once, and others come in."""
    options = door.let_in("alice", role="scheduler")
    door.start()
    with Pinger(door.dealer(options)) as quiet:
        while len(quiet.spans) < 500:
            quiet.ending.wait(0.01)
    before = door.worker.status("VmRSS")
    address, held = Peer(door.commands).socket.getpeername(), []
    with Pinger(door.dealer(options)) as pinger:
        for number in range(count):
            held.append(socket.create_connection(address))
            if number % 2:
                with suppress(OSError):
                    held[-1].sendall(GREETING[:11])
        began = time.monotonic()
        watch = peers(Watch, door.commands, **options)
        watch.comes_in()
        newcomer = time.monotonic() - began
        for _ in range(10):
            peers(Watch, door.commands, **options).comes_in()
        while len(pinger.spans) < 500:
            pinger.ending.wait(0.01)
    grown = door.worker.status("VmRSS") - before
    for each in held:
        each.close()
    rows = {
        f"beside {count} half-open connections: p99, ms": round(pinger.p99 * 1000, 2),
        "p99 quiet, ms": round(quiet.p99 * 1000, 2),
        "a newcomer is in after, s": round(newcomer, 2),
        "memory has grown by, MiB": grown >> 20,
    }
    require(pinger.p99 < bound and newcomer < 4 and grown < 64 << 20, rows)
    return rows


def subscriptions(door: Door, peers: Callable[..., Any], rounds: int) -> dict[str, object]:
    """A peer that subscribes 100,000 times and leaves, again and again."""
    door.start()
    collector = peers(Collector, door.worker.events, "exit/")
    piece = b"".join(frame(b"\x01" + struct.pack(">I", number)) for number in range(100_000))
    for _ in range(rounds):
        peer = Peer(door.worker.events).greet(b"SUB")
        peer.send(piece)
        peer.close()
    door.admin.call("create", id="c", spec=SHORT)
    collector.find("exit", "c", timeout=60)
    most = door.worker.status("VmHWM")
    require(most < 200 << 20, f"{most >> 20} MiB for subscriptions")
    return {f"{rounds} times 100,000 subscriptions: resident at most, MiB": most >> 20}


def subscriptions_while_held(door: Door, peers: Callable[..., Any], seconds: float, stall: Callable[..., Any]) -> None:
    """The same while the thread that reads them stands still for 100 ms at a time."""
    door.start()
    piece = b"".join(frame(b"\x01" + struct.pack(">I", number)) for number in range(30_000))
    with stall(door.worker.pid, "events", 0.1):
        deadline = Deadline(seconds)
        while not deadline.passed:
            peer = Peer(door.worker.events).greet(b"SUB")
            peer.send(piece)
            peer.reset()
    require(door.worker.process.poll() is None, "the worker runs")
    peers(Collector, door.worker.events, "")
    most = door.worker.status("VmHWM")
    require(most < 256 << 20, f"{most >> 20} MiB for subscriptions")


def pings_between(door: Door, peers: Callable[..., Any], rounds: int, stall: Callable[..., Any]) -> None:
    """Messages with heartbeats between them, and a reset, while the threads that read them stand still."""
    options = door.let_in("alice", role="scheduler")
    door.start("max_handshakes_per_second: 100000\n")
    ping = pack([0, 1, "ping", []])
    clear = [
        (door.worker.commands, b"DEALER", (frame(ping) + PING) * 40_000),
        (door.worker.events, b"SUB", (frame(b"\x01a") + PING) * 40_000),
    ]
    secret = [(door.commands, b"DEALER", ping), (door.events, b"SUB", b"\x01a")]
    with stall(door.worker.pid, "socket-loop", 0.05), stall(door.worker.pid, "events", 0.05):
        for number in range(rounds):
            endpoint, kind, data = clear[number % 2]
            peer = Peer(endpoint).greet(kind)
            peer.send(data)
            peer.reset() if number % 4 < 2 else peer.close()
            endpoint, kind, message = secret[number % 2]
            with suppress(OSError, EOFError):
                raw = ManyMessages(endpoint, options, kind=kind)
                for _ in range(20):
                    raw.socket.sendall(
                        b"".join(raw.message(message) + raw.message(b"\x04PING\0\0", 2) for _ in range(100))
                    )
                raw.reset() if number % 4 < 2 else raw.close()
    require(door.worker.process.poll() is None, "the worker runs")
    door.dealer(options).call("ping"), door.admin.call("ping")


def large_requests(door: Door, peers: Callable[..., Any], seconds: float, bound: float) -> dict[str, object]:
    """One principal sends requests of 1 MiB beyond its limit: they are refused, or it is cut, and others are served."""
    alice, bob = door.let_in("alice", role="scheduler"), door.let_in("bob", role="scheduler")
    door.start("max_peer_requests: 16\nmax_handshakes_per_second: 100000\n")
    door.admin.call("create", id="quiet", spec=LONG)
    before = door.worker.status("VmRSS")
    # Nearly as large as a request may be.
    request = pack([0, 9, "create", [{"id": "c", "spec": {"process": {"args": ["x" * ((1 << 20) - 200)]}}}]])
    refused: Counter[str] = Counter()
    with Pinger(door.dealer(bob)) as pinger:
        threads = [
            threading.Thread(target=_large, args=(door, alice, request, Deadline(seconds), refused)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    grown = door.worker.status("VmHWM") - before
    rows = {
        "requests of 1 MiB: refused with, or cut": dict(refused),
        "p99 of another principal, ms": round(pinger.p99 * 1000, 2),
        "memory has grown by at most, MiB": grown >> 20,
    }
    require(refused["resource_exhausted"] and refused.keys() <= {"resource_exhausted", "cut"}, rows)
    require(pinger.p99 < bound and grown < 256 << 20, rows)
    return rows


def _large(door: Door, options: dict[str, bytes], request: bytes, deadline: Deadline, refused: Counter[str]) -> None:
    """Sends as fast as it goes, and then reads what came back."""
    while not deadline.passed:
        try:
            raw = ManyMessages(door.commands, options)
        except (OSError, EOFError):  # its principal has too many handshakes or connections for a moment
            continue
        raw.socket.settimeout(2)
        try:
            for _ in range(16):  # as many as may wait
                raw.send(pack([0, 8, "wait", [{"id": "quiet"}]]))
            for _ in range(40):
                raw.socket.sendall(raw.message(request))
            for _ in range(20):
                error = parse(raw.receive()).error
                refused[error["code"] if error else "served"] += 1
        except (OSError, EOFError):
            refused["cut"] += 1
        raw.reset()


def mutated(draw: random.Random) -> Iterator[bytes]:
    """Handshakes with something wrong."""
    clear = GREETING + command(b"READY", properties(b"DEALER", Identity=b"i", User_Id=b"u")) + frame(b"x" * 300)
    curve = clear.replace(b"NULL\0", b"CURVE") + command(b"HELLO", bytes(194))
    sub = GREETING + ready(b"SUB") + frame(b"\x01x" * 40)
    for number in itertools.count():
        data = bytearray((clear, curve, sub)[number % 3])
        for _ in range(draw.randint(1, 6)):
            match draw.randint(0, 2):
                case 0:
                    data[draw.randrange(len(data))] = draw.randrange(256)
                case 1:
                    del data[draw.randrange(len(data)) :]
                    data.append(0)
                case 2:
                    at = draw.randrange(len(data))
                    data[at:at] = draw.randbytes(draw.randint(1, 40))
        yield bytes(data)


def fuzz(door: Door, peers: Callable[..., Any], seconds: float, draw: random.Random) -> dict[str, object]:
    """Mutated handshakes at every socket: afterwards a good client works."""
    options = door.let_in("alice", role="scheduler")
    door.start("handshake_timeout_ms: 500\n")
    endpoints = [door.worker.commands, door.worker.events, door.commands, door.events]
    deadline, count = Deadline(seconds), 0
    for data in mutated(draw):
        with suppress(OSError):
            peer = Peer(endpoints[count % 4])
            peer.send(data)
            peer.reset() if draw.random() < 0.5 else peer.close()
        count += 1
        if deadline.passed:
            break
    door.dealer(options).call("ping"), door.admin.call("ping")
    for endpoint in (door.worker.events, door.events):
        peers(Collector, endpoint, "", **(options if endpoint == door.events else {}))
    return {"mutated handshakes": count}
