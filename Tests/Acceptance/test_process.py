"""The worker as a process: signals, restarts, two of them side by side."""

import contextlib
import json
import signal

import pytest
import zmq

from wire import Collector, Dealer


def test_ready_line(start_worker):
    worker = start_worker(host="line")
    assert worker.ready.keys() >= {"ready", "commands", "events"}
    with zmq.Context() as plain:
        for endpoint, kind in ((worker.commands, Dealer), (worker.events, Collector)):
            assert int(endpoint.rsplit(":", 1)[1]) > 0
            peer = kind(plain, endpoint, *([""] if kind is Collector else []))  # raises where IPV6 is needed
            if kind is Dealer:
                peer.call("ping")
            peer.close()


def test_logs_go_to_stderr_as_json(start_worker):
    worker = start_worker()
    worker.stop()
    lines = worker.log.read_text().splitlines()
    assert lines, "it says at least that it starts and stops"
    assert all(isinstance(json.loads(line), dict) for line in lines if line.strip())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_signal_stops_gracefully(start_worker, peers, number):
    worker = start_worker()
    client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
    client.call("ping")
    worker.process.send_signal(number)
    collector.find("worker_stop", timeout=30)
    assert worker.exit_code() == 0


def test_signal_stops_gracefully_with_work_in_hand(start_worker, peers, containers_of):
    worker = start_worker()
    client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
    containers = containers_of(worker, client)
    id, _ = containers.ended("echo hello")
    client.request("wait", id=containers.run("/bin/sh", "-c", "read line", stdin=True))
    client.request("attach", {"id": id, "from": "start", "credit": 2})
    for _ in range(100):
        client.request("list")
    collector.find("exit", id)
    worker.process.send_signal(signal.SIGTERM)
    collector.find("worker_stop", timeout=30)
    assert worker.exit_code() == 0


def test_second_signal_stops_at_once(start_worker, peers, tmp_path):
    (tmp_path / "hang").touch()
    worker = start_worker(
        faults=[{"call": "HcsCreateComputeSystem", "id": "stall-*", "stall_while": str(tmp_path / "hang")}]
    )
    client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
    client.request("create", id="stall-1", spec={"process": {"args": ["/bin/true"]}})
    client.call("state", id="stall-1")
    worker.process.send_signal(signal.SIGTERM)
    with contextlib.suppress(AssertionError):  # it may wait for the driver call before it says so
        collector.find("worker_stop", timeout=1)
    worker.process.send_signal(signal.SIGTERM)
    worker.exit_code(within=5)
    (tmp_path / "hang").unlink()


def test_first_signal_is_bounded_though_the_driver_hangs(start_worker, peers, tmp_path):
    (tmp_path / "hang").touch()
    worker = start_worker(
        faults=[{"call": "HcsCreateComputeSystem", "id": "stall-*", "stall_while": str(tmp_path / "hang")}]
    )
    client = peers(Dealer, worker.commands)
    client.request("create", id="stall-1", spec={"process": {"args": ["/bin/true"]}})
    client.call("state", id="stall-1")
    worker.process.send_signal(signal.SIGTERM)
    worker.exit_code(within=60)
    (tmp_path / "hang").unlink()


def test_epoch_rises_by_one_per_start(start_worker, peers, tmp_path):
    epochs = []
    for _ in range(3):
        worker = start_worker(tmp_path / "kept", host="kept")
        client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
        epochs.append(client.call("version")["epoch"])
        assert dict(collector.welcomes)[""]["epoch"] == client.call("snapshot")["epoch"] == epochs[-1]
        worker.stop()
    assert epochs == [epochs[0], epochs[0] + 1, epochs[0] + 2]


def test_epoch_rises_after_a_kill_too(start_worker, peers, tmp_path):
    worker = start_worker(tmp_path / "kept")
    first = peers(Dealer, worker.commands).call("version")["epoch"]
    worker.kill()
    again = start_worker(tmp_path / "kept")
    assert peers(Dealer, again.commands).call("version")["epoch"] == first + 1


def test_seq_rises_over_restarts(start_worker, peers, tmp_path):
    last = []
    for _ in range(2):
        worker = start_worker(tmp_path / "kept")
        last.append(peers(Dealer, worker.commands).call("snapshot")["last_seq"])
        worker.stop()
    assert last[1] > last[0]


def test_peers_reconnect_to_a_restarted_worker(start_worker, peers, tmp_path):
    worker = start_worker(tmp_path / "kept")
    client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
    client.call("ping")
    worker.stop()
    start_worker(tmp_path / "kept", commands=[worker.commands], events=[worker.events])
    collector.until(lambda: len({body["epoch"] for _, body in collector.welcomes}) == 2, timeout=30)
    client.call("ping")


def test_two_workers_serve_one_scheduler_and_one_collector(start_worker, peers, containers_of):
    workers = [start_worker(host=host) for host in ("east", "west")]
    clients = [peers(Dealer, worker.commands) for worker in workers]
    collector = peers(Collector, [worker.events for worker in workers], "")
    for worker, client in zip(workers, clients, strict=True):
        containers = containers_of(worker, client)
        for _ in range(5):
            containers.ended(id=containers.own("same-name"))
            client.call("delete", id="same-name")
        containers.ended(id=containers.own("last"))
    for host in ("east", "west"):
        collector.until(
            lambda host=host: ("exit", "last", host) in [(e["type"], e.get("id"), e["host"]) for e in collector.events]
        )
        mine = [event for event in collector.events if event["host"] == host]
        assert [e["seq"] for e in mine] == list(range(mine[0]["seq"], mine[0]["seq"] + len(mine)))
        assert [e["type"] for e in mine if e.get("id") == "same-name"] == ["create", "start", "exit", "delete"] * 5
    assert [client.call("version")["host"] for client in clients] == ["east", "west"]
    assert all(len(client.call("list")["containers"]) == 1 for client in clients)
