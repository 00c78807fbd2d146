"""What a worker remembers of the one before it: requests, orphans, events, and who may open its journal."""

import contextlib
import sqlite3
import time

import pytest

from restarts import Host, runs, wait_for_end
from wire import Dealer

TRUE = {"process": {"args": ["/bin/true"]}}


@pytest.fixture
def host(tmp_path, start_worker, peers):
    host = Host(tmp_path, start_worker, peers)
    yield host
    host.close()


# Requests that run once


def test_an_answer_stands_over_a_restart(host):
    client = host.start()
    first = host.shell("web", "exit 3", request_id="r")
    gone = client.refused("not_found", "delete", id="nobody", request_id="f")
    client = host.restart()
    assert host.shell("web", "exit 3", request_id="r") == first
    assert client.refused("not_found", "delete", id="nobody", request_id="f") == gone
    client.refused("already_exists", "delete", id="web", request_id="r")
    client.refused("already_exists", "delete", id="somebody", request_id="f")
    host.wait("web")
    assert host.kinds("web") == ["create", "start", "exit"]
    assert next(e for e in host.story() if e["type"] == "create")["request_id"] == "r"


def test_what_may_succeed_later_is_not_an_answer(host):
    """A failure that is retryable left nothing behind: the same id may come again, with whatever it likes."""
    client = host.start("max_containers: 1\n")
    host.shell("web", "exit 3")
    for id in ("r", "s"):
        error = client.refused("resource_exhausted", "create", id="next", spec=TRUE, request_id=id)
        assert error["retryable"]
    client = host.restart("max_containers: 2\n")
    assert client.call("create", id="next", spec=TRUE, request_id="r")["id"] == "next"
    assert client.refused("not_found", "delete", id="nobody", request_id="s")


def test_a_repeat_behind_its_first_gets_its_answer(host):
    """The answer is on its way to the disk when the repeats come."""
    client = host.start()
    for round in range(20):
        sent = [client.request("delete", id="nobody", request_id=f"r-{round}") for _ in range(50)]
        errors = [client.reply(msgid).error for msgid in sent]
        assert errors[0]["code"] == "not_found" and all(error == errors[0] for error in errors)


def test_answers_are_forgotten_oldest_first(host):
    client = host.start("request_retention: 2\n")
    for n in range(4):
        client.refused("not_found", "delete", id=f"nobody-{n}", request_id=f"r-{n}")
    client = host.restart("request_retention: 2\n")
    client.refused("already_exists", "delete", id="other", request_id="r-3")
    # The first is forgotten: its id may stand for something else.
    client.refused("not_found", "delete", id="other", request_id="r-0")


# A stop of the worker


def test_a_stop_leaves_what_can_outlive_it(host):
    host.start()
    pid = host.shell("web", "exec sleep 100000")["pid"]
    host.worker.stop()
    assert runs(pid)
    client = host.start()
    assert client.call("state", id="web")["pid"] == pid
    assert [e["type"] for e in host.story()] == [
        "worker_start",
        "create",
        "start",
        "worker_stop",
        "worker_start",
        "restore",
    ]


def test_a_stop_ends_everything_where_it_is_to(host):
    settings = "on_stop: stop\n"
    host.start(settings)
    pids = [host.shell(f"web-{n}", "trap '' TERM; while :; do sleep 1; done")["pid"] for n in range(3)]
    host.shell("made", "exit 0", start=False)
    host.worker.stop()
    assert not any(runs(pid) for pid in pids)
    host.start(settings)
    for n in range(3):
        exit = host.wait(f"web-{n}")
        assert exit["known"] and exit["reason"] == "terminated"
        assert host.kinds(f"web-{n}") == ["create", "start", "exit"]
    assert host.kinds("made") == ["create", "delete"]
    story = [event["type"] for event in host.story()]
    assert story.index("worker_stop") > max(n for n, kind in enumerate(story) if kind == "exit")


# Containers without a record


def forget(host: Host) -> None:
    """Takes the journal away from the next worker."""
    host.kill()
    for file in host.state_dir.glob("journal.sqlite*"):
        file.unlink()


def check(host: Host, name: str) -> dict:
    return next(check for check in host.client.call("health")["checks"] if check["name"] == name)


@pytest.fixture
def orphan(host):
    """The pid of a container `web` of which the next worker has no record."""
    host.start()
    pid = host.shell("web", "read line; exit 7", stdin=True)["pid"]
    forget(host)
    return pid


def test_an_orphan_is_reported_and_restored_by_hand(host, orphan):
    client = host.start()
    client.repeat(lambda health: "such as web" in str(health), "health")
    assert "such as web" in check(host, "orphans")["message"] and check(host, "orphans")["ok"]
    assert client.call("list")["containers"] == [] and runs(orphan)
    client.refused("not_found", "state", id="web")
    assert client.call("restore", id="web") == {"state": "running", "pid": orphan}
    assert "web" not in check(host, "orphans")["message"], "it has a record now"
    client.call("stdin", id="web", data=b"\n")
    assert host.wait("web")["code"] == 7
    assert host.kinds("web") == ["restore", "exit"]


def test_an_orphan_is_adopted(host, orphan):
    client = host.start("orphans: adopt\n")
    page = client.repeat(lambda page: [r for r in page["containers"] if r["state"] == "running"], "list")
    assert [record["pid"] for record in page["containers"]] == [orphan]
    assert host.kinds("web") == ["restore"]
    client = host.restart()
    assert client.call("state", id="web")["pid"] == orphan, "it has a record"
    client.call("stdin", id="web", data=b"\n")
    assert host.wait("web")["code"] == 7
    client.call("delete", id="web")
    assert host.kinds("web") == ["restore", "restore", "exit", "delete"]


def test_an_orphan_is_terminated(host, orphan):
    client = host.start("orphans: terminate\n")
    wait_for_end(orphan)
    assert client.call("list")["containers"] == [] and host.kinds("web") == []
    # The id is free when the host has taken it down.
    reply = None
    while reply is None or reply.error:
        reply = client.reply(client.request("create", id="web", spec=TRUE))
        assert reply.error is None or reply.error["code"] in ("already_exists", "unavailable")
    assert host.wait("web")["code"] == 0


def test_what_has_a_record_that_cannot_be_read_is_no_orphan(host):
    """As where an older version is started again: whoever understands the record finds the container."""
    host.start()
    pid = host.shell("web", "read line; exit 7", stdin=True)["pid"]
    orphan = host.shell("orphan", "exec sleep 100000")["pid"]
    host.worker.stop()

    def change(sql: str, *arguments) -> list:
        database = sqlite3.connect(host.state_dir / "journal.sqlite")
        with database:
            found = database.execute(sql, arguments).fetchall()
        database.close()
        return found

    change("DELETE FROM container WHERE id = 'orphan'")
    [(record,)] = change("SELECT record FROM container")
    change("UPDATE container SET record = ?", b"\xc0")
    client = host.start("orphans: terminate\n")
    wait_for_end(orphan)
    assert client.call("list")["containers"] == []
    for method, more in (("create", {"spec": TRUE}), ("restore", {}), ("delete", {"force": True})):
        assert "record" in client.refused("failed_precondition", method, id="web", **more)["message"]
    host.worker.stop()
    assert runs(pid)
    change("UPDATE container SET record = ?", record)
    client = host.start()
    client.call("stdin", id="web", data=b"\n")
    assert host.wait("web")["code"] == 7
    assert host.kinds("web") == ["create", "start", "restore", "exit"]


def test_another_workers_container_is_no_orphan(host, tmp_path, start_worker, peers):
    host.start()
    config = f"emulator_socket: {host.emulator.socket}\norphans: terminate\n"
    other = peers(Dealer, start_worker(tmp_path / "other", config=config).commands)
    pid = other.call("create", id="theirs", spec={"process": {"args": ["/bin/sleep", "100000"]}})["pid"]
    host.restart("orphans: terminate\n")
    pid_of_mine = host.shell("mine", "exec sleep 100000")["pid"]
    host.client.refused("not_found", "restore", id="theirs")
    assert runs(pid) and runs(pid_of_mine)
    assert other.call("state", id="theirs")["state"] == "running"


def test_restore_of_what_is_known_changes_nothing(host):
    client = host.start()
    pid = host.shell("web", "exec sleep 100000")["pid"]
    host.shell("made", "exit 0", start=False)
    host.shell("over", "exit 0")
    host.wait("over")
    assert client.call("restore", id="web") == {"state": "running", "pid": pid}
    assert client.call("restore", id="made")["state"] == "created"
    assert client.call("restore", id="over")["state"] == "stopped"
    client.refused("not_found", "restore", id="nobody")
    client.refused("not_found", "state", id="nobody")
    assert "restore" not in [event["type"] for event in host.story()]


# Events


def test_what_is_too_old_is_told_over_a_restart_too(host):
    settings = "event_retention: 20\n"
    client = host.start(settings)
    for n in range(15):
        host.shell(f"web-{n}", "exit 0")
        host.wait(f"web-{n}")
    for _ in range(2):
        error = client.refused("data_loss", "events", after=0)
        oldest, last = error["details"]["oldest_seq"], client.call("snapshot")["last_seq"]
        # It is looked after when a tenth more has come.
        assert last - 22 <= oldest - 1 <= last - 20
        assert "snapshot" in error["message"]
        client.refused("data_loss", "events", after=oldest - 2)
        page = client.call("events", after=oldest - 1)
        assert [event["seq"] for event in page["events"]] == list(range(oldest, last + 1))
        assert page["oldest_seq"] == oldest
        client = host.restart(settings)


# The journal's file


def test_two_workers_of_one_state_directory(host):
    client = host.start()
    second = host.launch()
    assert second.exit_code() == 78
    assert str(host.state_dir) in second.output() and "--state-dir" in second.output()
    host.shell("web", "exit 3")
    assert host.wait("web")["code"] == 3 and client.call("version")["epoch"] == 1
    assert host.restart().call("version")["epoch"] == 2


def test_a_journal_that_is_none_is_not_begun_anew(host):
    host.start()
    host.shell("web", "exit 3")
    host.worker.stop()
    journal = host.state_dir / "journal.sqlite"
    whole, garbage = journal.read_bytes(), b"garbage" * 5000
    journal.write_bytes(garbage)
    worker = host.launch()
    assert worker.exit_code() == 78
    assert str(journal) in worker.output() and "move it away" in worker.output()
    assert journal.read_bytes() == garbage
    journal.write_bytes(whole)
    host.start()
    assert host.wait("web")["code"] == 3


@contextlib.contextmanager
def held(host):
    """Nothing can be written to the journal meanwhile."""
    database = sqlite3.connect(host.state_dir / "journal.sqlite", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


def test_a_journal_that_cannot_be_written_stops_what_must_be_remembered(host):
    client = host.start()
    pid = host.shell("web", "exec sleep 100000")["pid"]
    with held(host):
        waiting = client.request("exec", id="web", process="p", spec={"args": ["/bin/true"]})
        # Whoever is on call has to be told, now of all times.
        health = client.repeat(lambda health: not health["ready"], "health", timeout=60)
        assert health["live"]
        journal = next(check for check in health["checks"] if check["name"] == "journal")
        assert not journal["ok"] and "nothing can be kept" in journal["message"]
        assert client.call("version")["epoch"] == 1 and client.call("state", id="web")["pid"] == pid
        assert client.call("events", after=0)["events"] and client.call("logs", id="web")["chunks"] == []
        error = client.refused("unavailable", "create", id="next", spec=TRUE)
        assert error["retryable"] and error["details"]["retry_after_ms"] > 0 and "journal" in error["message"]
        assert waiting not in client.replies
    assert client.result(waiting)["process"] == "p"
    assert client.call("create", id="next", spec=TRUE)["id"] == "next"
    assert client.call("health")["ready"] and runs(pid)
    host.story()


# Overload


def test_a_full_worker_refuses_and_serves_operators(start_worker, peers, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    faults = [{"call": "HcsCreateComputeSystem", "id": "hung-*", "stall_while": str(gate)}]
    worker = start_worker(config="max_requests: 4\n", faults=faults)
    client, other = peers(Dealer, worker.commands), peers(Dealer, worker.commands)
    hung = [client.request("create", id=f"hung-{n}", spec=TRUE) for n in range(4)]
    # Behind them on the same way: they have been taken.
    client.call("ping")
    flood = peers(Dealer, worker.commands)
    sent = [flood.request("create", id=f"flood-{n}", spec=TRUE) for n in range(640)]
    for _ in range(3):
        assert other.call("health")["live"] and other.call("ping")["time"] is not None
    errors = [flood.reply(msgid).error for msgid in sent]
    assert all(error["code"] == "resource_exhausted" and error["details"]["retry_after_ms"] for error in errors)
    gate.unlink()
    for msgid in hung:
        client.result(msgid)
    assert flood.call("create", id="flood-0", spec=TRUE)["id"] == "flood-0"
    assert other.call("create", id="after", spec=TRUE)["id"] == "after"
