"""Processes beside init."""

from __future__ import annotations

import errno
import os
import signal
import struct

from supervisor import (
    CREATING,
    EXITED,
    FAILED,
    FORGET,
    RUNNING,
    STDIN,
    TERMINAL,
    Connection,
    Container,
)


def forget(connection: Connection, number: int) -> int:
    return connection.ask(FORGET, struct.pack("<I", number)).error


def test_an_exec_has_its_own_output_and_code(container: Container) -> None:
    connection = container.run("sleep", "1000")
    answer = connection.exec(container, "one", ["sh", "-c", "echo out; echo err >&2; exit 5"])
    assert answer.error == 0
    facts = connection.wait_state(EXITED, answer.value)
    assert (facts.name, facts.code) == ("one", 5)
    assert connection.read_all(answer.value) == {1: b"out\n", 2: b"err\n"}
    assert connection.facts[0].state == RUNNING
    assert connection.facts[0].output_end == 0


def test_a_quick_exec_keeps_its_code(container: Container) -> None:
    connection = container.run("sleep", "1000")
    for number in range(20):
        answer = connection.exec(container, f"q{number}", ["sh", "-c", f"exit {number}"])
        assert answer.error == 0
        assert connection.wait_state(EXITED, answer.value).code == number


def test_execs_at_the_same_time(container: Container) -> None:
    connection = container.run("sleep", "1000")
    tags = [connection.send_exec(container, f"p{n}", ["sh", "-c", f"echo {n}; exit {n}"]) for n in range(8)]
    numbers = [connection.wait_for(tag).value for tag in tags]
    for n, number in enumerate(numbers):
        assert connection.wait_state(EXITED, number).code == n
        assert connection.read_all(number)[1] == f"{n}\n".encode()


def test_a_program_that_is_missing_fails_the_exec(container: Container) -> None:
    connection = container.run("sleep", "1000")
    answer = connection.exec(container, "bad", ["/nonexistent"])
    assert answer.error == errno.EIO
    assert connection.wait_state(FAILED, answer.process).state == FAILED
    assert "nonexistent" in container.log("bad")
    assert connection.exec(container, "bad", ["true"]).error == errno.EEXIST
    assert forget(connection, answer.process) == 0
    assert connection.exec(container, "bad", ["true"]).error == 0


def test_an_exec_without_its_file_fails(container: Container) -> None:
    connection = container.run("sleep", "1000")
    body = struct.pack("<IIQ132sI", 0, 0, 0, b"none", 0)
    assert connection.ask(4, body).error == errno.ENOENT
    assert not list((container.bundle / "processes").glob("none*"))


def test_execs_of_an_init_that_is_killed_end_before_it(container: Container) -> None:
    connection = container.run("sleep", "1000")
    numbers = [connection.exec(container, name, ["sleep", "1000"]).value for name in ("a", "b")]
    connection.signal(signal.SIGKILL)
    connection.wait_state(EXITED)
    assert [connection.facts[number].code for number in numbers] == [-signal.SIGKILL] * 2
    assert [facts.number for facts in connection.history if facts.state == EXITED][-1] == 0
    assert connection.exec(container, "late", ["true"]).error == errno.ESRCH


def test_an_exec_before_the_start_is_refused(container: Container) -> None:
    connection = container.create("sleep", "1000")
    assert connection.exec(container, "early", ["true"]).error == errno.ESRCH


def test_an_exec_with_input_and_signals(container: Container) -> None:
    connection = container.run("sleep", "1000")
    number = connection.exec(container, "cat", ["cat"], STDIN).value
    assert connection.input(0, b"hello\n", process=number).error == 0
    connection.read_until(b"hello\n", number)
    assert connection.signal(signal.SIGTERM, number).error == 0
    assert connection.wait_state(EXITED, number).code == -signal.SIGTERM


def test_an_exec_with_a_terminal(container: Container) -> None:
    connection = container.run("sleep", "1000")
    args = ["sh", "-c", "read line; stty size; exit 9"]
    answer = connection.exec(container, "tty", args, TERMINAL | STDIN)
    assert answer.error == 0, container.log("tty")
    assert connection.resize(33, 77, answer.value).error == 0
    connection.input(0, b"\n", process=answer.value)
    assert connection.wait_state(EXITED, answer.value).code == 9
    assert b"33 77\r\n" in connection.read_all(answer.value)[1]


def test_an_ended_exec_is_forgotten_with_its_files(container: Container) -> None:
    connection = container.run("sleep", "1000")
    number = connection.exec(container, "gone", ["true"]).value
    assert forget(connection, 0) == errno.EINVAL
    connection.wait_state(EXITED, number)
    waiting = connection.send_read(0, number)
    assert connection.wait_for(waiting).chunks == []
    assert forget(connection, number) == 0
    assert forget(connection, number) == errno.ESRCH
    assert connection.read(0, number).error == errno.ESRCH
    assert {path.name.split(".")[0] for path in (container.bundle / "processes").iterdir()} == {"init"}
    running = connection.exec(container, "runs", ["sleep", "1000"]).value
    assert running > number
    assert forget(connection, running) == errno.EBUSY


def test_a_later_worker_finds_an_exec_by_its_name(container: Container) -> None:
    connection = container.run("sleep", "1000")
    connection.send_exec(container, "mine", ["sh", "-c", "echo kept; exit 6"])
    # It dies before it learns what became of its exec.
    connection.close()
    connection = Connection(container.bundle).watch()
    while "mine" not in {facts.name for facts in connection.facts.values()}:
        connection.receive()
    number = next(facts.number for facts in connection.facts.values() if facts.name == "mine")
    assert connection.facts[number].state >= CREATING
    assert connection.wait_state(EXITED, number).code == 6
    assert connection.read_all(number)[1] == b"kept\n"


def test_a_descendant_that_outlives_its_exec_may_go_on_writing(container: Container) -> None:
    connection = container.run("sleep", "1000")
    script = "(read line < /tmp/go; echo late) & echo early; exit 0"
    connection.exec(container, "fifo", ["mkfifo", "/tmp/go"])
    connection.wait_state(EXITED, 1)
    number = connection.exec(container, "parent", ["sh", "-c", script]).value
    facts = connection.wait_state(EXITED, number)
    assert facts.exit_output == len("early\n")
    assert not facts.flags & 8
    connection.exec(container, "go", ["sh", "-c", "echo > /tmp/go; rm /tmp/go"])
    assert connection.read_all(number)[1] == b"early\nlate\n"


def test_many_execs_leave_no_descriptor(container: Container) -> None:
    connection = container.run("sleep", "1000")
    before = None
    for turn in range(10):
        number = connection.exec(container, f"n{turn}", ["true"], STDIN).value
        connection.wait_state(EXITED, number)
        connection.read_all(number)
        assert forget(connection, number) == 0
        count = len(os.listdir(f"/proc/{container.pid}/fd"))
        before = before or count
        assert count == before
