"""A collector that misses nothing: the published stream, and what it lost, fetched by number."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from stage import Fault, Stage
from wire import Collector


class Feed(threading.Thread):
    """Every event of a host, over all its workers, in a thread of its own."""

    def __init__(self, stage: Stage):
        super().__init__(name="collector", daemon=True)
        self.stage = stage
        self.collector = Collector(stage.context, stage.events, "")
        # In order of their numbers, without a gap.
        self.events: list[dict[str, Any]] = []
        # As they were published.
        self.published: dict[int, dict[str, Any]] = {}
        self.fetched = 0
        self.fault: BaseException | None = None
        self._ended = threading.Event()
        self._seen = (0, 0, 0)

    @property
    def last(self) -> int:
        return self.events[-1]["seq"] if self.events else 0

    def end(self) -> None:
        """Stops, when all that has been told so far is here."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                with suppress(TimeoutError):
                    self.collector.pump(0.1)
                self._take()
            self._fetch()
        except BaseException as fault:
            self.fault = fault
        finally:
            self.collector.close()

    def _take(self) -> None:
        events, welcomes, heartbeats = self._seen
        told = 0
        for body in self.collector.events[events:]:
            self._published(body)
        for _, body in self.collector.welcomes[welcomes:]:
            told = max(told, body["last_seq"])
        for body in self.collector.heartbeats[heartbeats:]:
            told = max(told, body["last_seq"])
        self._seen = (len(self.collector.events), len(self.collector.welcomes), len(self.collector.heartbeats))
        if told > self.last:
            self._fetch()

    def _published(self, body: dict[str, Any]) -> None:
        seq = body["seq"]
        if self.published and seq <= max(next(reversed(self.published)), 0):
            raise Fault(f"seq {seq} was published after {next(reversed(self.published))}: {body}")
        self.published[seq] = body
        if seq > self.last + 1:
            self._fetch()
        if seq == self.last + 1:
            self.events.append(body)
        elif seq > self.last:
            raise Fault(f"seq {seq} was published, and `events` does not tell what came after {self.last}")

    def _fetch(self) -> None:
        while True:
            page = self.stage.ask("events", after=self.last)
            for body in page["events"]:
                if body["seq"] != self.last + 1:
                    raise Fault(f"`events` after {self.last} tells seq {body['seq']}")
                self.events.append(body)
                self.fetched += 1
            if not page["events"]:
                return
