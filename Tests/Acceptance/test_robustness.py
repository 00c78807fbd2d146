"""Faults found by attacking the worker: each of these once failed."""

import json
import os
import signal
import subprocess

import msgpack
import pytest
import zmq

from wire import Collector, Dealer
from worker import binary, environment


@pytest.mark.parametrize("reader", ["gone", "stopped"])
def test_whoever_reads_the_logs_cannot_stop_the_worker(peers, tmp_path, reader):
    """Its log may end or fill up; the worker goes on, and stops when it is told to."""
    arguments = ["worker", "--driver", "emulator", "--emulator-in-process", "--log-level", "debug"]
    arguments += ["--state-dir", str(tmp_path / "state")]
    for flag in ("--commands", "--events"):
        arguments += [flag, "tcp://127.0.0.1:*"]
    process = subprocess.Popen(
        [binary(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    try:
        ready = json.loads(process.stdout.readline())
        if reader == "gone":
            process.stderr.close()
        client = peers(Dealer, ready["commands"][0])
        long = "/no/such/program-" + "x" * 900
        for n in range(200):
            client.reply(client.request("create", id=f"x{n}", spec={"process": {"args": [long]}}))
        assert client.call("ping")["time"] is not None
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("value", [2**64 - 1, 2**63, 2**63 - 1, 2**53])
def test_large_numbers_everywhere(client, containers, value):
    """No number traps."""
    id, _ = containers.ended("echo x")
    for method, keys in {
        "events": {"after": value},
        "logs": {"id": id, "from": value},
        "attach": {"id": id, "from": value, "credit": 1},
        "list": {"limit": value},
        "stop": {"id": id, "grace_ms": value},
        "ping": {"timeout_ms": value},
        "drain": {"deadline_ms": value},
        "credit": {"id": id, "process": "init", "bytes": value},
        "resize": {"id": id, "width": value, "height": 1},
        "signal": {"id": id, "signal": value},
        "update": {"id": id, "resources": {"memory": {"limit": value}}},
    }.items():
        if method != "drain":
            client.reply(client.request(method, keys))
    assert client.call("ping")["time"] is not None


def test_waits_of_peers_that_are_gone_lock_nobody_out(worker, client, containers, peers):
    """More waits than one budget holds, from peers that have closed their sockets."""
    id = containers.idle()
    for _ in range(6):
        peer = peers(Dealer, worker.commands)
        for _ in range(500):
            peer.request("wait", id=id)
        peer.call("ping")
        peer.close()
    assert client.call("ping")["time"] is not None
    assert client.call("health")["live"] is True
    client.call("stop", id=id, grace_ms=0)


def test_output_never_comes_before_the_reply_to_its_attach(client, containers):
    """The peer learns its offset first, also when credit follows at once."""
    id = containers.idle()
    for n in range(50):
        client.call("exec", id=id, process=f"p{n}", spec={"args": ["/bin/echo", "hello"]})
        client.call("wait", id=id, process=f"p{n}")
        attach = client.request("attach", id=id, process=f"p{n}", credit=0)
        client.request("credit", id=id, process=f"p{n}", bytes=100)
        assert client.reply(attach).error is None


def test_a_stop_is_told_with_the_request_that_caused_it(client, containers, collector):
    id = containers.idle()
    client.call("stop", id=id, grace_ms=0, request_id="r-stop", traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    event = collector.find("exit", id)
    assert event["request_id"] == "r-stop" and event["traceparent"] == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_exec_names_what_it_ignores(client, containers):
    id = containers.idle()
    result = client.call("exec", id=id, process="p", spec={"args": ["/bin/true"], "rlimits": []})
    assert result["ignored"] == ["rlimits"]


def test_labels_are_bounded(client, containers):
    client.refused("invalid_argument", "create", id="many", spec={}, labels={f"k{n}": "v" for n in range(65)})
    client.refused("invalid_argument", "create", id="long", spec={}, labels={"k": "v" * 5000})


def test_a_stop_of_the_worker_ends_what_runs_and_is_told(start_worker, peers):
    """The last event reaches a collector, and no process is left."""
    worker = start_worker()
    client = peers(Dealer, worker.commands)
    collector = peers(Collector, worker.events, "")
    pid = client.call("create", id="left", spec={"process": {"args": ["/bin/sleep", "100000"]}})["pid"]
    worker.process.send_signal(signal.SIGTERM)
    collector.until(lambda: any(event["type"] == "worker_stop" for event in collector.events))
    assert worker.exit_code() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_routing_id_that_is_taken_over_again_and_again(start_worker, peers):
    """libzmq aborts (libzmq#4841) where such a connection breaks with output queued and a heartbeat falls due."""
    worker = start_worker(config="heartbeat_interval_ms: 50\nheartbeat_timeout_ms: 500\n")
    client = peers(Dealer, worker.commands)
    script = "yes | head -c 20000000; exec sleep 100000"
    client.call("create", id="loud", spec={"process": {"args": ["/bin/sh", "-c", script]}})
    context = zmq.Context()
    for _ in range(40):
        sockets = []
        for _ in range(15):
            socket = context.socket(zmq.DEALER)
            socket.routing_id, socket.linger = b"same", 0
            socket.connect(worker.commands)
            socket.send(msgpack.packb([0, 1, "attach", [{"id": "loud", "credit": 1 << 40}]]))
            socket.send(msgpack.packb([0, 2, "logs", [{"id": "loud"}]]))
            sockets.append(socket)
        # A round trip of somebody else's: what was sent has been dealt with by then.
        client.call("ping")
        for socket in sockets:
            socket.close()
    assert client.call("ping")["time"] is not None
    context.term()


def test_long_subscriptions_are_refused(worker, client, peers):
    """A subscription costs libzmq many times its length; nobody needs one that is longer than a topic."""
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.linger = 0
    socket.subscribe("x" * 1000)
    socket.connect(worker.events)
    for _ in range(5):
        assert peers(Collector, worker.events, "exit/").welcomed("exit/")
    assert not socket.poll(0), "a subscription of 1000 bytes was taken"
    assert client.call("ping")["time"] is not None
    socket.close()
    context.term()


def test_the_same_id_half_a_million_times(client, containers):
    id = containers.idle()
    assert client.call("stats", ids=[id, id]).keys() == {id}
    client.refused("invalid_argument", "stats", ids=[id] * 10_001)
