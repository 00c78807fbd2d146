"""Keys that come and go while the worker runs, and peers of this host."""

import os
import shutil
import signal
from contextlib import suppress

import pytest
import zmq

from curve import Raw, Watch, certificate, watched
from wire import Collector, Deadline, Dealer, pack

LONG = {"process": {"args": ["/bin/sleep", "100000"]}}
SHORT = {"process": {"args": ["/bin/true"]}}


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
    settings = f"local_role: none\nlocal_uids: ['{os.getuid()}=scheduler']\n"
    door.start(settings, commands=["tcp://127.0.0.1:*", "tcp://0.0.0.0:*", ipc])
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
