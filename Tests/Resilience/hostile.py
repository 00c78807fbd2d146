"""Peers that mean harm, and beside them a scheduler and a collector that do not: these notice nothing but time."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from collector import Feed
from scheduler import Life, Scheduler
from stage import Stage, require, show
from trial import Trial
from wire import Deadline

# What the worker may have kept when they have gone.
MEMORY = 64 << 20
LIVES = 4
# A debug build on a busy machine is no match for requests by the million: the short form leaves them to the long one.
SHORT = ["pings", "half-open", "garbage", "squatters", "oversize"]


def life(scheduler: Scheduler, name: str) -> Life:
    """Containers one after another, as long as the trial lasts."""
    number = 0
    while not scheduler.ending.is_set():
        id, number = f"{name}-{number}", number + 1
        yield [scheduler.ask("create", id=id, start=True, spec={"process": {"args": ["/bin/true"]}})]
        yield [scheduler.ask("wait", once=False, id=id), scheduler.ask("state", once=False, id=id)]
        yield [scheduler.ask("delete", id=id)]


def hostile(trial: Trial) -> None:
    """Lets them loose, and holds what the honest ones were told against each other."""
    seconds = trial.seconds or (600.0 if trial.long else 15.0)
    stage = Stage(trial.folder)
    stage.commands = stage.events = "tcp://127.0.0.1:*"
    feed = scheduler = None
    try:
        worker = stage.start()
        stage.commands, stage.events = worker.commands, worker.events
        stage.ask("create", id="quiet", spec={"process": {"args": ["/bin/sleep", "100000"]}})
        feed, scheduler = Feed(stage), Scheduler(stage)
        for number in range(LIVES):
            scheduler.play(life(scheduler, f"life-{number}"))
        feed.start()
        scheduler.start()
        before = worker.status("VmRSS")
        done = _attack(stage, seconds, trial)
        scheduler.ending.set()
        scheduler.join(scheduler.PATIENCE)
        require(worker.process.poll() is None, f"the worker ended with {worker.process.poll()}")
        require(scheduler.fault is None, f"the scheduler: {scheduler.fault!r}")
        require(not scheduler.is_alive(), f"never answered:\n{scheduler.unanswered()}")
        stage.ask("delete", id="quiet", force=True)
        lost = _missed(stage, feed)
        # What had come before its connection was cut is read and discarded first; then the memory is given back.
        deadline = Deadline(120)
        while (after := worker.status("VmRSS")) - before > MEMORY and not deadline.passed:
            stage.ask("ping")
        faults = _faults(scheduler, feed)
        show(
            f"hostile peers for {seconds:.0f} s",
            {
                "they did": done,
                "honest requests, all answered": len(scheduler.orders),
                "connections of the honest scheduler": scheduler.connections,
                "events": feed.last,
                "events that the collector had to fetch": len(lost),
                "resident before, MiB": before >> 20,
                "resident at most, MiB": worker.status("VmHWM") >> 20,
                "resident after, MiB": after >> 20,
            },
        )
        require(not faults, "\n    ".join(["not one story:", *faults[:20]]))
        require(not lost, f"published, and not to the honest collector: {sorted(lost)[:20]}")
        require(after - before <= MEMORY, f"{(after - before) >> 20} MiB were kept")
    finally:
        for thread in filter(None, (scheduler, feed)):
            thread.ending.set() if thread is scheduler else thread.end()
        stage.close()


def _attack(stage: Stage, seconds: float, trial: Trial) -> str:
    """Runs the attacks, in a process of their own, and returns what they did."""
    attacks = [] if trial.long else SHORT
    script = str(Path(__file__).with_name("attacks.py"))
    process = subprocess.run(
        [sys.executable, script, stage.commands, stage.events, str(seconds), trial.seed, *(trial.attacks or attacks)],
        stdout=subprocess.PIPE,
        timeout=seconds + 60,
        check=True,
    )
    return process.stdout.decode().strip()


def _missed(stage: Stage, feed: Feed) -> set[int]:
    """The events that were published since the collector was welcomed and did not reach it."""
    last, deadline = stage.ask("events", after=0, limit=1)["last_seq"], Deadline(30)
    while max(feed.published, default=0) < last and feed.is_alive() and not deadline.passed:
        feed.join(0.1)
    feed.end()
    require(feed.fault is None, f"the collector: {feed.fault!r}")
    return set(range(min(feed.published), last + 1)) - feed.published.keys()


def _faults(scheduler: Scheduler, feed: Feed) -> list[str]:
    """Where the answers and the events are not one story."""
    faults = [f"failed: {order}" for order in scheduler.orders if not order.succeeded]
    if [event["seq"] for event in feed.events] != list(range(1, feed.last + 1)):
        faults.append("the numbers of the events have gaps")
    told: dict[str, list[str]] = defaultdict(list)
    for event in feed.events:
        told[event.get("id", "")].append(event["type"])
    for id in {order.params["id"] for order in scheduler.orders}:
        if told[id] != ["create", "start", "exit", "delete"]:
            faults.append(f"{id}: {told[id]}")
    return faults
