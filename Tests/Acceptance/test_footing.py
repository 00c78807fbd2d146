"""What a worker stands on can vanish: it is noticed by looking, new work is refused, and it comes back where it can."""

import os
import resource
import shutil
import signal
import socket
import subprocess

import pytest

from wire import Collector, Dealer
from worker import Worker, binary, environment

WITHIN = 8.0  # health notices within 5 s


def check(health: dict, name: str) -> dict:
    return next(each for each in health["checks"] if each["name"] == name)


def await_check(client, name: str, ok: bool) -> dict:
    """The check when it says so."""
    return check(client.repeat(lambda health: check(health, name)["ok"] is ok, "health", timeout=WITHIN), name)


def create(client, id: str, **keys):
    return client.call("create", id=id, spec={"process": {"args": ["/bin/sleep", "1000"]}}, **keys)


def refused(client, word: str, code: str = "unavailable") -> None:
    error = client.refused(code, "create", id="new", spec={"process": {"args": ["/bin/true"]}})
    assert error["retryable"] and word in error["message"], error


@pytest.fixture
def worker(start_worker):
    return start_worker()


def test_all_is_well(client, worker):
    health = client.call("health")
    assert health["ready"]
    for name in ("state_dir", "descriptors", "sockets", "driver"):
        assert check(health, name)["ok"]


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_the_state_directory(client, worker, tmp_path, how):
    create(client, "a")
    worker.state_dir.rename(tmp_path / "aside")
    if how == "replaced":
        worker.state_dir.mkdir(mode=0o700)
    message = await_check(client, "state_dir", ok=False)["message"]
    assert how in message and str(worker.state_dir) in message
    assert not client.call("health")["ready"]
    refused(client, how)
    assert client.call("state", id="a")["state"] == "running"
    assert client.call("stop", id="a", grace_ms=0)["exit"]["known"]
    assert worker.output().count("the worker lacks what it needs") == 1, "logged once"
    shutil.rmtree(worker.state_dir, ignore_errors=True)
    (tmp_path / "aside").rename(worker.state_dir)
    await_check(client, "state_dir", ok=True)
    create(client, "b")
    client.call("delete", id="b", force=True)


def test_a_journal_that_is_removed(client, worker):
    (worker.state_dir / "journal.sqlite").unlink()
    assert "journal" in await_check(client, "state_dir", ok=False)["message"]
    refused(client, "journal")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_to(client, worker):
    worker.state_dir.chmod(0o500)
    try:
        await_check(client, "state_dir", ok=False)
        refused(client, "cannot be written")
    finally:
        worker.state_dir.chmod(0o700)
    await_check(client, "state_dir", ok=True)


def test_descriptors(client, worker):
    soft, hard = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir(f"/proc/{worker.pid}/fd"))
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (used + 4, hard))
    message = await_check(client, "descriptors", ok=False)["message"]
    assert "descriptors" in message and "ulimit -n" in message
    refused(client, "descriptors", "resource_exhausted")
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (soft, hard))
    await_check(client, "descriptors", ok=True)
    create(client, "a")
    client.call("delete", id="a", force=True)


def test_the_emulator_service(host_with):
    host = host_with()
    assert check(host.client.call("health"), "driver")["ok"]
    host.emulator.kill()
    message = await_check(host.client, "driver", ok=False)["message"]
    assert "emulator service" in message, message
    assert "HRESULT" not in message and "0x8" not in message and "vmcompute" not in message, message
    refused(host.client, "emulator service")
    host.lose_service()
    await_check(host.client, "driver", ok=True)
    host.shell("a", "exit 0")
    host.wait("a")


@pytest.fixture
def places(tmp_path):
    return {name: f"ipc://{tmp_path}/{name}.sock" for name in ("commands", "events")}


def test_socket_files_are_put_back(start_worker, peers, places, tmp_path):
    worker = start_worker(commands=[places["commands"]], events=[places["events"]])
    before, collector = peers(Dealer, places["commands"]), peers(Collector, places["events"], "")
    for name in places:
        (tmp_path / f"{name}.sock").unlink()
    before.repeat(lambda _: all((tmp_path / f"{name}.sock").exists() for name in places), "health", timeout=WITHIN)
    after = peers(Dealer, places["commands"])
    create(after, "a")
    collector.find("start", "a")
    peers(Collector, places["events"], "exit/")
    assert before.call("state", id="a")["state"] == "running", "connections that stood go on"
    assert (tmp_path / "commands.sock").stat().st_mode & 0o777 == 0o660
    after.call("delete", id="a", force=True)
    assert "made again" in worker.output()


def test_a_socket_file_of_another_is_left_alone(start_worker, peers, places, tmp_path):
    worker = start_worker(commands=[places["commands"], "tcp://127.0.0.1:*"])
    client = peers(Dealer, worker.ready["commands"][1])
    path = tmp_path / "commands.sock"
    path.unlink()
    stranger = socket.socket(socket.AF_UNIX)
    stranger.bind(str(path))
    assert str(path) in await_check(client, "sockets", ok=False)["message"]
    path.unlink()
    await_check(client, "sockets", ok=True)
    stranger.close()


def test_a_second_worker_at_the_same_path_is_refused(start_worker, peers, places, tmp_path):
    first = start_worker(commands=[places["commands"]], events=[places["events"]])
    second = start_worker(commands=[places["commands"]], ready=False)
    assert second.exit_code() != 0
    assert places["commands"] in second.output() and "another program" in second.output()
    third = start_worker(events=[places["events"]], ready=False)
    assert third.exit_code() != 0 and places["events"] in third.output()
    assert peers(Dealer, first.commands).call("ping")
    # What a worker that was killed has left is no obstacle.
    first.kill()
    assert peers(Dealer, start_worker(commands=[places["commands"]]).commands).call("ping")


def test_the_emulators_socket_is_put_back(host_with):
    host = host_with()
    host.shell("a", "sleep 1000")
    host.emulator.socket.unlink()
    host.client.repeat(lambda _: host.emulator.socket.exists(), "health", timeout=WITHIN)
    client = host.restart()
    assert client.repeat(lambda record: record["state"] == "running", "state", id="a")
    client.call("delete", id="a", force=True)


def test_a_journal_beside_an_older_owner(host_with):
    host = host_with()
    host.shell("a", "sleep 1000")
    host.kill()
    for path in host.state_dir.glob("journal*"):
        path.unlink()
    client = host.start()
    journal = check(client.call("health"), "journal")
    assert "anew" in journal["message"] and journal["ok"]
    assert "the journal is new" in host.worker.output()
    client.repeat(lambda health: "such as a" in check(health, "orphans")["message"], "health")
    client.call("restore", id="a")
    client.call("delete", id="a", force=True)


def test_a_first_start_says_nothing_of_that(client, worker):
    assert check(client.call("health"), "journal")["message"] == "events and records are kept"


def test_too_few_descriptors_to_begin(tmp_path):
    command = f"ulimit -n 16; exec {binary()} worker --emulator-in-process --state-dir {tmp_path}/state"
    done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "descriptors" in done.stderr and "ulimit -n" in done.stderr, done


# What a parent leaves us, and what we leave our children.


def left_by_parent(tmp_path, peers, prelude: str, script: str, own_service: bool) -> bytes:
    """The output of a container whose worker was started behind `prelude`."""
    arguments = [binary(), "worker", "--driver", "emulator", "--state-dir", str(tmp_path / "state")]
    arguments += ["--commands", f"ipc://{tmp_path}/c.sock", "--events", f"ipc://{tmp_path}/e.sock"]
    arguments += [] if own_service else ["--emulator-in-process"]
    # Python, because a shell cannot give an ignored signal back.
    process = subprocess.Popen(
        ["python3", "-c", f"import os, resource, signal\n{prelude}\nos.execv({arguments[0]!r}, {arguments!r})"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout.readline()
        client = peers(Dealer, f"ipc://{tmp_path}/c.sock")
        client.call("create", id="a", spec={"process": {"args": ["/bin/sh", "-c", script]}})
        exit = client.call("wait", id="a")["exit"]
        assert exit["known"] and exit["code"] == 3, exit
        return b"".join(chunk["data"] for chunk in client.call("logs", id="a")["chunks"])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stdout.close()


@pytest.mark.parametrize("own_service", [False, True])
def test_children_start_clean(tmp_path, peers, own_service):
    prelude = """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR2})
os.umask(0o077)
resource.setrlimit(resource.RLIMIT_NOFILE, (777, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
os.close(0)
"""
    script = "umask; ulimit -n; grep -E 'Sig(Ign|Blk)' /proc/self/status; exit 3"
    lines = left_by_parent(tmp_path, peers, prelude, script, own_service).decode().split("\n")
    assert lines[0] == "0022" and lines[1] == "777", lines
    # The C library may leave its two own signals (32, 33) ignored.
    assert [int(line.split()[1], 16) & ~0x1_8000_0000 for line in lines[2:4]] == [0, 0], lines


def test_a_hang_up_without_a_terminal_reads_the_settings_again(start_worker, peers, tmp_path):
    config = tmp_path / "worker.yaml"
    config.write_text("log_level: error\n")
    worker = start_worker(config=config)
    client = peers(Dealer, worker.commands)
    config.write_text("log_level: debug\n")
    worker.process.send_signal(signal.SIGHUP)
    client.repeat(lambda _: "settings were read again" in worker.output(), "ping")
    create(client, "a")
    client.call("delete", id="a", force=True)
    client.repeat(lambda _: '"level":"debug"' in worker.output(), "ping")
    config.write_text("log_level: loud\n")
    worker.process.send_signal(signal.SIGHUP)
    client.repeat(lambda _: "log_level" in worker.output(), "ping")
    assert worker.process.poll() is None


def test_a_hang_up_of_the_terminal_is_a_stop(tmp_path):
    """`script` gives it a terminal, and hangs it up when it ends."""
    arguments = [binary(), "worker", "--emulator-in-process", "--state-dir", str(tmp_path / "state")]
    arguments += ["--commands", f"ipc://{tmp_path}/c.sock", "--events", f"ipc://{tmp_path}/e.sock"]
    pid, terminal = os.forkpty()
    if pid == 0:
        os.execve(arguments[0], arguments, environment())
    seen = b""
    while b'"ready"' not in seen:
        seen += os.read(terminal, 65536)
    os.kill(pid, signal.SIGHUP)
    while True:
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            break
    _, status = os.waitpid(pid, 0)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, seen
    assert b"stopping" in seen


def test_the_emulator_service_outlives_a_hang_up(host_with):
    host = host_with()
    host.shell("a", "sleep 1000")
    host.emulator.process.send_signal(signal.SIGHUP)
    assert host.client.call("state", id="a")["state"] == "running"
    assert check(host.client.call("health"), "driver")["ok"]
    host.client.call("delete", id="a", force=True)
    assert isinstance(host.worker, Worker)
