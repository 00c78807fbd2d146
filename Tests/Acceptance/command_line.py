"""The command line of a user, and a worker that it reaches as one on another host."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
import zmq.auth

from curve import Door
from worker import binary, environment

WITHIN = 60


def own_address() -> str | None:
    """This machine's own address, which the command line takes for another host's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else address


ADDRESS = own_address()
needs_address = pytest.mark.skipif(ADDRESS is None, reason="this machine has no address but loopback")


class Cli:
    """The command line of a user with a home of its own."""

    def __init__(self, home: Path):
        self.home = home
        self.home.mkdir()
        self.variables = environment() | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}

    def __call__(self, *arguments: object, code: int = 0, **variables: object) -> str:
        """Runs it and returns what it printed, errors included."""
        done = subprocess.run(
            [binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=self.variables | {k: str(v) for k, v in variables.items()}, timeout=WITHIN,
            text=True,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.returncode, done.stdout)
        return done.stdout


def far_worker(door: Door, cli: Cli, folder: Path) -> Door:
    """A worker with a key that the command line made, which alice may come in to as a scheduler."""
    door.server_key.unlink()
    cli("keys", "generate", "--server", "--dir", door.folder)
    cli("keys", "generate", "alice", "--dir", folder)
    cli("keys", "authorize", "alice", folder / "alice.key", "--role", "scheduler", "--clients-dir", door.clients,
        "--worker", "tcp://127.0.0.1:1", "--timeout", "1ms")  # fmt: skip
    door.public = zmq.auth.load_certificate(door.folder / "server.key")[0]
    door.start()
    door.address = door.commands.replace("127.0.0.1", ADDRESS or "127.0.0.1")
    door.flags = ["--worker", door.address, "--server-key", door.folder / "server.key", "--key",
                  folder / "alice.key_secret"]  # fmt: skip
    return door
