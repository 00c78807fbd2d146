"""Nothing listens beyond the host in the clear; loopback, IPv6 loopback and ipc do."""

import os
import socket
import stat
import time

import pytest

from wire import Collector, Dealer


def has_ipv6() -> bool:
    """Whether this machine has ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.parametrize("setting", ["commands", "events"])
@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:*", "tcp://192.0.2.1:5999"])
def test_clear_endpoint_beyond_the_host_is_refused(start_worker, setting, endpoint):
    worker = start_worker(ready=False, **{setting: [endpoint]})
    assert worker.exit_code(15) == 78
    assert setting in worker.output() and endpoint in worker.output(), "the message says which setting to change"
    assert worker.process.stdout.read() == b"", "it never said that it serves"


def test_one_bad_endpoint_among_good_ones_is_refused(start_worker):
    worker = start_worker(ready=False, commands=["tcp://127.0.0.1:*", "tcp://0.0.0.0:*"])
    assert worker.exit_code(15) == 78 and "tcp://0.0.0.0" in worker.output()


def test_ipc_and_several_endpoints(start_worker, peers, tmp_path):
    commands, events = f"ipc://{tmp_path}/c.sock", f"ipc://{tmp_path}/e.sock"
    worker = start_worker(commands=["tcp://127.0.0.1:*", commands], events=[events, "tcp://127.0.0.1:*"])
    assert len(worker.ready["commands"]) == len(worker.ready["events"]) == 2
    for endpoint in worker.ready["commands"]:
        peers(Dealer, endpoint).call("ping")
    for endpoint in worker.ready["events"]:
        peers(Collector, endpoint, "")
    assert commands in worker.ready["commands"] and events in worker.ready["events"]


@pytest.mark.parametrize("config, mode", [("", 0o660), ("ipc_mode: 0600\n", 0o600)])
def test_ipc_sockets_have_their_permissions_whatever_the_umask(start_worker, tmp_path, config, mode):
    before = os.umask(0)
    try:
        start_worker(commands=[f"ipc://{tmp_path}/c"], events=[f"ipc://{tmp_path}/e"], config=config)
    finally:
        os.umask(before)
    for name in "ce":
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode


@pytest.mark.parametrize("mode", ["1777", "rw", "8", "+660", "66"])
def test_permissions_that_are_none(start_worker, mode):
    worker = start_worker(ready=False, config=f"ipc_mode: '{mode}'\n")
    assert worker.exit_code(15) == 78 and "ipc_mode" in worker.output()


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6_loopback(start_worker, peers):
    worker = start_worker(commands=["tcp://[::1]:*"], events=["tcp://[::1]:*"])
    peers(Dealer, worker.commands).call("ping")
    peers(Collector, worker.events, "")


def test_a_port_in_use_is_a_clear_error(start_worker):
    worker = start_worker()
    began = time.monotonic()
    second = start_worker(ready=False, commands=[worker.commands])
    assert second.exit_code(15) != 0 and time.monotonic() - began < 30
    assert worker.commands in second.output()
