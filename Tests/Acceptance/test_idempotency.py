"""`request_id`: once executed, answered as often as asked."""

from contract import PROGRAM


def test_the_same_request_runs_once(client, containers, collector):
    id = containers.name()
    first = client.call("create", id=id, spec=PROGRAM, request_id=f"r-{id}")
    assert client.call("create", id=id, spec=PROGRAM, request_id=f"r-{id}") == first
    client.call("wait", id=id)
    collector.find("exit", id)
    assert collector.kinds(id) == ["create", "start", "exit"]
    assert collector.find("create", id)["request_id"] == f"r-{id}"


def test_a_failure_is_repeated_too(client):
    first = client.refused("not_found", "delete", id="nobody", request_id="r-nobody")
    assert client.refused("not_found", "delete", id="nobody", request_id="r-nobody") == first


def test_the_same_request_while_the_first_runs(client, other, containers):
    id = containers.idle()
    params = {"id": id, "process": "once", "spec": {"args": ["/bin/true"]}, "request_id": f"r-{id}"}
    sent = [client.request("exec", params) for _ in range(5)]
    results = [client.result(msgid) for msgid in sent] + [other.call("exec", params)]
    assert all(result == results[0] for result in results)


def test_the_same_id_with_other_content(client, containers):
    id = containers.idle()
    client.call("exec", id=id, process="a", spec={"args": ["/bin/true"]}, request_id=f"r-{id}")
    client.refused("already_exists", "exec", id=id, process="b", spec={"args": ["/bin/true"]}, request_id=f"r-{id}")
    client.refused("not_found", "wait", id=id, process="b")
