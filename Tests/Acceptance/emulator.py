"""A real `windlass hcs-emulator` process, started, watched and stopped."""

from __future__ import annotations

import json
import select
import signal
import subprocess
from pathlib import Path

import pytest

from worker import READY_WITHIN, STOPPED_WITHIN, binary, environment


class Emulator:
    """One emulator service."""

    def __init__(self, folder: Path, *, faults: list[dict] | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.socket, self.root, self.log = folder / "emulator.sock", folder / "root", folder / "emulator.log"
        arguments = [binary(), "hcs-emulator", "--socket", str(self.socket), "--root", str(self.root)]
        if faults is not None:
            (folder / "faults.json").write_text(json.dumps(faults))
            arguments += ["--faults", str(folder / "faults.json")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment(), start_new_session=True
            )

    def await_ready(self) -> Emulator:
        """Waits for the line that says that it serves."""
        if not select.select([self.process.stdout], [], [], READY_WITHIN)[0]:
            pytest.fail(f"the emulator was not ready in time: {self.output()}")
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(f"the emulator ended with {self.exit_code()}: {self.output()}")
        assert json.loads(line) == {"ready": True, "socket": str(self.socket)}
        return self

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def exit_code(self) -> int:
        return self.process.wait(STOPPED_WITHIN)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOPPED_WITHIN)
