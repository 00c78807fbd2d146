"""The stage of a trial: an emulator service, and one worker after another on the same endpoints and state."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest
import zmq

from emulator import Emulator
from wire import Deadline, Dealer
from worker import Worker

DIED = {137, -9}


class Fault(Exception):
    """A promise that was not kept."""


class Skipped(Exception):
    """A trial that this machine cannot hold."""


class Stage:
    """One host, whose workers come and go."""

    def __init__(
        self,
        folder: Path,
        *,
        faults: list[dict] | None = None,
        settings: str = "",
        state_dir: Path | None = None,
        driver: str = "emulator",
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.state_dir = folder, state_dir or folder / "state"
        self.commands, self.events = f"ipc://{folder}/commands", f"ipc://{folder}/events"
        # Where it serves too.
        self.remote: tuple[list[str], list[str]] = ([], [])
        self.context = zmq.Context()
        self.context.max_sockets = 4096
        self.config = folder / "worker.yaml"
        self.driver, self.emulator = driver, None
        service = ""
        if driver == "emulator":
            self.emulator = Emulator(folder / "service", faults=faults).await_ready()
            service = f"emulator_socket: {self.emulator.socket}\n"
        self.config.write_text(f"{service}host: stage\n{settings}")
        self.worker: Worker | None = None

    def launch(self, **variables: str) -> Worker:
        """Starts a worker and does not wait for it."""
        self.worker = Worker(
            self.state_dir,
            commands=[self.commands, *self.remote[0]],
            events=[self.events, *self.remote[1]],
            config=self.config,
            variables=variables,
            driver=self.driver,
        )
        return self.worker

    def start(self, **variables: str) -> Worker:
        """Starts a worker and waits until it serves."""
        return self.launch(**variables).await_ready()

    def await_ready_or_death(self) -> bool:
        """Waits until the worker serves; False where it died before, as it was told to."""
        try:
            self.worker.await_ready()
            return True
        except pytest.fail.Exception as failure:
            if self.worker.process.poll() in DIED:
                return False
            raise Fault(str(failure)) from None

    def dealer(self) -> Dealer:
        """A scheduler of its own."""
        return Dealer(self.context, self.commands)

    def ask(self, method: str, within: float = 60.0, **keys: object) -> dict:
        """One answer, over as many workers as it takes."""
        end = time.monotonic() + within
        while True:
            dealer = self.dealer()
            try:
                return dealer.result(dealer.request(method, **keys), timeout=3)
            except TimeoutError:
                if time.monotonic() > end:
                    raise Fault(f"{method}: no answer within {within} s") from None
            finally:
                dealer.close()

    def every_event(self) -> list[dict]:
        """What `events` tells from the first to the last."""
        found: list[dict] = []
        while True:
            page = self.ask("events", after=found[-1]["seq"] if found else 0)
            found += page["events"]
            if not page["events"] or found[-1]["seq"] >= page["last_seq"]:
                return found

    def every_record(self) -> list[dict]:
        """Every page of `snapshot`."""
        found: list[dict] = []
        after: dict[str, object] = {}
        while True:
            page = self.ask("snapshot", **after)
            found += page["containers"]
            if "next" not in page:
                return found
            after = {"after": page["next"]}

    def until(self, name: str, ok: bool, within: float = 30.0) -> dict:
        """Asks for `health` until that check says so."""
        deadline = Deadline(within)
        while (check := self.check(name))["ok"] is not ok:
            require(not deadline.passed, f"health still says {check}")
        return check

    def check(self, name: str) -> dict:
        """One check of `health`."""
        return next(check for check in self.ask("health")["checks"] if check["name"] == name)

    def rows(self, table: str) -> int:
        """How many rows a table of the journal has, while no worker has it."""
        database = sqlite3.connect(self.state_dir / "journal.sqlite")
        try:
            return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        finally:
            database.close()

    def stop(self) -> None:
        """Tells the worker to stop, which leaves containers running."""
        self.worker.stop()

    def close(self) -> None:
        """Ends whatever is left."""
        if self.worker and not self.worker.process.stdout.closed:
            self.worker.kill()
        # It ends every container that is left.
        if self.emulator and self.emulator.process.poll() is None:
            self.emulator.stop()
        self.context.destroy(0)


def require(holds: object, text: object) -> None:
    """A promise."""
    if not holds:
        raise Fault(str(text))


def show(title: str, rows: dict[str, object]) -> None:
    """A table for a person."""
    print(f"  {title}")
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        print(f"    {name:<{width}}  {value if isinstance(value, str) else json.dumps(value)}", flush=True)
