"""The command line as a program: run to its end, or at a terminal of a given size."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from pathlib import Path

from wire import Deadline
from worker import Worker, binary, environment

ENDED_WITHIN = 60.0


def run(
    worker: Worker, *words: str | bytes, stdin: bytes = b"", variables: dict | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess:
    """Runs a command against a worker, without a terminal."""
    return subprocess.run(
        [binary(), *words],
        input=stdin,
        capture_output=True,
        timeout=ENDED_WITHIN,
        env=client_environment(worker) | (variables or {}),
        cwd=cwd,
    )


def client_environment(worker: Worker) -> dict:
    """An environment whose command line speaks to this worker and knows no contexts of the user's."""
    home = worker.state_dir.with_name(worker.state_dir.name + "-home")
    home.mkdir(exist_ok=True)
    own = {"WINDLASS_WORKER": worker.commands, "WINDLASS_EVENTS": worker.events, "HOME": str(home), "LC_ALL": "C.UTF-8"}
    return environment() | {"XDG_CONFIG_HOME": str(home / ".config")} | own


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, worker: Worker, *words: str, columns: int = 80, rows: int = 24):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(binary(), [binary(), *words], client_environment(worker) | {"TERM": "xterm"})
        self.resize(columns, rows)
        self.output = b""
        self.code: int | None = None

    def resize(self, columns: int, rows: int = 24) -> None:
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def read_until(self, found, within: float = ENDED_WITHIN) -> bytes:
        """Reads until `found(output)` is true; the end of the command is an error then."""
        deadline = Deadline(within)
        while not found(self.output):
            assert self.read_some(deadline), f"it has ended: {self.output!r}"
        return self.output

    def read_some(self, deadline: Deadline) -> bool:
        """Reads what comes next; false where the command has closed its terminal."""
        ready, _, _ = select.select([self.descriptor], [], [], max(0.0, deadline.left))
        assert ready, f"nothing more comes: {self.output!r}"
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            piece = b""
        self.output += piece
        return bool(piece)

    def end(self, within: float = ENDED_WITHIN) -> int:
        """Reads to the end and returns the exit code."""
        deadline = Deadline(within)
        while self.read_some(deadline):
            pass
        return self.wait()

    def wait(self) -> int:
        if self.code is None:
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
            os.close(self.descriptor)
        return self.code

    def close(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
