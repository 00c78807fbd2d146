"""Containers from create to delete: states, records, exits, exec, wait, signal, stop."""

import os

import msgpack
import pytest

from contract import PROGRAM, RECORD_OPTIONAL, RECORD_REQUIRED
from wire import REASONS, STATES

EXIT_KEYS = {"code", "known", "reason", "at", "observed_by"}
OBEDIENT = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.02; done'
STUBBORN = 'trap "" TERM; echo ready; while :; do sleep 0.02; done'


def check_exit(exit: dict) -> dict:
    """An exit map has exactly the fields of Protocol.md."""
    assert exit.keys() == EXIT_KEYS, exit
    assert type(exit["code"]) is int and 0 <= exit["code"] < 2**32 and type(exit["known"]) is bool, exit
    assert exit["reason"] in REASONS and isinstance(exit["at"], msgpack.Timestamp), exit
    assert isinstance(exit["observed_by"], str) and exit["observed_by"], exit
    if not exit["known"]:
        assert exit["code"] == (2147483648 if exit["reason"] == "lost" else 4294967295), "a code is never invented"
    return exit


def check_record(record: dict) -> dict:
    """A record has the fields of Protocol.md and no others."""
    assert RECORD_REQUIRED <= record.keys() <= RECORD_REQUIRED | RECORD_OPTIONAL, record.keys()
    assert record["state"] in STATES and isinstance(record["created_at"], msgpack.Timestamp), record
    assert isinstance(record["labels"], dict) and isinstance(record["ignored"], list), record
    assert type(record["paused"]) is bool and type(record["update_pending"]) is bool, record
    assert type(record["queue_depth"]) is int and record["queue_depth"] >= 0, record
    for process in record["processes"].values():
        assert {"pid", "state"} <= process.keys() <= {"pid", "state", "exit"}, process
    if "exit" in record:
        check_exit(record["exit"])
    return record


def test_create_runs_at_once(client, containers):
    id = containers.name()
    result = client.call("create", id=id, spec={"process": {"args": ["/bin/sleep", "100000"]}})
    assert result.keys() == {"id", "state", "pid", "warnings", "ignored"}
    assert result["id"] == id and result["state"] == "running" and result["ignored"] == []
    os.kill(result["pid"], 0)
    record = check_record(client.call("state", id=id))
    assert record["state"] == "running" and record["pid"] == result["pid"]
    assert isinstance(record["started_at"], msgpack.Timestamp) and "exit" not in record
    assert record["started_at"].to_unix() >= record["created_at"].to_unix()


def test_create_without_start(client, containers):
    id = containers.name()
    result = client.call("create", id=id, spec=PROGRAM, start=False)
    assert result["state"] == "created" and result.keys() <= {"id", "state", "pid", "warnings", "ignored"}
    record = check_record(client.call("state", id=id))
    assert record["state"] == "created" and "started_at" not in record and "exit" not in record
    error = client.refused("failed_precondition", "exec", id=id, process="p", spec={"args": ["/bin/true"]})
    assert error["details"]["state"] == "created"
    started = client.call("start", id=id)
    assert started.keys() == {"state", "pid"} and started["state"] == "running" and started["pid"] > 0
    assert client.call("wait", id=id)["exit"]["code"] == 0


def test_start_twice(client, containers):
    id = containers.idle()
    assert client.refused("failed_precondition", "start", id=id)["details"]["state"] == "running"


def test_start_after_the_end(client, containers):
    id, _ = containers.ended()
    assert client.refused("failed_precondition", "start", id=id)["details"]["state"] == "stopped"


def test_create_with_a_taken_id(client, containers):
    id = containers.idle()
    assert id in client.refused("already_exists", "create", id=id, spec=PROGRAM)["message"]
    assert client.call("state", id=id)["state"] == "running"


def test_unknown_keys_of_a_spec_are_reported_once(client, containers):
    spec = {"process": {"args": ["/bin/sleep", "9999"], "bogusInner": 1}, "bogusOuter": {"a": 1}, "ociVersion": "1.0.2"}
    id = containers.name()
    ignored = client.call("create", id=id, spec=spec)["ignored"]
    for name in ("bogusInner", "bogusOuter"):
        assert sum(name in path for path in ignored) == 1, ignored
    assert set(ignored) <= set(client.call("state", id=id)["ignored"])


@pytest.mark.parametrize("code", [0, 1, 3, 42, 127, 255])
def test_exit_code(client, containers, code):
    id, exit = containers.ended(f"exit {code}")
    assert check_exit(exit)["code"] == code and exit["known"] is True and exit["reason"] == "exited"
    record = check_record(client.call("state", id=id))
    assert record["state"] == "stopped" and record["exit"] == exit


def test_environment_and_working_directory(client, containers, tmp_path):
    id = containers.run(
        "/bin/sh", "-c", 'echo "$A|$B|$(pwd)"', process={"env": ["A=1 2", "B=ä=="], "cwd": str(tmp_path)}
    )
    containers.attach(id).until(lambda o: o.eof and o.data() == f"1 2|ä==|{tmp_path}\n".encode())


def test_arguments_arrive_as_given(client, containers):
    arguments = ["a b", "", '"', "\\", "$HOME", "ü", "\n", "x" * 10_000]
    id = containers.run("/usr/bin/printf", "%s|", *arguments)
    containers.attach(id).until(lambda o: o.eof and o.data() == ("|".join(arguments) + "|").encode())


@pytest.mark.parametrize("signal", [15, "TERM", "SIGTERM", "sigterm", 9, "KILL", "SIGKILL"], ids=str)
def test_signal_ends_a_container(client, containers, signal):
    id = containers.idle()
    assert client.call("signal", id=id, signal=signal) == {}
    exit = check_exit(client.call("wait", id=id)["exit"])
    assert exit["reason"] in ("signalled", "terminated") and (exit["code"] != 0 or not exit["known"])


def test_signal_reaches_a_handler(client, containers):
    id = containers.ready(OBEDIENT)
    client.call("signal", id=id, signal="TERM")
    assert client.call("wait", id=id)["exit"]["code"] == 7


@pytest.mark.parametrize("signal", ["NOPE", "", "SIG", -1, 999, 2**40, 15.0, True, None, b"TERM", [15]], ids=repr)
def test_bad_signal(client, containers, signal):
    id = containers.idle()
    client.refused("invalid_argument", "signal", id=id, signal=signal)
    client.refused("invalid_argument", "signal_process", id=id, process="init", signal=signal)
    assert client.call("state", id=id)["state"] == "running"


@pytest.mark.parametrize(
    "method, params",
    [
        ("signal", {"signal": 15}),
        ("exec", {"process": "p", "spec": {"args": ["/bin/true"]}}),
        ("stdin", {"data": b"x"}),
        ("resize", {"width": 80, "height": 25}),
    ],
)
def test_not_on_a_stopped_container(client, containers, method, params):
    id, _ = containers.ended()
    assert client.refused("failed_precondition", method, {"id": id, **params})["details"]["state"] == "stopped"


def test_stop_is_graceful(client, containers):
    id = containers.ready(OBEDIENT)
    exit = check_exit(client.call("stop", id=id)["exit"])
    assert exit["code"] == 7 and exit["known"] is True
    assert client.call("state", id=id)["state"] == "stopped"


def test_stop_terminates_the_stubborn(client, containers):
    id = containers.ready(STUBBORN)
    exit = check_exit(client.call("stop", id=id, grace_ms=200)["exit"])
    assert exit["reason"] in ("terminated", "signalled") and client.call("state", id=id)["state"] == "stopped"


def test_stop_answers_when_stopped_and_the_rest_meanwhile(client, containers):
    id = containers.ready(STUBBORN)
    stop = client.request("stop", id=id, grace_ms=60_000)
    client.repeat(lambda record: record["state"] == "stopping", "state", id=id)
    assert client.call("pids", id=id)["pids"] and stop not in client.replies
    client.call("signal", id=id, signal="KILL")
    assert check_exit(client.result(stop)["exit"])["reason"] in ("signalled", "terminated")


def test_stop_with_zero_grace(client, containers):
    check_exit(client.call("stop", id=containers.ready(STUBBORN), grace_ms=0)["exit"])


def test_stop_of_a_stopped_container(client, containers):
    id, exit = containers.ended("exit 4")
    reply = client.reply(client.request("stop", id=id))
    if reply.error is None:
        assert reply.result["exit"] == exit
    else:
        assert reply.error["code"] == "failed_precondition" and reply.error["details"]["state"] == "stopped"


def test_stop_ends_every_process(client, containers):
    id = containers.idle()
    pid = client.call("exec", id=id, process="second", spec={"args": ["/bin/sleep", "100000"]})["pid"]
    client.call("stop", id=id, grace_ms=2000)
    check_exit(client.call("wait", id=id, process="second")["exit"])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_wait_answers_when_it_exits(client, other, containers):
    id = containers.idle()
    waits = [client.request("wait", id=id), client.request("wait", id=id, process="init")]
    elsewhere = other.request("wait", id=id)
    client.call("ping")
    assert not any(msgid in client.replies for msgid in waits)
    client.call("signal", id=id, signal=9)
    exits = [client.result(waits[0]), client.result(waits[1]), other.result(elsewhere), client.call("wait", id=id)]
    assert all(exit == exits[0] for exit in exits) and check_exit(exits[0]["exit"])


def test_wait_with_a_deadline(client, containers):
    id = containers.idle()
    client.refused("deadline_exceeded", "wait", id=id, timeout_ms=50)
    assert client.call("state", id=id)["state"] == "running"


def test_wait_ends_when_the_container_is_deleted(client, containers):
    id = containers.idle()
    wait = client.request("wait", id=id)
    client.call("delete", id=id, force=True)
    reply = client.reply(wait)
    assert reply.error is None or reply.error["code"] in ("not_found", "aborted", "cancelled")


def test_exec(client, containers):
    id = containers.idle()
    result = client.call(
        "exec", id=id, process="job", spec={"args": ["/bin/sh", "-c", "echo out; echo err >&2; exit 9"]}
    )
    assert result.keys() == {"process", "pid"} and result["process"] == "job" and result["pid"] > 0
    exit = check_exit(client.call("wait", id=id, process="job")["exit"])
    assert exit["code"] == 9 and exit["reason"] == "exited"
    output = containers.attach(id, "job").until(lambda o: o.data("stdout") == b"out\n" and o.data("stderr") == b"err\n")
    assert not output.data("stdin")
    record = check_record(client.call("state", id=id))
    assert record["state"] == "running" and record["processes"]["job"]["exit"] == exit


def test_exec_has_its_own_environment_and_directory(client, containers, tmp_path):
    id = containers.idle()
    spec = {"args": ["/bin/sh", "-c", "echo $A; pwd"], "env": ["A=exec"], "cwd": str(tmp_path)}
    client.call("exec", id=id, process="p", spec=spec)
    containers.attach(id, "p").until(lambda o: o.data() == f"exec\n{tmp_path}\n".encode())


def test_exec_names_are_unique_and_init_is_taken(client, containers):
    id = containers.idle()
    spec = {"args": ["/bin/sleep", "100000"]}
    client.call("exec", id=id, process="p", spec=spec)
    assert "p" in client.refused("already_exists", "exec", id=id, process="p", spec=spec)["message"]
    assert (
        "init" in client.refused("already_exists invalid_argument", "exec", id=id, process="init", spec=spec)["message"]
    )


@pytest.mark.parametrize(
    "spec, named",
    [
        ({"args": ["/absent/program"]}, "/absent/program"),
        ({"args": ["/bin/true"], "cwd": "/absent/cwd"}, "/absent/cwd"),
        ({}, "args"),
        ({"args": []}, "args"),
    ],
    ids=["program", "cwd", "no args", "empty args"],
)
def test_exec_that_cannot_start_leaves_the_container_alone(client, containers, collector, spec, named):
    id = containers.idle()
    error = client.refused("invalid_argument not_found failed_precondition", "exec", id=id, process="bad", spec=spec)
    assert named in error["message"], error
    record = client.call("state", id=id)
    assert record["state"] == "running" and "bad" not in record["processes"]
    client.call("exec", id=id, process="bad", spec={"args": ["/bin/true"]})
    collector.find("exec_exit", id, "bad")
    assert collector.kinds(id) == ["create", "start", "exec", "exec_exit"]


def test_signal_process(client, containers):
    id = containers.idle()
    client.call("exec", id=id, process="p", spec={"args": ["/bin/sleep", "100000"]})
    assert client.call("signal_process", id=id, process="p", signal="KILL") == {}
    assert check_exit(client.call("wait", id=id, process="p")["exit"])["reason"] in ("signalled", "terminated")
    assert client.call("state", id=id)["state"] == "running"


def test_delete_forgets_a_stopped_container(client, containers):
    id, _ = containers.ended()
    assert client.call("delete", id=id) == {}
    for method in ("state", "delete", "logs", "wait"):
        client.refused("not_found", method, id=id)
    assert id not in [record["id"] for record in client.call("list")["containers"]]
    containers.run("/bin/true", id=id)
    assert client.call("wait", id=id)["exit"]["code"] == 0


def test_delete_needs_force_for_a_running_container(client, containers):
    id = containers.idle()
    assert client.refused("failed_precondition", "delete", id=id)["details"]["state"] == "running"
    pid = client.call("state", id=id)["pid"]
    assert client.call("delete", id=id, force=True) == {}
    client.refused("not_found", "state", id=id)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_delete_by_force_of_a_created_container(client, containers):
    id = containers.run("/bin/true", start=False)
    assert client.call("delete", id=id, force=True) == {}
    client.refused("not_found", "state", id=id)


def test_a_hundred_exec_processes_leave_nothing_running(client, containers):
    id = containers.idle()
    sent = [client.request("exec", id=id, process=f"p{n}", spec={"args": ["/bin/true"]}) for n in range(100)]
    for msgid in sent:
        reply = client.reply(msgid, 60)
        assert reply.error is None or reply.error["code"] == "resource_exhausted", reply
    done = [client.replies[msgid].result["process"] for msgid in sent if client.replies[msgid].result]
    assert done and all(client.call("wait", id=id, process=name)["exit"]["code"] == 0 for name in done)
    assert len(client.call("pids", id=id)["pids"]) == 1
