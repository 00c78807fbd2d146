"""Every party is killed at every step: nothing hangs, no code is invented, nothing is left."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from supervisor import (
    BINARY,
    CREATED,
    CREATING,
    EXITED,
    FAILED,
    PATIENCE,
    RUNNING,
    Connection,
    Container,
    Gone,
)

Containers = Callable[[], Container]


def a_moment(chance: random.Random, most: float) -> None:
    """Lets a random time pass, to strike at a random step."""
    time.sleep(chance.uniform(0, most))


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def gated(container: Container) -> Path:
    """A runtime that waits for a line in a fifo before its create."""
    gate = container.bundle.parent / "gate"
    os.mkfifo(gate)
    script = container.bundle.parent / "gated"
    script.write_text(f'#!/bin/sh\nread line < {gate}\nexec {container.runtime} "$@"\n')
    script.chmod(0o755)
    return script


def test_the_supervisor_during_the_create(container: Container) -> None:
    assert container.launch("true", runtime=str(gated(container))) == 0
    while not (waiting := children(container.pid)):
        pass
    container.kill_supervisor()
    assert container.spool()[0].state == CREATING
    # The runtime goes on alone. What it makes is found by its id and deleted.
    handle = os.pidfd_open(waiting[0])
    (container.bundle.parent / "gate").write_text("\n")
    assert select.select([handle], [], [], PATIENCE)[0]
    os.close(handle)
    assert container.id.encode() in container.runtime_command("list").stdout
    container.remove()
    assert container.id.encode() not in container.runtime_command("list").stdout


def test_the_supervisor_after_the_create(container: Container) -> None:
    connection = container.create("sleep", "1000")
    container.kill_supervisor()
    facts, _ = container.spool()
    assert (facts.state, facts.pid, facts.start_time) == (
        CREATED,
        connection.facts[0].pid,
        connection.facts[0].start_time,
    )
    assert Path(f"/proc/{facts.pid}").exists()


def test_the_supervisor_after_the_exit(container: Container) -> None:
    connection = container.run("sh", "-c", "echo last; exit 42")
    connection.wait_state(EXITED)
    container.kill_supervisor()
    facts, streams = container.spool()
    assert (facts.state, facts.code, streams[1]) == (EXITED, 42, b"last\n")


def test_the_supervisor_at_any_time_never_announces_what_it_has_not_recorded(containers: Containers) -> None:
    chance = random.Random(1)
    for _ in range(15):
        container = containers()
        assert container.launch("sh", "-c", "echo word; exit 9") == 0
        connection = Connection(container.bundle).watch()
        connection.wait_state(CREATED)
        connection.start()
        a_moment(chance, 0.01)
        kill(container.pid)
        try:
            while True:
                connection.receive()
        except (Gone, OSError):
            pass
        container.wait_gone()
        facts, _ = container.spool()
        assert facts.state >= connection.facts[0].state
        if facts.state == EXITED:
            assert facts.code == 9
        if connection.facts[0].state == EXITED:
            assert facts.wait_status == connection.facts[0].wait_status


def test_the_runtime_during_the_create(containers: Containers) -> None:
    chance = random.Random(2)
    states = set()
    for _ in range(15):
        container = containers()
        assert container.launch("true") == 0
        a_moment(chance, 0.05)
        for child in children(container.pid):
            kill(child)
        try:
            connection = Connection(container.bundle).watch()
            state = connection.wait_state(CREATED).state
        except (Gone, OSError):
            container.wait_gone()
            state = container.spool()[0].state
        assert state in (FAILED, CREATED, EXITED)
        states.add(state)
        if state == FAILED:
            container.wait_gone()
    assert FAILED in states


def test_init_around_the_start(containers: Containers) -> None:
    chance = random.Random(3)
    for _ in range(15):
        container = containers()
        connection = container.create("sh", "-c", "exit 9")
        tag = connection.send(3)
        a_moment(chance, 0.004)
        kill(connection.facts[0].pid)
        connection.wait_for(tag)
        assert connection.wait_state(EXITED).code in (9, -signal.SIGKILL)
        assert len([facts for facts in connection.history if facts.state == EXITED]) == 1


def test_init_with_an_exec_under_way(containers: Containers) -> None:
    chance = random.Random(4)
    for _ in range(10):
        container = containers()
        connection = container.run("sleep", "1000")
        tag = connection.send_exec(container, "one", ["sleep", "1000"])
        a_moment(chance, 0.03)
        kill(connection.facts[0].pid)
        answer = connection.wait_for(tag)
        assert connection.wait_state(EXITED).code == -signal.SIGKILL
        if answer.error == 0:
            assert connection.wait_state(EXITED, answer.value).code == -signal.SIGKILL


def test_the_runtime_during_an_exec(container: Container) -> None:
    chance = random.Random(5)
    connection = container.run("sleep", "1000")
    init = connection.facts[0].pid
    for turn in range(15):
        tag = connection.send_exec(container, f"e{turn}", ["sleep", "1000"])
        a_moment(chance, 0.03)
        for child in children(container.pid):
            if child != init:
                kill(child)
        answer = connection.wait_for(tag)
        if answer.error == 0:
            connection.signal(signal.SIGKILL, answer.value)
            assert connection.wait_state(EXITED, answer.value).code == -signal.SIGKILL
    assert connection.facts[0].state == RUNNING
    assert connection.start().error == 0


def test_the_caller_during_the_launch(containers: Containers) -> None:
    chance = random.Random(6)
    for _ in range(15):
        container = containers()
        container.config["process"]["args"] = ["true"]
        (container.bundle / "config.json").write_text(json.dumps(container.config))
        command = [*container.enter, BINARY, "--bundle", container.bundle, "--id", container.id]
        command += ["--runtime", f"/usr/sbin/{container.runtime}", "--root", container.root]
        if not Path(command[command.index("--runtime") + 1]).exists():
            command[command.index("--runtime") + 1] = f"/usr/bin/{container.runtime}"
        caller = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        a_moment(chance, 0.01)
        caller.kill()
        caller.wait()
        pid_file = container.bundle / "supervisor.pid"
        socket = container.bundle / "supervisor.sock"
        # A process that forks can be missed by one look.
        looks = 0
        is_up = False
        while not is_up and looks < 5:
            is_up = socket.exists() and pid_file.exists() and pid_file.read_text().endswith("\n")
            looks += not any(_is_ours(container, path) for path in Path("/proc").glob("[0-9]*/cmdline"))
        try:
            connection = Connection(container.bundle).watch()
        except OSError:
            assert not is_up or not pid_file.exists()
            continue
        container.pid = int(pid_file.read_text().split()[0])
        assert connection.wait_state(CREATED).state == CREATED


def _is_ours(container: Container, path: Path) -> bool:
    try:
        return str(container.bundle).encode() in path.read_bytes()
    except OSError:
        return False


def test_the_worker_while_it_reads(container: Container) -> None:
    connection = container.run("sh", "-c", "seq 1 1000; sleep 1000", options=("--lossless",))
    end = connection.read_until(b"1000\n")
    for _ in range(5):
        worker = Connection(container.bundle).watch()
        worker.send_read(end)
        worker.send_read(0)
        worker.close()
    connection = Connection(container.bundle).watch()
    assert connection.read(0).next == end
    assert connection.signal(signal.SIGKILL).error == 0
    assert connection.wait_state(EXITED).code == -signal.SIGKILL
