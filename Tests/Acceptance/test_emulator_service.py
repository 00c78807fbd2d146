"""The emulator as a service: containers that outlive their worker."""

import os
import select
import signal
import socket
import struct
import subprocess

import msgpack
import pytest

from emulator import Emulator
from restarts import runs, wait_for_end
from wire import DEADLINE, Collector, Dealer
from worker import binary, environment, running_with


@pytest.fixture
def emulator(tmp_path):
    service = Emulator(tmp_path / "service").await_ready()
    yield service
    # What still runs in it ends with it.
    if service.process.poll() is None:
        assert service.stop() == 0, service.output()


@pytest.fixture
def start(emulator, start_worker, peers):
    """`start(state_dir)`: a worker that uses the service, and a scheduler of it."""

    def begin(state_dir=None):
        worker = start_worker(state_dir, config=f"emulator_socket: {emulator.socket}\n")
        return worker, peers(Dealer, worker.commands)

    return begin


def shell(client, id, script, **more):
    return client.call("create", id=id, spec={"process": {"args": ["/bin/sh", "-c", script]}}, **more)


def test_what_runs_outlives_a_killed_worker(start, tmp_path):
    worker, client = start(tmp_path / "state")
    assert "restore" in client.call("version")["capabilities"]
    pid = shell(client, "web", "read line; exit $line", stdin=True)["pid"]
    worker.kill()
    os.kill(pid, 0)
    _, client = start(tmp_path / "state")
    assert client.call("state", id="web")["pid"] == pid
    waiting = client.request("wait", id="web")
    client.call("stdin", id="web", data=b"7\n")
    exit = client.result(waiting)["exit"]
    assert exit["code"] == 7 and exit["known"] and exit["reason"] == "exited"


def test_an_exit_while_no_worker_was_there_is_told(start, tmp_path):
    worker, client = start(tmp_path / "state")
    gate = tmp_path / "gate"
    pid = shell(client, "web", f"while [ ! -e {gate} ]; do sleep 0.01; done; echo late; exit 7")["pid"]
    worker.kill()
    with open(os.pidfd_open(pid), "rb") as process:
        gate.touch()
        assert select.select([process], [], [], 15)[0], "it ends by itself"
    _, client = start(tmp_path / "state")
    exit = client.call("wait", id="web")["exit"]
    assert exit["code"] == 7 and exit["known"] and exit["observed_by"] == "restore"
    assert b"".join(chunk["data"] for chunk in client.call("logs", id="web")["chunks"]) == b"late\n"


def test_two_workers_keep_their_own(start, tmp_path):
    _, one = start(tmp_path / "one")
    _, two = start(tmp_path / "two")
    shell(one, "web", "exec sleep 100000")
    assert two.call("list")["containers"] == []
    error = two.refused("already_exists", "create", id="web", spec={"process": {"args": ["/bin/true"]}})
    assert error["details"]["operation"] == "HcsCreateComputeSystem", "the id is taken, by whom it does not know"
    assert one.call("state", id="web")["state"] == "running"


def test_a_service_that_is_told_to_stop_ends_what_it_keeps(emulator, start, peers, tmp_path):
    worker, client = start(tmp_path / "state")
    events = peers(Collector, worker.events, "exit/")
    pid = shell(client, "web", "exec sleep 100000")["pid"]
    assert emulator.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert '"ended":"1"' in emulator.output() and "every container that is kept here ends" in emulator.output()
    assert events.find("exit", "web")["exit"]["code"] == 137
    assert not emulator.socket.exists()


def test_one_service_to_a_socket(emulator, tmp_path):
    second = Emulator(tmp_path / "service")
    assert second.exit_code() == 78 and str(emulator.socket) in second.output()
    emulator.process.send_signal(signal.SIGKILL)
    emulator.exit_code()
    assert emulator.socket.exists()
    third = Emulator(tmp_path / "service").await_ready()
    assert third.stop() == 0


def test_a_worker_without_its_service_says_how_to_start_it(start_worker, tmp_path):
    socket = tmp_path / "none.sock"
    worker = start_worker(ready=False, config=f"emulator_socket: {socket}\n")
    # EX_UNAVAILABLE: whoever supervises it may try again.
    assert worker.exit_code() == 69
    assert f"windlass hcs-emulator --socket {socket}" in worker.output()


def test_faults_belong_to_the_service(emulator, start_worker):
    worker = start_worker(ready=False, config=f"emulator_socket: {emulator.socket}\n", faults=[])
    assert worker.exit_code() == 78 and "hcs-emulator --faults" in worker.output()


def test_the_emulator_inside_the_worker_says_what_it_cannot(start_worker, peers):
    worker = start_worker()
    assert "restore" not in peers(Dealer, worker.commands).call("version")["capabilities"]
    assert "containers do not survive this worker" in worker.output()


def test_a_service_that_was_killed_has_lost_what_it_kept(emulator, start, peers, tmp_path):
    worker, client = start(tmp_path / "state")
    events = peers(Collector, worker.events, "exit/")
    pid = shell(client, "web", "exec sleep 100000")["pid"]
    emulator.kill()
    with_it = Emulator(tmp_path / "service").await_ready()
    try:
        exit = events.find("exit", "web")["exit"]
        assert exit["reason"] == "lost" and not exit["known"] and exit["code"] == 2147483648
        # The worker finds the new one by itself.
        assert shell(client, "next", "exit 0")["pid"] > 0
        assert client.call("wait", id="next")["exit"]["code"] == 0
        assert [event["type"] for event in events.of("web")] == ["exit"]
    finally:
        os.kill(pid, signal.SIGKILL)
        assert with_it.stop() == 0


# The service that a worker starts for itself


class OwnService:
    """The emulator service of the workers of one state directory."""

    def __init__(self, state_dir):
        self.socket, self.log = state_dir / "emulator.sock", state_dir / "emulator.log"

    @property
    def pids(self):
        return running_with(str(self.socket))

    @property
    def pid(self):
        (pid,) = self.pids
        return pid

    def close(self):
        """Ends it with whatever it keeps."""
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
            wait_for_end(pid)


@pytest.fixture
def own(start_worker, peers):
    """`own(state_dir)`: a worker that is given no service, a scheduler of it, and the service that it has."""
    services = []

    def begin(state_dir, config="", **options):
        services.append(OwnService(state_dir))
        worker = start_worker(state_dir, config=config, own_service=True, **options)
        client = peers(Dealer, worker.commands) if options.get("ready", True) else None
        return worker, client, services[-1]

    yield begin
    for service in services:
        service.close()


def windlass(worker, *arguments):
    """What a command of the client prints."""
    variables = environment() | {"WINDLASS_WORKER": worker.commands, "WINDLASS_EVENTS": worker.events}
    return subprocess.run(
        [binary(), *arguments], env=variables, capture_output=True, text=True, check=True, timeout=DEADLINE
    ).stdout


def test_with_no_flag_containers_outlive_a_killed_worker(own, tmp_path):
    worker, client, service = own(tmp_path / "state")
    windlass(worker, "run", "-d", "--name", "web", "--", "/bin/sh", "-c", "echo here; exec sleep 100000")
    pid = client.call("state", id="web")["pid"]
    kept_by = service.pid
    worker.kill()
    assert runs(pid)
    worker, client, _ = own(tmp_path / "state")
    assert service.pid == kept_by, "the next worker finds the service and starts no other"
    record = client.call("state", id="web")
    assert record["state"] == "running" and record["pid"] == pid
    assert windlass(worker, "logs", "web") == "here\n"
    worker.stop()
    assert runs(pid), "a stop leaves it, too"
    assert str(kept_by) in worker.output() and "left to the emulator service" in worker.output()


def test_the_service_is_a_process_of_its_own(own, tmp_path):
    inherited, kept = os.pipe()
    try:
        worker, _, service = own(tmp_path / "state", pass_fds=[kept])
    finally:
        os.close(kept)
    with open(inherited, "rb"):
        assert os.getsid(service.pid) == service.pid != os.getsid(worker.pid)
        links = {os.readlink(f"/proc/{service.pid}/fd/{number}") for number in (1, 2)}
        assert links == {str(service.log)} and os.readlink(f"/proc/{service.pid}/fd/0") == "/dev/null"
        worker.kill()
        assert select.select([inherited], [], [], DEADLINE)[0] and os.read(inherited, 1) == b"", "it has nothing of it"
    assert service.log.stat().st_mode & 0o777 == 0o600


def test_on_stop_stop_ends_the_service_too(own, tmp_path):
    worker, client, service = own(tmp_path / "state", "on_stop: stop\n")
    pid, kept_by = shell(client, "web", "exec sleep 100000")["pid"], service.pid
    worker.stop()
    assert not runs(pid) and not service.socket.exists()
    wait_for_end(kept_by)


def test_a_stop_with_on_stop_stop_ends_what_the_worker_does_not_know(own, tmp_path):
    worker, client, service = own(tmp_path / "state")
    pid, kept_by = shell(client, "web", "exec sleep 100000")["pid"], service.pid
    worker.kill()
    for file in (tmp_path / "state").glob("journal.sqlite*"):
        file.unlink()
    worker, client, _ = own(tmp_path / "state", "on_stop: stop\n")
    assert client.call("list")["containers"] == []
    worker.stop()
    wait_for_end(pid, kept_by)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_idle_service_ends_by_itself(own, tmp_path, end):
    worker, client, service = own(tmp_path / "state")
    shell(client, "web", "exit 0")
    assert client.call("wait", id="web")["exit"]["code"] == 0
    kept_by = service.pid
    getattr(worker, end)()
    wait_for_end(kept_by)
    assert "no container and no worker left" in service.log.read_text() and not service.socket.exists()


def test_what_ended_is_kept_until_a_worker_has_looked(own, tmp_path):
    worker, client, service = own(tmp_path / "state")
    gate = tmp_path / "gate"
    pid = shell(client, "web", f"while [ ! -e {gate} ]; do sleep 0.01; done; exit 7")["pid"]
    worker.kill()
    gate.touch()
    wait_for_end(pid)
    _, client, _ = own(tmp_path / "state")
    exit = client.call("wait", id="web")["exit"]
    assert exit["code"] == 7 and exit["known"]


def test_every_state_directory_has_a_service_of_its_own(own, tmp_path):
    _, one, first = own(tmp_path / "one")
    _, two, second = own(tmp_path / "two")
    assert first.pid != second.pid
    assert shell(one, "web", "exec sleep 100000")["pid"] != shell(two, "web", "exec sleep 100000")["pid"]


def test_a_socket_that_was_left_is_replaced(own, tmp_path):
    worker, _, service = own(tmp_path / "state")
    worker.kill()
    os.kill(kept_by := service.pid, signal.SIGKILL)
    wait_for_end(kept_by)
    assert service.socket.exists()
    _, client, _ = own(tmp_path / "state")
    shell(client, "web", "exit 3")
    assert client.call("wait", id="web")["exit"]["code"] == 3


def test_a_worker_starts_another_when_its_service_was_killed(own, peers, tmp_path):
    worker, client, service = own(tmp_path / "state")
    events = peers(Collector, worker.events, "exit/")
    pid = shell(client, "web", "exec sleep 100000")["pid"]
    os.kill(kept_by := service.pid, signal.SIGKILL)
    try:
        assert events.find("exit", "web")["exit"]["reason"] == "lost"
        shell(client, "next", "exit 5")
        assert client.call("wait", id="next")["exit"]["code"] == 5
        assert service.pid != kept_by
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_state_directory_with_a_long_name(own, tmp_path):
    """Longer than the address of a Unix socket, which has room for 107 bytes."""
    state_dir = tmp_path / ("long" * 30)
    worker, client, service = own(state_dir)
    pid = shell(client, "web", "exec sleep 100000")["pid"]
    worker.kill()
    _, client, _ = own(state_dir)
    assert client.call("state", id="web")["pid"] == pid and service.socket.is_socket()


def test_a_service_of_another_release_is_named(own, tmp_path):
    """What the first version of the service says to each client."""
    state_dir = tmp_path / "state"
    state_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(state_dir / "emulator.sock"))
        server.listen()
        worker, _, _ = own(state_dir, ready=False)
        client, _ = server.accept()
        (length,) = struct.unpack(">I", client.recv(4, socket.MSG_WAITALL))
        name, version, _ = msgpack.unpackb(client.recv(length, socket.MSG_WAITALL))
        assert name == "windlass-hcs-emulator" and version > 1
        body = msgpack.packb([name, 1, str(state_dir)])
        client.sendall(struct.pack(">I", len(body)) + body)
        assert worker.exit_code() == 78
        client.close()
    assert "started by another release: it speaks version 1" in worker.output()
    assert f"kill {os.getpid()}" in worker.output()


def test_a_service_that_cannot_start_says_why(own, tmp_path):
    state_dir = tmp_path / "state"
    (state_dir / "emulator").mkdir(parents=True)
    (state_dir / "emulator" / "layers").write_text("no folder")
    worker, _, service = own(state_dir, ready=False)
    assert worker.exit_code() == 78
    assert str(service.log) in worker.output() and "layers" in worker.output()


def test_the_two_places_of_the_emulator_exclude_each_other(emulator, start_worker, tmp_path):
    config = f"emulator_socket: {emulator.socket}\nemulator_in_process: true\n"
    worker = start_worker(ready=False, config=config)
    assert worker.exit_code() == 78 and "exclude each other" in worker.output()
    worker = start_worker(ready=False, config=f"emulator_socket: {emulator.socket}\n", faults=[])
    assert worker.exit_code() == 78 and "hcs-emulator --faults" in worker.output()


def test_faults_are_for_the_emulator_inside_the_worker(start_worker):
    worker = start_worker(own_service=True, faults=[])
    assert not (worker.state_dir / "emulator.sock").exists()
