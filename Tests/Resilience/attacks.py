"""Peers that mean harm, each in a thread of its own, until the time is over."""

from __future__ import annotations

import itertools
import random
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import zmq

from wire import pack
from zmtp import GREETING, PING, Peer, command, frame, ready

# What one connection sends at most.
PIECE = 256 << 10
PIECES = 16
HALF_OPEN = 64
SUBSCRIPTIONS = 20_000
SUBSCRIBERS = 60
# What an unseeded rand() gives libzmq first.
FORETOLD = 0x6B8B4567


class Target(NamedTuple):
    """A worker's sockets, for peers of its host and for others, and its public key."""

    commands: str
    events: str
    remote_commands: str
    remote_events: str
    key: str

    def any(self, draw: random.Random) -> str:
        return draw.choice(self[:4])


def flood_with_pings(target: Target, draw: random.Random) -> Iterator[None]:
    """Messages with heartbeats between them until nothing more is taken, and a reset."""
    for endpoint, kind, message in itertools.cycle(
        [(target.commands, b"DEALER", pack([0, 1, "ping", []])), (target.events, b"SUB", b"\x01a")]
    ):
        peer = Peer(endpoint).greet(kind)
        unit = frame(message) + PING
        sent = 0
        while sent < PIECES and peer.send(unit * (PIECE // len(unit))):
            sent += 1
        peer.reset()
        yield


def half_open(target: Target, draw: random.Random) -> Iterator[None]:
    """Connections that stop in the middle of the handshake."""
    whole = GREETING + ready(b"DEALER")
    peers: list[Peer] = []
    while True:
        peer = Peer(target.any(draw))
        peer.send(whole[: draw.randrange(len(whole))])
        peers.append(peer)
        if len(peers) > HALF_OPEN:
            peers.pop(0).close()
        yield


def garbage(target: Target, draw: random.Random) -> Iterator[None]:
    """Bytes that mean nothing, from the beginning or behind a good handshake."""
    while True:
        peer = Peer(target.any(draw))
        if draw.random() < 0.5:
            peer.greet(draw.choice([b"DEALER", b"REQ", b"SUB", b"XSUB", b"ROUTER"]))
        peer.send(draw.randbytes(draw.randrange(10_000)))
        peer.send(command(draw.choice([b"PING", b"PONG", b"READY", b"ERROR", b"SUBSCRIBE"]), draw.randbytes(20)))
        draw.choice([peer.reset, peer.close])()
        yield


def subscriptions(target: Target, draw: random.Random) -> Iterator[None]:
    """Many connections with subscriptions without end, and their end; some subscribe to everything again and again."""
    numbers = range(SUBSCRIPTIONS)
    pieces = [
        b"".join(frame(b"\x01" + struct.pack(">I", number) * 50) for number in numbers),
        b"".join(frame(b"\x01" + struct.pack(">I", number)) for number in numbers),
        frame(b"\x01") * SUBSCRIPTIONS,
    ]
    while True:
        peers = [Peer(target.events).greet(b"SUB") for _ in range(SUBSCRIBERS)]
        threads = [threading.Thread(target=peer.send, args=(draw.choice(pieces),), daemon=True) for peer in peers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for peer in peers:
            peer.reset()
        yield


def wrong_keys(target: Target, draw: random.Random) -> Iterator[None]:
    """Peers with a key that the worker does not know, for a key that is not the worker's, or without one."""
    context = zmq.Context()
    while True:
        sockets = []
        for endpoint, kind in ((target.remote_commands, zmq.DEALER), (target.remote_events, zmq.SUB)):
            for servers in ([target.key.encode()], [zmq.curve_keypair()[0]], []):
                socket = context.socket(kind)
                socket.linger = 0
                if servers:
                    socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
                    socket.curve_serverkey = servers[0]
                socket.connect(endpoint)
                sockets.append(socket)
        for socket in sockets:
            socket.poll(20)
            socket.close()
        yield


def squatters(target: Target, draw: random.Random) -> Iterator[None]:
    """Peers that claim routing ids: those that libzmq would give next, and one that is taken over again and again."""
    request = frame(pack([0, 1, "list", []]))
    peers: list[Peer] = []
    for number in itertools.count():
        foretold = b"\0" + struct.pack(">I", (FORETOLD + number % 1000) % 2**32)
        for identity in (foretold, b"same"):
            peer = Peer(target.commands).greet(b"DEALER", identity)
            peer.send(request * 100)
            peers.append(peer)
        while len(peers) > HALF_OPEN:
            peers.pop(0).reset()
        yield


def oversize(target: Target, draw: random.Random) -> Iterator[None]:
    """Frames that are too large, and some that only say so."""
    while True:
        for length in (2 << 20, 1 << 31, 1 << 62, 2**64 - 1):
            peer = Peer(draw.choice(target[:2])).greet(draw.choice([b"DEALER", b"SUB"]))
            peer.send(b"\x02" + struct.pack(">Q", length) + bytes(PIECE))
            peer.close()
            yield


def requests(target: Target, draw: random.Random) -> Iterator[None]:
    """Requests far beyond what may wait, by peers that do not read the answers."""
    bodies = [
        pack([0, 1, "wait", [{"id": "quiet"}]]),
        pack([0, 1, "health", []]),
        pack([0, 1, "list", []]),
        pack([0, 1, "create", [{"id": "quiet", "spec": {"process": {"args": ["x"] * 1000}}}]]),
        pack([0, 1, "attach", [{"id": "quiet", "credit": 1 << 40}]]),
        pack([0, 1, "state", [{"id": "nobody"}]]),
    ]
    while True:
        unit = frame(draw.choice(bodies))
        peer = Peer(target.commands).greet(b"DEALER")
        for _ in range(PIECES):
            if not peer.send(unit * (PIECE // len(unit))):
                break
            yield
        peer.reset()


ATTACKS: dict[str, Callable[[Target, random.Random], Iterator[None]]] = {
    "pings": flood_with_pings,
    "half-open": half_open,
    "garbage": garbage,
    "subscriptions": subscriptions,
    "wrong-keys": wrong_keys,
    "squatters": squatters,
    "oversize": oversize,
    "requests": requests,
}


def attack(name: str, steps: Iterator[None], end: float, done: dict[str, int]) -> None:
    """Goes on until the time is over. A worker that takes no connection for a moment is asked again."""
    while time.monotonic() < end:
        with suppress(OSError):
            next(steps)
            done[name] = done.get(name, 0) + 1


def main() -> None:
    """Takes the target, the seconds, a seed and the attacks (none: all), and prints what was done."""
    target, end, seed = Target(*sys.argv[1:6]), time.monotonic() + float(sys.argv[6]), sys.argv[7]
    done: dict[str, int] = {}
    threads = [
        threading.Thread(
            target=attack, args=(name, ATTACKS[name](target, random.Random(f"{seed} {name}")), end, done), daemon=True
        )
        for name in sys.argv[8:] or ATTACKS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(", ".join(f"{name} {count}" for name, count in sorted(done.items())), flush=True)


if __name__ == "__main__":
    main()
