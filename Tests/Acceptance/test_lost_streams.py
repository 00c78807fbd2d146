"""Streams of a process that a restarted worker cannot have again: the loss is reported at its place, and no end is invented."""

import pytest

from wire import Failure, Output

REFUSED = {"call": "HcsGetProcessInfo", "hresult": "0x80070057"}
UNUSABLE = {"call": "HcsGetProcessInfo", "unusable_streams": True}
WARNING = "could not be had again"


def started(host, script):
    """Runs a script that prints `before`; what `logs` says then."""
    host.shell("web", script, stdin=True)
    while not (page := host.client.call("logs", id="web"))["chunks"]:
        pass
    return page["chunks"][0]


def restarted(host):
    client = host.restart()
    while client.call("state", id="web")["state"] == "unknown":
        pass
    assert client.call("state", id="web")["state"] == "running"
    return client


def attached(client):
    """The output from its beginning, up to the loss."""
    client.notifications.clear()
    assert client.call("attach", id="web", credit=1000)["offset"] == 0
    output = Output(client, "web")
    return output.until(lambda o: any(chunk.get("dropped_unknown") for chunk in o.chunks))


@pytest.mark.parametrize("fault", [REFUSED, UNUSABLE])
def test_streams_that_cannot_be_had_again_are_lost(host_with, fault):
    host = host_with(fault)
    before = started(host, "echo before; read line; exit 7")
    client = restarted(host)
    page = client.call("logs", id="web")
    assert page["chunks"][0] == before, "what was read before is kept"
    assert page["dropped"] > 0 and page["dropped_unknown"] and not page["eof"]
    for keys in ({}, {"offset": 0}):
        with pytest.raises(Failure) as refused:
            client.call("stdin", id="web", data=b"7\n", **keys)
        assert refused.value.code == "failed_precondition" and "restarted" in refused.value.error["message"]
    assert WARNING in host.worker.output()
    output = attached(client)
    assert not any(chunk.get("eof") for chunk in output.chunks)
    client.call("signal", id="web", signal="KILL")
    assert host.wait("web")["reason"] == "terminated"
    assert client.call("logs", id="web")["eof"], "it ends with its process"


def test_a_loss_that_goes_on_is_reported_once(host_with):
    host = host_with(UNUSABLE)
    before = started(host, "echo before; read line; exit 7")
    page = restarted(host).call("logs", id="web")
    client = restarted(host)
    again = client.call("logs", id="web")
    assert again == page and again["chunks"][0] == before, "the loss of the first restart, and no other one"
    assert again["dropped_unknown"] and not again["eof"]
    assert WARNING in host.worker.output()
    losses = [chunk for chunk in attached(client).chunks if chunk.get("dropped_unknown")]
    assert len(losses) == 1 and losses[0]["dropped"] == page["dropped"]


def test_a_loss_stays_where_it_was(host_with, tmp_path):
    gate = tmp_path / "gate"
    host = host_with({**UNUSABLE, "times": 1})
    started(host, f"echo before; until [ -e {gate} ]; do sleep 0.01; done; echo after; read line")
    lost = restarted(host).call("logs", id="web")
    client = restarted(host)
    assert client.call("logs", id="web") == lost, "the second restart has the streams again, and forgets no loss"
    gate.touch()
    page = client.call("logs", id="web")
    while b"after\n" not in [chunk["data"] for chunk in page["chunks"]]:
        page = client.call("logs", id="web")
    assert [chunk["data"] for chunk in page["chunks"] if chunk["data"]] == [b"before\n", b"after\n"]
    assert page["dropped"] == lost["dropped"] and page["dropped_unknown"] and not page["eof"]
    assert "dropped_unknown" not in client.call("logs", {"id": "web", "from": lost["next"]}), "it is at its place"
    client.call("signal", id="web", signal="KILL")
    host.wait("web")
