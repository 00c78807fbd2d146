"""Who gets in by which key, as whom, and what each role may do."""

import itertools

import pytest
import zmq
from zmtp import GREETING, Peer, command, frame

from contract import ALL
from curve import Raw, Watch, certificate, properties
from wire import DEADLINE, Requester, pack, parse, unpack

OBSERVER = {
    *("ping", "version", "health", "state", "list", "snapshot", "events"),
    *("wait", "stats", "pids", "summary", "logs"),
}
ADMIN = {"drain", "keys_list", "keys_reload"}
METHODS = {**ALL, "keys_list": {}, "keys_reload": {}}
ZMTP_2 = b"\xff" + bytes(7) + b"\x01\x7f\x01\x05\x00\x00"
ZMTP_1 = b"\x01\x00"


def needed(method: str) -> str:
    """The least role that may call a method."""
    return "observer" if method in OBSERVER else "admin" if method in ADMIN else "scheduler"


def closed(peer: Peer) -> bool:
    """Waits until the other side has ended the connection."""
    peer.socket.settimeout(DEADLINE)
    try:
        while peer.socket.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


# Starting


@pytest.mark.parametrize("setting", ["commands", "events"])
def test_no_key_no_door(start_worker, setting):
    worker = start_worker(ready=False, **{setting: ["tcp://0.0.0.0:*"]})
    assert worker.exit_code() == 78 and "server_key" in worker.output()


def test_key_that_others_may_read(door):
    door.server_key.chmod(0o644)
    worker = door.start(ready=False)
    assert worker.exit_code() == 78 and f"chmod 600 {door.server_key}" in worker.output()


@pytest.mark.parametrize("text", ["", "nonsense", "curve\n    public-key = 7\n", "A" * 100_000])
def test_key_that_is_none(door, text):
    door.write(door.server_key, text, 0o600)
    worker = door.start(ready=False)
    assert worker.exit_code() == 78 and str(door.server_key) in worker.output() and "server_key" in worker.output()


def test_secret_that_does_not_match(door):
    door.keep(zmq.curve_keypair()[0], door.secret)
    worker = door.start(ready=False)
    assert worker.exit_code() == 78 and "does not belong" in worker.output()
    assert door.secret.decode() not in worker.output()


@pytest.mark.parametrize("setting", ["commands", "events"])
@pytest.mark.parametrize("transport", ["norm", "pgm", "epgm", "tipc", "udp", "ws", "wss", "vmci", "inproc", "gssapi"])
def test_other_transports(door, setting, transport):
    worker = door.start(ready=False, **{setting: [f"{transport}://127.0.0.1:5999"]})
    assert worker.exit_code() == 78 and setting in worker.output()


# Handshakes


def test_authorised_scheduler(door):
    options = door.let_in("alice", role="scheduler")
    door.start()
    assert door.dealer(options).call("version")["server_keys"] == [door.public.decode()]
    (line,) = door.audited("accepted", principal="alice")
    assert line["role"] == "scheduler" and line["address"] == "127.0.0.1" and len(line["key"]) == 8, line


def test_unknown_key(door, peers):
    door.start()
    watch = peers(Watch, door.commands, **door.options(zmq.curve_keypair()))
    assert watch.outcome() == ("auth", 400)
    door.audited("refused", reason="unknown_key")
    assert door.handshakes()[1] == 1, "libzmq does not try again"


@pytest.mark.parametrize("socket", ["commands", "events"])
def test_wrong_server_key(door, peers, socket):
    options = door.let_in("alice", role="scheduler")
    door.start()
    before = door.handshakes()
    watch = peers(Watch, getattr(door, socket), **options | {"curve_serverkey": zmq.curve_keypair()[0]})
    assert watch.outcome()[0] in ("closed", "protocol")
    assert door.handshakes()[1] == before[1] and not door.audit("accepted", principal="alice")


PLAIN = {"plain_username": b"alice", "plain_password": b"secret"}


@pytest.mark.parametrize("options", [{}, PLAIN], ids=["null", "plain"])
def test_other_mechanism(door, peers, options):
    door.start()
    watch = peers(Watch, door.commands, **options)
    watch.next(*Watch.FAILURES, zmq.EVENT_DISCONNECTED)
    assert door.handshakes()[1] == 0
    door.admin.call("ping")


@pytest.mark.parametrize("greeting", [ZMTP_1, ZMTP_2, GREETING, b"GET / HTTP/1.1\r\n\r\n"], ids=["1", "2", "3", "http"])
@pytest.mark.parametrize("at", ["commands", "events"])
@pytest.mark.parametrize("is_remote", [False, True], ids=["local", "remote"])
def test_peers_of_old(door, greeting, at, is_remote):
    door.start()
    if greeting is GREETING and not is_remote:
        greeting += command(b"READY", b"\x0bSocket-Type")
    before = door.handshakes()
    endpoint = getattr(door if is_remote else door.worker, at)
    peer = Peer(endpoint)
    peer.send(greeting + pack([0, 1, "ping", []]))
    assert closed(peer)
    assert door.handshakes()[0] - before[0] <= 1
    door.admin.call("ping")


# What a peer says of itself


def test_role_in_ones_own_words(door):
    options = door.let_in("watcher", role="observer")
    door.let_in("root-admin", role="admin")
    door.start()
    peer = Raw(door.commands, options, User_Id=b"root-admin", Role=b"admin", __fd=b"0", Peer_Address=b"::1")
    peer.send(pack([0, 7, "drain", []]))
    error = parse(peer.receive()).error
    assert error["code"] == "permission_denied" and "observer" in error["message"], error
    (line,) = door.audited("denied", method="drain")
    assert (line["principal"], line["role"], line["needs"]) == ("watcher", "observer", "admin"), line
    peer.close()


def test_name_in_ones_own_words_on_this_host(door):
    door.let_in("boss", role="admin")
    door.start("local_role: observer\nlog_level: debug\n")
    peer = Peer(door.worker.commands)
    peer.shake(command(b"READY", properties(b"DEALER", User_Id=b"boss", Identity=b"boss")))
    peer.send(frame(pack([0, 7, "keys_list", []])))
    (line,) = door.audited("denied", method="keys_list")
    assert line["principal"] == "local" and line["role"] == "observer", line
    peer.close()


def test_requester(door, peers):
    options = door.let_in("eve", role="observer")
    door.start()
    requester = peers(Requester, door.commands, **options)
    for _ in range(3):
        assert requester.call("version")["protocol"]
        error = requester.exchange(pack([0, 1, "drain", []])).error
        assert error["code"] == "permission_denied", error


def test_chosen_routing_id(door):
    options = door.let_in("alice", role="admin")
    door.start()
    for _ in range(2):  # and who takes the same id finds nothing but the answer to its own request
        client = door.dealer(options, identity=b"chosen")
        client.send(pack([0, 7, "create", [{"id": "c", "spec": {"process": {"args": ["/bin/true"]}}}]]))
        error = parse(client.receive()[-1]).error
        assert error["code"] == "invalid_argument" and "ZMQ_ROUTING_ID" in error["message"], error
        assert not client.socket.poll(0)
    assert door.admin.call("list")["containers"] == []


def test_guessed_routing_ids(door):
    settings = "max_principal_connections: 2000\nmax_handshakes_per_second: 100000\n"
    alice, eve = door.let_in("alice", role="scheduler"), door.let_in("eve", role="observer")
    door.start(settings)
    first, squatters = door.dealer(alice), []
    for number in range(0x6B8B4567 - 100, 0x6B8B4567 + 100):
        squatters.append(Raw(door.commands, eve, Identity=b"\0" + number.to_bytes(4, "big")))
        squatters[-1].send(pack([0, 7, "ping", []]))
        assert parse(squatters[-1].receive()).error is None
    second = door.dealer(alice)
    for _ in range(20):
        first.call("ping"), second.call("version")
    for squatter in squatters:
        squatter.close()
    first.call("ping"), door.admin.call("ping")


def test_same_id_in_two_classes(door):
    options = door.let_in("alice", role="scheduler")
    door.start()
    remote, local = Raw(door.commands, options, Identity=b"\0abcd"), Peer(door.worker.commands)
    local.greet(b"DEALER", b"\0abcd")
    for msgid in range(100, 110):
        remote.send(pack([0, msgid, "ping", []]))
        local.send(frame(pack([0, msgid + 100, "version", []])))
    assert [parse(remote.receive()).msgid for _ in range(10)] == [*range(100, 110)]
    local.socket.settimeout(DEADLINE)
    for msgid in range(200, 210):
        flags, size = local.take(2)
        size = int.from_bytes(bytes([size]) + local.take(7), "big") if flags & 2 else size
        assert unpack(local.take(size))[1] == msgid
    remote.close(), local.close()


# Roles


@pytest.mark.parametrize("role", ["observer", "scheduler", "admin"])
@pytest.mark.parametrize("is_remote", [True, False], ids=["remote", "local"])
def test_every_method(door, role, is_remote):
    options = door.let_in("peer", role=role)
    door.start(f"local_role: {role}\n")
    client = door.dealer(options) if is_remote else door.admin
    ranks, wrong = ["observer", "scheduler", "admin"], []
    assert client.call("version")["name"]
    for method, params in sorted(METHODS.items(), key=lambda item: item[0] == "drain"):
        params = params if method in ("keys_list", "keys_reload", "drain") else {"id": "nobody", **params}
        reply = client.reply(client.request(method, params if method in ALL else None))
        code = reply.error and reply.error["code"]
        is_allowed = ranks.index(role) >= ranks.index(needed(method))
        if is_allowed == (code == "permission_denied"):
            wrong.append((method, reply))
        elif not is_allowed:
            assert all(word in reply.error["message"] for word in (method, role, needed(method))), reply.error
            assert reply.error["retryable"] is False
    assert not wrong


def test_roles_change_between_two_requests(door):
    options = door.let_in("alice", role="admin")
    door.start()
    client = door.dealer(options)
    client.call("keys_list")
    public = options["curve_publickey"]
    door.write(door.clients / "alice.key", certificate(public, role="observer"))
    assert door.admin.call("keys_reload")["changed"] == ["alice"]
    client.refused("permission_denied", "keys_list")
    door.write(door.clients / "alice.key", certificate(public, role="admin"))
    door.admin.call("keys_reload")
    client.call("keys_list")


def test_request_ids_are_their_principals(door):
    alice, bob = door.let_in("alice", role="scheduler"), door.let_in("bob", role="scheduler")
    keys = {"id": "job", "spec": {"process": {"args": ["/bin/true"]}}, "request_id": "once"}
    made, starts = None, itertools.count(1)
    while next(starts) < 3:
        door.start()
        first, second = door.dealer(alice), door.dealer(bob)
        made = made or first.call("create", keys)
        assert first.call("create", keys) == made, "the answer is kept"
        second.refused("already_exists", "create", keys)
        door.admin.refused("already_exists", "create", keys)
        assert first.call("create", keys) == made
        door.worker.stop()


def test_profiles_only(door):
    options = door.let_in("guest", role="scheduler", profiles_only="yes")
    door.start('profiles:\n  small: {"process": {"args": ["/bin/true"]}}\n')
    client = door.dealer(options)
    for keys in [
        {"spec": {"process": {"args": ["/bin/true"]}}},
        {"profile": "small", "spec": {"mounts": []}},
        {"profile": "small", "spec": {"hostname": "h"}},
        {"profile": "small", "spec": {"process": {"user": {"uid": 0}}}},
        {"profile": "small", "spec": {"process": None}},
        {"profile": "small", "spec": {"windows": {}}},
        {"profile": "small", "spec": {"annotations": {}}, "dry_run": True},
    ]:
        error = client.refused("permission_denied", "create", {"id": "c"} | keys)
        assert "profiles_only" in error["message"], error
    client.refused("permission_denied", "exec", id="c", process="p", spec={"args": ["/bin/true"]})
    client.call("create", id="c", profile="small", spec={"process": {"args": ["/bin/echo", "hi"]}})
    client.call("wait", id="c")


