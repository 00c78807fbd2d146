"""Floods of hostile bodies: memory stays flat and other peers notice nothing."""

import struct
import time

from wire import pack, parse

LEFT = 60_000
HOSTILE = [
    b"",
    b"\xc1",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\x91" * LEFT,
    b"\x81" * LEFT,
    b"\x81\xa1a" * (LEFT // 3),
    b"\xa1" * LEFT,
    (b"\xdd" + struct.pack(">I", LEFT)) * 30 + bytes(LEFT),
    b"\x94\x00\x07\xa4ping\x91\xdf" + struct.pack(">I", LEFT // 2) + b"\xa1a\xc0" * (LEFT // 3),
    pack([0, 7, "ping", [{f"k{n}": n for n in range(5000)}]]),
    pack([0, 7, "create", [{"id": "x", "spec": {"process": {"args": ["a"] * 20_000}}, "bogus": 1}]]),
    pack([0, 7, "x" * LEFT, []]),
    pack([0] * LEFT),
    pack([0, 7, "state", [{"id": "i" * LEFT}]]),
]
MEBIBYTE = [b"\x90" * (1 << 19), pack([0, 7, "ping", [[[]] * 250_000]]), pack([0, 7, "ping", [{"a": [0] * 1_000_000}]])]


def errors(client, count: int) -> None:
    """Takes `count` replies, each of them an error."""
    for _ in range(count):
        reply = parse(client.receive()[-1])
        assert reply.msgid in (0, 7) and reply.error is not None, reply


def flood(client, bodies: list[bytes], rounds: int) -> None:
    """Sends every body `rounds` times, and requires one error for each."""
    for _ in range(rounds):
        for body in bodies:
            client.send(body)
        errors(client, len(bodies))
    client.call("ping")


def test_memory_stays_flat(worker, client):
    flood(client, HOSTILE, 5)
    before = worker.status("VmRSS")
    flood(client, HOSTILE, 60)
    assert worker.status("VmRSS") - before < 32 << 20


def test_peak_memory_is_bounded_by_the_body(worker, client):
    flood(client, HOSTILE + MEBIBYTE, 3)
    with open(f"/proc/{worker.pid}/clear_refs", "w") as file:
        file.write("5")
    before = worker.status("VmHWM")
    flood(client, MEBIBYTE, 5)
    assert worker.status("VmHWM") - before < 96 << 20


def test_others_are_served_during_a_flood(client, other, containers):
    id = containers.idle()
    slowest = 0.0
    for _ in range(30):
        for body in HOSTILE:
            client.send(body)
        began = time.monotonic()
        assert other.call("state", id=id)["state"] == "running"
        slowest = max(slowest, time.monotonic() - began)
    errors(client, 30 * len(HOSTILE))
    assert slowest < 2
    assert other.call("health")["live"] is True
