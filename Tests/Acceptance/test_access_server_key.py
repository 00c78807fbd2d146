"""The worker's own key: read again, broken, and followed by the next one."""

import threading
from contextlib import ExitStack

import pytest
import windlass
import zmq
import zmq.auth

from command_line import needs_address
from curve import Watch, certificate
from wire import Collector, Dealer


@needs_address
def test_rotation(cli, far, peers, tmp_path):
    alice = zmq.auth.load_certificate(far.flags[-1])
    old, new = far.public, zmq.curve_keypair()
    watch = peers(Watch, far.commands, **far.options(alice))
    assert watch.outcome()[0] == "in"
    far.keep(*new)
    far.admin.call("keys_reload")
    watch.gone()
    assert watch.outcome()[0] in ("closed", "protocol"), "its key is the old one"
    peers(Watch, far.commands, **far.options(alice, new[0])).comes_in()
    far.public = new[0]
    assert peers(Dealer, far.commands, **far.options(alice)).call("version")["server_keys"] == [new[0].decode()]
    peers(Collector, far.events, "", **far.options(alice))
    text = cli("ps", *far.flags, code=1)
    assert "server key" in text.lower() or "--server-key" in text, text
    cli("ps", *far.flags[:2], "--server-key", f"{old.decode()},{new[0].decode()}", *far.flags[4:])


def test_next_key_under_load(door, tmp_path):
    """Both keys are known beforehand: the key changes under load, and no honest client is refused."""
    alice = zmq.curve_keypair()
    door.let_in("alice", alice, role="scheduler")
    door.start()
    own = tmp_path / "alice.key_secret"
    door.write(own, certificate(*alice), 0o600)
    new = zmq.curve_keypair()
    door.write(door.server_key.with_name("next.key_secret"), certificate(*new), 0o600)
    door.admin.call("keys_reload")
    announced = door.admin.call("version")["server_keys"]
    assert announced == [door.public.decode(), new[0].decode()], "clients learn the next key from the worker"
    with ExitStack() as stack:
        clients = [
            stack.enter_context(windlass.Client(door.commands, events=door.events, server_keys=announced, key=own))
            for _ in range(4)
        ]
        ending, faults, counts = threading.Event(), [], [0] * len(clients)

        def work(number: int) -> None:
            try:
                while not ending.is_set():
                    id = f"c-{number}-{counts[number]}"
                    assert clients[number].run(id, ["/bin/true"]).exit.code == 0
                    clients[number].delete(id)
                    counts[number] += 1
            except BaseException as fault:
                faults.append(fault)

        followed = clients[0].events()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(clients))]
        for thread in threads:
            thread.start()
        while min(counts) < 2 and not faults:
            door.admin.call("ping")
        door.server_key.with_name("next.key_secret").rename(door.server_key)
        door.admin.call("keys_reload")
        assert door.admin.call("version")["server_keys"] == [new[0].decode()]
        before = list(counts)
        while min(now - then for now, then in zip(counts, before, strict=True)) < 3 and not faults:
            door.admin.call("ping")
        ending.set()
        for thread in threads:
            thread.join()
        assert not faults, faults
        last = clients[0].call("events", after=0, limit=1)["last_seq"]
        seqs = []
        while not seqs or seqs[-1] < last:
            seqs.append(next(followed).seq)
        assert seqs == [*range(seqs[0], last + 1)], "the collector misses nothing either"


def test_key_that_cannot_be_read_again_is_named(door):
    door.start()
    door.server_key.chmod(0o644)
    door.admin.call("keys_reload")
    message = next(check["message"] for check in door.admin.call("health")["checks"] if check["name"] == "keys")
    assert f"chmod 600 {door.server_key}" in message and "server_key" in message, message
    door.server_key.chmod(0o600)
    door.admin.call("keys_reload")
    assert "chmod" not in str(door.admin.call("health")["checks"])


@pytest.mark.parametrize("folder", ["the key's", "the clients'", "one further up"])
def test_folders_that_others_may_write(door, folder):
    """Who may write a folder on the way can put another file in the place of one in it."""
    options = door.let_in("alice", role="scheduler")
    clients = door.folder / "further" / "clients"
    clients.mkdir(parents=True)
    (door.clients / "alice.key").rename(clients / "alice.key")
    door.clients = clients
    at = {"the key's": door.folder, "the clients'": clients, "one further up": clients.parent}[folder]
    at.chmod(0o777)
    if folder == "the key's":
        worker = door.start(ready=False)
        assert worker.exit_code() == 78 and f"chmod go-w {at}" in worker.output()
        return
    door.start()
    assert door.admin.call("keys_list")["principals"] == []
    assert f"chmod go-w {at}" in door.admin.call("keys_list")["broken"]["."]
    at.chmod(0o755)
    door.admin.call("keys_reload")
    door.dealer(options).call("ping")


def test_server_key_that_breaks(door):
    options = door.let_in("alice", role="scheduler")
    door.start()
    door.server_key.chmod(0o644)
    for _ in range(3):
        door.admin.call("keys_reload")
        door.dealer(options).call("ping")
    door.let_in("bob", role="scheduler")
    door.admin.call("keys_reload")
    door.audited("keys_reloaded", added="bob")
    assert door.worker.output().count("the server's key cannot be read again") == 1, "it is reported once"
