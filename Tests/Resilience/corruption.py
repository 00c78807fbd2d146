"""A journal that was damaged between two starts: a clear error, and never a silent new beginning or a changed fact."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from stage import Fault, Stage, require, show
from trial import Trial
from wire import Failure

REFUSED = 78
PAGE = 4096


def overwrite(path: Path, offset: int, length: int) -> None:
    """Puts nonsense in the place of something."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes(range(1, 256)) * (length // 255 + 1) if length > 255 else b"x" * length)


def roots(journal: Path) -> dict[str, int]:
    """The first page of every table."""
    database = sqlite3.connect(journal)
    try:
        return dict(database.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"))
    finally:
        database.close()


def settle(journal: Path) -> None:
    """Brings everything from the write-ahead log into the file."""
    database = sqlite3.connect(journal)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def truncate(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def corruption(trial: Trial) -> None:
    """Damages copies of one journal in every way, and starts a worker on each."""
    stage = Stage(trial.folder)
    try:
        stage.start()
        for number in range(20):
            spec = {"process": {"args": ["/bin/sh", "-c", "exit 0"]}}
            stage.ask("create", id=f"box-{number}", spec=spec, request_id=f"r{number}")
            stage.ask("wait", id=f"box-{number}")
        stage.stop()
        journal = stage.state_dir / "journal.sqlite"
        settle(journal)
        size = journal.stat().st_size
        tables = roots(journal)
        ways: dict[str, Callable[[Path], None]] = {
            "header": lambda path: overwrite(path, 0, 100),
            "schema": lambda path: overwrite(path, 100, 200),
            **{
                f"table {name}": lambda path, page=page: overwrite(path, (page - 1) * PAGE, 200)
                for name, page in tables.items()
                if name in ("host", "event", "container", "request")
            },
            "cut in half": lambda path: truncate(path, size // 2 // PAGE * PAGE),
            "cut within a page": lambda path: truncate(path, size - PAGE // 2),
            "cut to nothing": lambda path: truncate(path, 0),
        }
        undamaged = stage.state_dir
        outcomes = {}
        for name, damage in ways.items():
            stage.state_dir = trial.folder / f"state-{name.replace(' ', '-')}"
            shutil.copytree(undamaged, stage.state_dir)
            damage(stage.state_dir / "journal.sqlite")
            outcomes[name] = _refused(stage)
        stage.state_dir = undamaged
        _siblings(stage, trial.folder, outcomes)
        _flips(stage, trial, outcomes)
        show("the journal, damaged between two starts", outcomes)
        if faults := [f"{name}: {outcome}" for name, outcome in outcomes.items() if outcome.startswith("FAULT")]:
            raise Fault("\n    ".join(faults))
    finally:
        stage.close()


def _refused(stage: Stage) -> str:
    """The worker does not start, says why, and leaves everything as it is."""
    journal = stage.state_dir / "journal.sqlite"
    before = journal.read_bytes()
    worker = stage.launch()
    try:
        worker.await_ready()
    except pytest.fail.Exception:
        require(worker.process.poll() is not None, "it neither starts nor ends")
    else:
        worker.kill()
        return "FAULT: it started as if nothing had happened"
    said = worker.output().partition("windlass: ")[2]
    if worker.process.poll() != REFUSED:
        return f"FAULT: exit code {worker.process.poll()}: {worker.output()[-500:]}"
    if str(journal) not in said or not any(word in said.lower() for word in ("restore it", "move it away")):
        return f"FAULT: the error names neither the file nor what to do: {said}"
    # The first page holds SQLite's own counters, and opening it may have added an empty page.
    kept = slice(PAGE, len(before) // PAGE * PAGE)
    if journal.read_bytes()[kept] != before[kept]:
        return "FAULT: the file was changed"
    return "refused, exit code 78"


def _siblings(stage: Stage, folder: Path, outcomes: dict[str, str]) -> None:
    """What lies beside the journal after a kill: the log that is not in it yet, and that log's index."""
    stage.start()
    stage.ask("delete", id="box-0")
    story = stage.every_event()
    stage.worker.kill()
    killed = stage.state_dir
    require((killed / "journal.sqlite-wal").stat().st_size > 0, "a kill leaves the write-ahead log behind")
    for suffixes in (["shm"], ["wal"], ["wal", "shm"]):
        name = f"without its {' and '.join(f'-{suffix}' for suffix in suffixes)}"
        stage.state_dir = folder / f"state-{name.replace(' ', '-')}"
        shutil.copytree(killed, stage.state_dir)
        for suffix in suffixes:
            (stage.state_dir / f"journal.sqlite-{suffix}").unlink()
        if suffixes == ["shm"]:
            stage.start()
            require(stage.every_event()[: len(story)] == story, "the index is made anew from the log")
            outcomes[name] = "made anew, nothing missing"
            stage.worker.kill()
        else:
            outcomes[name] = _refused(stage)
    stage.state_dir = killed


class Facts:
    """Everything that a worker reports of what it has kept."""

    def __init__(self, stage: Stage, requests: list[dict]):
        dealer = stage.dealer()
        try:
            self.records = {record["id"]: record for record in dealer.call("snapshot")["containers"]}
            self.answers: list[dict | str] = []
            for request in requests:
                try:
                    self.answers.append(dealer.call("create", **request))
                except Failure as failure:
                    self.answers.append(failure.code)
            self.events: list[dict] | str = []
            try:
                self.events = stage.every_event()
            except Failure as failure:
                self.events = failure.code
        finally:
            dealer.close()

    def differences(self, before: Facts) -> list[str]:
        """What is not as it was, and is not reported as lost either."""
        found = [f"record of {id}" for id, record in before.records.items() if self.records.get(id) != record]
        found += [f"record of {id}, which is new" for id in self.records.keys() - before.records.keys()]
        if self.events != "data_loss" and self.events[: len(before.events)] != before.events:
            found.append("events")
        pairs = zip(before.answers, self.answers, strict=True)
        return found + [f"answer {number}" for number, (old, new) in enumerate(pairs) if new not in (old, "data_loss")]


def _flips(stage: Stage, trial: Trial, outcomes: dict[str, str]) -> None:
    """Flips one bit at a time, in the journal at rest and in the log of a worker that was killed."""
    draw = random.Random(f"{trial.seed}/corruption")
    requests = [
        {"id": f"flip-{number}", "spec": {"process": {"args": ["/bin/sh", "-c", "exit 3"]}}, "request_id": f"f{number}"}
        for number in range(6)
    ]
    stage.start()
    for request in requests:
        stage.ask("create", **request, labels={"value": request["id"]})
        stage.ask("wait", id=request["id"])
    requests = [request | {"labels": {"value": request["id"]}} for request in requests]
    before = Facts(stage, requests)
    stage.worker.kill()
    killed = stage.state_dir
    stage.state_dir = trial.folder / "state-at-rest"
    shutil.copytree(killed, stage.state_dir)
    stage.start()
    stage.stop()
    for base, name in ((stage.state_dir, "journal.sqlite"), (killed, "journal.sqlite-wal")):
        size = (base / name).stat().st_size
        counts: Counter[str] = Counter()
        for number in range(250 if trial.long else 15):
            bit = draw.randrange(size * 8)
            stage.state_dir = trial.folder / f"flip-{name}-{number}"
            shutil.copytree(base, stage.state_dir)
            with (stage.state_dir / name).open("r+b") as file:
                file.seek(bit // 8)
                byte = file.read(1)[0]
                file.seek(bit // 8)
                file.write(bytes([byte ^ 1 << bit % 8]))
            counts[_flipped(stage, before, requests, f"bit {bit} of {name}")] += 1
            shutil.rmtree(stage.state_dir)
        outcomes[f"one bit of {name}"] = ", ".join(f"{count} {what}" for what, count in counts.items())
    stage.state_dir = killed


def _flipped(stage: Stage, before: Facts, requests: list[dict], which: str) -> str:
    """Whether it was refused, reported, or changed nothing."""
    worker = stage.launch()
    try:
        worker.await_ready()
    except pytest.fail.Exception:
        require(
            worker.process.poll() == REFUSED, f"{which}: exit code {worker.process.poll()}: {worker.output()[-500:]}"
        )
        require(str(stage.state_dir / "journal.sqlite") in worker.output(), f"{which}: {worker.output()[-500:]}")
        return "refused"
    try:
        try:
            facts = Facts(stage, requests)
        except Failure as failure:
            require(failure.code == "unavailable" and "the journal cannot be" in worker.output(), f"{which}: {failure}")
            return "reported"
        differences = facts.differences(before)
        is_reported = "the journal is damaged" in worker.output()
        require(not differences or is_reported, f"{which}: {differences[:3]} changed, and that is not reported")
        if is_reported:
            return "reported"
        require(facts.events != "data_loss" and "data_loss" not in facts.answers, f"{which}: data_loss, not in the log")
        return "without effect"
    finally:
        worker.kill()
