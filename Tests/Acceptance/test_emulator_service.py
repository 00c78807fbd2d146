"""The emulator as a service: containers that outlive their worker."""

import os
import select
import signal

import pytest

from emulator import Emulator
from wire import Collector, Dealer


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
