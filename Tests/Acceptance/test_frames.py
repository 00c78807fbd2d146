"""Frames between DEALER, REQ and the commands socket."""

import socket
from urllib.parse import urlsplit

import pytest
import zmq

from wire import Dealer, pack, parse

PING = pack([0, 7, "ping", []])


def test_dealer_sends_the_body_alone(client):
    ((frames, reply),) = client.answers(PING)
    assert len(frames) == 1 and reply.msgid == 7 and reply.error is None


def test_dealer_sends_delimiter_and_body(client):
    client.send(b"", PING)
    frames = client.receive()
    assert len(frames) == 2 and frames[0] == b"" and parse(frames[1]).msgid == 7


def test_both_forms_mix_on_one_connection(client):
    for number in range(20):
        client.send(*([b""] if number % 2 else []), pack([0, number, "ping", []]))
    for number in range(20):
        frames = client.receive()
        assert len(frames) == 1 + number % 2 and parse(frames[-1]).msgid == number


def test_delimited_dealer_gets_delimited_notifications(worker, peers, containers):
    client = peers(Dealer, worker.commands, delimited=True)
    id, _ = containers.ended("echo hello")
    client.call("attach", {"id": id, "from": "start", "credit": 100})
    client.until(lambda: any(b["data"] == b"hello\n" for _, b in client.notifications))


def test_req_speaks(requester):
    for number in range(3):
        reply = requester.exchange(pack([0, number, "ping", []]))
        assert reply.msgid == number and reply.error is None


def test_req_gets_errors_too(requester):
    assert requester.exchange(b"\xc1").error["code"] == "invalid_argument"
    assert requester.exchange(b"").error["code"] == "invalid_argument"
    assert "time" in requester.call("ping")


def test_req_with_two_frames_gets_one_error(requester):
    reply = requester.exchange(PING, PING)
    assert reply.msgid == 0 and reply.error["code"] == "invalid_argument"
    assert "time" in requester.call("ping")


@pytest.mark.parametrize(
    "frames",
    [
        (PING, PING),
        (b"x", PING),
        (b"", PING, PING),
        (b"", b"", PING),
        (b"", PING, b""),
        (b"", b"", b""),
        (PING, PING, PING),
        (b"",) * 5,
        (b"", *(PING,) * 99),
    ],
    ids=lambda frames: f"{len(frames)}-{'-'.join(f[:1].hex() or 'empty' for f in frames[:3])}",
)
def test_wrong_frame_count_is_one_error(client, frames):
    ((came, reply),) = client.answers(*frames)
    assert reply.msgid == 0 and reply.error["code"] == "invalid_argument"
    assert len(came) == (2 if frames[0] == b"" else 1), "the delimiter comes back exactly when the request had it"


@pytest.mark.parametrize("frames", [(b"",), (b"", b"")], ids=["alone", "delimited"])
def test_empty_body_is_one_error(client, frames):
    ((came, reply),) = client.answers(*frames)
    assert len(came) == len(frames) and reply.msgid == 0 and reply.error["code"] == "invalid_argument"


@pytest.mark.parametrize("msgid", [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1])
def test_msgid_is_echoed(client, msgid):
    assert client.answer(pack([0, msgid, "ping", []])).msgid == msgid


def test_msgid_only_correlates(client, other):
    for peer in (client, other, client):
        peer.send(PING)
        assert parse(peer.receive()[0]).msgid == 7


def test_many_in_flight_are_each_answered_once(client):
    sent = [client.request("ping") for _ in range(5000)]
    client.until(lambda: len(client.replies) == len(sent))
    assert set(client.replies) == set(sent)
    client.call("ping")
    assert len(client.replies) == len(sent) + 1


def test_second_peer_with_the_same_routing_id_takes_over(worker, peers):
    first = peers(Dealer, worker.commands, identity=b"scheduler")
    first.call("ping")
    second = peers(Dealer, worker.commands, identity=b"scheduler")
    second.call("ping")
    second.call("version")


def test_routing_id_may_hold_any_bytes(worker, peers):
    peers(Dealer, worker.commands, identity=b"\xff\x00\n" * 80).call("ping")


def test_body_above_the_size_limit_harms_no_other_peer(worker, client, other, peers):
    other.call("ping")
    client.send(bytes(2 << 20))
    other.call("ping")
    peers(Dealer, worker.commands).call("ping")


def test_garbage_on_the_port_harms_no_peer(worker, client):
    address = urlsplit(worker.commands)
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4096, b"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL" + bytes(100), b""):
        with socket.create_connection((address.hostname, address.port), 5) as raw:
            raw.sendall(garbage)
            client.call("ping")
    client.call("ping")


def test_peer_that_vanishes_with_requests_open_harms_no_one(worker, peers, client, containers):
    id = containers.idle()
    for _ in range(20):
        gone = peers(Dealer, worker.commands)
        gone.request("wait", id=id)
        gone.request("attach", {"id": id, "from": "start", "credit": 1000})
        gone.call("ping")
        gone.close()
    assert client.call("state", id=id)["state"] == "running"
    containers.remove()


def test_peer_that_never_reads_costs_only_itself(worker, context, peers, client):
    deaf = peers(Dealer, worker.commands, rcvhwm=1, rcvbuf=4096, sndhwm=1)
    deaf.call("ping")
    before = worker.status("VmRSS")
    for _ in range(50_000):
        try:
            deaf.socket.send(pack([0, 1, "version", []]), zmq.DONTWAIT)
        except zmq.Again:
            client.call("ping")
    client.call("ping")
    assert worker.status("VmRSS") - before < 64 << 20
