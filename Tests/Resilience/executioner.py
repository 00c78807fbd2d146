"""The executioner: whatever moment a worker is killed at, nothing is lost, doubled or invented."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

from account import USUAL, Account
from collector import Feed
from lives import Lives
from scheduler import Scheduler
from remains import remains
from stage import Fault, Skipped, Stage, show
from trial import Trial
from witness import Witness

CONTAINERS = 50
POINTS = ["intent", "call", "settle", "commit", "publish", "reply"]
# A crash point that has not been reached after so many seconds is not waited for any longer.
UNREACHED = 5.0


class Executioner:
    """Kills one worker after another."""

    def __init__(self, stage: Stage, seed: str, scheduler: Scheduler, feed: Feed):
        self.stage, self.random = stage, random.Random(f"{seed}/executioner")
        self.scheduler, self.feed = scheduler, feed
        self.deaths: Counter[str] = Counter()

    def kill(self) -> None:
        """Starts a worker that is to die, and sees that it does."""
        way = self.random.choice([*POINTS, "at random", "at random", "at random", "while it starts"])
        if way in POINTS:
            count = round(2 ** self.random.uniform(0, 6))
            self.stage.launch(WINDLASS_CRASH=f"{way}:{count}")
            self.stage.await_ready_or_death()
            try:
                self.stage.worker.process.wait(UNREACHED)
            except subprocess.TimeoutExpired:
                way = "at random"
        elif way == "while it starts":
            self.stage.launch()
            # Nothing is waited for here: the moment is what is drawn.
            time.sleep(self.random.uniform(0.0, 0.5))
        else:
            self.stage.start()
            time.sleep(self.random.uniform(0.0, 1.0))
        code = self.stage.worker.process.poll()
        if code is not None and code != 137:
            raise Fault(f"the worker ended with {code} by itself:\n{self.stage.worker.output()}")
        self.stage.worker.kill()
        self.deaths[way] += 1
        for thread in (self.scheduler, self.feed):
            if thread.fault:
                raise thread.fault


def executioner(trial: Trial) -> None:
    """The worker dies, and nothing else is wrong."""
    execute(trial.folder, trial.seed, 1000 if trial.long else 50)


# What a container service does on a bad day. Exits whose notification is lost are found by asking; what fails has not
# been carried out.
BAD_DAY = [
    *(
        {"call": call, "latency": {"min_ms": 0, "max_ms": 40, "seed": number}}
        for number, call in enumerate(
            ["HcsCreateComputeSystem", "HcsCreateProcess", "HcsOpenComputeSystem", "HcsModifyComputeSystem"]
        )
    ),
    {"call": "HcsShutdownComputeSystem", "id": "box-0*", "delay_ms": 150},
    {"lose_notification": "ProcessExited", "id": "box-1*"},
    {"lose_notification": "SystemExited", "id": "box-2*", "times": 40},
    {"call": "HcsCreateProcess", "id": "box-3*", "hresult": "0x80070005", "times": 40},
    {"call": "HcsCreateComputeSystem", "id": "box-3*", "hresult": "0x8007000E", "times": 20},
    {"call": "HcsCreateProcess", "id": "box-4*", "exit_before_return": True, "times": 60},
]


def bad_day(trial: Trial) -> None:
    """The worker dies, and the service is slow, loses notifications and fails."""
    execute(
        trial.folder,
        trial.seed,
        300 if trial.long else 20,
        faults=BAD_DAY,
        settings="check_interval_ms: 500\nwatchdog_ms: 2000\n",
    )


# The root of real containers, and the folder in which they write down what they did.
PROFILES = """
oci_mounts: [{folder}]
default_profile: witness
profiles:
  witness: &witness
    annotations: {{windlass.rootfs: busybox}}
    mounts: [{{destination: {folder}, source: {folder}, type: bind, options: [rbind]}}]
  hyperv: *witness
"""


def real_containers(trial: Trial) -> None:
    """The worker dies, and its containers are real."""
    if os.geteuid() != 0 or not any(shutil.which(name) for name in ("runc", "crun")):
        raise Skipped("it needs root and an OCI runtime")
    folder = trial.folder.resolve()
    settings = PROFILES.format(folder=folder / "witness")
    execute(folder, trial.seed, 300 if trial.long else 15, settings=settings, driver="oci", containers=20)


def execute(
    folder: Path,
    seed: str,
    kills: int,
    *,
    faults: list[dict] | None = None,
    settings: str = "",
    driver: str = "emulator",
    containers: int = CONTAINERS,
) -> None:
    """Runs containers' lives while the worker is killed `kills` times; raises Fault where the account is wrong."""
    stage = Stage(folder, faults=faults, settings=settings, driver=driver)
    try:
        # What the service refuses on a bad day.
        usual = USUAL | {"permission_denied"} if faults else USUAL
        # A call that waits for what it has started waits for no longer than this.
        _execute(stage, seed, kills, usual, longest=3.0 if faults else 60.0, containers=containers)
    finally:
        stage.close()


def _execute(stage: Stage, seed: str, kills: int, usual: set[str], *, longest: float, containers: int) -> None:
    began = time.monotonic()
    witness = Witness(stage.folder / "witness")
    stage.start()
    scheduler, feed = Scheduler(stage), Feed(stage)
    lives = [Lives(scheduler, witness, f"box-{number:02}", seed, longest=longest) for number in range(containers)]
    for life in lives:
        scheduler.play(life.play())
    feed.start()
    scheduler.start()
    hangman = Executioner(stage, seed, scheduler, feed)
    stage.worker.kill()
    for number in range(1, kills + 1):
        hangman.kill()
        if number % 50 == 0:
            print(f"    {number} kills, {len(scheduler.orders)} requests, seq {feed.last}", flush=True)
    stage.start()
    scheduler.ending.set()
    scheduler.join(180)
    if scheduler.fault:
        raise scheduler.fault
    if scheduler.is_alive():
        raise Fault(f"the last lives do not end: {scheduler.unanswered()}")
    faults = _left_behind(stage, witness)
    feed.end()
    if feed.fault:
        raise feed.fault
    if feed.events != stage.every_event():
        faults.append("the stream and `events --after 0` tell different stories")
    account = Account(scheduler.orders, feed.events, witness.testimonies(), usual)
    faults += account.check()
    stage.stop()
    if rows := stage.rows("container"):
        faults.append(f"{rows} containers are left in the journal")
    deaths = {
        f"died {way}" if way in ("at random", "while it starts") else f"died at {way}": count
        for way, count in sorted(hangman.deaths.items())
    }
    show(
        f"the account of {sum(hangman.deaths.values())} kills, seed {seed}",
        {
            **deaths,
            "connections of the scheduler": scheduler.connections,
            **dict(sorted(account.counts.items())),
            "events published": len(feed.published),
            "events fetched by number": feed.fetched,
            "processes that ran": len(account.testimonies),
            "seconds": round(time.monotonic() - began),
            "faults": len(faults),
        },
    )
    if faults:
        raise Fault("\n    ".join([f"{len(faults)} faults:", *faults[:10]]))


def _left_behind(stage: Stage, witness: Witness) -> list[str]:
    """What is there although everything has been deleted: as a worker sees it that has just started."""
    stage.stop()
    stage.start()
    faults = [f"processes {running} still run"] if (running := witness.running()) else []
    orphans = stage.check("orphans")["message"]
    if "no container of this worker's own without" not in orphans:
        faults.append(orphans)
    if left := stage.ask("list")["containers"]:
        faults.append(f"containers are left: {left}")
    if stage.emulator:
        layers = [path.name for path in stage.emulator.root.rglob("box-*")]
        if layers:
            faults.append(f"the emulator keeps layers of {layers}")
    else:
        faults += remains(stage.state_dir)
    return faults
