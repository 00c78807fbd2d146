"""A journal that was damaged between two starts: a clear error, and never a silent new beginning."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from stage import Fault, Stage, require, show
from trial import Trial

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
        _siblings(stage, outcomes)
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
    if str(journal) not in said or not any(word in said for word in ("restore it", "move it away")):
        return f"FAULT: the error names neither the file nor what to do: {said}"
    # The first page holds SQLite's own counters, and opening it may have added an empty page.
    kept = slice(PAGE, len(before) // PAGE * PAGE)
    if journal.read_bytes()[kept] != before[kept]:
        return "FAULT: the file was changed"
    return "refused, exit code 78"


def _siblings(stage: Stage, outcomes: dict[str, str]) -> None:
    """What lies beside the journal after a kill: the log that is not in it yet, and that log's index."""
    stage.start()
    stage.ask("delete", id="box-0")
    story = stage.every_event()
    stage.worker.kill()
    index, log = (stage.state_dir / f"journal.sqlite-{suffix}" for suffix in ("shm", "wal"))
    require(index.exists() and log.stat().st_size > 0, "a kill leaves the write-ahead log behind")
    index.unlink()
    stage.start()
    told = stage.every_event()
    require(told[: len(story)] == story, "the index is made anew from the log, and nothing is missing")
    outcomes["without its -shm"] = "made anew, nothing missing"
    stage.worker.kill()
    log.unlink()
    index.unlink()
    stage.start()
    last = stage.ask("snapshot")["last_seq"]
    outcomes["without its -wal"] = (
        f"what was not in the journal yet is gone: seq goes on at {last} instead of {told[-1]['seq'] + 1}"
    )
