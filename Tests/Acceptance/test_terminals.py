"""Every verb at a terminal of 50, 80 and 200 columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import Terminal

WIDTHS = [50, 80, 200]
# What the program may send to a terminal besides text: colours, the cursor's place and whether it is seen.
SEQUENCES = re.compile(r"\x1b\[(?:[0-9;]*[mHJK]|\?25[lh]|2J)")
INTERRUPT = b"\x03"


@pytest.fixture
def terminal(worker) -> Iterator[Callable[..., Terminal]]:
    """`terminal(*words, columns=)`: a command at a terminal that is gone after the test."""
    made: list[Terminal] = []

    def make(*words: str, columns: int) -> Terminal:
        made.append(Terminal(worker, *words, columns=columns))
        return made[-1]

    yield make
    for terminal in made:
        terminal.close()


def lines(output: bytes) -> list[str]:
    """What is seen, line by line; nothing else may have been sent."""
    text = SEQUENCES.sub("", output.decode())
    assert not re.search(r"[^\x20-\x7e\r\n\u00a0-\U0010ffff]", text), text
    return text.replace("\r", "").split("\n")


def columns(line: str) -> int:
    """How many columns a line takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def fits(output: bytes, width: int) -> None:
    for line in lines(output):
        assert columns(line) <= width, line


@pytest.fixture
def running(containers) -> str:
    """A container with a long command and labels, some of it in wide letters."""
    script = "echo ready; : 日本語日本語日本語日本語; exec /bin/sleep 100000"
    labels = {"application": "shop", "tier": "front", "note": "日本語" * 5}
    id = containers.name("a-name-that-is-rather-long-for-a-container")
    return containers.ready(script, id=id, labels=labels)


# Verbs that print something and end: their words, whether their lines fit, and their exit code.
PLAIN: dict[str, tuple[list[str], bool, int]] = {
    "ps": (["ps", "-a"], True, 0),
    "ps -q": (["ps", "-q"], True, 0),
    "inspect": (["inspect", "{id}"], False, 0),
    "logs": (["logs", "--tail", "1", "-t", "{id}"], True, 0),
    "version": (["version"], False, 0),
    "health": (["health"], False, 0),
    "ping": (["ping"], True, 0),
    "drain": (["drain"], True, 0),
    "drain --undo": (["drain", "--undo"], True, 0),
    "events": (["events", "--after", "0", "--no-follow"], False, 0),
    "stats --no-stream": (["stats", "--no-stream"], True, 0),
    "top --no-stream": (["top", "--no-stream", "{id}"], True, 0),
    "stop": (["stop", "-t", "1", "{id}"], True, 0),
    "kill": (["kill", "-9", "{id}"], True, 0),
    "signal": (["signal", "{id}", "HUP"], True, 0),
    "rm -f": (["rm", "-f", "{id}"], True, 0),
    "restart": (["restart", "-t", "1", "{id}"], True, 0),
    # The emulator enforces no limits, and the command says so.
    "update": (["update", "--memory", "64m", "{id}"], False, 1),
    "resize": (["resize", "{id}", "100", "30"], False, 1),
    "pause": (["pause", "{id}"], False, 1),
    "resume": (["resume", "{id}"], False, 1),
    "wait": (["wait", "{ended}"], True, 0),
    "start": (["start", "{created}"], True, 0),
    "run": (["run", "--rm", "/bin/echo", "hi"], True, 0),
    "run -it": (["run", "--rm", "-it", "/bin/echo", "hi"], True, 0),
    "create": (["create", "--name", "{new}", "/bin/true"], True, 0),
    "exec": (["exec", "{id}", "/bin/echo", "hi"], True, 0),
    "attach": (["attach", "{ended}"], True, 0),
    "cp": (["cp", "{id}:/etc/hostname", "{dir}/copy"], True, 0),
    "context list": (["context", "list"], True, 0),
    "man": (["man", "ps"], False, 0),
    "config dump": (["config", "dump"], False, 0),
    "config check": (["config", "check", "--state-dir", "{dir}"], True, 0),
    "help": (["--help"], False, 0),
    "an unknown verb": (["rum"], True, 64),
    "an unknown option": (["ps", "--colour"], False, 64),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", PLAIN)
def test_verb(verb: str, width: int, running: str, containers, client, terminal, tmp_path: Path) -> None:
    words, must_fit, code = PLAIN[verb]
    makers = {
        "{id}": lambda: running,
        "{ended}": lambda: containers.ended("exit 0")[0],
        "{created}": lambda: containers.run("/bin/true", start=False),
        "{new}": containers.name,
        "{dir}": lambda: str(tmp_path),
    }

    def filled(word: str) -> str:
        for name, make in makers.items():
            if name in word:
                word = word.replace(name, make())
        return word

    session = terminal(*map(filled, words), columns=width)
    ended = session.end()
    client.call("drain", undo=True)
    assert ended == code, session.output
    (fits if must_fit else lambda output, _: lines(output))(session.output, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", ["stats", "top"])
def test_live_table(verb: str, width: int, running: str, terminal) -> None:
    session = terminal(verb, *([running] if verb == "top" else []), columns=width)
    # The second table is drawn over the first.
    session.read_until(lambda output: output.count(b"\x1b[H") >= 2)
    session.type(INTERRUPT)
    assert session.end() == 0
    assert session.output.rfind(b"\x1b[?25h") > session.output.rfind(b"\x1b[?25l") >= 0, "the cursor is seen again"
    for table in session.output.split(b"\x1b[H")[1:]:
        fits(table.replace(b"^C", b""), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_session_in_a_container(width: int, containers, terminal) -> None:
    """A shell knows the terminal's size and its changes, and is left and joined again."""
    id = containers.name()
    session = terminal("run", "-it", "--name", id, "/bin/sh", columns=width)
    session.type(b"stty size; echo do''ne\r")
    session.read_until(lambda output: b"done" in output)
    assert f"24 {width}".encode() in session.output
    session.resize(width + 7, 30)
    session.type(b"while ! stty size | grep -q '^30 '; do :; done; stty size; echo re''sized\r")
    session.read_until(lambda output: b"resized" in output)
    assert f"30 {width + 7}".encode() in session.output
    session.type(b"\x10\x11")
    assert session.end() == 0 and f"{id} goes on".encode() in session.output
    again = terminal("attach", "-it", "--detach-keys", "ctrl-x", id, columns=width)
    again.type(b"echo jo''ined\r")
    again.read_until(lambda output: b"joined" in output)
    again.type(b"\x18")
    assert again.end() == 0
    last = terminal("attach", "-it", id, columns=width)
    last.type(b"exit 5\r")
    assert last.end() == 5


@pytest.mark.parametrize("width", WIDTHS)
def test_events_and_logs_end_with_ctrl_c(width: int, running: str, containers, terminal) -> None:
    events = terminal("events", "--after", "0", columns=width)
    events.read_until(lambda output: running.encode() in output)
    events.type(INTERRUPT)
    assert events.end() == 0
    logs = terminal("logs", "-f", "-t", running, columns=width)
    logs.read_until(lambda output: b"ready" in output)
    logs.type(INTERRUPT)
    assert logs.end() == 0


def test_prune_asks(containers, terminal, client) -> None:
    id, _ = containers.ended("exit 0")
    no = terminal("prune", "--filter", f"name=^{id}$", columns=80)
    no.read_until(lambda output: b"[y/N]" in output)
    no.type(b"n\r")
    assert no.end() == 1
    assert client.call("state", id=id)["state"] == "stopped"
    yes = terminal("prune", "--filter", f"name=^{id}$", columns=80)
    yes.read_until(lambda output: b"[y/N]" in output)
    yes.type(b"y\r")
    assert yes.end() == 0
    client.refused("not_found", "state", id=id)


def test_the_beginning_of_a_name_is_enough_at_a_terminal(containers, terminal, client) -> None:
    id = containers.idle(id=containers.own("beginning-of-a-name"))
    session = terminal("stop", "-t", "1", "beginning", columns=80)
    assert session.end() == 0 and b"beginning is beginning-of-a-name" in session.output
    assert client.call("state", id=id)["state"] == "stopped"
