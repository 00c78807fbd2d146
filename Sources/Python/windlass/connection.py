"""The connection to an endpoint of a worker, and requests with their answers."""

import asyncio
import contextlib
import errno
import itertools
import math
import random
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import msgpack
import zmq.asyncio
import zmq.auth
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from .records import Cancelled, InvalidArgument, ResourceExhausted, Unauthenticated, Unavailable, WorkerError

Key = str | Path
QUEUED = set("create start exec pause resume restore update checkpoint_create checkpoint_delete delete".split())
CHANGES = QUEUED | set("signal signal_process stop resize stdin drain".split())
LONGEST_WAIT = 30  # seconds of one try of a `wait`, so that a worker does not keep what a client has forgotten
ROUNDS = 3  # failed handshakes with each server key, after which a client that was never connected gives up
DIFFERS = zmq.Event.HANDSHAKE_FAILED_NO_DETAIL | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
WATCHED = zmq.Event.HANDSHAKE_SUCCEEDED | zmq.Event.DISCONNECTED | zmq.Event.HANDSHAKE_FAILED_AUTH | DIFFERS
# No ZMTP heartbeats and no bound on what is received: with either, a peer can make libzmq abort.
OPTIONS = {"linger": 0, "ipv6": 1, "sndhwm": 0, "rcvhwm": 0, "maxmsgsize": 1 << 26, "reconnect_ivl_max": 5000}
OPTIONS |= {"tcp_keepalive": 1, "tcp_keepalive_idle": 5, "tcp_keepalive_intvl": 5, "tcp_keepalive_cnt": 2}


def backoff(failures: int) -> float:
    """Seconds to wait before a try: up to a bound that doubles, so that the clients of a worker do not come at once."""
    return random.uniform(0, min(30, 0.1 * 2 ** min(failures - 1, 16))) if failures else 0


def unpack(body: bytes) -> Any:
    """The object in a body; None where it is malformed."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return msgpack.unpackb(body, timestamp=3)


class Keys:
    """Which keys the worker may have, and the client's own, public and secret."""

    def __init__(self, server_keys: Sequence[Key], key: Key | None):
        try:
            self.servers = [self._public(each) for each in server_keys]
            self.own = zmq.auth.load_certificate(key) if key else (b"", b"")
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"a key cannot be read: {error}") from None
        if bool(server_keys) != bool(self.own[1]):
            raise InvalidArgument("`server_keys` and the secret file `key` belong together: give both or neither")

    @staticmethod
    def _public(key: Key) -> bytes:
        """From hexadecimal digits, Z85, or a ZPL file as `windlass`, pyzmq and czmq write it."""
        if re.fullmatch("[0-9a-fA-F]{64}", str(key)):
            return z85.encode(bytes.fromhex(str(key)))
        is_z85 = isinstance(key, str) and len(key) == 40 and set(key.encode()) <= set(z85.Z85CHARS)
        return str(key).encode() if is_z85 else zmq.auth.load_certificate(key)[0]


class Link:
    """Connects to an endpoint, and again whenever the connection breaks. It lives on the client's event loop.

    Each connection has a socket of its own: libzmq would send old requests again, and would not try again once refused.
    """

    def __init__(self, kind: int, context: zmq.asyncio.Context, endpoint: str, keys: Keys):
        if not keys.servers and re.match(r"tcp://(?!(localhost|127(\.\d+){3}|\[::1\])(:|$))", endpoint):
            raise InvalidArgument(f"{endpoint} is on another host: give `server_keys` and `key`")
        self.kind, self.context, self.endpoint, self.keys = kind, context, endpoint, keys
        self.socket: zmq.asyncio.Socket | None = None  # while the connection stands
        self.failure: WorkerError | None = None  # why connecting was given up
        self.trouble: WorkerError | None = None  # why the last handshake failed
        self.task: asyncio.Task[None] | None = None
        self._changed, self._failures, self._handshakes, self._stood = asyncio.Event(), 0, 0, False

    def received(self, frames: list[bytes]) -> None: ...
    def lost(self) -> None: ...

    def pulse(self) -> None:
        """Wakes the tasks that wait in `change`."""
        self._changed.set()
        self._changed.clear()

    async def change(self) -> None:
        """Waits until the connection, or what came over it, has changed; raises why connecting was given up."""
        if isinstance(self.failure, Cancelled):
            raise self.failure
        if self.task is None or self.task.done():
            self.failure, self.task = None, asyncio.create_task(self._run())
        await self._changed.wait()
        if self.failure:
            raise self.failure

    def close(self) -> None:
        """Ends the connection; waiting calls raise `Cancelled`."""
        self.failure, self.socket = Cancelled("the client was closed"), None
        if self.task:
            self.task.cancel()
        self.lost()
        self.pulse()

    async def _run(self) -> None:
        try:
            while True:
                await asyncio.sleep(backoff(self._failures))
                self._failures += 1
                await self._connection()
                self.lost()
        except WorkerError as error:
            self.failure = error
        except zmq.ZMQError as error:
            kind = ResourceExhausted if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM) else InvalidArgument
            self.failure = kind(f"cannot connect to {self.endpoint}: {error}")
        self.pulse()

    async def _connection(self) -> None:
        """One connection, until it is gone; raises why no other is to be tried."""
        with self.context.socket(self.kind) as socket, socket.get_monitor_socket(WATCHED) as monitor:
            for option, value in OPTIONS.items():
                setattr(socket, option, value)
            if self.kind == zmq.SUB:
                socket.subscribe(b"")
            if self.keys.servers:
                socket.curve_serverkey = self.keys.servers[self._handshakes % len(self.keys.servers)]
                socket.curve_publickey, socket.curve_secretkey = self.keys.own
            socket.connect(self.endpoint)
            reader = asyncio.create_task(self._read(socket))
            try:
                while self._goes_on(socket, parse_monitor_message(await monitor.recv_multipart())["event"]):
                    pass
                while await socket.poll(0):  # replies that the worker sent before it went
                    await asyncio.sleep(0)
            finally:
                self.socket = None
                reader.cancel()
                socket.disable_monitor()

    async def _read(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await socket.recv_multipart()
            self._failures = 0
            with contextlib.suppress(TypeError, KeyError):  # malformed: it answers no call
                self.received(frames)

    def _goes_on(self, socket: zmq.asyncio.Socket, event: int) -> bool:
        """Whether the connection, or the attempt at it, is still there after an event."""
        if event == zmq.Event.HANDSHAKE_SUCCEEDED:
            self.socket, self.trouble, self._stood = socket, None, True
            self.pulse()
        elif event == zmq.Event.HANDSHAKE_FAILED_AUTH:
            self.trouble = Unauthenticated(f"{self.endpoint} does not accept the client's key; is it authorised?")
            raise self.trouble
        elif event & DIFFERS:
            self._handshakes += 1
            reasons = "the server key is not the worker's, the port is another one's, or only one side uses CURVE"
            self.trouble = Unavailable(f"no handshake with {self.endpoint}: {reasons}")
            if not self._stood and self._handshakes >= ROUNDS * max(1, len(self.keys.servers)):
                raise self.trouble
            return False
        return event != zmq.Event.DISCONNECTED or self.socket is None


class Commands(Link):
    """Sends requests, repeats them until they are answered, and hands out what processes write."""

    def __init__(self, context: zmq.asyncio.Context, endpoint: str, keys: Keys):
        super().__init__(zmq.DEALER, context, endpoint, keys)
        self.followers: WeakValueDictionary[tuple[str, str], Any] = WeakValueDictionary()
        self._numbers = (number % (1 << 32) for number in itertools.count(1))
        self._pending: dict[int, tuple[asyncio.Future[Any], Any]] = {}

    async def call(self, method: str, params: dict[str, Any], timeout: float | None, follower: Any = None) -> Any:
        """The result of a request, over as many tries as it takes until `timeout` seconds have passed."""
        now, number, waits = asyncio.get_running_loop().time, next(self._numbers), method in ("wait", "stop")
        if method in CHANGES and not (method == "stdin" and "offset" in params):
            params = {"request_id": uuid.uuid4().hex} | params
        deadline = now() + (timeout if timeout is not None else math.inf if waits else 300 if method in QUEUED else 30)
        longest = LONGEST_WAIT if method == "wait" else math.inf
        # How long a connection that stands may be silent before the request is repeated. A broken one shows by itself.
        patience, failures = longest + 5 if method == "wait" else 60 if waits or method in QUEUED else 10, 0
        error: WorkerError | None = None
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    while self.socket is None:
                        await self.change()
                rest = min(deadline - now(), longest)
                limit = {} if rest == math.inf else {"timeout_ms": max(0, math.ceil(rest * 1000))}
                self._pending[number] = asyncio.Future(), follower
                self.post(method, limit | (follower.attachment() if follower else params), number)
                # The worker reports the deadline too, with what is known of the request: a second more for that.
                async with asyncio.timeout_at(min(deadline + 1, now() + patience)):
                    return await self._pending[number][0]
            except (ConnectionError, TimeoutError):
                if now() >= deadline:
                    text = f"no answer from the worker at {self.endpoint}; is it running?"
                    details = {"request_id": params.get("request_id")}
                    raise error or self.trouble or Unavailable(text, True, details) from None
            except WorkerError as reason:
                if method == "wait" and reason.code == "deadline_exceeded" and now() < deadline:
                    continue  # the deadline of the try, and not the caller's
                failures, error = failures + 1, reason
                pause = backoff(failures) + reason.details.get("retry_after_ms", 0) / 1000
                if not reason.retryable or now() + pause >= deadline:
                    raise
                await asyncio.sleep(pause)
            finally:
                self._pending.pop(number, None)

    def post(self, method: str, params: dict[str, Any], number: int | None = None) -> None:
        """Sends a request on the open connection; without `number` no call waits for the answer."""
        if self.socket:
            self.socket.send(msgpack.packb([0, number or next(self._numbers), method, [params]]), zmq.NOBLOCK)

    def received(self, frames: list[bytes]) -> None:
        match unpack(frames[-1]):
            case [1, int(number), error, result] if number in self._pending:
                future, follower = self._pending[number]
                if not future.done() and isinstance(error, dict):
                    future.set_exception(WorkerError.of(error))
                elif not future.done():
                    if follower:  # before the pieces that come behind the answer
                        follower.settle(result["offset"])
                    future.set_result(result)
            case [2, "output", [{"id": str(id), "process": str(process), "data": bytes(), "offset": int()} as piece]]:
                if reader := self.followers.get((id, process)):
                    reader.take(piece)
                elif not piece.get("eof"):
                    self.post("detach", {"id": id, "process": process})

    def lost(self) -> None:
        for future, _ in self._pending.values():
            if not future.done():
                future.set_exception(ConnectionError())
        for follower in list(self.followers.values()):
            follower.detach()
