"""Refusals say what is wrong, name it, and come under the msgid that could be read."""

import pytest

from wire import pack

HEAD = b"\x94\x00\x07" + pack("ping") + b"\x91"  # [0, 7, "ping", [ ...

UNREADABLE = {
    "depth": HEAD + b"\x91" * 40 + b"\x90",
    "a key twice": HEAD + b"\x82\xa1a\x01\xa1a\x02",
    "a key that is no str": HEAD + b"\x81\x01\x02",
    "invalid UTF-8": HEAD + b"\x81\xa1k\xa1\xff",
    "invalid UTF-8 in the method": b"\x94\x00\x07\xa1\xff\x90",
    "trailing bytes": pack([0, 7, "ping", []]) + b"\0",
    "truncated": HEAD,
    "truncated behind the msgid": b"\x94\x00\x07",
    "the reserved byte": HEAD + b"\xc1",
    "more elements than bytes": HEAD + b"\xdd\xff\xff\xff\xff",
    "more text than bytes": HEAD + b"\xdb\xff\xff\xff\xff",
    "an ext that is no timestamp": HEAD + b"\x81" + pack("traceparent") + b"\xd5\xff\x00\x00",
    "a wide array": b"\xdd\x00\x00\x00\x04\x00\x07" + pack("ping") + b"\x91\xc1",
    "a wide msgid": b"\x94\x00\xcf\0\0\0\0\0\0\0\x07\xa1\xff\x90",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_body_is_refused_under_its_msgid(client, body):
    reply = client.answer(body)
    assert reply.msgid == 7 and reply.error["code"] == "invalid_argument", reply


@pytest.mark.parametrize(
    "body",
    [
        b"\x94\x00",
        b"\x94\x00\xff\xa1\xff",
        b"\x94\x00\xa1\x37\xa1\xff",
        b"\x94\x00\xcf\0\0\0\1\0\0\0\0\xa1\xff",
        b"\x82\0\7\0",
        b"{}",
    ],
    ids=bytes.hex,
)
def test_without_a_msgid_it_is_zero(client, body):
    reply = client.answer(body)
    assert reply.msgid == 0 and reply.error["code"] == "invalid_argument", reply


KINDS = {"exit", "exec_exit", "create", "start", "worker_start"}


@pytest.mark.parametrize("types", [["nope"], ["exit", "exits"], [""], ["heartbeat"], ["EXIT"]], ids=repr)
def test_unknown_types_of_events_are_named_and_the_known_ones_listed(client, types):
    message = client.refused("invalid_argument", "events", types=types)["message"]
    assert f'"{types[-1]}"' in message and all(kind in message for kind in KINDS), message


def test_unknown_states_are_named_and_the_known_ones_listed(client):
    message = client.refused("invalid_argument", "list", states=["running", "runing"])["message"]
    assert '"runing"' in message and "stopped" in message


ENVIRONMENTS = {"no sign": "A", "empty": "", "no name": "=1", "only a sign": "=", "a Windows drive": "=C:=C:\\"}


@pytest.mark.parametrize("entry", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_an_environment_entry_without_a_name_or_a_value(client, containers, entry):
    process = {"args": ["/bin/true"], "env": ["OK=1", entry]}
    id = containers.name()
    message = client.refused("invalid_argument", "create", id=id, spec={"process": process})["message"]
    assert "env[1]" in message and "NAME=value" in message
    client.refused("not_found", "state", id=id)
    containers.idle(id=id)
    message = client.refused("invalid_argument", "exec", id=id, process="p", spec=process)["message"]
    assert "env[1]" in message


def test_an_empty_value_is_a_value(client, containers):
    id = containers.shell('echo "[$A][$B]"', process={"env": ["A=", "B=1=2"]})
    containers.attach(id).until(lambda o: o.data() == b"[][1=2]\n")


@pytest.mark.parametrize(
    "signal", [0, "0", "SIG0", -1, "-9", "+9", 65, 255, "65", "99999999999999999999", "TERM\0", "TE RM"], ids=repr
)
def test_what_is_no_signal_ends_nothing(client, containers, signal):
    id = containers.idle()
    for method, keys in (("signal", {}), ("signal_process", {"process": "init"})):
        assert "signal" in client.refused("invalid_argument", method, id=id, signal=signal, **keys)["message"]
    assert client.call("state", id=id)["state"] == "running"


def test_what_is_cut_from_the_ignored_is_said(client, containers):
    spec = {"process": {"args": ["/bin/sleep", "1000"], **{f"key{n}": 1 for n in range(300)}}}
    id = containers.name()
    ignored = client.call("create", id=id, spec=spec)["ignored"]
    assert len(ignored) == 257 and ignored[-1] == "and 44 more"
    assert client.call("state", id=id)["ignored"] == ignored
    result = client.call("exec", id=id, process="p", spec={"args": ["/bin/true"], "k" * 100: 1})
    assert result["ignored"] == ["k" * 64 + "…"]


NUL = {
    "label": ("create", {"labels": {"k": "v\0"}}),
    "key of a label": ("create", {"labels": {"k\0": "v"}}),
    "profile": ("create", {"profile": "p\0"}),
    "user": ("create", {"spec": {"process": {"args": ["/bin/true"], "user": {"username": "u\0"}}}}),
    "host name": ("create", {"spec": {"process": {"args": ["/bin/true"]}, "hostname": "h\0"}}),
    "checkpoint": ("checkpoint_create", {"checkpoint": "c\0"}),
    "directory": ("checkpoint_create", {"checkpoint": "c", "directory": "/d\0"}),
}


@pytest.mark.parametrize("method,params", NUL.values(), ids=NUL)
def test_no_text_has_a_nul(client, containers, method, params):
    id = containers.name() if method == "create" else containers.idle()
    assert "NUL" in client.refused("invalid_argument", method, {"id": id, **params})["message"]


@pytest.mark.parametrize("method", ["x\u0301" + "\u0301" * 100_000, "red\x1b[31m"], ids=["long", "escape"])
def test_a_message_quotes_a_little_and_nothing_that_moves_a_cursor(client, method):
    reply = client.answer(pack([0, 7, method, []]))
    assert len(reply.error["message"].encode()) < 1000 and "\x1b" not in reply.error["message"]
    error = client.refused("invalid_argument", "ping", {method: 1})
    assert len(error["message"].encode()) < 1000 and "\x1b" not in error["message"]
