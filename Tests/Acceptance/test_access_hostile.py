"""Keys that come and go while the worker runs, and peers that want more than they may."""

import os
import random
import shutil
import signal
import socket
from contextlib import suppress

import pytest
import zmq
from zmtp import GREETING, Peer, command, frame

from curve import Raw, Watch, certificate, properties
from wire import DEADLINE, Collector, Deadline, Dealer, pack, parse

LONG = {"process": {"args": ["/bin/sleep", "100000"]}}
SHORT = {"process": {"args": ["/bin/true"]}}


def watched(dealer) -> Watch:
    """Its monitor, from now on."""
    watch = Watch.__new__(Watch)
    watch.socket, watch.monitor = dealer.socket, dealer.socket.get_monitor_socket()
    return watch


def publish(door, id: str) -> None:
    """Has the worker publish events about a container."""
    door.admin.call("create", id=id, spec=SHORT)
    door.admin.call("wait", id=id)


# Revoked


def test_revoked_while_it_waits(door):
    options = door.let_in("alice", role="scheduler")
    door.start()
    door.admin.call("create", id="c", spec=LONG)
    client = door.dealer(options)
    client.call("ping")
    client.request("wait", id="c")
    client.call("ping")
    watch = watched(client)
    assert door.revoke("alice") == 1
    watch.gone()
    assert watch.outcome() == ("auth", 400), "its redial is refused"
    waiting = door.admin.request("wait", id="c")
    door.admin.call("delete", id="c", force=True)
    door.admin.reply(waiting)
    assert not client.socket.poll(0)


def test_revoked_while_it_follows_output(door, tmp_path):
    options = door.let_in("alice", role="scheduler")
    door.start()
    os.mkfifo(tmp_path / "more")
    script = f"echo first; cat {tmp_path / 'more'}; echo last"
    door.admin.call("create", id="c", spec={"process": {"args": ["/bin/sh", "-c", script]}})
    client = door.dealer(options)
    client.call("attach", {"id": "c", "from": "start", "credit": 1 << 20})
    client.until(lambda: client.notifications)
    watch = watched(client)
    assert door.revoke("alice") == 1
    watch.gone()
    seen = len(client.notifications)
    (tmp_path / "more").write_text("more\n")
    door.admin.call("wait", id="c")
    assert not client.socket.poll(0) and len(client.notifications) == seen


def test_revoked_subscriber(door, peers):
    names = ["a", "b", "c"]
    options = {name: door.let_in(name, role="observer") for name in names}
    door.start()
    subscribers = {name: peers(Collector, door.events, "", **options[name]) for name in names}
    publish(door, "before")
    for name in ("a", "c"):  # b has all of that unread
        subscribers[name].find("exit", "before")
    watch = watched(subscribers["b"])
    assert door.revoke("b") == 1
    watch.gone()
    publish(door, "after")
    for name in ("a", "c"):
        subscribers[name].find("exit", "after")
        numbers = [event["seq"] for event in subscribers[name].events]
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))], "without a gap"
    assert watch.outcome() == ("auth", 400)
    with suppress(TimeoutError):
        while True:
            subscribers["b"].pump(0)
    assert not subscribers["b"].of("after")


def test_others_are_unharmed_while_one_comes_and_goes(door):
    alice, bob = door.let_in("alice", role="scheduler"), door.let_in("bob", role="scheduler")
    door.start("max_handshakes_per_second: 100000\n")
    first = door.dealer(alice)
    first.call("ping")
    watch = watched(first)
    for round in range(20):
        peers = [Raw(door.commands, bob) for _ in range(5)]
        for peer in peers:
            peer.send(pack([0, 7, "ping", []]))
        (door.clients / "bob.key").unlink()
        for peer in peers:
            peer.close()
        door.admin.call("keys_reload")
        first.call("create", id=f"c-{round}", spec=SHORT, request_id=f"r-{round}")
        door.write(door.clients / "bob.key", certificate(bob["curve_publickey"], role="scheduler"))
        assert door.admin.call("keys_reload")["added"] == ["bob"]
    assert not watch.monitor.poll(0), "its connection stands as it did"
    assert door.admin.call("health")["ready"] is True
    numbers = [event["seq"] for event in door.admin.call("events", after=0)["events"]]
    assert numbers == [*range(1, len(numbers) + 1)]


# Let in, and kept out


def test_let_in_while_it_runs(door, peers):
    door.start()
    options = door.let_in("late", role="scheduler")
    deadline, outcome = Deadline(), None
    while outcome != ("in", 0):
        assert not deadline.passed, outcome
        outcome = peers(Watch, door.commands, **options).outcome()
    door.dealer(options).call("ping")


def test_hang_up_with_a_broken_file(door, peers):
    alice = door.let_in("alice", role="scheduler")
    door.start()
    first = door.dealer(alice)
    first.call("ping")
    broken = {
        "empty": "", "noise": "\0\xff" * 50, "roleless": certificate(zmq.curve_keypair()[0]),
        "king": certificate(zmq.curve_keypair()[0], role="king"),
        "secret": certificate(*zmq.curve_keypair(), role="admin"),
        "late": certificate(zmq.curve_keypair()[0], role="admin", expires="tomorrow"),
        "local": certificate(zmq.curve_keypair()[0], role="admin"),
        "a b": certificate(zmq.curve_keypair()[0], role="admin"),
        "uid:0": certificate(zmq.curve_keypair()[0], role="admin"),
        "maybe": certificate(zmq.curve_keypair()[0], role="admin", events="maybe"),
    }  # fmt: skip
    for name, text in broken.items():
        door.write(door.clients / f"{name}.key", text)
    open_to_all = door.let_in("open", role="admin")
    (door.clients / "open.key").chmod(0o666)
    os.mkfifo(door.clients / "pipe.key")
    (door.clients / "folder.key").mkdir()
    (door.clients / "nowhere.key").symlink_to("/nonexistent")
    bob = door.let_in("bob", role="observer")
    door.worker.process.send_signal(signal.SIGHUP)
    (line,) = door.audited("keys_reloaded", added="bob")
    names = {f"{name}.key" for name in [*broken, "open", "pipe", "folder", "nowhere"]}
    assert set(line["broken"].split(",")) == names
    first.call("ping"), door.dealer(bob).call("ping")
    assert peers(Watch, door.commands, **open_to_all).outcome() == ("auth", 400)
    health = door.admin.call("health")
    text = " ".join(check["message"] for check in health["checks"])
    assert f"{len(names)} key files cannot be used" in text and "a b.key" in text, text
    assert health["ready"] is True
    assert set(door.admin.call("keys_list")["broken"]) == names


def test_no_directory_nobody(door, peers):
    alice = door.let_in("alice", role="scheduler")
    shutil.rmtree(door.clients)
    door.start()
    assert peers(Watch, door.commands, **alice).outcome() == ("auth", 400)
    assert door.admin.call("keys_list")["broken"].keys() == {"."}
    door.clients.mkdir()
    door.clients.chmod(0o777)
    door.let_in("alice", role="scheduler")
    door.admin.call("keys_reload")
    assert door.admin.call("keys_list")["principals"] == []


def test_same_key_twice(door, peers):
    pair = zmq.curve_keypair()
    options = door.let_in("alice", pair, role="scheduler")
    door.let_in("bob", pair, role="admin")
    door.start()
    assert peers(Watch, door.commands, **options).outcome() == ("auth", 400)
    assert set(door.admin.call("keys_list")["broken"]) == {"alice.key", "bob.key"}
    (door.clients / "bob.key").unlink()
    assert door.admin.call("keys_reload")["added"] == ["alice"]
    door.dealer(options).call("ping")


def test_second_key(door, peers):
    old, new = door.let_in("alice", role="scheduler"), door.let_in("alice+2", role="scheduler")
    door.start()
    first, second = door.dealer(old), door.dealer(new)
    first.call("create", id="c", spec=LONG, request_id="r")
    assert second.call("create", id="c", spec=LONG, request_id="r")["state"], "one principal by two keys"
    other = door.let_in("alice+3", role="admin")
    door.admin.call("keys_reload")
    assert set(door.admin.call("keys_list")["broken"]) == {"alice+3.key"}, "the newcomer, and not the one before"
    assert peers(Watch, door.commands, **other).outcome() == ("auth", 400)
    first.call("ping"), second.call("ping")


def test_a_second_file_with_other_rights_harms_no_first(door):
    options = door.let_in("alice", role="scheduler")
    door.let_in("alice+2", role="observer")
    door.start()
    assert set(door.admin.call("keys_list")["broken"]) == {"alice+2.key"}
    door.dealer(options).call("ping")


@pytest.mark.parametrize("time", ["2020-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00"])
def test_expired(door, peers, time):
    options = door.let_in("alice", role="scheduler", expires=time)
    door.start()
    for endpoint, kind in ((door.commands, zmq.DEALER), (door.events, zmq.SUB)):
        assert peers(Watch, endpoint, kind, **options).outcome() == ("auth", 400)
    assert len(door.audited("refused", 2, reason="expired")) == 2


@pytest.mark.parametrize("has_second", [False, True], ids=["only-key", "one-of-two"])
def test_expires_while_it_is_connected(door, peers, has_second):
    options = door.let_in("alice", role="scheduler")
    if has_second:
        door.let_in("alice+2", role="scheduler")
    door.let_in("past", role="scheduler", expires="2020-01-01T00:00:00Z")
    door.start()
    client, subscriber = door.dealer(options), peers(Collector, door.events, "", **options)
    client.call("ping")
    door.audited("cut", principal="past")  # the worker has looked for expired keys
    watches = [watched(client), watched(subscriber)]
    public = options["curve_publickey"]
    door.write(door.clients / "alice.key", certificate(public, role="scheduler", expires="2020-01-01T00:00:00Z"))
    door.admin.call("keys_reload")
    for watch in watches:
        watch.gone()
        assert watch.outcome() == ("auth", 400)


def test_expires_between_two_requests(door):
    options = door.let_in("alice", role="scheduler")
    door.start()
    client = door.dealer(options)
    client.call("ping")
    client.request("version")
    door.write(
        door.clients / "alice.key",
        certificate(options["curve_publickey"], role="scheduler", expires="2020-01-01T00:00:00Z"),
    )
    door.admin.call("keys_reload")
    error = client.refused("unauthenticated", "ping")
    assert "expired" in error["message"], error


def test_no_events(door, peers):
    options = door.let_in("quiet", role="scheduler", events="no")
    door.start()
    door.dealer(options).call("ping")
    assert peers(Watch, door.events, zmq.SUB, **options).outcome() == ("auth", 400)
    door.audited("refused", reason="role", socket="windlass.events")


def test_events_taken_away(door, peers):
    options = door.let_in("alice", role="observer")
    door.start()
    client, subscriber = door.dealer(options), peers(Collector, door.events, "", **options)
    client.call("ping")
    watch = watched(subscriber)
    door.write(door.clients / "alice.key", certificate(options["curve_publickey"], role="observer", events="no"))
    door.admin.call("keys_reload")
    watch.gone()
    assert watch.outcome() == ("auth", 400)
    client.call("ping")


# Peers of this host


def test_local_role_none(door, peers, tmp_path):
    ipc = f"ipc://{tmp_path}/c"
    options = door.let_in("alice", role="admin")
    door.start(f"local_role: none\nlocal_uids: ['{os.getuid()}=scheduler']\n", commands=["tcp://127.0.0.1:*", "tcp://0.0.0.0:*", ipc])
    assert peers(Watch, door.worker.commands).outcome() == ("auth", 400)
    assert peers(Watch, door.worker.events, zmq.SUB).outcome() == ("auth", 400)
    door.dealer(options).call("keys_list")
    own = peers(Dealer, ipc)
    own.call("create", id="c", spec=SHORT, request_id="r")
    error = own.refused("permission_denied", "drain")
    assert "scheduler" in error["message"]
    door.admin = door.dealer(options)
    assert door.audited("denied", principal=f"uid:{os.getuid()}")


def test_local_uids_of_others(door, peers, tmp_path):
    ipc = f"ipc://{tmp_path}/c"
    door.start(f"local_role: observer\nlocal_uids: ['{os.getuid() + 1}=admin']\n", commands=[ipc, "tcp://0.0.0.0:*"])
    peers(Dealer, ipc).refused("permission_denied", "drain")


# Floods


def test_half_open_connections(door, peers):
    options = door.let_in("alice", role="scheduler")
    door.start("max_connections: 400\n")
    first, held = door.dealer(options), []
    first.call("ping")
    watch = watched(first)
    address = Peer(door.commands).socket.getpeername()
    for _ in range(500):
        held.append(socket.create_connection(address))
    for connection in held[::2]:
        with suppress(OSError):
            connection.sendall(GREETING[:11])
    first.call("ping")
    peers(Watch, door.commands, **options).comes_in()
    peers(Collector, door.events, "", **options)
    assert not watch.monitor.poll(0)
    for connection in held:
        connection.settimeout(DEADLINE)
        with suppress(ConnectionResetError):
            while connection.recv(4096):
                pass
        connection.close()
    first.call("ping")


def test_one_connection_too_many(door, peers):
    options = door.let_in("alice", role="scheduler")
    door.start("max_principal_connections: 4\nhandshake_timeout_ms: 500\n")
    dealers = [door.dealer(options) for _ in range(4)]
    for dealer in dealers:
        dealer.call("ping")
    fifth = peers(Watch, door.commands, **options)
    door.audited("refused", reason="connections")
    dealers[0].close()
    fifth.comes_in()


def test_connections_that_say_nothing_count(door, peers):
    options = door.let_in("alice", role="scheduler")
    door.start("max_principal_connections: 4\nhandshake_timeout_ms: 500\n")
    silent = [peers(Watch, door.commands, **options) for _ in range(4)]
    for watch in silent:
        watch.comes_in()
    peers(Watch, door.events, zmq.SUB, **options)
    door.audited("refused", reason="connections", socket="windlass.events")
    for watch in silent:
        watch.close()
    peers(Collector, door.events, "", **options)


def test_who_leaves_at_once_leaves_nothing(door):
    options = door.let_in("alice", role="scheduler")
    door.start("max_principal_connections: 8\nmax_handshakes_per_second: 100000\n")
    for number in range(200):
        peer = Raw(door.commands if number % 2 else door.events, options, kind=b"DEALER" if number % 2 else b"SUB")
        peer.send(pack([0, 7, "ping", []]) if number % 2 else b"\x01exit/")
        peer.close()
        if number % 8 == 7:
            door.admin.repeat(lambda result: result["principals"][0]["connections"] == 0, "keys_list")


def test_subscriptions_without_end(door, peers):
    options = door.let_in("eve", role="observer")
    other = door.let_in("alice", role="observer")
    door.start("max_handshakes_per_second: 100000\n")
    collector = peers(Collector, door.events, "exit/", **other)
    before = door.worker.status("VmRSS")
    for _ in range(20):
        peer = Raw(door.events, options, kind=b"SUB")
        with suppress(OSError):
            for number in range(0, 5000, 100):
                peer.socket.sendall(b"".join(peer.message(b"\x01t%d" % n) for n in range(number, number + 100)))
        peer.close()
    long = Raw(door.events, options, kind=b"SUB")
    long.send(b"\x01" + b"x" * 500)
    with pytest.raises((EOFError, ConnectionResetError)):
        while True:
            long.frame()
    publish(door, "c")
    collector.find("exit", "c")
    assert door.worker.status("VmRSS") - before < 200 << 20


def test_tampered_byte(door):
    alice, bob = door.let_in("alice", role="scheduler"), door.let_in("bob", role="scheduler")
    door.start()
    first = door.dealer(alice)
    first.call("ping")
    watch = watched(first)
    for _ in range(60):  # libzmq may fail to close one in ten
        peer = Raw(door.commands, bob)
        peer.send(pack([0, 7, "ping", []]))
        assert parse(peer.receive()).error is None
        data = bytearray(peer.message(pack([0, 8, "ping", []])))
        data[-3] ^= 1
        peer.socket.sendall(data)
        with pytest.raises((EOFError, ConnectionResetError)):
            peer.frame()
        peer.close()
    first.call("ping")
    assert not watch.monitor.poll(0)
    door.admin.repeat(lambda result: {each["name"]: each["connections"] for each in result["principals"]}["bob"] == 0, "keys_list")


def test_mutated_handshakes(door, peers):
    options = door.let_in("alice", role="scheduler")
    door.start("handshake_timeout_ms: 500\n")
    chance = random.Random(7)
    clear = GREETING + command(b"READY", properties(b"DEALER", Identity=b"i", User_Id=b"u")) + frame(b"x" * 300)
    curve = clear.replace(b"NULL\0", b"CURVE") + command(b"HELLO", bytes(194))
    endpoints = [door.worker.commands, door.worker.events, door.commands, door.events]
    for number in range(400):
        data = bytearray(clear if number % 2 else curve)
        for _ in range(chance.randint(1, 6)):
            match chance.randint(0, 2):
                case 0:
                    data[chance.randrange(len(data))] = chance.randrange(256)
                case 1:
                    del data[chance.randrange(len(data)) :]
                    data.append(0)
                case 2:
                    at = chance.randrange(len(data))
                    data[at:at] = chance.randbytes(chance.randint(1, 40))
        peer = Peer(endpoints[number % 4])
        peer.send(bytes(data))
        peer.reset() if chance.random() < 0.5 else peer.close()
    door.dealer(options).call("ping"), door.admin.call("ping")
    for endpoint in (door.worker.events, door.events):
        peers(Collector, endpoint, "", **(options if endpoint == door.events else {}))
