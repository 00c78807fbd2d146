"""What processes write and what happens on a host, over any number of connections."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Self

import zmq.asyncio

from .connection import Commands, Keys, Link, unpack
from .records import Container, DataLoss, Event, Gap, Output

WINDOW = 1 << 20  # bytes of output that the worker may send ahead of the reader
HELD = 1024  # messages for a reader of events that is behind; what does not fit is fetched later


class OutputStream(AsyncIterator[Output]):
    """What a process writes, until it ends. A process has one reader per client: a second ends the first."""

    def __init__(self, commands: Commands, id: str, process: str, start: str | int, lossless: bool = False):
        self._commands, self._source, self._start = commands, {"id": id, "process": process}, start
        self._lossless = {"lossless": True} if lossless else {}
        self._pieces: deque[Output] = deque()
        self._owed = 0  # bytes that the reader has dealt with, and that the worker may send more
        self._attached = self._ended = self._restarted = False
        self._changed = asyncio.Event()
        if former := commands.followers.get((id, process)):
            former.close()
        commands.followers[id, process] = self

    def close(self) -> None:
        """Ends it; the worker is asked to detach when it sends more."""
        self._ended = True
        if self._commands.followers.get(key := (self._source["id"], self._source["process"])) is self:
            del self._commands.followers[key]
        self._changed.set()

    async def attach(self, timeout: float | None = None) -> Self:
        """Asks the worker for what follows."""
        await self._commands.call("attach", {}, timeout, self)
        return self

    def attachment(self) -> dict[str, Any]:
        """The parameters of `attach`, as of now."""
        self._owed = 0
        credit = WINDOW - sum(len(each.data) for each in self._pieces)
        return {**self._source, "from": self._start, "credit": credit, **self._lossless}

    def settle(self, offset: int) -> None:
        """The worker has attached it. One that has less than was seen has lost count."""
        self._restarted |= isinstance(self._start, int) and offset < self._start
        self._start, self._attached = offset, True

    def detach(self) -> None:
        """The connection is gone."""
        self._attached = False
        self._changed.set()

    def take(self, piece: dict[str, Any]) -> None:
        """Takes up what of a piece is new."""
        if not self._attached or not isinstance(self._start, int):
            return
        seen = max(0, self._start - piece["offset"])
        data, offset, unknown = piece["data"][seen:], piece["offset"] + seen, bool(piece.get("dropped_unknown"))
        self._owed += len(piece["data"]) - len(data)
        dropped = 0 if seen else max(piece.get("dropped", 0), offset - self._start)
        lost = piece.get("lossless") is False
        if data or dropped or unknown or lost:
            self._pieces.append(Output(piece["stream"], offset, data, dropped, unknown or self._restarted, lost))
            self._start, self._restarted = offset + len(data), False
        if piece.get("eof"):  # which comes after everything else, on any stream
            self.close()
        self._changed.set()

    async def __anext__(self) -> Output:
        if self._attached and not self._ended and self._owed >= WINDOW // 4:
            self._commands.post("credit", {**self._source, "bytes": self._owed})
            self._owed = 0
        while not self._pieces:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await (self._changed.wait() if self._attached else self.attach(math.inf))
        self._owed += len(self._pieces[0].data)
        return self._pieces.popleft()


class EventFeed(Link, AsyncIterator[Event | Gap]):
    """Every event of one host, once and in order, over lost messages, slow readers and restarts of the worker.

    The worker's log is asked for what the subscription did not bring, which shows by the numbers. What is not kept any
    more is reported as a `Gap`, which with `snapshots` has the containers as they are.
    """

    def __init__(self, commands: Commands, endpoint: str, keys: Keys, after: int | None, snapshots: bool):
        super().__init__(zmq.SUB, commands.context, endpoint, keys)
        self._commands, self._snapshots = commands, snapshots
        self._messages: deque[dict[str, Any]] = deque(maxlen=HELD)
        self._ready: deque[Event | Gap] = deque()
        self._count_from(after)

    def _count_from(self, last: int | None) -> None:
        self.last = last or 0  # the number of the last event that was handed over or is in a gap
        self._begun = self._behind = last is not None
        self._epoch: int | None = None  # of the last message
        self._last_epoch: int | None = None  # of event `last`, where that was handed over
        self._included: dict[str, int] = {}  # events that a snapshot includes, by container

    def received(self, frames: list[bytes]) -> None:
        match unpack(frames[-1]):
            case {"epoch": int(), "seq": int()} | {"epoch": int(), "last_seq": int()} as message:
                self._messages.append(message)
                self.pulse()

    async def begin(self) -> Self:
        """Waits until the subscription stands."""
        while not self._begun:
            await self._take()
        return self

    async def __anext__(self) -> Event | Gap:
        while not self._ready:
            await (self._fetch() if self._behind else self._take())
        return self._ready.popleft()

    async def _take(self) -> None:
        """Looks at the next message: an event is the next one, or nothing new, or a reason to ask the log."""
        while not self._messages:
            await self.change()
        message = self._messages.popleft()
        is_event, is_strange = "seq" in message, self._epoch not in (None, message["epoch"])
        newest = message["seq"] if is_event else message["last_seq"]
        if not self._begun:
            self._begun, self.last = True, newest - is_event
        # Another epoch: the worker's next start, one that lost its state, or a message that was long on its way.
        self._epoch = message["epoch"]
        if is_event and newest == self.last + 1 and not is_strange:
            self._deliver(message)
        else:
            self._behind = is_strange or newest > self.last or (newest < self.last and not is_event)

    def _deliver(self, event: dict[str, Any]) -> None:
        self.last, self._epoch = event["seq"], event["epoch"]
        self._last_epoch = self._epoch
        if event["seq"] > self._included.get(event.get("id", ""), 0):
            self._ready.append(Event.of(event))

    def _gap(self, last: int) -> None:
        """The events up to `last` are not to be had."""
        if last > self.last:
            self._ready.append(Gap(self.last + 1, last))
            self.last, self._last_epoch = last, None

    def _restart(self) -> None:
        self._ready.append(Gap(self.last + 1, None))
        self._count_from(0)

    async def _ask(self, method: str, **params: Any) -> Any:
        """For as long as it takes: a worker that is away comes back, or the reader gives up."""
        return await self._commands.call(method, params, math.inf)

    async def _fetch(self) -> None:
        """One page of what is missing, and before it event `last`, to see that the worker goes on with its numbers."""
        checks = self._last_epoch is not None
        try:
            page = await self._ask("events", after=self.last - checks)
        except DataLoss as loss:
            return await self._recover(loss, checks)
        events, newest = page["events"], page["last_seq"]
        seen = events.pop(0) if checks and events and events[0]["seq"] == self.last else {"epoch": self._last_epoch}
        if newest < self.last or seen["epoch"] != self._last_epoch:
            return self._restart()
        for event in events:
            self._gap(event["seq"] - 1)
            self._deliver(event)
        if checks and not events:
            self._last_epoch = None  # it fills a page
        elif not events:
            self._gap(newest)
        self._behind = self.last < newest

    async def _recover(self, loss: DataLoss, checks: bool) -> None:
        """What follows is not kept any more, or event `last` is not, if it was asked for."""
        if checks:
            self._last_epoch = None
        elif not self._snapshots:
            if loss.details.get("oldest_seq", 0) <= self.last + 1:
                raise loss
            self._gap(loss.details["oldest_seq"] - 1)
        else:
            # A later page may include events that come after the first; each record names its newest.
            pages = [await self._ask("snapshot")]
            while "next" in pages[-1]:
                pages.append(await self._ask("snapshot", after=pages[-1]["next"]))
            newest, first = pages[0]["last_seq"], self.last + 1
            if newest < first or pages[-1]["last_seq"] < newest:
                return self._restart()
            records = [Container.of(record) for page in pages for record in page["containers"]]
            self._count_from(newest)
            self._included = {each.id: each.seq for each in records if each.seq > newest}
            self._ready.append(Gap(first, newest, records))
