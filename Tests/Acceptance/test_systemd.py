"""What a worker says to systemd, and the units that it is shipped with. No systemd has to run."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wire import Dealer
from worker import binary

UNITS = Path(__file__).resolve().parents[2] / "deploy/linux"


class Notices:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, address: str):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(30)
        self.socket.bind(address.replace("@", "\0", 1))

    def until(self, wanted: str) -> list[str]:
        """The lines up to one that begins so."""
        lines: list[str] = []
        while not any(line.startswith(wanted) for line in lines):
            lines += self.socket.recv(4096).decode().split("\n")
        return lines


@pytest.fixture(params=["a path", "an abstract name"])
def notices(request, tmp_path) -> Iterator[tuple[Notices, str]]:
    name = str(tmp_path / "notify") if request.param == "a path" else f"@windlass-notify-{os.getpid()}"
    made = Notices(name)
    with contextlib.closing(made.socket):
        yield made, name


def test_a_worker_reports_that_it_serves_lives_and_stops(notices, start_worker, peers):
    heard, name = notices
    worker = start_worker(variables={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"})
    lines = heard.until("READY=1")
    lines += heard.until("WATCHDOG=1") + heard.until("WATCHDOG=1")
    assert "STATUS=0 running, 0 stuck" in lines
    peers(Dealer, worker.commands).call("ping")
    worker.process.send_signal(signal.SIGTERM)
    lines = heard.until("EXTEND_TIMEOUT_USEC=")
    assert "STOPPING=1" in lines and "EXTEND_TIMEOUT_USEC=21000000" in lines
    assert worker.exit_code() == 0


def test_a_loop_that_hangs_gives_no_sign_of_life(tmp_path, start_worker):
    """The process lives, and its loop does not turn: SIGSTOP stops both, so that nothing else can speak for it."""
    address = str(tmp_path / "notify")
    heard = Notices(address)
    with contextlib.closing(heard.socket):
        worker = start_worker(variables={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"})
        heard.until("WATCHDOG=1")
        worker.process.send_signal(signal.SIGSTOP)
        heard.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            while True:
                heard.socket.recv(4096)
        worker.process.send_signal(signal.SIGCONT)
        heard.socket.settimeout(30)
        heard.until("WATCHDOG=1")


def test_the_watchdog_of_another_process_is_none(tmp_path, start_worker):
    address = str(tmp_path / "notify")
    heard = Notices(address)
    with contextlib.closing(heard.socket):
        worker = start_worker(
            variables={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}
        )
        lines = heard.until("READY=1")
        worker.stop()
        assert not any(line.startswith("WATCHDOG") for line in lines + heard.until("STOPPING=1"))


def test_children_do_not_speak_to_systemd(tmp_path, start_worker, peers, containers_of):
    address = str(tmp_path / "notify")
    heard = Notices(address)
    with contextlib.closing(heard.socket):
        worker = start_worker(
            own_service=True, variables={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
        )
        containers = containers_of(worker, peers(Dealer, worker.commands))
        containers.idle()
        children = [
            entry
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and str(worker.state_dir).encode() in _read(entry / "cmdline")
        ]
        services = [child for child in children if int(child.name) != worker.pid]
        assert services
        for service in services:
            assert b"NOTIFY_SOCKET" not in _read(service / "environ")
            assert b"WATCHDOG" not in _read(service / "environ")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_an_emulator_service_reports_that_it_serves(tmp_path):
    address = str(tmp_path / "notify")
    heard = Notices(address)
    with contextlib.closing(heard.socket):
        service = subprocess.Popen(
            [binary(), "hcs-emulator", "--socket", str(tmp_path / "emulator.sock"), "--root", str(tmp_path / "root")],
            env=dict(os.environ, NOTIFY_SOCKET=address),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            heard.until("READY=1")
            service.terminate()
            heard.until("STOPPING=1")
            assert service.wait(20) == 0
        finally:
            service.kill()


# The units


@pytest.fixture
def units(tmp_path) -> Path:
    """A copy whose programs are there."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("SKIPPED: there is no systemd-analyze (Debian package systemd)")
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace("/usr/local/bin/windlass", binary()))
    return folder


def analyze(*arguments: str) -> str:
    run = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_units_are_right(units):
    names = [str(unit) for unit in sorted(units.glob("*.service"))]
    assert len(names) >= 2
    analyze("verify", "--man=no", *names)


@pytest.mark.parametrize(("unit", "most"), [("windlass", 2.0), ("windlass-emulator", 8.0)])
def test_the_units_are_hardened(units, unit, most):
    """Containers inherit what their unit has, so that theirs can bear less."""
    page = analyze("security", "--offline=true", "--no-pager", str(units / f"{unit}.service"))
    score = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", page)[1])
    assert score <= most


def test_both_units_are_of_users_of_their_own():
    units = [(UNITS / f"{unit}.service").read_text() for unit in ("windlass", "windlass-emulator")]
    users = [re.search(r"^User=(.+)$", unit, re.M)[1] for unit in units]
    assert "root" not in users and users[0] != users[1]
