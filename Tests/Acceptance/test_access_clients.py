"""Clients by CURVE whose connection goes wrong on the way: they notice, and make another."""

import socket
import subprocess
import threading

import pytest
import windlass

from command_line import ADDRESS, WITHIN, needs_address
from proxy import Proxy
from worker import binary

LONG = {"process": {"args": ["/bin/sleep", "100000"]}}


def is_connected(far) -> None:
    """Waits until a request of alice waits, beside the question for it."""
    far.admin.repeat(lambda result: "2 of at most" in str(result["checks"]), "health")


@needs_address
def test_tampered_answer_to_the_command_line(cli, far):
    far.admin.call("create", id="c", spec=LONG)
    with Proxy(far.commands, ADDRESS) as proxy:
        asking = subprocess.Popen(
            [binary(), "wait", "c", "--worker", proxy.endpoint, *map(str, far.flags[2:])],
            env=cli.variables, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        is_connected(far)
        proxy.tamper()
        code = far.admin.call("stop", id="c", grace_ms=0)["exit"]["code"]
        printed, _ = asking.communicate(timeout=WITHIN)
    assert proxy.tampered.is_set() and proxy.connections == 2
    assert printed.strip() == str(code) or asking.returncode == code, (printed, asking.returncode)


def test_tampered_answer_to_the_python_package(far):
    far.admin.call("create", id="c", spec=LONG)
    keys = {"server_keys": [far.folder / "server.key"], "key": far.flags[-1]}
    with Proxy(far.commands) as proxy, windlass.Client(proxy.endpoint, **keys) as client:
        exits = []
        waiting = threading.Thread(target=lambda: exits.append(client.wait("c")))
        waiting.start()
        is_connected(far)
        proxy.tamper()
        code = far.admin.call("stop", id="c", grace_ms=0)["exit"]["code"]
        waiting.join(WITHIN)
    assert proxy.tampered.is_set() and [exit.code for exit in exits] == [code]


@needs_address
def test_handshake_that_is_never_answered(cli, far):
    with socket.create_server((ADDRESS, 0)) as server:
        endpoint = f"tcp://{ADDRESS}:{server.getsockname()[1]}"
        text = cli("ps", "--worker", endpoint, *far.flags[2:], "--timeout", "1s", code=1)
        assert endpoint in text or "no answer" in text, text
        keys = {"server_keys": [far.folder / "server.key"], "key": far.flags[-1]}
        with windlass.Client(endpoint, **keys) as client, pytest.raises(windlass.Unavailable, match="no answer"):
            client.call("ping", timeout=1)
