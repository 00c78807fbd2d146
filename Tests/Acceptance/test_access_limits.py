"""Peers that take all they can get before anyone knows them, or after."""

import os
import signal
import socket
import struct
import threading
from contextlib import suppress

from zmtp import GREETING, Peer, frame

from curve import Raw, Watch, watched
from wire import Collector, Deadline, Dealer, pack, parse

SHORT = {"process": {"args": ["/bin/true"]}}
# Longer than any test: what a timeout alone would end stays.
FOR_EVER = "handshake_timeout_ms: 600000\n"


def held(endpoint: str, count: int) -> list[socket.socket]:
    """Connections that stop in the handshake."""
    address = Peer(endpoint).socket.getpeername()
    connections = []
    for number in range(count):
        connections.append(socket.create_connection(address))
        with suppress(OSError):
            connections[-1].sendall(GREETING[: number % 60])
    return connections


def test_half_open_connections_keep_nobody_out(door, peers):
    options = door.let_in("alice", role="scheduler")
    door.start(FOR_EVER + "max_connections: 64\n")
    first, local = door.dealer(options), door.admin
    first.call("ping"), local.call("ping")
    watches = [watched(first), watched(local)]
    kept = []
    for endpoint in (door.commands, door.worker.commands, door.events, door.worker.events):
        kept += held(endpoint, 100)
    newcomers = [door.dealer(options) for _ in range(8)] + [peers(Dealer, door.worker.commands) for _ in range(8)]
    for newcomer in newcomers:
        newcomer.call("ping")
    peers(Collector, door.events, "", **options)
    peers(Collector, door.worker.events, "")
    first.call("ping"), local.call("ping")
    assert not any(watch.monitor.poll(0) for watch in watches), "who was in stays in"
    for connection in kept:
        connection.close()


def test_sixty_five_connections_of_one_principal(door, peers):
    options = door.let_in("alice", role="scheduler")
    door.start("handshake_timeout_ms: 500\n")
    dealers = [door.dealer(options) for _ in range(64)]
    for dealer in dealers:
        dealer.call("ping")
    before = door.handshakes()
    last = peers(Watch, door.commands, **options)
    (line, *_) = door.audited("refused", reason="rate")
    assert line["socket"] == "windlass.commands" and door.handshakes()[0] == before[0]
    assert last.outcome()[0] != "auth", "it waits, and is not refused for good"
    dealers[0].close()
    last.comes_in()


def test_handshake_byte_by_byte(door):
    door.start("handshake_timeout_ms: 1000\n")
    for endpoint in (door.commands, door.worker.commands, door.events, door.worker.events):
        peer, sent = Peer(endpoint), 0
        # What the peer waits for is its clock: each byte is a tenth of the time that the handshake has.
        peer.socket.settimeout(0.1)
        with suppress(ConnectionError):
            for byte in GREETING:
                peer.socket.sendall(bytes([byte]))
                sent += 1
                with suppress(TimeoutError):
                    if not peer.socket.recv(4096):
                        break
        assert 1 < sent < len(GREETING), f"{endpoint}: closed after {sent} bytes"
        peer.close()
    door.admin.call("ping")


def test_stalled_worker(door, peers):
    options = door.let_in("alice", role="scheduler")
    door.start()
    first = door.dealer(options)
    first.call("ping")
    watch = watched(first)
    os.kill(door.worker.pid, signal.SIGSTOP)
    asked = first.request("ping")
    newcomer = peers(Watch, door.commands, **options)
    os.kill(door.worker.pid, signal.SIGCONT)
    assert first.reply(asked).error is None
    newcomer.comes_in()
    assert not watch.monitor.poll(0), "the connection that stood still stands"


def test_many_subscribers_without_end_hold_up_nobody(door, peers):
    door.start()
    collector = peers(Collector, door.worker.events, "")
    before = door.worker.status("VmRSS")
    long = b"".join(frame(b"\x01" + struct.pack(">I", number) * 50) for number in range(20_000))
    attackers = [Peer(door.worker.events).greet(b"SUB") for _ in range(60)]
    threads = [threading.Thread(target=peer.send, args=(long,), daemon=True) for peer in attackers]
    for thread in threads:
        thread.start()
    for number in range(10):
        door.admin.call("create", id=f"c-{number}", spec=SHORT)
        door.admin.call("wait", id=f"c-{number}")
    for thread in threads:
        thread.join()
    for peer in attackers:
        peer.reset()
    collector.find("exit", "c-9", timeout=60)
    numbers = [event["seq"] for event in collector.events]
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))], "no event is lost"
    deadline = Deadline(60)
    while (after := door.worker.status("VmRSS")) - before > 64 << 20 and not deadline.passed:
        door.admin.call("ping")
    assert after - before <= 64 << 20, f"{(after - before) >> 20} MiB are kept"
    assert door.worker.status("VmHWM") - before < 400 << 20


def test_foreign_welcomes_crowd_out_no_event(door, peers):
    door.start()
    collector = peers(Collector, door.worker.events, "")
    greedy = Peer(door.worker.events).greet(b"SUB")
    greedy.send((frame(b"\x01") + frame(b"\x01exit/")) * 400)
    newcomer = peers(Collector, door.worker.events, "exit/c")
    door.admin.call("create", id="c", spec=SHORT)
    for each in (collector, newcomer):
        each.find("exit", "c")
    assert len(collector.welcomes) < 100, "one prefix and turn have one welcome"
    greedy.close()


def test_requests_beyond_the_limit(door):
    options = door.let_in("alice", role="scheduler")
    door.start("max_peer_requests: 8\n")
    door.admin.call("create", id="quiet", spec={"process": {"args": ["/bin/sleep", "100000"]}})
    raw = Raw(door.commands, options)
    for _ in range(9):
        raw.send(pack([0, 9, "wait", [{"id": "quiet"}]]))
    error = parse(raw.receive()).error
    assert error["code"] == "resource_exhausted" and error["retryable"] is True, error
    raw.close()
