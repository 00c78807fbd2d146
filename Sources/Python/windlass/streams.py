"""What processes write and what happens on a host, over any number of connections."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from typing import Any, Literal, Self

import zmq.asyncio

from .connection import Commands, Keys, Link, unpack
from .records import Container, DataLoss, Event, Gap, Item, Output, Restart, Snapshot

WINDOW = 1 << 20  # bytes of output that the worker may send ahead of the reader
HELD = 1024  # messages for a reader of events that is behind; what does not fit is fetched later
PAGE = 1000


class OutputStream:
    """What a process writes, until it ends. A process has one reader per client: a second ends the first."""

    def __init__(self, commands: Commands, id: str, process: str, start: str | int):
        self._commands, self._source, self._start = commands, {"id": id, "process": process}, start
        self._pieces: deque[Output] = deque()
        self._unread = self._credit = self._handed = 0
        self._attached = self._ended = self._restarted = False
        self._changed = asyncio.Event()
        if former := commands.followers.get((id, process)):
            former.end()
        commands.followers[id, process] = self

    async def close(self) -> None:
        """Ends it; the worker is asked to detach when it sends more."""
        self.end()

    def end(self) -> None:
        self._ended = True
        if self._commands.followers.get(key := (self._source["id"], self._source["process"])) is self:
            del self._commands.followers[key]
        self._changed.set()

    async def attach(self, timeout: float | None = None) -> Self:
        """Asks the worker for what follows."""
        await self._commands.call("attach", {}, timeout, follower=self)
        return self

    def attachment(self) -> dict[str, Any]:
        """The parameters of `attach`, as of now."""
        return {**self._source, "from": self._start, "credit": WINDOW - self._unread}

    def settle(self, answer: Any) -> None:
        """The worker has attached it. One that has less than was seen has lost count."""
        self._restarted |= isinstance(self._start, int) and answer["offset"] < self._start
        self._start, self._attached, self._credit = answer["offset"], True, WINDOW - self._unread

    def detach(self) -> None:
        """The connection is gone."""
        self._attached = False
        self._changed.set()

    def take(self, piece: dict[str, Any]) -> None:
        """Takes up what of a piece is new."""
        if not self._attached or not isinstance(self._start, int):
            return
        data, offset, seen = piece["data"], piece["offset"], self._start - piece["offset"]
        self._credit -= len(data)
        dropped, unknown = max(piece.get("dropped", 0), -seen), piece.get("dropped_unknown", False)
        if seen > 0:
            data, offset, dropped, unknown = data[seen:], self._start, 0, False
        if data or dropped or unknown:
            self._pieces.append(Output(piece["stream"], offset, data, dropped, unknown, self._restarted))
            self._start, self._unread, self._restarted = offset + len(data), self._unread + len(data), False
        if piece.get("eof"):  # which comes after everything else, on any stream
            self.end()
        self._changed.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Output:
        self._unread, self._handed = self._unread - self._handed, 0
        due = WINDOW - self._unread - self._credit
        if self._attached and not self._ended and due >= WINDOW // 4:
            self._credit += due
            self._commands.post("credit", {**self._source, "bytes": due})
        while not self._pieces:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await (self._changed.wait() if self._attached else self.attach(math.inf))
        self._handed = len(self._pieces[0].data)
        return self._pieces.popleft()


def number(message: dict[str, Any]) -> Any:
    """An event's own number, or the newest one that a `welcome` or `heartbeat` names."""
    return message.get("seq", message.get("last_seq"))


class EventFeed(Link):
    """Every event of one host, once and in order, over lost messages, slow readers and restarts of the worker.

    The worker's log is asked for what the subscription did not bring, which shows by the numbers. What is not kept any
    more is reported as a `Gap`, or replaced by a `Snapshot` where `recovery` is "snapshot".
    """

    def __init__(
        self, context: zmq.asyncio.Context, endpoint: str, keys: Keys, commands: Commands, after: int | None,
        recovery: Literal["events", "snapshot"],
    ):  # fmt: skip
        super().__init__(zmq.SUB, context, endpoint, keys)
        self._commands, self._recovery = commands, recovery
        self._messages: deque[dict[str, Any]] = deque(maxlen=HELD)
        self._ready: deque[Item] = deque()
        self._count_from(after)

    def _count_from(self, last: int | None) -> None:
        self.last = last or 0  # the number of the last event that was handed over, or skipped as a gap
        self._begun = self._behind = last is not None
        self._epoch: int | None = None  # the newest that was seen
        self._last_epoch: int | None = None  # of event `last`
        self._stale: int | None = None  # an earlier one, whose messages came late
        self._doubt: int | None = None  # one that may be of another numbering
        self._included: dict[str, int] = {}  # events that a snapshot includes, by container

    def received(self, frames: list[bytes]) -> None:
        body = unpack(frames[-1])
        if isinstance(body, dict) and isinstance(body.get("epoch"), int) and isinstance(number(body), int):
            self._messages.append(body)
            self.pulse()

    async def begin(self) -> None:
        """Waits until the subscription stands."""
        while not self._begun:
            await self._take()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._ready:
            await (self._fetch() if self._behind else self._take())
        return self._ready.popleft()

    async def _take(self) -> None:
        """Looks at the next message: an event is the next one, or nothing new, or a reason to ask the log."""
        while not self._messages:
            await self.change()
        message = self._messages.popleft()
        newest, own, is_event = number(message), message["epoch"], "seq" in message
        if not self._begun:
            self._begun, self.last = True, newest - is_event
        self._epoch = own if self._epoch is None else self._epoch
        if own != self._epoch:
            # A worker's next start, one that has lost its state, or a message that was long on its way.
            if own != self._stale or not is_event:
                self._behind, self._doubt = True, own
        elif newest == self.last + 1 and is_event:
            self._deliver(message)
        elif newest > self.last or (newest < self.last and not is_event):
            self._behind, self._doubt = True, own if newest < self.last else None

    def _deliver(self, event: dict[str, Any]) -> None:
        self.last, self._last_epoch = event["seq"], event["epoch"]
        self._epoch = max(self._epoch or 0, event["epoch"])
        if event["seq"] > self._included.get(event.get("id", ""), 0):
            self._ready.append(Event.of(event))

    def _gap(self, last: int) -> None:
        """The events up to `last` are not to be had."""
        if last > self.last:
            self._ready.append(Gap(self.last + 1, last))
            self.last, self._last_epoch = last, None

    def _restart(self) -> None:
        self._ready.append(Restart(self.last))
        self._count_from(0)

    async def _page(self, after: int, limit: int) -> Any:
        """For as long as it takes: a worker that is away comes back, or the reader gives up."""
        return await self._commands.call("events", {"after": after, "limit": limit}, math.inf)

    async def _continues(self) -> bool:
        """Whether the worker still has the event that was handed over last under the same number."""
        if self.last > 0:
            with contextlib.suppress(DataLoss):  # it has that many and more
                page = await self._page(self.last - 1, 1)
                for event in page["events"]:
                    if event["seq"] == self.last and self._last_epoch is not None:
                        return bool(event["epoch"] == self._last_epoch)
                return bool(page["last_seq"] >= self.last)
        return True

    async def _fetch(self) -> None:
        """One page of what is missing."""
        try:
            page = await self._page(self.last, PAGE)
        except DataLoss as loss:
            return await self._recover(loss)
        events, newest = page["events"], page["last_seq"]
        strange = self._doubt is not None or (events and self._epoch not in (None, events[0]["epoch"]))
        if newest < self.last or (strange and not await self._continues()):
            return self._restart()
        if self._doubt is not None:
            self._stale = self._doubt if self._doubt < (self._epoch or 0) else self._stale
            self._epoch, self._doubt = max(self._epoch or 0, self._doubt), None
        for event in events:
            if event["seq"] > self.last:
                self._gap(event["seq"] - 1)
                self._deliver(event)
        if not events:
            self._gap(newest)
        self._behind = self.last < newest

    async def _recover(self, loss: DataLoss) -> None:
        """The next events are not kept any more."""
        if self._recovery == "events":
            oldest = loss.details.get("oldest_seq")
            if not isinstance(oldest, int) or oldest <= self.last + 1:
                raise loss
            return self._gap(oldest - 1)
        # A later page may include events that come after the first; each record names its newest.
        pages: list[Any] = [await self._commands.call("snapshot", {}, math.inf)]
        while "next" in pages[-1]:
            pages.append(await self._commands.call("snapshot", {"after": pages[-1]["next"]}, math.inf))
        newest, epoch, first = pages[0]["last_seq"], pages[-1]["epoch"], self.last + 1
        if newest < first or pages[-1]["last_seq"] < newest:
            return self._restart()
        records = [Container.of(record) for page in pages for record in page["containers"]]
        self._count_from(newest)
        self._epoch, self._included = epoch, {each.id: each.seq for each in records if each.seq > newest}
        self._ready.append(Snapshot(first, newest, records))
