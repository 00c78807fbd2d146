"""A disk without room: nothing is told that is not kept, the worker stays up, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector import Feed
from stage import Skipped, Stage, require, show
from trial import Trial
from wire import Deadline, Failure

SIZE = 4 << 20


@contextmanager
def small_disk(path: Path, size: int = SIZE) -> Iterator[Path]:
    """A file system of so many bytes."""
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    if os.geteuid() != 0:
        raise Skipped("a small file system is needed, and only root can mount one")
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode != 0:
        raise Skipped(f"a small file system is needed, and cannot be mounted: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(path: Path) -> Path:
    """Leaves no byte free."""
    filler = path / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                pass
    return filler


def full_disk(trial: Trial) -> None:
    """Fills the state directory's file system while containers end."""
    with small_disk(trial.folder / "disk") as disk:
        stage = Stage(trial.folder / "stage", state_dir=disk)
        try:
            _full(stage, trial.folder, disk)
        finally:
            stage.close()


def _refusals(stage: Stage) -> None:
    """What has to be remembered is refused for now; what has not goes on."""
    spec = {"process": {"args": ["/bin/true"]}}
    dealer = stage.dealer()
    try:
        for keys in ({"id": "other", "spec": spec, "request_id": "again"}, {"id": "other", "spec": spec}):
            error = dealer.refused("unavailable", "create", **keys)
            require(error["retryable"] and error["details"]["retry_after_ms"] > 0, error)
        require(dealer.refused("unavailable", "delete", id="runs", force=True)["retryable"], "delete is refused")
        require(dealer.call("state", id="runs")["state"] in ("running", "stopping"), "state is told")
        require(dealer.call("health")["live"] and not dealer.call("health")["ready"], "live, and not ready")
    finally:
        dealer.close()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _full(stage: Stage, folder: Path, disk: Path) -> None:
    stage.start()
    feed = Feed(stage)
    feed.start()
    gate = folder / "gate"
    script = f"while [ ! -e {gate} ]; do sleep 0.05; done; exit 7"
    for number in range(10):
        stage.ask("create", id=f"ends-{number}", spec={"process": {"args": ["/bin/sh", "-c", script]}})
    pid = stage.ask("create", id="runs", spec={"process": {"args": ["/bin/sleep", "100000"]}})["pid"]
    filler = fill(disk)
    gate.touch()
    # The log may have room for some more of its own: it is used up.
    busy, deadline, sent = stage.dealer(), Deadline(60), 0
    while stage.check("journal")["ok"]:
        require(not deadline.passed, "the disk is full, and health does not say so")
        for _ in range(50):
            sent += 1
            busy.request("create", id=f"more-{sent}", spec={"process": {"args": ["/bin/true"]}}, request_id=f"m{sent}")
    trouble = stage.check("journal")["message"]
    _refusals(stage)
    # A container can be stopped without a disk; that is told when it can be kept.
    stopping = stage.dealer()
    stopped = stopping.request("stop", id="runs", grace_ms=0, request_id="stop-runs")
    deadline = Deadline(30)
    while _runs(pid):
        require(not deadline.passed, "a container cannot be stopped while the disk is full")
    require(stage.worker.process.poll() is None, "the worker stays up")
    filler.unlink()
    stage.until("journal", True)
    require(stopping.result(stopped)["exit"]["reason"] in ("terminated", "signalled"), "the stop is answered")
    for number in range(10):
        exit = stage.ask("wait", id=f"ends-{number}")["exit"]
        require(exit["code"] == 7 and exit["known"], exit)
    created = stage.ask("create", id="other", spec={"process": {"args": ["/bin/true"]}}, request_id="again")
    require(created["id"] == "other", "what was refused can be sent again")
    made = refused = 0
    for number in range(1, sent + 1):
        reply = busy.reply(999 + number)
        if reply.error is None:
            made += 1
        else:
            require(reply.error["code"] == "unavailable" and reply.error["retryable"], reply.error)
            refused += 1
    for record in stage.every_record():
        try:
            stage.ask("wait", id=record["id"])
        except Failure as failure:
            require(failure.code == "not_found", failure)
    feed.end()
    require(feed.fault is None, feed.fault)
    require(feed.events == stage.every_event(), "the stream has everything, without a gap")
    kinds = [event["type"] for event in feed.events]
    require(kinds.count("exit") == made + 12 == kinds.count("start"), f"{kinds.count('exit')} exits of {made + 12}")
    for peer in (busy, stopping):
        peer.close()
    show(
        f"a full disk of {SIZE >> 20} MiB",
        {
            "health said": trouble,
            "creations before it was full, and refused after": [made, refused],
            "exits told once there was room": kinds.count("exit"),
            "last seq, without a gap": feed.last,
        },
    )
