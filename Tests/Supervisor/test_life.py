"""A container's life from its create to its end."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

from supervisor import BINARY, CLOSE, CREATED, EXITED, FAILED, RUNNING, STDOUT_ENDED, Connection, Container, Gone


def test_output_is_exact_and_comes_before_the_exit(container: Container) -> None:
    connection = container.run("sh", "-c", r'printf "a\0b\r\nc"; printf "e\n" >&2; exit 7')
    facts = connection.wait_state(EXITED)
    assert facts.code == 7
    assert facts.exit_output == 8
    assert connection.read_all() == {1: b"a\0b\r\nc", 2: b"e\n"}


def test_two_streams_are_one_order(container: Container) -> None:
    connection = container.run("sh", "-c", "for i in 1 2 3; do echo o; sleep 0.05; echo e >&2; sleep 0.05; done")
    connection.wait_state(EXITED)
    piece = connection.read(0)
    assert piece.chunks == [(1, b"o\n"), (2, b"e\n")] * 3
    assert connection.read(3, wait=False, limit=17).chunks == [(2, b"\n")]


def test_a_create_that_fails_ends_the_supervisor_and_says_why(container: Container) -> None:
    assert container.launch("/nonexistent") == 0
    container.wait_gone()
    facts, _ = container.spool()
    assert facts.state == FAILED
    assert "/nonexistent" in container.log() or "no such file" in container.log().lower()
    assert not (container.bundle / "supervisor.sock").exists()
    assert container.id not in container.runtime_command("list").stdout.decode()


def test_a_watcher_is_notified_of_a_create_that_fails(container: Container) -> None:
    script = container.bundle.parent / "slow"
    script.write_text("#!/bin/sh\nread line < " + str(container.bundle / "go") + "\nexit 1\n")
    script.chmod(0o755)
    os.mkfifo(container.bundle / "go")
    assert container.launch(runtime=str(script)) == 0
    connection = Connection(container.bundle).watch()
    (container.bundle / "go").write_text("\n")
    assert connection.wait_state(FAILED).state == FAILED
    container.wait_gone()


def test_a_create_that_hangs_can_be_ended(container: Container) -> None:
    script = container.bundle.parent / "hang"
    script.write_text("#!/bin/sh\nexec sleep 1000\n")
    script.chmod(0o755)
    assert container.launch(runtime=str(script)) == 0
    connection = Connection(container.bundle).watch()
    assert connection.signal(signal.SIGKILL).error == 0
    assert connection.wait_state(FAILED).state == FAILED
    container.wait_gone()


def test_a_runtime_that_is_missing_fails_the_create(container: Container) -> None:
    assert container.launch(runtime="/nonexistent/runtime") == 0
    container.wait_gone()
    assert container.spool()[0].state == FAILED
    assert "/nonexistent/runtime" in container.log()


def test_a_signal_is_no_code(container: Container) -> None:
    connection = container.run("sleep", "1000")
    assert connection.signal(signal.SIGKILL).error == 0
    assert connection.wait_state(EXITED).code == -signal.SIGKILL
    assert connection.signal(signal.SIGKILL).error == errno.ESRCH


def test_a_code_is_no_signal(container: Container) -> None:
    assert container.run("sh", "-c", "exit 137").wait_state(EXITED).code == 137


def test_init_without_a_handler_survives_a_term(container: Container) -> None:
    connection = container.run("sh", "-c", "sleep 1000 & echo $!; wait; echo over")
    connection.read_until(b"\n")
    assert connection.signal(signal.SIGTERM).error == 0
    assert connection.signal(signal.SIGKILL).error == 0
    assert connection.wait_state(EXITED).code == -signal.SIGKILL


def test_the_pid_is_the_hosts_and_it_waits_for_its_start(container: Container) -> None:
    connection = container.create("sleep", "1000")
    facts = connection.facts[0]
    assert facts.state == CREATED
    fields = Path(f"/proc/{facts.pid}/stat").read_text().rpartition(")")[2].split()
    assert int(fields[19]) == facts.start_time
    assert int(fields[1]) == container.pid
    assert connection.start().error == 0
    assert connection.wait_state(RUNNING).pid == facts.pid
    assert connection.start().error == 0


def test_start_after_init_was_killed_fails(container: Container) -> None:
    connection = container.create("true")
    os.kill(connection.facts[0].pid, signal.SIGKILL)
    answer = connection.start()
    assert answer.error in (0, errno.ESRCH)
    assert connection.wait_state(EXITED).code == -signal.SIGKILL
    assert connection.facts[0].output_end == 0


def test_start_by_command(container: Container) -> None:
    connection = container.create("sh", "-c", "exit 3", options=("--start", "command"))
    assert connection.start().error == 0
    assert connection.wait_state(EXITED).code == 3


def test_close_ends_the_supervisor_only_after_init(container: Container) -> None:
    connection = container.run("sleep", "1000")
    assert connection.ask(CLOSE).error == errno.EBUSY
    connection.signal(signal.SIGKILL)
    connection.wait_state(EXITED)
    assert connection.ask(CLOSE).error == 0
    container.wait_gone()
    assert not (container.bundle / "supervisor.sock").exists()
    assert container.spool()[0].state == EXITED


def test_a_group_that_is_asked_to_end_does_not_end_the_supervisor(container: Container) -> None:
    connection = container.run("sh", "-c", "trap 'echo caught' TERM; echo ready; while :; do sleep 0.1; done")
    end = connection.read_until(b"ready")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(container.pid, number)
    # The supervisor ignores them, the container does not: it has its own.
    assert connection.signal(signal.SIGTERM).error == 0
    connection.read_until(b"caught", offset=end)
    status = Path(f"/proc/{connection.facts[0].pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) & ~(1 << (signal.SIGQUIT - 1) | 1 << (signal.SIGINT - 1)) == 0


def test_an_out_of_memory_kill_is_known(container: Container) -> None:
    container.config["linux"]["resources"] = {"memory": {"limit": 20 << 20, "swap": 20 << 20}}
    facts = container.run("tail", "/dev/zero").wait_state(EXITED)
    assert facts.code == -signal.SIGKILL
    assert facts.flags & 32
    assert facts.oom_kills >= 1


def test_an_out_of_memory_kill_of_a_child_is_not_inits(container: Container) -> None:
    container.config["linux"]["resources"] = {"memory": {"limit": 20 << 20, "swap": 20 << 20}}
    facts = container.run("sh", "-c", "tail /dev/zero; exit 0").wait_state(EXITED)
    assert facts.code == 0
    assert not facts.flags & 32
    assert facts.oom_kills >= 1


def test_a_second_supervisor_for_a_bundle_is_refused(container: Container) -> None:
    connection = container.run("sleep", "1000")
    pid = container.pid
    assert container.launch() == 1
    assert "supervisor.sock" in container.error
    container.pid = pid
    assert connection.signal(signal.SIGKILL).error == 0


def test_it_moves_into_its_cgroups(container: Container) -> None:
    folders = ["/sys/fs/cgroup/unified/windlass-test/s", "/sys/fs/cgroup/memory/windlass-test/s"]
    folders = [folder for folder in folders if Path(folder).parents[1].is_dir()]
    if container.runtime == "crun":
        folders = folders[1:]
    options = [word for folder in folders for word in ("--cgroup", folder)]
    connection = container.run("sleep", "1000", options=tuple(options))
    for folder in folders:
        assert str(container.pid) in Path(folder, "cgroup.procs").read_text().split()
        assert str(connection.facts[0].pid) not in Path(folder, "cgroup.procs").read_text().split()
    connection.signal(signal.SIGKILL)
    connection.wait_state(EXITED)
    connection.ask(CLOSE)
    container.wait_gone()
    for folder in folders:
        Path(folder).rmdir()


def test_an_idle_supervisor_is_small(container: Container) -> None:
    container.run("sleep", "1000").close()
    while not BINARY.endswith("sanitized") and proportional(container.pid) > 350:
        pass


def proportional(pid: int) -> int:
    """Kilobytes of memory, shared pages by their share."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])


def test_it_keeps_nothing_of_its_caller(container: Container) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    container.run("sleep", "1000")
    links = [os.readlink(path) for path in Path(f"/proc/{container.pid}/fd").iterdir()]
    assert os.readlink(f"/proc/self/fd/{writer}") not in links
    os.close(reader)
    os.close(writer)
    assert os.getsid(container.pid) != os.getsid(0)


def test_a_connection_ends_with_the_supervisor(container: Container) -> None:
    connection = container.run("true")
    facts = connection.wait_state(EXITED)
    assert facts.flags & STDOUT_ENDED
    assert connection.ask(CLOSE).error == 0
    try:
        connection.receive()
    except (Gone, ConnectionResetError):
        return
    raise AssertionError("the connection is still open")
