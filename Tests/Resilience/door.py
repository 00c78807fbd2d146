"""The door of a worker under siege, at full scale with `--long`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq

import besiege
from curve import Door
from flooding_server import flooded_clients
from stage import require, show
from stall import Stalled
from trial import Trial
from worker import Worker


@contextmanager
def a_door(folder: Path) -> Iterator[tuple[Door, Any]]:
    """A worker's keys, a way to make peers, and the end of both. The worker must then stop as ever."""
    folder.mkdir(parents=True)
    context, made, workers = zmq.Context(), [], []
    context.max_sockets = 4096

    def peers(kind: type, *arguments: Any, **options: Any) -> Any:
        made.append(kind(context, *arguments, **options))
        return made[-1]

    def start(state_dir: Path, config: str, **options: Any) -> Worker:
        path = folder / "worker.yaml"
        path.write_text(config)
        workers.append(Worker(state_dir, config=path, **options))
        return workers[-1].await_ready()

    try:
        yield Door(folder, start, peers), peers
        for worker in workers:
            require(worker.process.poll() is None, f"the worker ended:\n{worker.output()}")
            worker.stop()
    finally:
        for peer in made:
            peer.close()
        for worker in workers:
            worker.kill()
        context.destroy(0)


def door(trial: Trial) -> None:
    """One siege after another, each of a worker of its own; the long form is for a release build."""
    scale = 10 if trial.long else 1
    draw, bound = random.Random(trial.seed), 0.05 if trial.long else 1
    sieges = {
        "comes-and-goes": lambda *door: besiege.comes_and_goes(*door, 20 * scale),
        "half-open": lambda *door: besiege.half_open(*door, 2000, bound),
        "subscriptions": lambda *door: besiege.subscriptions(*door, 100 * scale),
        "subscriptions-held": lambda *door: besiege.subscriptions_while_held(*door, 6 * scale, Stalled),
        "pings": lambda *door: besiege.pings_between(*door, 20 * scale, Stalled),
        "large": lambda *door: besiege.large_requests(*door, 3 * scale, bound),
        "fuzz": lambda *door: besiege.fuzz(*door, 6 * scale, draw),
    }
    rows: dict[str, object] = {}
    for name, siege in sieges.items():
        print(f"  {name}", flush=True)
        with a_door(trial.folder / name) as (keys, peers):
            rows |= siege(keys, peers) or {name: "withstood"}
    rows["clients that a server floods and resets, times"] = flooded_clients(trial.folder, 10 * scale)
    show("a door under siege", rows)
