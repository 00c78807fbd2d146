"""The examples in Python that the documentation prints do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from worker import Worker

ROOT = Path(__file__).resolve().parents[2]
# Each page, and what its example prints.
PAGES = {
    "README.md": [r"3 b'hi\\n'", "create", "start", "exit"],
    "Sources/ContainerProtocol/Documentation.docc/Protocol.md": [
        r"running|stopping|stopped",
        r"3 True",
        r"b'hi\\n'",
    ],
}


@pytest.mark.parametrize("page", PAGES)
def test_the_example_runs_as_printed(page: str, start_worker: Callable[..., Worker]) -> None:
    worker = start_worker()
    examples = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert len(examples) == 1
    # Only the ports differ: other workers may run on this machine.
    code = examples[0].replace("tcp://127.0.0.1:5770", worker.commands).replace("tcp://127.0.0.1:5771", worker.events)
    assert code.count(worker.commands) == 1 and code.count(worker.events) == 1
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Sources" / "Python")}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert len(lines) == len(PAGES[page])
    for line, expected in zip(lines, PAGES[page], strict=True):
        assert re.fullmatch(expected, line), run.stdout
