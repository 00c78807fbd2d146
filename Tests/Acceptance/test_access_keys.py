"""`windlass keys`, `windlass context`, and the command line's way to a worker on another host."""

import ctypes
import hashlib
import json
import os
import re
import socket
import stat
import subprocess
from pathlib import Path

import pytest
import zmq
import zmq.auth
from zmq.utils import z85

from command_line import ADDRESS, WITHIN, needs_address
from worker import binary

# Keys


def test_generate(cli, tmp_path):
    printed = cli("keys", "generate", "--server", "--dir", tmp_path / "keys")
    secret, public = tmp_path / "keys/server.key_secret", tmp_path / "keys/server.key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and stat.S_IMODE(public.stat().st_mode) == 0o644
    pair = zmq.auth.load_certificate(secret)
    assert zmq.curve_public(pair[1]) == pair[0] and zmq.auth.load_certificate(public) == (pair[0], None)
    assert pair[0].decode() in printed and pair[1].decode() not in printed + public.read_text()
    before = secret.read_bytes(), public.read_bytes()
    assert "is there already" in cli("keys", "generate", "--server", "--dir", tmp_path / "keys", code=1)
    assert before == (secret.read_bytes(), public.read_bytes())
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["server.key", "server.key_secret"]
    shown = cli("keys", "show", "server", "--dir", tmp_path / "keys")
    raw = z85.decode(pair[0])
    assert pair[0].decode() in shown and raw.hex() in shown.lower()
    assert f"fingerprint: {hashlib.sha256(raw).hexdigest()[:8]}" in shown and pair[1].decode() not in shown


def test_generate_leaves_a_public_key_alone(cli, tmp_path):
    cli("keys", "generate", "alice", "--dir", tmp_path)
    (tmp_path / "alice.key_secret").rename(tmp_path / "elsewhere")
    before = (tmp_path / "alice.key").read_bytes()
    assert "is there already" in cli("keys", "generate", "alice", "--dir", tmp_path, code=1)
    assert (tmp_path / "alice.key").read_bytes() == before
    assert not (tmp_path / "alice.key_secret").exists()


@pytest.mark.parametrize("name", ["../x", "", ".x", "a b", "local", "uid:0", "a" * 65, "a/b"])
def test_names_that_are_none(cli, tmp_path, name):
    assert name in cli("keys", "generate", "--dir", tmp_path, "--", name, code=1)
    text = cli("keys", "authorize", "--role", "admin", "--clients-dir", tmp_path, "--", name, "0" * 64, code=64)
    assert "is no name" in text
    assert not [path for path in tmp_path.iterdir() if path.name != "home"]


@needs_address
def test_keys_of_pyzmq(cli, far, tmp_path):
    folder = tmp_path / "pyzmq"
    folder.mkdir()
    public, secret = map(Path, zmq.auth.create_certificates(folder, "bob", {"role": "admin"}))
    os.chmod(secret, 0o644)
    cli("keys", "authorize", "bob", public, "--role", "observer", "--clients-dir", far.clients, "--worker",
        far.worker.commands)  # fmt: skip
    assert zmq.auth.load_certificate(far.clients / "bob.key")[0] == zmq.auth.load_certificate(public)[0]
    flags = [*far.flags[:4], "--key", secret]
    assert f"chmod 600 {secret}" in cli("ps", *flags, code=2)
    secret.chmod(0o600)
    cli("ps", *flags)
    assert "observer" in cli("run", *flags, "--name", "c", "/bin/true", code=125)


class Czmq:
    """Certificates as czmq itself reads and writes them."""

    def __init__(self):
        self.library = ctypes.CDLL("libczmq.so.4")
        for name in ("new", "load", "public_txt", "secret_txt", "meta"):
            getattr(self.library, f"zcert_{name}").restype = ctypes.c_void_p

    def load(self, path: Path) -> tuple[bytes, bytes]:
        """Both keys; czmq finds the secret one beside the public one."""
        assert (certificate := self.library.zcert_load(str(path).encode())), path
        handle = ctypes.c_void_p(certificate)
        return tuple(
            ctypes.string_at(getattr(self.library, f"zcert_{name}_txt")(handle)) for name in ("public", "secret")
        )

    def save(self, path: Path) -> tuple[bytes, bytes]:
        handle = ctypes.c_void_p(self.library.zcert_new())
        self.library.zcert_set_meta(handle, b"name", b"%s", b"made by czmq")
        assert self.library.zcert_save(handle, str(path).encode()) == 0
        return self.load(path)


@needs_address
def test_keys_of_czmq(cli, door, tmp_path):
    try:
        czmq = Czmq()
    except OSError:
        pytest.skip("libczmq4 is not installed")
    folder = tmp_path / "czmq"
    folder.mkdir()
    cli("keys", "generate", "ours", "--dir", folder)
    assert czmq.load(folder / "ours.key") == zmq.auth.load_certificate(folder / "ours.key_secret")
    server, client = czmq.save(folder / "server"), czmq.save(folder / "bob")
    (folder / "server_secret").chmod(0o600), (folder / "bob_secret").chmod(0o600)
    door.server_key, door.public = folder / "server_secret", server[0]
    door.start()
    assert door.admin.call("version")["server_keys"] == [server[0].decode()]
    cli("keys", "authorize", "bob", folder / "bob", "--role", "observer", "--clients-dir", door.clients, "--worker",
        door.worker.commands)  # fmt: skip
    assert czmq.load(door.clients / "bob.key")[0] == client[0]
    address = door.commands.replace("127.0.0.1", ADDRESS)
    cli("ps", "--worker", address, "--server-key", folder / "server", "--key", folder / "bob_secret")


def test_authorize_and_list(cli, door):
    door.start()
    options = ["--clients-dir", door.clients, "--worker", door.worker.commands]
    pairs = [tuple(key.decode() for key in zmq.curve_keypair()) for _ in range(3)]
    # Behind `--`: a key may begin with a hyphen.
    cli("keys", "authorize", "--role", "scheduler", *options, "--", "a", pairs[0][0])
    cli("keys", "authorize", "a", z85.decode(pairs[1][0].encode()).hex(), "--role", "scheduler", *options)
    assert "let in already" in cli("keys", "authorize", "--role", "admin", *options, "--", "b", pairs[0][0], code=1)
    assert "other rights" in cli("keys", "authorize", "--role", "admin", *options, "--", "a", pairs[2][0], code=1)
    cli("keys", "authorize", "--role", "observer", "--no-events", "--expires", "2099-01-01T00:00:00Z", "--comment",
        "it's a test", *options, "--", "b", pairs[2][0])  # fmt: skip
    for pair in pairs:
        door.dealer(door.options(tuple(key.encode() for key in pair))).call("ping")
    listed = json.loads(cli("keys", "list", "--format", "json", *options))
    principals = {each["name"]: each for each in listed["principals"]}
    assert len(principals["a"]["keys"]) == 2 and principals["a"]["connections"] == 2
    assert principals["b"]["events"] is False and principals["b"]["role"] == "observer" and not listed["broken"]
    assert "2099-01-01" in cli("keys", "list", *options)
    assert "connections ended: 2" in cli("keys", "revoke", "a", *options)
    assert "no key" in cli("keys", "revoke", "a", *options, code=1)
    assert "scheduler" not in cli("keys", "list", *options)
    door.worker.stop()
    assert "observer" in cli("keys", "list", *options)
    cli("keys", "revoke", "b", *options)
    assert not list(door.clients.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--role", "king"],
        ["--role", "admin", "--expires", "tomorrow"],
        ["--role", "admin", "--comment", 'a"\nrole = "x'],
    ],
)
def test_authorize_refuses(cli, door, arguments):
    key = zmq.curve_keypair()[0].decode()
    code = 1 if "--expires" in arguments else 64
    cli("keys", "authorize", "a", key, *arguments, "--clients-dir", door.clients, code=code)
    assert not list(door.clients.iterdir())


@pytest.mark.parametrize("text", ["", "x", "0" * 63, "z" * 41, "/etc/passwd", "/nonexistent"])
def test_authorize_no_key(cli, door, text):
    cli("keys", "authorize", "--role", "admin", "--clients-dir", door.clients, "--", "a", text, code=1)
    assert not list(door.clients.iterdir())


# The way to a worker


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://10.0.0.5:5770", "tcp://127.0.0.1.example.com:5770", "tcp://localhost.example.com:1", "tcp://0.0.0.0:5770",
     "tcp://127.0.0.1:0;192.0.2.9:5770", "tcp://[::2]:5770"],
)  # fmt: skip
def test_no_key_no_word(cli, endpoint):
    for arguments in (["--worker", endpoint, "ps"], ["ps", "--worker", endpoint]):
        assert "--server-key" in cli(*arguments, code=2)
    assert "--key" in cli("ps", "--worker", endpoint, "--server-key", "0" * 64, code=2)


@needs_address
def test_never_in_the_clear(cli, tmp_path):
    cli("keys", "generate", "alice", "--dir", tmp_path)
    with socket.create_server((ADDRESS, 0)) as server:
        server.settimeout(WITHIN)
        endpoint = f"tcp://{ADDRESS}:{server.getsockname()[1]}"
        cli("ps", "--worker", endpoint, code=2)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
        server.settimeout(WITHIN)
        keys = ["--server-key", "0" * 63 + "1", "--key", str(tmp_path / "alice.key_secret")]
        asking = subprocess.Popen([binary(), "ps", "--worker", endpoint, *keys], env=cli.variables, stderr=-3)
        connection = server.accept()[0]
        connection.settimeout(WITHIN)
        connection.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32))
        greeting = b""
        while len(greeting) < 64 and (piece := connection.recv(64)):
            greeting += piece
        connection.close()
        asking.kill()
        asking.wait(WITHIN)
    assert greeting[12:32].rstrip(b"\0") in (b"CURVE", b"") and b"NULL" not in greeting


@needs_address
def test_before_and_behind_the_verb(cli, far):
    assert cli(*far.flags, "ps") == cli("ps", *far.flags)
    assert "needs the role admin" in cli(*far.flags, "keys", "reload", code=1)
    cli("ps", WINDLASS_WORKER=far.address, WINDLASS_SERVER_KEY=far.public.decode(), WINDLASS_KEY=far.flags[-1])
    far.audited("accepted", 3, principal="alice")


@needs_address
def test_contexts(cli, far):
    assert "--worker" in cli("context", "add", "far", code=64)
    cli("context", "add", "far", *far.flags)
    cli("context", "add", "near", "--worker", far.worker.commands)
    assert re.search(r"\* far ", cli("context", "list"))
    cli("ps")
    cli("context", "use", "near")
    assert re.search(r"\* near ", cli("context", "list"))
    cli("keys", "reload")
    assert "needs the role admin" in cli("keys", "reload", "--context", "far", code=1)
    assert "needs the role admin" in cli("--context", "far", "keys", "reload", code=1)
    assert "needs the role admin" in cli("keys", "reload", WINDLASS_CONTEXT="far", code=1)
    cli("keys", "reload", "--context", "near", WINDLASS_CONTEXT="far")
    cli("keys", "reload", "--worker", far.worker.commands, WINDLASS_CONTEXT="far")
    shown = cli("context", "show", "far")
    assert far.address in shown and far.public.decode() in shown and str(far.flags[-1]) in shown
    file = cli.home / "config/windlass/contexts.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert zmq.auth.load_certificate(far.flags[-1])[1].decode() not in file.read_text() + shown
    assert "far" in cli("context", "use", "nowhere", code=1)
    assert "nowhere" in cli("ps", "--context", "nowhere", code=2)
    cli("context", "remove", "near")
    assert "near" not in cli("context", "list")
    assert "near" in cli("context", "remove", "near", code=1)
    file.chmod(0o666)
    assert f"chmod go-w {file}" in cli("ps", "--context", "far", code=2)


@needs_address
def test_sentences(cli, far, tmp_path):
    other = tmp_path / "other"
    cli("keys", "generate", "eve", "--dir", other)
    eve = ["--key", other / "eve.key_secret"]
    text = cli("ps", *far.flags[:4], *eve, code=1)
    assert "unauthenticated" in text and "does not let this key in" in text, text
    text = cli("ps", *far.flags[:2], "--server-key", other / "eve.key", *far.flags[4:], code=1)
    assert "server key" in text.lower() or "--server-key" in text, text
    both = f"{other / 'eve.key'},{far.folder / 'server.key'}"
    cli("ps", *far.flags[:2], "--server-key", both, *far.flags[4:])


def test_secrets_stay_secret(cli, door):
    options = door.let_in("alice", role="scheduler")
    door.start("log_level: trace\n")
    door.dealer(options).call("ping")
    config = door.folder / "settings.yaml"
    config.write_text(door.config)
    dump = cli("config", "dump", "--config", config)
    assert str(door.server_key) in dump
    shown = dump + door.worker.log.read_text() + Path(f"/proc/{door.worker.pid}/cmdline").read_text()
    shown += Path(f"/proc/{door.worker.pid}/environ").read_text()
    for pair in ((door.public, door.secret), (options["curve_publickey"], options["curve_secretkey"])):
        assert pair[1].decode() not in shown and z85.decode(pair[1]).hex() not in shown.lower()
    assert options["curve_publickey"].decode() not in shown, "fingerprints only"
