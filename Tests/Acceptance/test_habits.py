"""What users type by habit works, or the message says what to type instead."""

from __future__ import annotations

import select
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from cli import client_environment, run
from worker import binary

LINES = [
    tuple(part.strip() for part in line.rsplit(" => ", 1))
    for line in Path(__file__).with_name("habits.txt").read_text().splitlines()
    if line and not line.startswith("#")
]

def test_there_are_enough_of_them() -> None:
    assert len({line for line, _ in LINES}) == len(LINES) >= 200

class Stage:
    """What a line needs to be run."""

    def __init__(self, containers, folder: Path):
        self.containers, self.folder = containers, folder

    def words(self, line: str) -> list[str]:
        """The words of a line, each placeholder with something that is made for it."""
        words = shlex.split(line)[1:] if not line.startswith("kill") else shlex.split(line)
        return [self.filled(word) for word in words]

    def filled(self, word: str) -> str:
        makers = {
            "{running}": lambda: self.containers.ready("echo ready; exec /bin/sleep 100000"),
            "{stopped}": lambda: self.containers.ended("echo out; echo err >&2")[0],
            "{created}": lambda: self.containers.run("/bin/true", start=False),
            "{begin}": lambda: self.containers.idle()[:-1],
            "{gone}": lambda: "no-such-container",
            "{new}": lambda: self.containers.name("new"),
            "{dir}": lambda: str(self.folder),
            "{file}": self.file,
        }
        for name, make in makers.items():
            if name in word:
                word = word.replace(name, make())
        return word

    def file(self) -> str:
        path = self.folder / "environment"
        path.write_text("# a file of variables\nA=1\n")
        return str(path)

@pytest.mark.parametrize("line, expected", LINES, ids=[line for line, _ in LINES])
def test_habit(line: str, expected: str, worker, client, containers, tmp_path: Path) -> None:
    words = Stage(containers, tmp_path).words(line)
    if expected == "runs":
        return goes_on(words, worker, containers)
    ended = run(worker, *words, stdin=b"input\n", cwd=tmp_path)
    text = ended.stderr.decode()
    remove_unnamed(client, containers)
    client.call("drain", undo=True)
    if expected == "ok":
        assert ended.returncode == 0, text
    elif expected.startswith("exit "):
        assert ended.returncode == int(expected.removeprefix("exit ")), text
    else:
        assert ended.returncode != 0, ended.stdout
        assert expected.removeprefix("says ") in " ".join(text.split()), text

def goes_on(words: list[str], worker, containers) -> None:
    """It shows something of what happens, and Ctrl-C ends it."""
    process = subprocess.Popen(
        [binary(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=client_environment(worker)
    )
    try:
        # The first events may be too early for it.

        while not select.select([process.stdout], [], [], 0.5)[0]:
            containers.run("/bin/true")
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()

def remove_unnamed(client, containers) -> None:
    """Containers that the line gave a random name go with the others."""
    for record in client.call("list")["containers"]:
        if record["id"] not in containers.ids:
            containers.own(record["id"])
