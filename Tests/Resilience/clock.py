"""A clock that is set back, between two starts and under a running worker: numbers go on, and nothing is dropped."""

from __future__ import annotations

import os
import time
from pathlib import Path

from collector import Feed
from stage import Skipped, Stage, require, show
from trial import Trial
from worker import Worker

LIBRARIES = ["/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1"]
DAY = 86_400
# So short that a day is far beyond it, and looked at every 100 events.
SETTINGS = "event_age_ms: 3600000\nrequest_age_ms: 3600000\nevent_retention: 1000\n"
CONTAINERS = 30


class Clock:
    """The time of day of one worker; time that only passes (CLOCK_MONOTONIC) goes on as it does."""

    def __init__(self, file: Path):
        found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
        if not found:
            raise Skipped("libfaketime is needed: install the package `faketime`")
        self.file = file
        self.variables = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Without it the library sets this variable itself, before Swift looks for its arguments where the
            # environment began.
            "FAKETIME_SHARED": f"/faketime_sem_{os.getpid()} /faketime_shm_{os.getpid()}",
        }

    def set(self, seconds: int) -> None:
        """So many seconds from the real time, in one piece: it is read at any moment."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self.file)

    def clear(self) -> None:
        """Removes what the library leaves behind of processes that were killed."""
        for worker in Worker.started:
            for name in (f"faketime_shm_{worker.pid}", f"sem.faketime_sem_{worker.pid}"):
                Path("/dev/shm", name).unlink(missing_ok=True)


def clock(trial: Trial) -> None:
    """Sets the clock of the worker back, a day at a time: while it runs, and between two starts."""
    times = Clock(trial.folder / "time")
    times.set(4 * DAY)
    stage = Stage(trial.folder, settings=SETTINGS)
    try:
        stage.start(**times.variables)
        feed = Feed(stage)
        feed.start()
        offsets = [_run(stage, 4)]
        for days in (3, 2, 1, 0):
            if days % 2 == 0:
                stage.worker.kill()
            times.set(days * DAY)
            if days % 2 == 0:
                stage.start(**times.variables)
            offsets.append(_run(stage, days))
        feed.end()
        require(feed.fault is None, feed.fault)
        kinds = [event["type"] for event in feed.events]
        for kind in ("create", "start", "exit"):
            require(kinds.count(kind) == CONTAINERS * len(offsets), f"{kinds.count(kind)} times {kind}")
        kept = stage.every_event()
        require([event["seq"] for event in kept] == list(range(1, len(kept) + 1)), "seq goes on, without a gap")
        require(kept == feed.events, "the journal and the stream tell the same")
        show(
            "a clock that is set back by days",
            {"ahead by, s": offsets, "containers": CONTAINERS * len(offsets), "last seq, without a gap": feed.last},
        )
    finally:
        stage.close()
        times.clear()


def _run(stage: Stage, day: int) -> int:
    """Runs some containers, each asked for twice, and says how far the worker's clock is ahead."""
    dealer = stage.dealer()
    try:
        spec = {"process": {"args": ["/bin/sh", "-c", "exit 5"]}}
        ids = [f"box-{day}-{number}" for number in range(CONTAINERS)]
        asked = [dealer.request("create", id=id, spec=spec, request_id=id) for id in ids for _ in range(2)]
        answers = [dealer.result(msgid) for msgid in asked]
        require(answers[::2] == answers[1::2], "a request runs once, whatever the clock says")
        for id in ids:
            exit = dealer.call("wait", id=id)["exit"]
            require(exit["code"] == 5 and exit["known"], exit)
        ahead = dealer.call("ping")["time"].seconds - int(time.time())
        require(abs(ahead - day * DAY) < 60, f"the worker's clock is ahead by {ahead} s")
        return ahead
    finally:
        dealer.close()
