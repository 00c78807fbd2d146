"""What the worker removes by itself, what a container is made of, and a drain that is taken back."""

import pytest

from wire import Collector, Dealer, Output


def test_auto_remove(client, collector, containers):
    id = containers.shell("echo out; exit 3", auto_remove=True)
    assert collector.find("delete", id)["exit"]["code"] == 3
    assert collector.kinds(id) == ["create", "start", "exit", "delete"]
    client.refused("not_found", "state", id=id)
    # One that was not quick enough still gets the exit.
    assert client.call("wait", id=id)["exit"]["code"] == 3


def test_the_record_says_so(client, containers):
    id = containers.idle(auto_remove=True)
    assert client.call("state", id=id)["auto_remove"] is True
    assert "auto_remove" not in client.call("state", id=containers.idle())
    client.call("stop", id=id)
    client.call("wait", id=id)


def test_readers_get_everything_first(client, other, collector, containers):
    id = containers.shell("head -c 300000 /dev/zero; exit 0", auto_remove=True, lossless=True)
    client.call("attach", id=id, credit=1000)
    other.call("attach", id=id, credit=1 << 20, lossless=True)
    Output(other, id).until(lambda o: o.eof and len(o.data()) == 300_000)
    collector.find("exit", id)
    assert client.call("state", id=id)["state"] in ("stopping", "stopped")
    client.call("credit", id=id, process="init", bytes=1 << 20)
    Output(client, id).until(lambda o: o.eof and len(o.data()) == 300_000)
    collector.find("delete", id)


def test_auto_remove_survives_client_and_worker(host_with):
    host = host_with()
    host.shell("gone", "exit 0", auto_remove=True)
    host.shell("later", "sleep 1; exit 4", auto_remove=True)
    host.shell("kept", "exit 0")
    host.wait("kept")
    host.restart()
    collector = host.collector()
    client = host.client
    try:
        assert client.call("wait", id="later")["exit"]["code"] == 4
    finally:
        client.repeat(lambda page: [each["id"] for each in page["containers"]] == ["kept"], "list")
    assert host.kinds("later")[-2:] == ["exit", "delete"]
    assert collector is not None


@pytest.mark.parametrize("settings", ["stopped_limit: 2\n", "stopped_retention_ms: 1000\n"])
def test_stopped_containers_expire(start_worker, peers, containers_of, settings):
    worker = start_worker(config=settings)
    client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
    containers = containers_of(worker, client)
    running = containers.idle()
    ids = [containers.ended()[0] for _ in range(4)]
    gone = ids[:2] if "limit" in settings else ids
    for id in gone:
        collector.find("delete", id)
    assert [event["id"] for event in collector.events if event["type"] == "delete"][: len(gone)] == gone
    left = {each["id"] for each in client.call("list")["containers"]}
    assert running in left and not left & set(gone)
    if "limit" in settings:
        assert left == {running, *ids[2:]}


def test_state_with_spec(start_worker, peers):
    worker = start_worker(
        config='default_profile: web\nprofiles:\n  web:\n    process: {cwd: /, env: ["NAME={id}"]}\n'
    )
    client = peers(Dealer, worker.commands)
    client.call("create", id="a", spec={"process": {"args": ["/bin/true"]}, "strange": 1}, start=False)
    record = client.call("state", id="a", spec=True)
    assert record["profile"] == "web"
    assert record["spec"]["process"] == {"cwd": "/", "env": ["NAME=a"], "args": ["/bin/true"]}
    assert record["ignored"] == ["strange"] and record["warnings"] == []
    assert {key: record[key] for key in client.call("state", id="a")} == client.call("state", id="a")
    client.call("start", id="a")
    client.call("wait", id="a")
    assert client.call("state", id="a", spec=True)["spec"] == record["spec"]
    client.call("delete", id="a")
    client.refused("not_found", "state", id="a", spec=True)
    client.refused("invalid_argument", "state", id="a", spec="yes")


def test_a_spec_survives_the_worker(host_with):
    host = host_with()
    host.shell("a", "exit 0")
    spec = host.client.call("state", id="a", spec=True)["spec"]
    host.restart()
    assert host.client.call("state", id="a", spec=True)["spec"] == spec
    assert spec["process"]["args"] == ["/bin/sh", "-c", "exit 0"]


def test_a_drain_is_taken_back(start_worker, peers):
    worker = start_worker()
    client = peers(Dealer, worker.commands)
    spec = {"process": {"args": ["/bin/sleep", "1000"]}}
    client.call("create", id="a", spec=spec)
    client.call("drain", stop=True, deadline_ms=60_000)
    client.refused("unavailable", "create", id="b", spec=spec)
    assert client.call("drain", undo=True) == {}
    client.call("create", id="b", spec=spec)
    assert client.call("health")["ready"]
    for id in "ab":
        client.call("delete", id=id, force=True)
    # The stop that was to follow the drain is taken back too.
    assert client.call("ping") and worker.process.poll() is None
    client.refused("invalid_argument", "drain", undo=True, stop=True)
    client.refused("invalid_argument", "drain", undo=True, deadline_ms=1)
    assert client.call("drain", undo=True) == {}, "one that does not drain is left as it is"
