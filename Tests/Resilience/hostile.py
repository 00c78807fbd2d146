"""Peers that mean harm, and beside them a scheduler and a collector that do not: these notice nothing but time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path

import zmq

from collector import Feed
from curve import certificate
from measurer import Measured, measuring, pin
from scheduler import Life, Scheduler
from stage import Stage, require, show
from trial import Trial
from wire import Deadline

# What the worker may have kept when they have gone.
MEMORY = 64 << 20
LIVES = 4
# A debug build on a busy machine is no match for requests by the million: the short form leaves them to the long one.
SHORT = ["pings", "half-open", "garbage", "subscriptions", "wrong-keys", "squatters", "oversize"]
# The worker has one processor, and its peers have the other, where those that mean harm come last.
PROCESSORS, LOAD = (0, 1), 19
QUIET = 5


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
    public, secret = zmq.curve_keypair()
    stage = Stage(trial.folder, settings=_keys(trial.folder, public, secret))
    stage.commands = stage.events = "tcp://127.0.0.1:*"
    stage.remote = (["tcp://0.0.0.0:*"], ["tcp://0.0.0.0:*"])
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
        pin(worker.pid, PROCESSORS[0])
        with measuring(worker.commands, PROCESSORS[1]) as quiet:
            threading.Event().wait(QUIET)
        before = worker.status("VmRSS")
        remote = (worker.ready[name][1].replace("0.0.0.0", "127.0.0.1") for name in ("commands", "events"))
        with measuring(worker.commands, PROCESSORS[1]) as loud:
            done = _attack([worker.commands, worker.events, *remote, public.decode()], seconds, trial)
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
                "ping of another peer, quiet: p50, p99, longest, ms": _figures(quiet),
                "beside the attacks": _figures(loud),
                "p99 to quiet (wanted: at most 2)": round(loud.p99 / quiet.p99, 2),
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


def _keys(folder: Path, public: bytes, secret: bytes) -> str:
    """Writes the worker's key and an empty directory of clients; returns the settings."""
    clients, key = folder / "clients", folder / "server.key_secret"
    clients.mkdir(parents=True)
    key.write_text(certificate(public, secret))
    key.chmod(0o600)
    return f"server_key: {key}\nclients_dir: {clients}\n"


def _figures(measured: Measured) -> str:
    return f"{measured.p50:.2f}, {measured.p99:.2f}, {measured.longest:.1f}"


def _attack(target: list[str], seconds: float, trial: Trial) -> str:
    """Runs the attacks, in a process of their own, and returns what they did."""
    attacks = [] if trial.long else SHORT
    script = str(Path(__file__).with_name("attacks.py"))
    arguments = [sys.executable, script, *target, str(seconds), trial.seed, *(trial.attacks or attacks)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    try:
        pin(process.pid, PROCESSORS[1], LOAD)
        output = process.communicate(timeout=seconds + 60)[0]
        require(process.returncode == 0, f"the attacks ended with {process.returncode}")
        return output.decode().strip()
    finally:
        process.kill()
        process.wait()


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
