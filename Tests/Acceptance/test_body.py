"""Sections 2 and 7: every malformed body gets exactly one error reply that names what is wrong."""

import struct

import msgpack
import pytest

from contract import ALL, PROGRAM
from wire import Failure, pack

NESTED_ARRAY = b"\x91"
HEAD = b"\x94\x00\x07"  # [0, 7, ...


def named(name: str) -> bytes:
    return pack(name)


def request(method: object, params: object, msgid: object = 7, kind: object = 0) -> bytes:
    return pack([kind, msgid, method, params])


def raw_map(*pairs: tuple[bytes, bytes]) -> bytes:
    return bytes([0x80 | len(pairs)]) + b"".join(key + value for key, value in pairs)


def ping_with(raw_params: bytes) -> bytes:
    """[0, 7, "ping", [raw_params]]."""
    return HEAD + named("ping") + b"\x91" + raw_params


def refused(client, body: bytes, msgids=(0, 7)) -> dict:
    """The one `invalid_argument` that answers `body`."""
    reply = client.answer(body)
    assert reply.error is not None, f"{body[:80]!r} was accepted: {reply.result}"
    assert reply.error["code"] == "invalid_argument", reply.error
    assert reply.msgid in msgids, reply
    return reply.error


SHAPES = {
    "nil": pack(None),
    "int": pack(7),
    "str": pack("ping"),
    "bin": pack(b"ping"),
    "map": pack({"method": "ping"}),
    "true": pack(True),
    "float": pack(1.5),
    "ext": pack(msgpack.ExtType(5, b"x")),
    "timestamp": pack(msgpack.Timestamp(1, 2)),
    "empty array": pack([]),
    "one element": pack([0]),
    "two elements": pack([0, 7]),
    "three elements": pack([0, 7, "ping"]),
    "five elements": pack([0, 7, "ping", [], []]),
    "type 1, a response": request("ping", [], kind=1),
    "type 2, a notification": pack([2, "ping", []]),
    "type 3": request("ping", [], kind=3),
    "type -1": request("ping", [], kind=-1),
    "type nil": request("ping", [], kind=None),
    "type str": request("ping", [], kind="0"),
    "type float": request("ping", [], kind=0.0),
    "type false": request("ping", [], kind=False),
    "JSON": b'{"method":"ping"}',
    "text": b"hello worker",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_request(client, shape):
    refused(client, SHAPES[shape])


@pytest.mark.parametrize(
    "msgid", [2**32, 2**63, 2**64 - 1, -1, -(2**63), 1.0, 7.5, "7", b"7", None, True, [7], {"a": 7}], ids=repr
)
def test_bad_msgid(client, msgid):
    refused(client, request("ping", [], msgid=msgid), msgids=(0,))


@pytest.mark.parametrize("method", [7, None, 1.5, True, b"ping", ["ping"], {"ping": 1}], ids=repr)
def test_method_that_is_no_str(client, method):
    refused(client, request(method, []), msgids=(7,))


@pytest.mark.parametrize(
    "method", ["", "Ping", "ping ", "nonsense", "__init__", "p\0ng", "x" * 60_000], ids=lambda m: m[:9]
)
def test_unknown_method(client, method):
    reply = client.answer(request(method, []))
    assert reply.msgid == 7 and reply.error["code"] in ("unimplemented", "invalid_argument", "not_found")


@pytest.mark.parametrize(
    "params", [None, {}, {"a": 1}, 7, "x", b"", True, [None], [7], ["x"], [[]], [{}, {}], [{}, 1], [{}] * 20], ids=repr
)
def test_bad_params(client, params):
    refused(client, request("ping", params), msgids=(7,))


@pytest.mark.parametrize("params", [[], [{}]], ids=repr)
def test_good_params(client, params):
    assert client.answer(request("ping", params)).error is None


@pytest.mark.parametrize("method", ALL)
def test_unknown_key_is_named(client, method):
    params = {"id": "nobody", **ALL[method]} if method not in ("drain",) else {}
    if method in ("ping", "version", "list", "events", "snapshot", "health"):
        params.pop("id", None)
    reply = client.answer(request(method, [{**params, "bogus_key": 1}]))
    assert reply.error["code"] == "invalid_argument" and "bogus_key" in reply.error["message"], reply


@pytest.mark.parametrize(
    "encoding",
    ["cc07", "cd0007", "ce00000007", "cf0000000000000007", "d007", "d10007", "d200000007", "d30000000000000007"],
)
def test_any_width_of_an_integer_is_accepted(client, encoding):
    reply = client.answer(b"\x94\x00" + bytes.fromhex(encoding) + named("ping") + b"\x90")
    assert reply.error is None and reply.msgid == 7


@pytest.mark.parametrize("header", ["dc0004", "dd00000004"])
def test_any_width_of_a_header_is_accepted(client, header):
    assert client.answer(bytes.fromhex(header) + b"\x00\x07\xd9\x04ping\xdc\x00\x00").error is None


KEYS = {
    "int key": raw_map((b"\x01", b"\x02")),
    "nil key": raw_map((b"\xc0", b"\x02")),
    "bin key": raw_map((pack(b"timeout_ms"), b"\x02")),
    "array key": raw_map((b"\x90", b"\x02")),
    "map key": raw_map((b"\x80", b"\x02")),
    "duplicate key": raw_map((named("timeout_ms"), pack(1000)), (named("timeout_ms"), pack(1000))),
    "duplicate key in two widths": raw_map((named("traceparent"), pack("a")), (b"\xd9\x0btraceparent", pack("a"))),
    "invalid UTF-8 key": raw_map((b"\xa2\xc3\x28", b"\x02")),
}


@pytest.mark.parametrize("case", KEYS)
def test_bad_key(client, case):
    refused(client, ping_with(KEYS[case]))


@pytest.mark.parametrize("case", KEYS)
def test_bad_key_inside_a_spec(client, case):
    body = HEAD + named("create") + b"\x91" + raw_map((named("id"), named("keys")), (named("spec"), KEYS[case]))
    refused(client, body)
    client.refused("not_found", "state", id="keys")


@pytest.mark.parametrize("tail", [b"\x00", b"\xc0", b"\xc1", b"\n", request("ping", [])], ids=lambda t: t[:4].hex())
def test_trailing_bytes(client, tail):
    refused(client, request("ping", []) + tail)


def test_every_truncation(client):
    body = request("list", [{"labels": {"a": "b"}, "limit": 70_000, "states": ["running"]}])
    for length in range(len(body)):
        refused(client, body[:length])


def test_every_single_byte_body_is_answered(client):
    for value in range(256):
        refused(client, bytes([value]))


@pytest.mark.parametrize("raw", [b"\xc1", pack(msgpack.ExtType(5, b"x")), b"\xc7\x00\x05"], ids=bytes.hex)
def test_reserved_byte_and_unknown_ext_inside(client, raw):
    refused(client, ping_with(raw_map((named("traceparent"), raw))))


def nest(containers: int) -> bytes:
    """A `create` whose body is `containers` deep."""
    # body array, params array, params map, spec map: 4; the rest under an unknown key of the specification.
    spec = raw_map(
        (named("process"), pack(PROGRAM["process"])), (named("deep"), NESTED_ARRAY * (containers - 5) + b"\x90")
    )
    return HEAD + named("create") + b"\x91" + raw_map((named("id"), named("deep")), (named("spec"), spec))


def test_depth_32_is_accepted(client, containers):
    containers.own("deep")
    reply = client.answer(nest(32))
    assert reply.error is None and any("deep" in path for path in reply.result["ignored"]), reply


@pytest.mark.parametrize("depth", [33, 34, 64, 1000, 100_000])
def test_depth_above_32(client, depth):
    refused(client, nest(depth))
    client.refused("not_found", "state", id="deep")


@pytest.mark.parametrize(
    "raw", [NESTED_ARRAY * 500_000, b"\x81\xa1a" * 300_000, b"\x81" * 500_000], ids=["arrays", "maps", "keys"]
)
def test_bottomless_body(client, raw):
    refused(client, raw)


HUGE = {
    "array32": b"\xdd\xff\xff\xff\xff",
    "array32 half": b"\xdd\x7f\xff\xff\xff",
    "array16": b"\xdc\xff\xff",
    "map32": b"\xdf\xff\xff\xff\xff",
    "map32 half": b"\xdf\x80\x00\x00\x00",
    "map16": b"\xde\xff\xff",
    "str32": b"\xdb\xff\xff\xff\xff",
    "str16": b"\xda\xff\xff",
    "str8": b"\xd9\xff",
    "bin32": b"\xc6\xff\xff\xff\xff",
    "bin16": b"\xc5\xff\xff",
    "ext32": b"\xc9\xff\xff\xff\xff\x05",
    "ext16": b"\xc8\xff\xff\x05",
}


@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("padding", [0, 100], ids=["bare", "padded"])
def test_declared_size_beyond_the_body(client, kind, padding):
    for body in (HUGE[kind], ping_with(HUGE[kind]), ping_with(raw_map((named("traceparent"), HUGE[kind])))):
        refused(client, body + bytes(padding))


def test_nested_headers_that_claim_the_same_bytes(client):
    left, body = 60_000, b""
    for _ in range(30):
        body += b"\xdd" + struct.pack(">I", left)
    refused(client, body + bytes(left))
    refused(client, ping_with(body + bytes(left)))


TEXT = {
    "lone continuation": b"\xa1\x80",
    "overlong": b"\xa2\xc0\xaf",
    "surrogate": b"\xa3\xed\xa0\x80",
    "beyond": b"\xa4\xf4\x90\x80\x80",
    "cut": b"\xa1\xc3",
    "0xff": b"\xa1\xff",
}


@pytest.mark.parametrize("text", TEXT)
def test_invalid_utf8(client, text):
    refused(client, HEAD + TEXT[text] + b"\x90")
    refused(client, ping_with(raw_map((named("traceparent"), TEXT[text]))))
    refused(client, HEAD + named("state") + b"\x91" + raw_map((named("id"), TEXT[text])))


NUL = {
    "argument": {"args": ["/bin/echo", "a\0b"]},
    "program": {"args": ["/bin/echo\0"]},
    "environment": {"args": ["/bin/true"], "env": ["A=\0"]},
    "cwd": {"args": ["/bin/true"], "cwd": "/tmp\0"},
}


@pytest.mark.parametrize("case", NUL)
def test_nul_in_a_process(client, containers, case):
    id = containers.name()
    client.refused("invalid_argument", "create", id=id, spec={"process": NUL[case]})
    client.refused("not_found", "state", id=id)
    containers.idle(id=id)
    client.refused("invalid_argument", "exec", id=id, process="nul", spec=NUL[case])
    client.refused("not_found", "wait", id=id, process="nul")


def test_nul_in_paths_of_a_spec(client, containers, tmp_path):
    layers = [str(tmp_path), f"{tmp_path}\0"]
    for spec in (
        {"mounts": [{"destination": "C:\\data", "source": f"{tmp_path}\0"}]},
        {"windows": {"layerFolders": layers}},
    ):
        client.refused("invalid_argument", "create", id=containers.name(), spec={**PROGRAM, **spec})


INTEGERS = {
    "timeout_ms": ("ping", {}),
    "grace_ms": ("stop", {"id": "nobody"}),
    "width": ("resize", {"id": "nobody", "height": 25}),
    "height": ("resize", {"id": "nobody", "width": 80}),
    "limit": ("list", {}),
    "after": ("events", {}),
    "credit": ("attach", {"id": "nobody", "from": "start"}),
    "bytes": ("credit", {"id": "nobody", "process": "init"}),
    "from": ("logs", {"id": "nobody"}),
}


@pytest.mark.parametrize("key", INTEGERS)
@pytest.mark.parametrize(
    "value", [1.0, 1.5, float("nan"), float("inf"), -1, -(2**63), "1", b"\1", True, [1], {}], ids=repr
)
def test_bad_integer(client, key, value):
    method, params = INTEGERS[key]
    error = client.refused("invalid_argument", method, params, **{key: value})
    assert key in error["message"], error


@pytest.mark.parametrize("key", ["width", "height"])
@pytest.mark.parametrize("value", [65_536, 2**32, 2**64 - 1])
def test_integer_out_of_range(client, key, value):
    method, params = INTEGERS[key]
    client.refused("invalid_argument", method, params, **{key: value})


FLAGS = {
    "start": ("create", {"spec": PROGRAM}),
    "stdin": ("create", {"spec": PROGRAM}),
    "force": ("delete", {}),
    "eof": ("stdin", {"data": b""}),
}


@pytest.mark.parametrize("key", FLAGS)
@pytest.mark.parametrize("value", [0, 1, "true", 1.0, []], ids=repr)
def test_bad_flag(client, key, value):
    method, params = FLAGS[key]
    client.refused("invalid_argument", method, {"id": "flagged", **params, key: value})
    client.refused("not_found", "state", id="flagged")


@pytest.mark.parametrize("value", ["", "r" * 129, 7, b"r", ["r"]], ids=lambda v: repr(v)[:8])
def test_bad_request_id(client, value):
    assert "request_id" in client.refused("invalid_argument", "ping", request_id=value)["message"]


@pytest.mark.parametrize("value", [7, b"t", ["t"]], ids=repr)
def test_bad_traceparent(client, value):
    client.refused("invalid_argument", "ping", traceparent=value)


@pytest.mark.parametrize("spec", [7, "x", [], b"", True], ids=repr)
def test_spec_that_is_no_map(client, containers, spec):
    client.refused("invalid_argument", "create", id=containers.name(), spec=spec)


PROCESSES = {
    "args str": {"args": "/bin/true"},
    "args int": {"args": [1]},
    "args bin": {"args": [b"/bin/true"]},
    "args map": {"args": {}},
    "env str": {"args": ["/bin/true"], "env": "A=1"},
    "env int": {"args": ["/bin/true"], "env": [1]},
    "cwd int": {"args": ["/bin/true"], "cwd": 1},
    "terminal str": {"args": ["/bin/true"], "terminal": "yes"},
    "terminal int": {"args": ["/bin/true"], "terminal": 1},
    "consoleSize list": {"args": ["/bin/true"], "terminal": True, "consoleSize": [1, 2]},
    "consoleSize float": {"args": ["/bin/true"], "terminal": True, "consoleSize": {"width": 1.5, "height": 2}},
}


@pytest.mark.parametrize("case", PROCESSES)
def test_process_with_a_wrong_type(client, containers, case):
    id = containers.name()
    client.refused("invalid_argument", "create", id=id, spec={"process": PROCESSES[case]})
    containers.idle(id=id)
    client.refused("invalid_argument", "exec", id=id, process="p", spec=PROCESSES[case])


def test_mutations_of_a_good_body_are_each_answered(client, containers):
    body = request(
        "create", [{"id": containers.own("mutant"), "spec": {"process": {"args": ["/bin/true"]}}, "start": False}]
    )
    for position in range(len(body)):
        for value in (0x00, 0x7F, 0x80, 0x91, 0xC0, 0xC1, 0xDD, 0xDF, 0xFF, body[position] ^ 1):
            assert client.answer(body[:position] + bytes([value]) + body[position + 1 :])
    pending = [client.request("delete", id=r["id"], force=True) for r in client.call("list")["containers"]]
    for msgid in pending:
        try:
            client.result(msgid)
        except Failure as failure:
            assert failure.code == "not_found"
