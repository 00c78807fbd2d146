"""A killed worker loses nothing: what ran runs, what ended is told once, and what was under way goes on."""

import contextlib
import os
import signal

import pytest

from restarts import Host, runs, wait_for_end
from wire import Dealer, Failure, Output

LOST = 2147483648


@pytest.fixture
def host(tmp_path, start_worker, peers):
    host = Host(tmp_path, start_worker, peers)
    host.start()
    yield host
    host.close()


def test_what_runs_is_found_again(host):
    pid = host.shell("web", "read line; exit $line", stdin=True, labels={"app": "shop"})["pid"]
    before = host.client.call("state", id="web")
    client = host.restart()
    assert runs(pid)
    after = client.call("state", id="web")
    assert after.pop("seq") > before.pop("seq"), "the restore is the newest event that it includes"
    assert after == before
    waiting = client.request("wait", id="web")
    client.call("stdin", id="web", data=b"7\n")
    exit = client.result(waiting)["exit"]
    assert exit["code"] == 7 and exit["known"] and exit["observed_by"] == "driver"
    assert host.kinds("web") == ["create", "start", "restore", "exit"]
    restore = next(event for event in host.story() if event["type"] == "restore")
    assert restore["pid"] == pid and restore["state"] == "running" and restore["labels"] == {"app": "shop"}


def test_what_ended_meanwhile_is_told_once(host, tmp_path):
    gate = tmp_path / "gate"
    pid = host.shell("web", f"while [ ! -e {gate} ]; do sleep 0.01; done; exit 7")["pid"]
    host.kill()
    gate.touch()
    wait_for_end(pid)
    host.start()
    exit = host.wait("web")
    assert exit["code"] == 7 and exit["known"] and exit["reason"] == "exited" and exit["observed_by"] == "restore"
    host.restart()
    assert host.wait("web") == exit
    assert host.kinds("web") == ["create", "start", "exit"]


def test_what_was_only_created_can_be_started(host):
    host.shell("web", "exit 7", start=False, labels={"a": "b"})
    client = host.restart()
    record = client.call("state", id="web")
    assert record["state"] == "created" and record["labels"] == {"a": "b"} and "pid" not in record
    host.restart()
    assert host.client.call("start", id="web")["state"] == "running"
    assert host.wait("web")["code"] == 7
    assert host.kinds("web") == ["create", "restore", "restore", "start", "exit"]


def test_what_was_paused_is_paused(host):
    host.shell("web", "read line; exit 7", profile="hyperv", stdin=True)
    host.client.call("pause", id="web")
    client = host.restart()
    record = client.call("state", id="web")
    assert record["state"] == "paused" and record["paused"]
    assert client.call("resume", id="web")["state"] == "running"
    client.call("stdin", id="web", data=b"\n")
    assert host.wait("web")["code"] == 7
    assert host.kinds("web") == ["create", "start", "pause", "restore", "resume", "exit"]


def test_what_has_ended_stays_as_it_was(host):
    host.shell("web", "exit 7")
    exit = host.wait("web")
    client = host.restart()
    assert client.call("state", id="web")["state"] == "stopped" and host.wait("web") == exit
    client.refused("already_exists", "create", id="web", spec={"process": {"args": ["/bin/true"]}})
    client.call("delete", id="web")
    client = host.restart()
    client.refused("not_found", "state", id="web")
    assert host.kinds("web") == ["create", "start", "exit", "delete"]
    host.shell("web", "exit 8")
    assert host.wait("web")["code"] == 8


def test_further_processes_are_found_again(host, tmp_path):
    gate = tmp_path / "gate"
    host.shell("web", "read line", stdin=True)
    host.exec("web", "done", "exit 3")
    done = host.wait("web", "done")
    runs = host.exec("web", "runs", "read line; exit $line", stdin=True)["pid"]
    ends = host.exec("web", "ends", f"while [ ! -e {gate} ]; do sleep 0.01; done; exit 5")["pid"]
    host.kill()
    gate.touch()
    wait_for_end(ends)
    client = host.start()
    processes = client.call("state", id="web")["processes"]
    assert processes["done"]["exit"] == done and processes["runs"] == {"pid": runs, "state": "running"}
    exit = host.wait("web", "ends")
    assert exit["code"] == 5 and exit["known"] and exit["observed_by"] == "restore"
    client.refused("already_exists", "exec", id="web", process="runs", spec={"args": ["/bin/true"]})
    client.call("stdin", id="web", process="runs", data=b"6\n")
    assert host.wait("web", "runs")["code"] == 6
    client.call("stdin", id="web", data=b"\n")
    host.wait("web")
    told = [(event["type"], event.get("process")) for event in host.story() if event.get("id") == "web"]
    for name in ("done", "runs", "ends"):
        assert [kind for kind, process in told if process == name] == ["exec", "exec_exit"]
    assert told[-1] == ("exit", "init") and told.count(("exit", "init")) == 1


def test_input_and_output_go_on(host):
    host.shell("web", "while read line; do echo got $line; done", stdin=True)
    host.exec("web", "p", "while read line; do echo also $line >&2; done", stdin=True)
    host.client.call("stdin", id="web", data=b"before\n")
    host.client.call("attach", id="web", credit=1 << 20)
    Output(host.client, "web").until(lambda output: output.data() == b"got before\n")
    client = host.restart()
    for process, stream, expected in (("p", "stderr", b"also it\n"), ("init", "stdout", b"got it\n")):
        client.call("attach", {"id": "web", "process": process, "from": "now", "credit": 1 << 20})
        client.call("stdin", id="web", process=process, data=b"it\n")
        output = Output(client, "web", process)
        output.until(lambda output, expected=expected: output.data() == expected)
        assert {chunk["stream"] for chunk in output.chunks} == {stream}
        client.call("stdin", id="web", process=process, data=b"", eof=True)
        output.until(lambda output: output.eof)
    logs = client.call("logs", id="web")
    # What had been read of the process and shown to nobody may be missing; what someone has seen is there.
    assert b"".join(chunk["data"] for chunk in logs["chunks"]) == b"got before\ngot it\n"


def test_a_name_that_comes_again_has_output_of_its_own(host):
    def said(process: str) -> bytes:
        page = host.client.call("logs", id="web", process=process)
        assert page["dropped"] == 0
        return b"".join(chunk["data"] for chunk in page["chunks"])

    host.shell("web", "read line", stdin=True)
    host.exec("web", "p", "echo one")
    host.wait("web", "p")
    host.exec("web", "p", "echo two; read line; echo three", stdin=True)
    host.client.call("attach", id="web", process="p", credit=1 << 20)
    Output(host.client, "web", "p").until(lambda output: output.data() == b"two\n")
    host.restart()
    assert said("p") == b"two\n"
    # One that cannot be started takes nothing away.
    with pytest.raises(Failure):
        host.client.call("exec", id="web", process="p", spec={"args": ["/no/such/program"]})
    host.client.call("stdin", id="web", process="p", data=b"go\n")
    assert host.wait("web", "p")["code"] == 0
    host.restart()
    with pytest.raises(Failure):
        host.client.call("exec", id="web", process="p", spec={"args": ["/no/such/program"]})
    assert said("p") == b"two\nthree\n"


def test_a_terminal_goes_on(host):
    process = {"args": ["/bin/sh", "-c", "read line; stty size"], "terminal": True}
    host.client.call("create", id="web", spec={"process": process}, stdin=True)
    client = host.restart()
    client.call("attach", {"id": "web", "from": "now", "credit": 1 << 20})
    client.call("resize", id="web", width=91, height=17)
    client.call("stdin", id="web", data=b"\n")
    output = Output(client, "web").until(lambda output: b"17 91" in output.data())
    assert {chunk["stream"] for chunk in output.chunks} == {"stdout"}


def test_a_wait_of_before_is_asked_again_and_answered(host):
    host.shell("web", "read line; exit 7", stdin=True)
    host.client.request("wait", id="web", request_id="r-wait")
    host.client.call("ping")
    client = host.restart()
    again = [client.request("wait", id="web", request_id="r-wait"), client.request("wait", id="web")]
    client.call("stdin", id="web", data=b"\n")
    assert [client.result(msgid)["exit"]["code"] for msgid in again] == [7, 7]


def test_a_stop_goes_on(host, tmp_path):
    gate = tmp_path / "gate"
    asked = f"echo asked; while [ ! -e {gate} ]; do sleep 0.01; done; exit 5"
    script = f"trap '{asked}' TERM; echo up; while :; do sleep 0.01; done"
    host.shell("web", script)
    client = host.client
    client.call("attach", {"id": "web", "credit": 1 << 20})
    output = Output(client, "web").until(lambda output: b"up" in output.data())
    client.request("stop", id="web", grace_ms=3_600_000)
    output.until(lambda output: b"asked" in output.data())
    client = host.restart()
    assert client.call("state", id="web")["state"] == "stopping"
    client.refused("failed_precondition", "exec", id="web", process="p", spec={"args": ["/bin/true"]})
    gate.touch()
    assert host.wait("web")["code"] == 5
    assert host.kinds("web") == ["create", "start", "restore", "exit"]


def test_a_stop_ends_by_force_in_the_next_worker(host):
    host.shell("web", "trap '' TERM; echo up; while :; do sleep 0.01; done")
    client = host.client
    client.call("attach", {"id": "web", "credit": 1 << 20})
    Output(client, "web").until(lambda output: b"up" in output.data())
    client.request("stop", id="web", grace_ms=1500)
    client.repeat(lambda record: record["state"] == "stopping", "state", id="web")
    client = host.restart()
    # No matter whether the old worker was quicker: it ends, it is told once, and nobody has to ask for it again.
    exit = host.wait("web")
    assert exit["known"] and exit["reason"] == "terminated"
    assert host.kinds("web").count("exit") == 1


@pytest.fixture
def unsteady(tmp_path, start_worker, peers):
    """A host whose service goes away, with every handle, at the first question about `other`."""
    gate = tmp_path / "hang"
    faults = [
        {"call": "HcsGetComputeSystemProperties", "id": "other", "disconnect": True, "times": 1},
        {"call": "HcsCreateProcess", "id": "slow", "stall_while": str(gate)},
    ]
    host = Host(tmp_path, start_worker, peers, faults)
    host.start()
    host.gate = gate
    yield host
    gate.unlink(missing_ok=True)
    host.close()


def test_containers_are_found_again_when_their_service_is_back(unsteady):
    host, client = unsteady, unsteady.client
    pid = host.shell("web", "read line; echo later; exit 6", stdin=True)["pid"]
    host.exec("web", "p", "read line; exit 5", stdin=True)
    host.shell("made", "exit 4", start=False)
    host.shell("other", "exec sleep 100000")
    waiting = client.request("wait", id="web")
    collector = host.collector()
    client.reply(client.request("stats", id="other"))
    for id in ("web", "made", "other"):
        collector.find("restore", id)
    assert client.call("state", id="web")["pid"] == pid
    client.call("stdin", id="web", process="p", data=b"\n")
    assert host.wait("web", "p")["code"] == 5
    client.call("stdin", id="web", data=b"\n")
    assert client.result(waiting)["exit"]["code"] == 6
    assert client.call("logs", id="web")["chunks"][0]["data"] == b"later\n"
    client.call("start", id="made")
    assert host.wait("made")["code"] == 4
    client.call("delete", id="other", force=True)
    assert host.kinds("web") == ["create", "start", "exec", "restore", "exec_exit", "exit"]
    assert host.kinds("made") == ["create", "restore", "start", "exit"]
    assert host.kinds("other") == ["create", "start", "restore", "exit", "delete"]


def test_a_call_under_which_the_service_goes_away_is_answered_for_itself(unsteady):
    """Its answer comes when the container has long been found again, and stands for no other command."""
    host = unsteady
    client = host.restart("watchdog_ms: 200\n")
    host.shell("slow", "read line", stdin=True)
    host.shell("other", "exec sleep 100000")
    collector = host.collector()
    host.gate.touch()
    sent = {
        name: client.request("exec", id="slow", process=name, spec={"args": ["/bin/sleep", "100000"]})
        for name in ("first", "second")
    }
    collector.until(lambda: [e for e in collector.events if e["type"] == "stuck" and e["operation"] == "exec"])
    client.reply(client.request("stats", id="other"))
    collector.find("restore", "slow")
    client.call("snapshot")
    assert not client.replies.keys() & set(sent.values()), "nobody knows yet"
    host.gate.unlink()
    replies = {name: client.reply(msgid) for name, msgid in sent.items()}
    client.call("delete", id="slow", force=True)
    told = [(event["type"], event.get("process")) for event in host.story() if event.get("id") == "slow"]
    for name, reply in replies.items():
        assert (("exec", name) in told) == (reply.error is None), (name, reply)
        assert told.count(("exec_exit", name)) == told.count(("exec", name)) <= 1


def test_a_container_that_its_service_has_lost(host):
    pid = host.shell("web", "exec sleep 100000")["pid"]
    host.shell("made", "exit 0", start=False)
    host.kill()
    host.lose_service()
    client = host.start()
    for id in ("web", "made"):
        exit = host.wait(id)
        assert exit["reason"] == "lost" and not exit["known"] and exit["code"] == LOST
        assert exit["observed_by"] == "restore"
        client.call("delete", id=id)
    assert host.kinds("web") == ["create", "start", "exit", "delete"]
    assert host.kinds("made") == ["create", "exit", "delete"]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_a_hundred_containers_over_three_restarts(host):
    sent = [
        host.client.request(
            "create", id=f"web-{n}", spec={"process": {"args": ["/bin/sh", "-c", "read line; exit 7"]}}, stdin=True
        )
        for n in range(100)
    ]
    for msgid in sent:
        host.client.result(msgid, 60)
    for _ in range(3):
        host.restart()
        checks = {check["name"]: check["ok"] for check in host.client.call("health")["checks"]}
        assert checks["restore"]
        # An answer that comes after what has happened: the next kill comes when all of it is kept.
        host.client.call("snapshot")
    records = host.client.call("list")["containers"]
    assert {record["state"] for record in records} == {"running"} and len(records) == 100
    for n in range(100):
        host.client.call("stdin", id=f"web-{n}", data=b"\n")
    for n in range(100):
        assert host.wait(f"web-{n}")["code"] == 7
    story = host.story()
    for n in range(100):
        kinds = [event["type"] for event in story if event.get("id") == f"web-{n}"]
        assert kinds == ["create", "start", "restore", "restore", "restore", "exit"]


def test_the_story_is_the_same_for_who_listened_and_who_asks(host):
    listened = []
    for _ in range(3):
        collector = host.collector()
        for name in ("a", "b"):
            host.shell(name, "exit 1")
            host.wait(name)
            host.client.call("delete", id=name)
        last = host.client.call("snapshot")["last_seq"]
        collector.until(lambda c=collector, last=last: c.events and c.events[-1]["seq"] >= last)
        listened += collector.events
        host.restart()
    story = {event["seq"]: event for event in host.story()}
    assert listened and all(story[event["seq"]] == event for event in listened)


@pytest.mark.parametrize("point", ["intent", "call", "settle", "commit", "publish", "reply"])
def test_what_is_asked_for_happens_once_wherever_the_worker_dies(host, tmp_path, point):
    """Workers die at their first, second, ... `point`, until one has answered."""
    ran = tmp_path / "ran"
    spec = {"args": ["/bin/sh", "-c", f"echo x >> {ran}"]}
    host.shell("web", "read line", stdin=True)
    host.kill()
    deaths = 0
    for count in range(1, 100):
        worker = host.launch(variables={"WINDLASS_CRASH": f"{point}:{count}"})
        reply = host.answer_or_death(worker, "exec", id="web", process="p", request_id="r", spec=spec)
        if reply is not None and not (reply.error or {}).get("retryable"):
            break
        deaths += reply is None
        worker.kill()
    assert deaths > 0
    client = host.restart()
    told = [event["type"] for event in host.story() if event.get("process") == "p"]
    if reply.error is None:
        assert host.wait("web", "p")["code"] == 0
        assert ran.read_text() == "x\n" and told == ["exec", "exec_exit"]
    else:
        # Nobody can say, since it was not found: it is not tried again, and not told of.
        assert reply.error["code"] == "aborted" and told == []
        client.refused("not_found", "wait", id="web", process="p")
        assert not ran.exists() or ran.read_text() == "x\n"
    again = client.reply(client.request("exec", id="web", process="p", request_id="r", spec=spec))
    assert (again.error, again.result) == (reply.error, reply.result)


def test_an_exec_without_a_directory_starts_where_init_did(host, tmp_path):
    spec = {"process": {"args": ["/bin/sleep", "1000"], "cwd": str(tmp_path)}}
    host.client.call("create", id="web", spec=spec)
    host.restart()
    host.exec("web", "job", "pwd")
    assert host.wait("web", "job")["code"] == 0
    chunks = host.client.call("logs", id="web", process="job")["chunks"]
    assert b"".join(chunk["data"] for chunk in chunks) == f"{tmp_path}\n".encode()


@pytest.mark.parametrize("forced", [False, True])
def test_a_strangers_container_of_the_same_id_is_left_alone(host, tmp_path, start_worker, peers, forced):
    host.shell("web", "exit 0")
    host.wait("web")
    host.kill()
    config = f"emulator_socket: {host.emulator.socket}\n"
    stranger = peers(Dealer, start_worker(tmp_path / "other", config=config).commands)
    pid = stranger.call("create", id="web", spec={"process": {"args": ["/bin/sleep", "1000"]}})["pid"]
    client = host.start()
    assert client.call("delete", id="web", force=forced) == {}
    assert runs(pid) and stranger.call("state", id="web")["state"] == "running"
    # What has the id is another worker's: this one can neither have it nor end it.
    with pytest.raises(Failure) as refused:
        host.shell("web", "exit 0")
    assert refused.value.code == "already_exists"
    assert runs(pid) and stranger.call("state", id="web")["state"] == "running"


def test_a_kill_needs_no_second_handle(host_with):
    host = host_with({"call": "HcsOpenComputeSystem", "hresult": "0x80070008"})
    host.shell("web", "trap '' TERM; while :; do sleep 1; done")
    host.exec("web", "job", "trap '' TERM; while :; do sleep 1; done")
    host.client.call("signal_process", id="web", process="job", signal=9)
    assert host.wait("web", "job")["reason"] == "terminated"
    host.client.call("signal", id="web", signal=9)
    assert host.wait("web")["reason"] == "terminated"
