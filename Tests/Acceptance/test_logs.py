"""`logs` by lines and by time."""

import time

import msgpack
import pytest

from test_output import joined


def logs(client, id: str, **keys):
    """One answer."""
    return client.call("logs", {"id": id, **keys})


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(0, b""), (1, b"5"), (2, b"4\n5"), (3, b"3\n4\n5"), (5, b"1\n2\n3\n4\n5"), (1000, b"1\n2\n3\n4\n5")],
)
def test_the_last_lines(client, containers, tail, expected):
    id, _ = containers.ended("printf '1\\n2\\n3\\n4\\n5'")
    reply = logs(client, id, tail=tail)
    assert joined(reply["chunks"]) == expected
    assert reply["eof"] and reply["next"] == 9


def test_a_last_line_with_its_end(client, containers):
    id, _ = containers.ended("printf '1\\n2\\n3\\n'")
    assert joined(logs(client, id, tail=1)["chunks"]) == b"3\n"
    assert joined(logs(client, id, tail=2)["chunks"]) == b"2\n3\n"
    assert joined(logs(client, id, tail=2, limit=2)["chunks"]) == b"2\n"
    assert joined(logs(client, id, **{"tail": 2, "from": 4})["chunks"]) == b"3\n"


def test_times_and_a_time_to_begin_at(client, containers):
    id = containers.shell("echo one; read line; echo two", stdin=True)
    client.repeat(lambda reply: joined(reply["chunks"]) == b"one\n", "logs", id=id)
    between = time.time()
    client.call("stdin", id=id, data=b"\n")
    client.call("wait", id=id)
    reply = logs(client, id, times=True)
    assert joined(reply["chunks"]) == b"one\ntwo\n" and len(reply["chunks"]) >= 2
    times = [chunk["time"].to_unix() for chunk in reply["chunks"]]
    assert times == sorted(times) and times[0] <= between + 0.001 and times[-1] >= between - 0.001
    assert all(isinstance(chunk["time"], msgpack.Timestamp) for chunk in reply["chunks"])
    assert all("time" not in chunk for chunk in logs(client, id)["chunks"])
    since = reply["chunks"][-1]["time"]
    assert joined(logs(client, id, **{"from": since})["chunks"]).endswith(b"two\n")
    assert b"one" not in joined(logs(client, id, **{"from": since})["chunks"])
    late = msgpack.Timestamp.from_unix(time.time() + 3600)
    assert logs(client, id, **{"from": late}) == {"chunks": [], "next": 8, "eof": True, "dropped": 0}
    early = msgpack.Timestamp.from_unix(0)
    assert joined(logs(client, id, **{"from": early})["chunks"]) == b"one\ntwo\n"


@pytest.mark.parametrize("keys", [{"from": "start"}, {"from": -1}, {"from": 1.5}, {"tail": -1}, {"tail": "all"}])
def test_what_is_refused(client, containers, keys):
    id, _ = containers.ended("true")
    client.refused("invalid_argument", "logs", {"id": id, **keys})


def test_times_survive_the_worker(host_with):
    host = host_with()
    host.shell("a", "echo one; sleep 0.05; echo two")
    host.wait("a")
    before = host.client.call("logs", id="a", times=True)["chunks"]
    host.restart()
    assert host.client.call("logs", id="a", times=True)["chunks"] == before
    assert len(before) == 2
