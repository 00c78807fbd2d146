"""A real `windlass worker` process, started, watched and stopped."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

from wire import Deadline

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 30.0
STOPPED_WITHIN = 30.0


def binary() -> str:
    """The program under test."""
    candidates = [os.environ.get("WINDLASS_BINARY"), ROOT / ".build/release/windlass", ROOT / ".build/debug/windlass"]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    pytest.fail("no windlass binary: run `swift build` or set WINDLASS_BINARY", pytrace=False)


def environment() -> dict[str, str]:
    """This process's environment without the worker's own settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WINDLASS_")}


class Worker:
    """One worker process."""

    started: ClassVar[list[Worker]] = []

    def __init__(
        self,
        state_dir: Path,
        *,
        commands: list[str] | None = None,
        events: list[str] | None = None,
        http: list[str] | None = None,
        config: Path | None = None,
        host: str | None = None,
        faults: Path | None = None,
        own_service: bool = False,
        pass_fds: list[int] | None = None,
        variables: dict[str, str] | None = None,
        log_file: Path | None = None,
        driver: str = "emulator",
        before: list[str] | None = None,
    ):
        state_dir.mkdir(parents=True, exist_ok=True)
        self.host, self.state_dir, self.log = (
            host,
            state_dir,
            state_dir.with_name(f"{state_dir.name}.{len(Worker.started)}.log"),
        )
        arguments = [*(before or []), binary(), "worker", "--driver", driver, "--state-dir", str(state_dir)]
        for endpoint in commands or ["tcp://127.0.0.1:*"]:
            arguments += ["--commands", endpoint]
        for endpoint in events or ["tcp://127.0.0.1:*"]:
            arguments += ["--events", endpoint]
        # Workers stand side by side here: only those that are asked for their metrics serve them.
        chooses = config is not None and config.exists() and b"http:" in config.read_bytes()
        for endpoint in http or ([] if chooses else ["none"]):
            arguments += ["--http", endpoint]
        given = {"--config": config, "--host": host, "--emulator-faults": faults, "--log-file": log_file}
        for flag, value in given.items():
            arguments += [flag, str(value)] if value else []
        # A container that outlived its test would stay, so only those that ask for a service have one.
        names_service = config is not None and config.exists() and b"emulator_socket" in config.read_bytes()
        arguments += [] if own_service or names_service or driver != "emulator" else ["--emulator-in-process"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment() | (variables or {}),
                pass_fds=pass_fds or [],
                # A terminal that the tests may have is none of the worker's.
                start_new_session=True,
            )
        self.pid = self.process.pid
        self.ready: dict = {}
        Worker.started.append(self)

    @property
    def commands(self) -> str:
        return self.ready["commands"][0]

    @property
    def events(self) -> str:
        return self.ready["events"][0]

    def await_ready(self) -> Worker:
        """Reads the one JSON line that says it serves."""
        line, deadline, poll = b"", Deadline(READY_WITHIN), select.poll()
        poll.register(self.process.stdout, select.POLLIN)
        while not line.endswith(b"\n"):
            if not poll.poll(deadline.left * 1000):
                pytest.fail(f"no ready line within {READY_WITHIN} s:\n{self.output()}", pytrace=False)
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                code = self.process.wait(5)
                pytest.fail(f"the worker ended with {code} before it was ready:\n{self.output()}", pytrace=False)
            line += piece
        self.ready = json.loads(line)
        assert self.ready["ready"] is True, self.ready
        assert self.ready["commands"] and self.ready["events"], self.ready
        assert not any(e.endswith((":*", ":0")) for e in self.ready["commands"] + self.ready["events"]), self.ready
        return self

    def output(self) -> str:
        """The end of its log, with JSON's escaped slashes undone."""
        return self.log.read_text(errors="replace").replace("\\/", "/")[-20_000:]

    def exit_code(self, within: float = STOPPED_WITHIN) -> int:
        """Waits for its end."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the worker still runs after {within} s:\n{self.output()}") from None

    def stop(self) -> None:
        """SIGTERM has to end it with 0 within the bound."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.exit_code()
        assert code == 0, f"the worker ended with {code}:\n{self.output()}"
        self.process.stdout.close()

    def kill(self) -> None:
        """Ends it at once, for clean-up."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()

    def status(self, field: str) -> int:
        """A size from /proc/PID/status, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field} of {self.pid}")


def running_with(marker: str) -> list[int]:
    """Processes of this machine that have `marker` as an argument of their command line (zombies have none)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in entry.joinpath("cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                pass
    return found
