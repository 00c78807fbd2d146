"""One thread of another process that stands still again and again, as on a machine that has no time for it."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from stage import Skipped, require

SEIZE, INTERRUPT, CONTINUE, DETACH = 0x4206, 0x4207, 7, 17
# Threads of another process are waited for by this alone.
ALL = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.restype = ctypes.c_long
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def threads(pid: int, name: str) -> list[int]:
    """The threads of a process that have this name."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            if task.joinpath("comm").read_text().strip() == name:
                found.append(int(task.name))
    return found


class Stalled:
    """Holds a thread for so many seconds, lets it run for a twentieth of that, and so on, until it is left."""

    def __init__(self, pid: int, name: str, seconds: float):
        found = threads(pid, name)
        require(len(found) == 1, f"{len(found)} threads of {pid} are called {name}")
        self.tid, self.seconds = found[0], seconds
        self.turns = 0
        self._error: OSError | None = None
        self._began, self._ending = threading.Event(), threading.Event()
        # A tracer is a thread, not a process.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Stalled:
        self._thread.start()
        self._began.wait()
        if self._error:
            raise Skipped(f"no thread of another process can be held here: {self._error}")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()

    def _ptrace(self, request: int, number: int = 0) -> None:
        if LIBC.ptrace(request, self.tid, None, number) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def _run(self) -> None:
        try:
            self._ptrace(SEIZE)
        except OSError as error:
            self._error = error
        self._began.set()
        with suppress(OSError):
            while not self._error and not self._ending.is_set():
                self._hold()
                self.turns += 1
            if not self._error:
                self._stop()
                self._ptrace(DETACH)

    def _stop(self) -> None:
        """Stops the thread; a signal that comes to it in between is passed on."""
        self._ptrace(INTERRUPT)
        while True:
            _, status = os.waitpid(self.tid, ALL)
            if status >> 16 or not os.WIFSTOPPED(status) or os.WSTOPSIG(status) == signal.SIGTRAP:
                return
            self._ptrace(CONTINUE, os.WSTOPSIG(status))

    def _hold(self) -> None:
        self._stop()
        self._ending.wait(self.seconds)
        self._ptrace(CONTINUE)
        self._ending.wait(self.seconds / 20)
