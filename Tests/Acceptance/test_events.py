"""Events: order, sequence, topics, welcome, heartbeat, back-fill. Each row of the order table is a test."""

import msgpack
import pytest
import zmq

from test_lifecycle import check_exit
from wire import Collector, unpack

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def order(collector: Collector, id: str) -> list[tuple[str, str | None]]:
    """Type and process of a container's events."""
    return [(event["type"], event.get("process")) for event in collector.of(id)]


def test_create_start_exit_delete(client, containers, collector):
    id, _ = containers.ended()
    client.call("delete", id=id)
    collector.find("delete", id)
    assert collector.kinds(id) == ["create", "start", "exit", "delete"]


def test_exec_before_exec_exit_before_exit(client, containers, collector):
    id = containers.idle()
    for name in ("a", "b", "c"):
        client.call("exec", id=id, process=name, spec={"args": ["/bin/true"]})
        client.call("wait", id=id, process=name)
    client.call("delete", id=id, force=True)
    collector.find("delete", id)
    assert order(collector, id)[2:-2] == [(kind, name) for name in "abc" for kind in ("exec", "exec_exit")]
    assert collector.kinds(id)[-2:] == ["exit", "delete"]


def test_start_comes_before_exit_of_an_init_that_ends_at_once(client, containers, collector):
    made = [containers.send("/bin/true") for _ in range(50)]
    for id, msgid in made:
        assert client.result(msgid, 60)["id"] == id
        collector.find("exit", id, timeout=60)
        assert collector.kinds(id) == ["create", "start", "exit"]
        event = collector.find("exit", id)
        assert event["exit"]["code"] == 0 and event["pid"] == collector.find("start", id)["pid"]


def test_exec_comes_before_its_exit_even_when_it_ends_at_once(client, containers, collector):
    id = containers.idle()
    for number in range(30):
        client.call("exec", id=id, process=f"p{number}", spec={"args": ["/bin/true"]})
    for number in range(30):
        collector.find("exec_exit", id, f"p{number}")
        seen = [kind for kind, process in order(collector, id) if process == f"p{number}"]
        assert seen == ["exec", "exec_exit"]


@pytest.mark.parametrize(
    "method, params",
    [("stop", {"grace_ms": 500}), ("delete", {"force": True}), ("signal", {"signal": 9})],
    ids=["stop", "delete", "signal"],
)
def test_every_exec_exit_comes_before_the_exit(client, containers, collector, method, params):
    id = containers.idle()
    for name in ("a", "b", "c"):
        client.call("exec", id=id, process=name, spec={"args": ["/bin/sleep", "100000"]})
    client.call(method, {"id": id, **params})
    collector.find("exit", id)
    kinds = collector.kinds(id)
    assert kinds.count("exec_exit") == 3 and kinds.index("exit") > max(
        i for i, k in enumerate(kinds) if k == "exec_exit"
    )
    for name in ("a", "b", "c"):
        check_exit(collector.find("exec_exit", id, name)["exit"])


def test_exit_comes_once_when_init_ends_by_itself_with_execs_running(client, containers, collector):
    id = containers.run("/bin/sh", "-c", "read line; exit 5", stdin=True)
    client.call("exec", id=id, process="left", spec={"args": ["/bin/sleep", "100000"]})
    client.call("stdin", id=id, data=b"\n")
    assert collector.find("exit", id)["exit"]["code"] == 5
    client.call("delete", id=id)
    collector.find("delete", id)
    assert collector.kinds(id) == ["create", "start", "exec", "exec_exit", "exit", "delete"]


@pytest.mark.parametrize("size", [1, 100_000, 3_000_000])
def test_all_output_is_spooled_before_the_exit_event(client, containers, collector, size):
    for _ in range(5):
        id = containers.shell(f"head -c {size} /dev/zero")
        collector.find("exit", id)
        seen, start = 0, 0
        while (reply := client.call("logs", {"id": id, "from": start}))["next"] > start:
            seen, start = seen + sum(len(chunk["data"]) for chunk in reply["chunks"]), reply["next"]
        assert seen == size


def test_an_exit_is_told_once(client, containers, collector):
    id = containers.idle()
    for _ in range(5):
        client.request("signal", id=id, signal=9)
    client.reply(client.request("stop", id=id))
    client.call("delete", id=id, force=True)
    collector.find("delete", id)
    assert collector.kinds(id).count("exit") == 1


def test_fields(client, containers, collector):
    id = containers.idle()
    result = client.call("exec", id=id, process="p", spec={"args": ["/bin/sh", "-c", "exit 3"]})
    client.call("wait", id=id, process="p")
    client.call("stop", id=id, grace_ms=500)
    exit = collector.find("exit", id)
    record, version = client.call("state", id=id), client.call("version")
    assert exit["exit"] == record["exit"] and exit["pid"] == collector.find("start", id)["pid"]
    assert exit["process"] == "init" and type(exit["update_pending"]) is bool
    check_exit(exit["exit"])
    for kind in ("exec", "exec_exit"):
        assert collector.find(kind, id)["process"] == "p" and collector.find(kind, id)["pid"] == result["pid"]
    assert check_exit(collector.find("exec_exit", id)["exit"])["code"] == 3
    for event in collector.of(id):
        assert event["host"] == version["host"] and event["epoch"] == version["epoch"]
        assert isinstance(event["time"], msgpack.Timestamp) and type(event["seq"]) is int


def test_traceparent_is_copied(client, containers, collector):
    id, msgid = containers.send("/bin/true", traceparent=TRACE)
    client.result(msgid)
    assert collector.find("create", id)["traceparent"] == TRACE and collector.find("start", id)["traceparent"] == TRACE


def test_seq_is_contiguous(client, containers, collector):
    for msgid in [containers.send("/bin/true")[1] for _ in range(20)]:
        client.result(msgid, 60)
    last = containers.idle()
    client.call("delete", id=last, force=True)
    collector.find("delete", last)
    seqs = [event["seq"] for event in collector.events]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert seqs[0] == dict(collector.welcomes)[""]["last_seq"] + 1


def test_two_collectors_see_the_same(worker, client, containers, collector, peers):
    second = peers(Collector, worker.events, "")
    id, _ = containers.ended()
    client.call("delete", id=id)
    collector.find("delete", id)
    second.find("delete", id)
    assert collector.of(id) == second.of(id)


def test_a_prefix_is_a_prefix(worker, client, containers, peers):
    stem = containers.name("web")
    collector = peers(Collector, worker.events, f"exit/{stem}-1")
    for suffix in ("2", "10", "1"):
        id = containers.own(f"{stem}-{suffix}")
        containers.run("/bin/true", id=id)
        client.call("wait", id=id)
    collector.find("exit", f"{stem}-1")
    assert [(e["type"], e["id"]) for e in collector.events] == [("exit", f"{stem}-10"), ("exit", f"{stem}-1")]


def test_a_type_is_a_topic(worker, client, containers, peers):
    collector = peers(Collector, worker.events, "exit/", "delete/")
    id, _ = containers.ended()
    client.call("delete", id=id)
    collector.find("delete", id)
    assert collector.kinds(id) == ["exit", "delete"]


@pytest.mark.parametrize("topic", ["", "exit/", "exit/web-1", "e", "heartbeat/", "no-such-topic/x", "ü"])
def test_welcome_comes_on_each_new_subscription(worker, client, peers, topic):
    collector = peers(Collector, worker.events, topic)
    welcome = dict(collector.welcomes)[topic]
    version = client.call("version")
    assert {"host", "epoch", "last_seq", "protocol"} <= welcome.keys()
    assert (welcome["host"], welcome["epoch"], welcome["protocol"]) == (
        version["host"],
        version["epoch"],
        version["protocol"],
    )


def test_the_same_subscription_of_another_peer_is_welcomed_too(worker, peers):
    for _ in range(3):
        peers(Collector, worker.events, "exit/")


def test_xsub_may_subscribe(worker, peers, context, client, containers):
    with context.socket(zmq.XSUB) as socket:
        socket.linger = 0
        socket.connect(worker.events)
        socket.send(b"\x01exit/")
        assert socket.poll(15_000), "no welcome"
        topic, body = socket.recv_multipart()
        assert topic == b"exit/" and "protocol" in unpack(body)
        id, _ = containers.ended()
        assert socket.poll(15_000), "no event"
        assert socket.recv_multipart()[0] == f"exit/{id}".encode()


def test_nonsense_from_a_subscriber_harms_no_one(worker, context, client, peers):
    with context.socket(zmq.XSUB) as socket:
        socket.linger = 0
        socket.connect(worker.events)
        for message in (b"", b"\x02", b"\x00exit/", b"hello", bytes(70_000), b"\x01" + bytes(5000)):
            socket.send(message)
        client.call("ping")
        peers(Collector, worker.events, "")


def test_heartbeat_comes_once_a_second_and_takes_no_seq(worker, client, peers):
    collector = peers(Collector, worker.events, "heartbeat/")
    last = client.call("snapshot")["last_seq"]
    collector.until(lambda: len(collector.heartbeats) >= 3, timeout=10)
    assert {"host", "epoch", "last_seq"} <= collector.heartbeats[-1].keys()
    assert collector.heartbeats[-1]["last_seq"] == last == client.call("snapshot")["last_seq"]


def test_events_are_there_when_the_reply_is(client, containers):
    for _ in range(20):
        id = containers.idle()
        assert [e["type"] for e in client.call("events", after=0, ids=[id])["events"]] == ["create", "start"]
        client.call("delete", id=id, force=True)
        assert [e["type"] for e in client.call("events", after=0, ids=[id])["events"]][-2:] == ["exit", "delete"]


def test_back_fill_equals_what_was_published(client, containers, collector):
    after = client.call("snapshot")["last_seq"]
    id = containers.idle()
    client.call("exec", id=id, process="p", spec={"args": ["/bin/true"]})
    client.call("wait", id=id, process="p")
    client.call("delete", id=id, force=True)
    result = client.call("events", after=after)
    assert result.keys() == {"events", "last_seq", "oldest_seq"}
    collector.until(lambda: collector.events and collector.events[-1]["seq"] >= result["last_seq"])
    assert [e for e in collector.events if after < e["seq"] <= result["last_seq"]] == result["events"]
    assert result["oldest_seq"] <= after + 1 and result["last_seq"] == result["events"][-1]["seq"]


def test_back_fill_in_pages(client, containers):
    after = client.call("snapshot")["last_seq"]
    for _ in range(5):
        containers.ended()
    seen = []
    while page := client.call("events", after=after, limit=3)["events"]:
        assert len(page) <= 3
        seen += page
        after = page[-1]["seq"]
    assert [e["seq"] for e in seen] == list(range(seen[0]["seq"], seen[0]["seq"] + len(seen))) and len(seen) >= 15


def test_back_fill_by_type_and_id(client, containers):
    after = client.call("snapshot")["last_seq"]
    (first, _), (second, _) = containers.ended(), containers.ended()
    events = client.call("events", after=after, types=["exit", "create"], ids=[second])["events"]
    assert [(e["type"], e["id"]) for e in events] == [("create", second), ("exit", second)]
    exits = client.call("events", after=after, types=["exit"])["events"]
    assert [e["id"] for e in exits if e["id"] in (first, second)] == [first, second]


def test_snapshot_and_later_events_give_the_whole(worker, client, other, containers, peers):
    sent = [containers.send("/bin/sleep", "100000", id=containers.name()) for _ in range(5)]
    collector = peers(Collector, worker.events, "")
    sent += [containers.send("/bin/sleep", "100000", id=containers.name()) for _ in range(15)]
    snapshot = other.call("snapshot")
    for _, msgid in sent:
        client.result(msgid, 60)
    final = client.call("snapshot")
    seen = [body["last_seq"] for _, body in collector.welcomes]
    collector.until(lambda: max(seen + [e["seq"] for e in collector.events[-1:]]) >= final["last_seq"])
    known = {r["id"]: r["state"] for r in snapshot["containers"]}
    for event in collector.events:
        if event["seq"] > snapshot["last_seq"]:
            known[event["id"]] = {"create": "created", "start": "running"}[event["type"]]
    assert {id: known.get(id) for id, _ in sent} == {id: "running" for id, _ in sent}


def test_too_old_is_data_loss_and_never_a_silent_gap(client, containers):
    containers.ended()
    reply = client.reply(client.request("events", after=0))
    if reply.error is None:
        assert reply.result["oldest_seq"] in (0, 1) and reply.result["events"][0]["seq"] == 1
    else:
        assert reply.error["code"] == "data_loss" and reply.error["details"]["oldest_seq"] > 1
        oldest = reply.error["details"]["oldest_seq"]
        assert client.call("events", after=oldest - 1)["events"][0]["seq"] == oldest


def test_after_the_last_there_is_nothing(client):
    last = client.call("snapshot")["last_seq"]
    result = client.call("events", after=last)
    assert result["events"] == [] and result["last_seq"] >= last


@pytest.mark.parametrize("params", [{"types": "exit"}, {"types": [1]}, {"ids": "web"}, {"ids": [1]}], ids=repr)
def test_bad_filters(client, params):
    assert next(iter(params)) in client.refused("invalid_argument", "events", params, after=0)["message"]


def test_worker_start_is_an_event(client):
    events = client.call("events", after=0, types=["worker_start"])["events"]
    assert len(events) == 1 and "id" not in events[0] and events[0]["seq"] == 1


def test_a_collector_that_never_reads_costs_only_itself(worker, context, client, containers, collector):
    with context.socket(zmq.SUB) as deaf:
        deaf.linger, deaf.rcvhwm, deaf.rcvbuf = 0, 1, 4096
        deaf.subscribe("")
        deaf.connect(worker.events)
        id = containers.idle()
        for number in range(200):
            client.call("exec", id=id, process=f"p{number}", spec={"args": ["/bin/true"]})
        client.call("delete", id=id, force=True)
        collector.find("delete", id)
        seqs = [event["seq"] for event in collector.events]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
