"""Peers that misbehave: bounded memory, and no effect on the others."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import zmq

from stage import Stage, require, show
from trial import Trial
from wire import Dealer, pack

# Resident memory of the worker, with everything below at once: what it takes idle, and what its limits allow: 10,000
# events to a subscriber, 1,000 replies and 1 MiB to a peer, 8 MiB of output, and libzmq's buffers.
MEMORY = 128 << 20
# What is wanted of the p99 of others is twice the quiet one. On a machine of two cores that the peers share it is the
# scheduler of the machine that decides: what is asserted is that nobody waits for a peer that misbehaves.
SLOWEST = 0.25
ROUNDS = 3
SAMPLES = 500
Noise = Callable[[], AbstractContextManager[None]]
RESOURCES = {"memory": {"limit": 1 << 30}}


def round_trips(dealer: Dealer, count: int = SAMPLES) -> list[float]:
    """How long `ping` and `state` take, in turns, in seconds."""
    spans = []
    for number in range(count):
        began = time.perf_counter()
        dealer.call("ping") if number % 2 else dealer.call("state", id="quiet")
        spans.append(time.perf_counter() - began)
    return spans


def p99(spans: list[float]) -> float:
    return sorted(spans)[len(spans) * 99 // 100]


@contextmanager
def peers(stage: Stage, what: str) -> Iterator[None]:
    """Peers in a process of their own, so that they do not share this one's interpreter."""
    process = subprocess.Popen([sys.executable, __file__, what, stage.commands], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def slow_readers(stage: Stage) -> Iterator[None]:
    """A subscriber, a scheduler and an attached reader that never read, and those who give them cause to."""
    sub = stage.context.socket(zmq.SUB)
    sub.rcvhwm = 1
    sub.subscribe("")
    sub.connect(stage.events)
    deaf = Dealer(stage.context, stage.commands, rcvhwm=1)
    for _ in range(20_000):
        deaf.request("state", id="quiet")
    hung = Dealer(stage.context, stage.commands, rcvhwm=1)
    script = "while :; do head -c 65536 /dev/zero; sleep 0.02; done"
    stage.ask("create", id="chatty", spec={"process": {"args": ["/bin/sh", "-c", script]}})
    hung.request("attach", id="chatty", credit=0)
    try:
        with peers(stage, "busy"):
            yield
    finally:
        stage.ask("delete", id="chatty", force=True)
        sub.close(0)
        deaf.close()
        hung.close()


def overload(trial: Trial) -> None:
    """Measures the others' round trips in rounds, quiet and loud, and the worker's memory all the while."""
    seconds = 60.0 if trial.long else 10.0
    # What is compared to is what the noise costs without what is tried: a flood of another worker shares the machine
    # and not the worker, and where all peers read, replies still follow their events through the same journal.
    stage, elsewhere = Stage(trial.folder / "here"), Stage(trial.folder / "elsewhere")
    try:
        for each in (stage, elsewhere):
            each.start()
            for id in ("quiet", "busy"):
                each.ask("create", id=id, spec={"process": {"args": ["/bin/sleep", "100000"]}})
        rows: dict[str, object] = {"resident at first, MiB": stage.worker.status("VmRSS") >> 20}
        span = seconds / ROUNDS
        rows |= _measure(stage, "slow readers", lambda: slow_readers(stage), lambda: peers(stage, "busy"), span)
        rows |= _measure(stage, "flood", lambda: peers(stage, "flood"), lambda: peers(elsewhere, "flood"), span)
        show(f"overload for {seconds:.0f} s each", rows | {"bound, MiB": MEMORY >> 20, "bound, ms": SLOWEST * 1000})
        require(max(rows[key] for key in rows if "MiB" in key) <= MEMORY >> 20, "the worker's memory is bounded")
        slowest = max(rows[key] for key in rows if key.endswith("p99 of others, ms"))
        require(slowest < SLOWEST * 1000, f"{slowest} ms for those who do not misbehave")
        require(stage.ask("state", id="quiet")["state"] == "running", "the worker serves on")
    finally:
        stage.close()
        elsewhere.close()


def _measure(stage: Stage, name: str, loud: Noise, alike: Noise, seconds: float) -> dict[str, float]:
    quiet, beside, here, most = [], [], [], 0
    for _ in range(ROUNDS):
        dealer = stage.dealer()
        round_trips(dealer, 50)
        quiet.append(p99(round_trips(dealer)))
        with alike():
            beside.append(p99(_for(dealer, seconds / 3)))
        with loud():
            here.append(p99(_for(dealer, seconds)))
            most = max(most, stage.worker.status("VmHWM"))
        dealer.close()
    # The best round of each: what else the machine does can only make it worse.
    return {
        f"{name}: p99 quiet, ms": round(min(quiet) * 1000, 2),
        f"{name}: p99 of others where all read, or it is elsewhere, ms": round(min(beside) * 1000, 2),
        f"{name}: p99 of others, ms": round(min(here) * 1000, 2),
        f"{name}: to quiet (wanted: at most 2)": round(min(here) / min(quiet), 2),
        f"{name}: to those": round(min(here) / min(beside), 2),
        f"{name}: resident at most, MiB": most >> 20,
    }


def _for(dealer: Dealer, seconds: float) -> list[float]:
    end, spans = time.monotonic() + seconds, []
    while time.monotonic() < end:
        spans += round_trips(dealer, 100)
        dealer.replies.clear()
        dealer.order.clear()
    return spans


def _noise(what: str, endpoint: str) -> None:
    """A flood: eight peers that keep 500 questions each in the air. A busy peer: one with 50 changes, each an event."""
    context, msgids, poller = zmq.Context(), itertools.count(), zmq.Poller()
    is_flood = what == "flood"

    def ask(socket: zmq.Socket) -> None:
        method, more = ("state", {"id": "quiet"}) if is_flood else ("update", {"id": "busy", "resources": RESOURCES})
        socket.send(pack([0, next(msgids) % 2**32, method, [more]]))

    for _ in range(8 if is_flood else 1):
        socket = context.socket(zmq.DEALER)
        socket.connect(endpoint)
        poller.register(socket, zmq.POLLIN)
        for _ in range(500 if is_flood else 50):
            ask(socket)
    print(what, flush=True)
    while True:
        for socket, _ in poller.poll():
            socket.recv()
            ask(socket)


if __name__ == "__main__":
    _noise(sys.argv[1], sys.argv[2])
