"""The wire protocol of Protocol.md, spoken with nothing but pyzmq and msgpack."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack
import zmq

DEADLINE = 15.0
CODES = {
    "invalid_argument",
    "not_found",
    "already_exists",
    "failed_precondition",
    "resource_exhausted",
    "unavailable",
    "deadline_exceeded",
    "unimplemented",
    "permission_denied",
    "unauthenticated",
    "aborted",
    "cancelled",
    "internal",
    "data_loss",
}
DETAILS = {
    "hresult",
    "operation",
    "driver_message",
    "error_events",
    "error_events_dropped",
    "state",
    "retry_after_ms",
    "pending",
    "oldest_seq",
    "offset",
}
STATES = {"creating", "created", "running", "paused", "stopping", "stopped", "unknown"}
REASONS = {"exited", "signalled", "terminated", "oom", "start_failed", "host_restart", "lost"}

pack = msgpack.packb


def unpack(body: bytes) -> Any:
    """One object with unique str keys; timestamps stay `msgpack.Timestamp`."""

    def unique(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert all(type(key) is str for key in keys), f"the worker sent a key that is no str: {keys}"
        assert len(set(keys)) == len(keys), f"the worker sent a key twice: {keys}"
        return dict(pairs)

    return msgpack.unpackb(body, object_pairs_hook=unique, timestamp=0, strict_map_key=False)


class Deadline:
    """A point in time by which something has to have happened."""

    def __init__(self, seconds: float = DEADLINE):
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self.end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.left == 0


class Failure(Exception):
    """An error reply where a result was expected."""

    def __init__(self, method: str, error: dict[str, Any]):
        super().__init__(f"{method}: {error['code']}: {error['message']} {error.get('details', '')}")
        self.error = error
        self.code = error["code"]


class Reply(NamedTuple):
    """`[1, msgid, error, result]`, checked."""

    msgid: int
    error: dict[str, Any] | None
    result: Any


def parse(body: bytes) -> Reply:
    """Checks a response against "Bodies" of Protocol.md."""
    message = unpack(body)
    assert isinstance(message, list) and len(message) == 4 and message[0] == 1, f"not a response: {message!r}"
    _, msgid, error, result = message
    assert type(msgid) is int and 0 <= msgid < 2**32, message
    assert (error is None) != (result is None), f"exactly one of error and result is nil: {message!r}"
    if error is not None:
        assert {"code", "message", "retryable"} <= error.keys() <= {"code", "message", "retryable", "details"}, error
        assert error["code"] in CODES, error
        assert isinstance(error["message"], str) and error["message"].strip(), error
        assert type(error["retryable"]) is bool, error
        assert isinstance(error.get("details", {}), dict) and error.get("details", {}).keys() <= DETAILS, error
    return Reply(msgid, error, result)


def params_of(params: dict[str, Any] | None, keys: dict[str, Any]) -> list[dict[str, Any]]:
    """`[]` or `[map]`."""
    return [{**(params or {}), **keys}] if params is not None or keys else []


class Dealer:
    """A DEALER peer: requests, replies by msgid, and the notifications in between."""

    def __init__(
        self,
        context: zmq.Context,
        endpoint: str,
        *,
        delimited: bool = False,
        identity: bytes | None = None,
        **options: Any,
    ):
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        for option, value in {"sndhwm": 0, "rcvhwm": 0, **options}.items():
            setattr(self.socket, option, value)
        if identity is not None:
            self.socket.identity = identity
        self.socket.connect(endpoint)
        self.delimited = delimited
        self.msgids = itertools.count(1000)
        self.replies: dict[int, Reply] = {}
        self.order: list[int] = []
        self.notifications: list[tuple[str, dict[str, Any]]] = []

    def close(self) -> None:
        self.socket.close(0)

    def send(self, *frames: bytes) -> None:
        """Frames exactly as given."""
        self.socket.send_multipart(frames)

    def receive(self, timeout: float = DEADLINE) -> list[bytes]:
        """The next message's frames."""
        if not self.socket.poll(int(timeout * 1000)):
            raise TimeoutError(f"nothing came within {timeout:.1f} s")
        return self.socket.recv_multipart()

    def request(self, method: str, params: dict[str, Any] | None = None, **keys: Any) -> int:
        """Sends a request and returns its msgid."""
        msgid = next(self.msgids)
        body = pack([0, msgid, method, params_of(params, keys)])
        self.send(*([b"", body] if self.delimited else [body]))
        return msgid

    def pump(self, timeout: float = DEADLINE) -> None:
        """Files one incoming message away."""
        frames = self.receive(timeout)
        assert len(frames) == (2 if self.delimited else 1), f"wrong frames in a reply: {frames}"
        assert not self.delimited or frames[0] == b"", frames
        message = unpack(frames[-1])
        if isinstance(message, list) and message and message[0] == 2:
            assert len(message) == 3 and isinstance(message[1], str), f"not a notification: {message!r}"
            assert isinstance(message[2], list) and len(message[2]) == 1 and isinstance(message[2][0], dict), message
            self.notifications.append((message[1], message[2][0]))
        else:
            reply = parse(frames[-1])
            assert reply.msgid not in self.replies, f"a second reply to {reply.msgid}: {reply}"
            self.replies[reply.msgid] = reply
            self.order.append(reply.msgid)

    def until(self, predicate: Callable[[], Any], timeout: float = DEADLINE) -> Any:
        """Takes messages in until `predicate` holds, and returns what it gave."""
        deadline = Deadline(timeout)
        while not (value := predicate()):
            self.pump(deadline.left)
        return value

    def reply(self, msgid: int, timeout: float = DEADLINE) -> Reply:
        """The reply to `msgid`."""
        self.until(lambda: msgid in self.replies, timeout)
        return self.replies[msgid]

    def result(self, msgid: int, timeout: float = DEADLINE) -> Any:
        """The result of `msgid`; raises Failure."""
        reply = self.reply(msgid, timeout)
        if reply.error is not None:
            raise Failure(f"request {msgid}", reply.error)
        return reply.result

    def call(self, method: str, params: dict[str, Any] | None = None, **keys: Any) -> Any:
        """One request, its result; raises Failure."""
        reply = self.reply(self.request(method, params, **keys))
        if reply.error is not None:
            raise Failure(method, reply.error)
        return reply.result

    def refused(self, codes: str, method: str, params: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
        """One request that has to fail with one of `codes` (separated by spaces); its error."""
        reply = self.reply(self.request(method, params, **keys))
        assert reply.error is not None, f"{method} should have failed with {codes}: {reply.result}"
        assert reply.error["code"] in codes.split(), reply.error
        return reply.error

    def repeat(self, predicate: Callable[[Any], Any], method: str, timeout: float = DEADLINE, **keys: Any) -> Any:
        """Asks again until the result satisfies `predicate`."""
        deadline = Deadline(timeout)
        while not predicate(result := self.call(method, **keys)):
            assert not deadline.passed, f"{method} still says {result}"
        return result

    def answers(self, *frames: bytes) -> list[tuple[list[bytes], Reply]]:
        """Every reply to raw frames, found with two pings behind them."""
        self.send(*frames)
        found = []
        for _ in range(2):
            fence, fenced = self.request("ping"), False
            while not (fenced and found):
                came = self.receive()
                reply = parse(came[-1])
                if reply.msgid == fence:
                    fenced = True
                else:
                    found.append((came, reply))
        return found

    def answer(self, *frames: bytes) -> Reply:
        """The one reply to raw frames."""
        found = self.answers(*frames)
        assert len(found) == 1, f"not exactly one reply: {found}"
        return found[0][1]


class Requester:
    """A REQ peer."""

    def __init__(self, context: zmq.Context, endpoint: str, **options: Any):
        self.socket = context.socket(zmq.REQ)
        self.socket.linger = 0
        for option, value in options.items():
            setattr(self.socket, option, value)
        self.socket.connect(endpoint)

    def close(self) -> None:
        self.socket.close(0)

    def exchange(self, *frames: bytes, timeout: float = DEADLINE) -> Reply:
        """Sends frames (REQ adds the delimiter) and parses the reply."""
        self.socket.send_multipart(frames)
        if not self.socket.poll(int(timeout * 1000)):
            raise TimeoutError("REQ got no reply")
        came = self.socket.recv_multipart()
        assert len(came) == 1, came
        return parse(came[0])

    def call(self, method: str, params: dict[str, Any] | None = None, **keys: Any) -> Any:
        """One request, its result; raises Failure."""
        reply = self.exchange(pack([0, 1, method, params_of(params, keys)]))
        if reply.error is not None:
            raise Failure(method, reply.error)
        return reply.result


class Collector:
    """A SUB peer; it has been welcomed on every topic when the constructor returns."""

    def __init__(self, context: zmq.Context, endpoints: str | list[str], *topics: str, **options: Any):
        endpoints = [endpoints] if isinstance(endpoints, str) else endpoints
        self.socket = context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 0
        for option, value in options.items():
            setattr(self.socket, option, value)
        self.events: list[dict[str, Any]] = []
        self.welcomes: list[tuple[str, dict[str, Any]]] = []
        self.heartbeats: list[dict[str, Any]] = []
        for topic in topics:
            self.socket.subscribe(topic)
        for endpoint in endpoints:
            self.socket.connect(endpoint)
        self.until(lambda: all(len(self.welcomed(topic)) >= len(endpoints) for topic in topics))

    def close(self) -> None:
        self.socket.close(0)

    def welcomed(self, topic: str) -> set[str]:
        """The hosts that have welcomed this subscription."""
        return {body["host"] for seen, body in self.welcomes if seen == topic}

    def pump(self, timeout: float = DEADLINE) -> None:
        """Files one incoming message away, checked against "Events" of Protocol.md."""
        if not self.socket.poll(int(timeout * 1000)):
            raise TimeoutError(f"no event within {timeout:.1f} s; so far: {self.events}")
        frames = self.socket.recv_multipart()
        assert len(frames) == 2, f"an event is [topic, body]: {frames}"
        # A collector of everything sees what others are welcomed on, which may be any bytes.
        topic, body = frames[0].decode(errors="replace"), unpack(frames[1])
        assert {"host", "epoch"} <= body.keys(), body
        if "seq" not in body:
            assert type(body["last_seq"]) is int, body
            if "protocol" in body:
                self.welcomes.append((topic, body))
            else:
                assert topic == "heartbeat/", (topic, body)
                self.heartbeats.append(body)
            return
        assert {"time", "type"} <= body.keys(), body
        assert topic == f"{body['type']}/{body.get('id', '')}", (topic, body)
        assert isinstance(body["time"], msgpack.Timestamp), body
        self.events.append(body)

    def until(self, predicate: Callable[[], Any], timeout: float = DEADLINE) -> Any:
        """Takes messages in until `predicate` holds, and returns what it gave."""
        deadline = Deadline(timeout)
        while not (value := predicate()):
            self.pump(deadline.left)
        return value

    def find(self, kind: str, id: str | None = None, process: str | None = None, timeout: float = DEADLINE) -> dict:
        """The first event of `kind`, of that container and process where given."""

        def first() -> dict | None:
            return next(
                (
                    e
                    for e in self.events
                    if e["type"] == kind and id in (None, e.get("id")) and process in (None, e.get("process"))
                ),
                None,
            )

        try:
            return self.until(first, timeout)
        except TimeoutError as error:
            raise AssertionError(f"no {kind} of {id}/{process}: {error}") from None

    def of(self, id: str) -> list[dict[str, Any]]:
        """The events so far of one container."""
        return [event for event in self.events if event.get("id") == id]

    def kinds(self, id: str) -> list[str]:
        """Their types, in order."""
        return [event["type"] for event in self.of(id)]


class Output:
    """What `attach` delivers to one Dealer about one process."""

    def __init__(self, client: Dealer, id: str, process: str = "init"):
        self.client, self.id, self.process = client, id, process

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [
            body
            for name, body in self.client.notifications
            if name == "output" and body["id"] == self.id and body["process"] == self.process
        ]

    def data(self, stream: str | None = None) -> bytes:
        """The bytes so far, of one stream or of both."""
        return b"".join(chunk["data"] for chunk in self.chunks if stream in (None, chunk["stream"]))

    @property
    def eof(self) -> bool:
        return any(chunk.get("eof") for chunk in self.chunks)

    def until(self, predicate: Callable[[Output], Any], timeout: float = DEADLINE) -> Output:
        """Reads until `predicate` holds."""
        try:
            self.client.until(lambda: predicate(self), timeout)
        except TimeoutError:
            raise AssertionError(f"output of {self.id}/{self.process} stopped at {self.chunks[-5:]}") from None
        return self
