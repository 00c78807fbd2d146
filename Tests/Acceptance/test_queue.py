"""Lanes: one container's commands in order, immediate ones at once, nobody waits for another."""

import contextlib

import pytest

from contract import PROGRAM
from wire import Dealer

SLEEP = {"args": ["/bin/sleep", "100000"]}


class Stall:
    """Driver calls that hang while a file exists."""

    def __init__(self, path):
        self.path = path

    @contextlib.contextmanager
    def __call__(self):
        self.path.touch()
        try:
            yield self
        finally:
            self.release()

    def release(self) -> None:
        self.path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return tmp_path_factory.mktemp("stalls")


@pytest.fixture(scope="module")
def worker(start_module_worker, files):
    """A worker whose driver can be stalled."""
    faults = [
        {"call": "HcsCreateComputeSystem", "id": "stall-*", "stall_while": str(files / "create")},
        {"call": "HcsCreateProcess", "id": "slow-*", "stall_while": str(files / "process")},
    ]
    return start_module_worker(faults=faults)


@pytest.fixture
def stalled_create(files):
    """`with stalled_create(): ...`: creations of `stall-*` hang."""
    stall = Stall(files / "create")
    yield stall
    stall.release()


@pytest.fixture
def stalled_process(files):
    """`with stalled_process(): ...`: starting a process in `slow-*` hangs."""
    stall = Stall(files / "process")
    yield stall
    stall.release()


def stuck(client, containers, **keys) -> tuple[str, int]:
    """A create that hangs in the driver."""
    id, msgid = containers.send("/bin/sleep", "100000", id=containers.name("stall"), **keys)
    assert client.call("state", id=id)["state"] == "creating"
    return id, msgid


def test_commands_of_one_container_run_in_order(client, containers, collector):
    id, create = containers.send("/bin/sleep", "100000")
    sent = [create]
    sent += [client.request("exec", id=id, process=f"p{n}", spec=SLEEP) for n in range(20)]
    sent += [client.request("delete", id=id, force=True), client.request("exec", id=id, process="late", spec=SLEEP)]
    for msgid in sent[:-1]:
        client.result(msgid)
    assert client.reply(sent[-1]).error["code"] == "not_found"
    assert [msgid for msgid in client.order if msgid in sent] == sent
    collector.find("delete", id)
    assert [e["process"] for e in collector.of(id) if e["type"] == "exec"] == [f"p{n}" for n in range(20)]


def test_two_schedulers_share_one_queue(client, other, containers, collector):
    id = containers.idle()
    for number in range(10):
        (client if number % 2 else other).call("exec", id=id, process=f"p{number}", spec=SLEEP)
    collector.find("exec", id, "p9")
    assert [e["process"] for e in collector.of(id) if e["type"] == "exec"] == [f"p{n}" for n in range(10)]


def test_a_long_command_delays_no_other_container(client, other, containers, stalled_create):
    with stalled_create():
        _, msgid = stuck(client, containers)
        for _ in range(5):
            id = containers.name()
            other.call("create", id=id, spec=PROGRAM)
            other.call("wait", id=id)
            other.call("delete", id=id)
        assert msgid not in client.replies
    assert client.result(msgid)["state"] == "running"


def test_state_answers_while_create_hangs(client, other, containers, stalled_create):
    with stalled_create():
        id, msgid = stuck(client, containers)
        for peer in (client, other):
            assert peer.call("state", id=id)["state"] == "creating"
            assert id in [r["id"] for r in peer.call("list", states=["creating"])["containers"]]
            assert id in [r["id"] for r in peer.call("snapshot")["containers"]]
            assert peer.call("health")["live"] is True
    assert client.result(msgid)["state"] == "running"


def test_signal_answers_while_create_hangs(client, containers, stalled_create):
    with stalled_create():
        id, msgid = stuck(client, containers)
        reply = client.reply(client.request("signal", id=id, signal=15))
        if reply.error is not None:
            assert reply.error["code"] == "failed_precondition" and reply.error["details"]["state"] == "creating"
        assert msgid not in client.replies
    client.reply(msgid)


def test_stop_answers_while_create_hangs(client, containers, stalled_create):
    with stalled_create():
        id, msgid = stuck(client, containers)
        reply = client.reply(client.request("stop", id=id, grace_ms=100))
        assert reply.error is None or reply.error["code"] in ("failed_precondition", "deadline_exceeded", "unavailable")
        assert msgid not in client.replies or client.replies[msgid].error is not None
    client.reply(msgid)


def test_wait_and_others_answer_while_create_hangs(client, containers, stalled_create):
    with stalled_create():
        id, msgid = stuck(client, containers)
        client.refused("deadline_exceeded failed_precondition", "wait", id=id, timeout_ms=50)
        for method in ("pids", "summary", "stats"):
            client.reply(client.request(method, id=id))
        client.reply(client.request("logs", id=id))
    client.reply(msgid)


def test_immediate_commands_answer_while_exec_hangs(client, containers, stalled_process):
    id = containers.idle(id=containers.name("slow"))
    with stalled_process():
        msgid = client.request("exec", id=id, process="p", spec=SLEEP)
        assert client.call("state", id=id)["state"] == "running"
        assert client.call("signal", id=id, signal=9) == {}
        client.reply(client.request("stop", id=id, grace_ms=100, timeout_ms=3000))
        assert client.call("ping")
    client.reply(msgid)


def test_create_of_a_name_that_is_being_created(client, other, containers, stalled_create):
    with stalled_create():
        id, msgid = stuck(client, containers)
        second = other.request("create", id=id, spec=PROGRAM)
        other.call("ping")
    assert client.result(msgid)["state"] == "running"
    assert other.reply(second).error["code"] == "already_exists"


def test_queue_depth_counts_what_waits(client, containers, stalled_create):
    with stalled_create():
        id, msgid = stuck(client, containers)
        waiting = [client.request("exec", id=id, process=f"p{n}", spec=SLEEP) for n in range(3)]
        assert client.call("state", id=id)["queue_depth"] in (3, 4)
    client.result(msgid)
    for msgid in waiting:
        client.result(msgid)
    assert client.repeat(lambda record: record["queue_depth"] == 0, "state", id=id)


def test_a_full_queue_says_so(client, other, containers, stalled_create):
    with stalled_create():
        id, create = stuck(client, containers)
        sent = []
        for _ in range(200):
            sent += [client.request("start", id=id) for _ in range(500)]
            client.call("ping")
            if any(msgid in client.replies for msgid in sent):
                break
        else:
            pytest.fail("100,000 commands wait for one container")
        refused = [client.replies[msgid] for msgid in sent if msgid in client.replies]
        assert all(reply.error["code"] == "resource_exhausted" for reply in refused)
        assert all(reply.error["retryable"] is True for reply in refused)
        assert all(type(reply.error["details"]["retry_after_ms"]) is int for reply in refused)
        assert client.call("state", id=id)["state"] == "creating"
        elsewhere = containers.name()
        assert other.call("create", id=elsewhere, spec=PROGRAM)["id"] == elsewhere
        assert other.call("wait", id=elsewhere)["exit"]["code"] == 0
    assert client.result(create)["state"] == "running"
    accepted = [msgid for msgid in sent if client.reply(msgid, 60).error["code"] != "resource_exhausted"]
    assert all(client.replies[msgid].error["code"] == "failed_precondition" for msgid in accepted)
    position = {msgid: index for index, msgid in enumerate(client.order)}
    assert sorted(accepted, key=position.__getitem__) == accepted, "what waited was answered in order"


def test_expired_before_it_ran_never_runs(client, containers, collector, stalled_create, tmp_path):
    witness = tmp_path / "ran"
    with stalled_create():
        id, create = stuck(client, containers)
        expired = client.request(
            "exec", id=id, process="late", spec={"args": ["/bin/touch", str(witness)]}, timeout_ms=100
        )
        error = client.reply(expired).error
        assert error["code"] == "deadline_exceeded" and error.get("details", {}).get("pending") is not True
        assert create not in client.replies
    client.result(create)
    client.call("exec", id=id, process="next", spec={"args": ["/bin/true"]})
    collector.find("exec_exit", id, "next")
    assert not witness.exists() and "late" not in [event.get("process") for event in collector.of(id)]
    client.refused("not_found", "wait", id=id, process="late")


def test_expired_in_the_driver_is_pending_and_its_outcome_is_published(client, containers, collector, stalled_create):
    with stalled_create():
        id, create = containers.send("/bin/sleep", "100000", id=containers.name("stall"), timeout_ms=300)
        error = client.reply(create).error
        assert error["code"] == "deadline_exceeded" and error["details"]["pending"] is True, error
        assert client.call("state", id=id)["state"] == "creating"
        assert collector.kinds(id) == []
    collector.find("start", id)
    assert collector.kinds(id) == ["create", "start"]
    assert client.call("state", id=id)["state"] == "running"
    client.call("exec", id=id, process="p", spec={"args": ["/bin/true"]})


def test_a_deadline_that_holds_changes_nothing(client, containers):
    id, msgid = containers.send("/bin/true", timeout_ms=60_000)
    assert client.result(msgid)["id"] == id
    assert client.call("wait", id=id, timeout_ms=60_000)["exit"]["code"] == 0


def test_a_peer_that_leaves_stops_nothing(worker, client, peers, containers, stalled_create, collector):
    id = containers.name("stall")
    with stalled_create():
        gone = peers(Dealer, worker.commands)
        gone.request("create", id=id, spec={"process": SLEEP})
        gone.call("state", id=id)
        gone.close()
    collector.find("start", id)
    assert client.call("state", id=id)["state"] == "running"


def test_many_containers_at_once(client, containers):
    made = [containers.send("/bin/true") for _ in range(100)]
    for id, msgid in made:
        reply = client.reply(msgid, 90)
        assert reply.error is None or reply.error["code"] == "resource_exhausted", reply
        if reply.error is None:
            assert client.call("wait", id=id)["exit"]["code"] == 0
