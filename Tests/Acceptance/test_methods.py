"""What every method answers for unknown containers and bad ids, and the methods without a container."""

import sys

import msgpack
import pytest

from contract import BAD_IDS, GOOD_IDS, PROGRAM, WITH_ID, WITH_PROCESS
from wire import Collector, Dealer

UNIMPLEMENTED_TOO = {"restore", "pause", "resume", "checkpoint_create", "checkpoint_delete", "checkpoint_list"}


@pytest.mark.parametrize("method", WITH_ID)
def test_unknown_container(client, method):
    codes = "not_found unimplemented" if method in UNIMPLEMENTED_TOO else "not_found"
    error = client.refused(codes, method, {"id": "nobody-here", **WITH_ID[method]})
    assert error["code"] != "not_found" or "nobody-here" in error["message"], error


@pytest.mark.parametrize("method", [*WITH_ID, "create"])
def test_missing_id(client, method):
    assert "id" in client.refused("invalid_argument", method, WITH_ID.get(method, {"spec": PROGRAM}))["message"]


@pytest.mark.parametrize("method", [*WITH_ID, "create", "stats"])
def test_bad_id(client, method):
    params = {"create": {"spec": PROGRAM}, "stats": {}}.get(method, WITH_ID.get(method))
    for id in BAD_IDS:
        if not (method == "stats" and id is None):
            client.refused("invalid_argument", method, {**params, "id": id})


@pytest.mark.parametrize("method", WITH_PROCESS)
def test_bad_process_name(client, containers, method):
    id = containers.idle()
    for name in ("", "a" * 129, ".a", "a/b", "a b", "a\0", "ä", 7, b"p", ["p"]):
        client.refused("invalid_argument", method, {**WITH_PROCESS[method], "id": id, "process": name})


@pytest.mark.parametrize("method", [m for m in WITH_PROCESS if m != "exec"])
def test_unknown_process(client, containers, method):
    id = containers.idle()
    error = client.refused(
        "not_found failed_precondition" if method in ("credit", "detach") else "not_found",
        method,
        {**WITH_PROCESS[method], "id": id, "process": "no-such"},
    )
    assert "no-such" in error["message"], error


@pytest.mark.parametrize(
    ("method", "missing"),
    [
        ("create", "spec"),
        ("exec", "process"),
        ("exec", "spec"),
        ("signal", "signal"),
        ("signal_process", "process"),
        ("signal_process", "signal"),
        ("resize", "width"),
        ("resize", "height"),
        ("update", "resources"),
        ("credit", "bytes"),
    ],
)
def test_missing_parameter_is_named(client, method, missing):
    params = {"id": "nobody", "spec": PROGRAM, **WITH_ID.get(method, {})}
    params = {key: value for key, value in params.items() if key in ("id", *WITH_ID.get(method, {"spec": 0}))}
    del params[missing]
    assert missing in client.refused("invalid_argument", method, params)["message"]


@pytest.mark.parametrize("id", GOOD_IDS, ids=lambda id: id[:6])
def test_good_id(client, containers, id):
    containers.run("/bin/true", id=containers.own(id))
    assert client.call("state", id=id)["id"] == id


def test_ping(client):
    result = client.call("ping")
    assert result.keys() == {"time"} and isinstance(result["time"], msgpack.Timestamp)


def test_version(client):
    version = client.call("version")
    named = {"name", "version", "protocol", "host", "epoch", "os", "arch", "driver", "capabilities", "profiles"}
    assert version.keys() == named and version["profiles"] == ["default", "hyperv"]
    assert version["name"].lower() == "windlass" and version["host"] == "acceptance"
    assert version["protocol"] in (1, "1") and type(version["epoch"]) is int and version["epoch"] >= 1
    assert version["os"] == sys.platform and version["arch"] in ("x86_64", "amd64", "aarch64", "arm64")
    assert version["driver"].keys() == {"name", "version"} and all(isinstance(c, str) for c in version["capabilities"])


def test_health(client):
    health = client.call("health")
    assert health.keys() == {"live", "ready", "checks"} and health["live"] is True and health["ready"] is True
    for check in health["checks"]:
        assert check.keys() == {"name", "ok", "message"} and type(check["ok"]) is bool and check["name"], check


def test_snapshot(client, containers):
    id = containers.idle()
    snapshot = client.call("snapshot")
    assert snapshot.keys() == {"containers", "last_seq", "epoch"}
    assert snapshot["epoch"] == client.call("version")["epoch"]
    assert [r["state"] for r in snapshot["containers"] if r["id"] == id] == ["running"]
    assert snapshot["last_seq"] >= max(e["seq"] for e in client.call("events", after=0, ids=[id])["events"])


@pytest.mark.parametrize("method", ["checkpoint_create", "checkpoint_delete", "checkpoint_list"])
def test_checkpoints_are_unimplemented(client, containers, method):
    error = client.refused("unimplemented", method, {"id": containers.idle(), **WITH_ID[method]})
    assert error["retryable"] is False


def test_pause_is_unimplemented_without_hyperv(client, containers):
    id = containers.idle()
    for method in ("pause", "resume"):
        client.refused("unimplemented", method, id=id)
    record = client.call("state", id=id)
    assert record["state"] == "running" and record["paused"] is False


def test_pause_and_resume_under_hyperv(client, containers, collector):
    id = containers.run("/bin/sleep", "100000", profile="hyperv")
    assert client.call("pause", id=id)["state"] == "paused"
    record = client.call("state", id=id)
    assert record["state"] == "paused" and record["paused"] is True
    error = client.refused("failed_precondition", "exec", id=id, process="p", spec={"args": ["/bin/true"]})
    assert error["details"]["state"] == "paused"
    assert client.call("resume", id=id)["state"] == "running"
    collector.find("resume", id)
    assert collector.kinds(id) == ["create", "start", "pause", "resume"]


def test_update(client, containers, collector):
    id = containers.idle()
    reply = client.reply(client.request("update", id=id, resources={"memory": {"limit": 1 << 30}, "cpu": {"count": 1}}))
    if reply.error is not None:
        assert reply.error["code"] == "unimplemented", reply
        return
    assert reply.result.keys() == {"applied", "ignored"} and all(type(v) is list for v in reply.result.values())
    said = " ".join(reply.result["applied"] + reply.result["ignored"])
    assert "memory" in said and "cpu" in said, "nothing is dropped in silence"
    if reply.result["applied"]:
        collector.find("update", id)


@pytest.mark.parametrize(
    "resources", [7, "x", [], {"memory": 7}, {"memory": {"limit": "much"}}, {"cpu": {"count": 1.5}}], ids=repr
)
def test_bad_update(client, containers, resources):
    client.refused("invalid_argument", "update", id=containers.idle(), resources=resources)


def test_restore_of_a_live_container(client, containers):
    id = containers.idle()
    reply = client.reply(client.request("restore", id=id))
    if reply.error is None:
        assert reply.result["state"] == "running" and reply.result.keys() <= {"state", "pid"}
    else:
        assert reply.error["code"] in ("failed_precondition", "unimplemented"), reply
    assert client.call("state", id=id)["state"] == "running"


def test_stats(client, containers):
    first, second = containers.idle(), containers.idle()
    one = client.call("stats", id=first)
    assert isinstance(one, dict) and one
    many = client.call("stats", ids=[first, second])
    assert many.keys() == {first, second} and all(v.keys() == one.keys() for v in many.values())
    assert {first, second} <= client.call("stats").keys()
    client.refused("not_found", "stats", id="nobody-here")
    client.refused("invalid_argument", "stats", ids="nobody")
    client.refused("invalid_argument", "stats", ids=["a/b"])


def test_pids_and_summary(client, containers):
    id = containers.idle()
    pid = client.call("exec", id=id, process="second", spec={"args": ["/bin/sleep", "100000"]})["pid"]
    pids = client.call("pids", id=id)["pids"]
    assert pids[0] == client.call("state", id=id)["pid"] and pid in pids
    processes = client.call("summary", id=id)["processes"]
    assert len(processes) >= 2 and all(isinstance(p, dict) and p for p in processes)
    client.call("stop", id=id, grace_ms=1000)
    for method in ("pids", "summary"):
        reply = client.reply(client.request(method, id=id))
        assert reply.error["code"] == "failed_precondition" if reply.error else not next(iter(reply.result.values()))


def test_drain_refuses_only_creations(start_worker, peers, containers_of):
    worker = start_worker()
    client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
    containers = containers_of(worker, client)
    id = containers.idle()
    assert client.call("drain") == {}
    collector.find("worker_drain")
    assert client.refused("unavailable", "create", id="late", spec=PROGRAM)["message"]
    client.refused("not_found", "state", id="late")
    assert client.call("exec", id=id, process="p", spec={"args": ["/bin/true"]})["process"] == "p"
    assert client.call("state", id=id)["state"] == "running" and client.call("health")["live"] is True
    client.call("stop", id=id, grace_ms=1000)
    client.call("delete", id=id)


def test_drain_can_stop_the_worker(start_worker, peers):
    worker = start_worker()
    client, collector = peers(Dealer, worker.commands), peers(Collector, worker.events, "")
    assert client.call("drain", stop=True) == {}
    collector.find("worker_stop", timeout=30)
    assert worker.exit_code() == 0
