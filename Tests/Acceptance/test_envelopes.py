"""Envelopes: an envelope of any peer comes back whole in front of the reply."""

import pytest
import zmq

from wire import Dealer, pack, parse

PING = pack([0, 7, "ping", []])
NAME = b"\0" * 5
LONG = b"e" * 255

ENVELOPES = {
    "delimiter alone": (),
    "one frame": (b"a",),
    "REQ with CORRELATE": (b"\0\0\0\1",),
    "behind two proxies": (NAME, b"\0\1\2\3\4"),
    "binary": (b"\xff\0\xc1",),
    "a frame that looks like a body": (PING,),
    "the same frame twice": (b"a", b"a"),
    "255 bytes": (LONG,),
    "16 frames": tuple(bytes([n]) for n in range(1, 17)),
    "16 frames of 255 bytes": (LONG,) * 16,
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_an_envelope_comes_back(client, envelope):
    ((frames, reply),) = client.answers(*envelope, b"", PING)
    assert frames[:-1] == [*envelope, b""]
    assert reply.msgid == 7 and reply.error is None


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_an_envelope_comes_back_in_front_of_an_error(client, envelope):
    ((frames, reply),) = client.answers(*envelope, b"", b"\xc1")
    assert frames[:-1] == [*envelope, b""]
    assert reply.error["code"] == "invalid_argument"


def test_late_replies_go_behind_their_own_envelopes(client, containers):
    id = containers.idle()
    for name in (b"first", b"second"):
        client.send(name, b"", pack([0, 1, "wait", [{"id": id}]]))
    client.send(b"third", b"", pack([0, 2, "stop", [{"id": id, "grace_ms": 0}]]))
    answers = {frames[0]: parse(frames[2]) for frames in (client.receive() for _ in range(3))}
    assert answers.keys() == {b"first", b"second", b"third"}
    assert all("exit" in reply.result for reply in answers.values())


def test_notifications_go_behind_the_envelope_of_their_attach(client, containers):
    id, _ = containers.ended("echo hello")
    client.send(b"a", b"b", b"", pack([0, 1, "attach", [{"id": id, "credit": 100}]]))
    frames = client.receive()
    assert frames[:-1] == [b"a", b"b", b""] and parse(frames[-1]).result == {"offset": 0}
    frames = client.receive()
    assert frames[:-1] == [b"a", b"b", b""] and b"hello" in frames[-1]


WRONG = {
    "no delimiter": ((b"a", PING), 0),
    "no body": ((b"a", b""), 2),
    "a frame behind the body": ((b"a", b"", PING, PING), 2),
    "an empty frame behind the body": ((b"a", b"", PING, b""), 2),
    "an empty body and one more": ((b"", b"", PING), 1),
    "many frames behind the body": ((b"a", b"", *(PING,) * 99), 2),
    "256 bytes": ((b"e" * 256, b"", PING), 0),
    "256 bytes in the second frame": ((b"a", b"e" * 256, b"", PING), 0),
    "17 frames": ((*(b"a",) * 17, b"", PING), 0),
    "200 frames": ((*(b"a",) * 200, b"", PING), 0),
}


@pytest.mark.parametrize("frames,understood", WRONG.values(), ids=WRONG)
def test_anything_else_is_one_error(client, frames, understood):
    """What was understood of the envelope is in front of the error: all of it once its end was found."""
    ((came, reply),) = client.answers(*frames)
    assert reply.msgid == 0 and reply.error["code"] == "invalid_argument"
    if understood:
        assert came[:-1] == list(frames[:understood])
    else:
        assert came[:-1] == list(frames[: len(came) - 1]) and len(came) <= 17


def test_req_with_relaxed_and_correlate(worker, context, containers):
    id = containers.idle()
    with context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.req_relaxed = socket.req_correlate = True
        socket.connect(worker.commands)
        socket.send(PING)
        assert socket.poll(15_000) and parse(socket.recv()).msgid == 7
        # The first answer comes after the second request, and is not taken for its answer.
        socket.send(pack([0, 8, "wait", [{"id": id}]]))
        socket.send(pack([0, 9, "stop", [{"id": id, "grace_ms": 0}]]))
        assert socket.poll(15_000) and parse(socket.recv()).msgid == 9


@pytest.mark.parametrize("hops", [1, 3])
def test_a_req_behind_proxies(worker, context, hops):
    """Each ROUTER puts the peer's id in front, and takes it off again on the way back."""
    sockets = []
    try:
        address = worker.commands
        pairs = []
        for _ in range(hops):
            front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
            sockets += [front, back]
            back.connect(address)
            address = f"tcp://127.0.0.1:{front.bind_to_random_port('tcp://127.0.0.1')}"
            pairs.append((front, back))
        client = context.socket(zmq.REQ)
        sockets.append(client)
        client.connect(address)
        client.send(PING)
        for front, back in reversed(pairs):
            assert front.poll(15_000)
            back.send_multipart(front.recv_multipart())
        for front, back in pairs:
            assert back.poll(15_000)
            front.send_multipart(back.recv_multipart())
        assert client.poll(15_000) and parse(client.recv()).msgid == 7
    finally:
        for socket in sockets:
            socket.close(0)


def test_envelopes_of_one_connection_are_kept_apart(worker, peers):
    client = peers(Dealer, worker.commands)
    for number in range(100):
        envelope = [b"%d" % number] * (number % 4)
        client.send(*envelope, *([b""] if envelope else []), pack([0, number, "ping", []]))
    for number in range(100):
        frames = client.receive()
        envelope = [b"%d" % number] * (number % 4)
        assert frames[:-1] == [*envelope, *([b""] if envelope else [])] and parse(frames[-1]).msgid == number
