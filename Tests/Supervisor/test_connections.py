"""Connections that are slow, dead, many or hostile cost themselves only."""

from __future__ import annotations

import errno
import os
import random
import signal
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from supervisor import (
    BINARY,
    EXITED,
    HELLO,
    MAGIC,
    READ,
    RUNNING,
    SIGNAL,
    WATCH,
    Connection,
    Container,
    Gone,
)


def memory(pid: int) -> int:
    """Private kilobytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon", "Private_Dirty")))


def is_closed(connection: Connection) -> bool:
    try:
        while True:
            connection.receive()
    except (Gone, OSError):
        return True


def test_a_connection_that_reads_nothing_blocks_nobody(container: Container) -> None:
    connection = container.run("sh", "-c", "seq 1 400000; exit 3")
    slow = Connection(container.bundle).watch()
    # It asks for far more than its socket can hold, and takes nothing.
    slow.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        for _ in range(100_000):
            slow.send_read(0, wait=False)
    assert connection.wait_state(EXITED).code == 3
    assert connection.read(connection.facts[0].output_start).chunks
    slow.socket.settimeout(30)
    assert slow.wait_state(EXITED).code == 3


def test_a_dead_connection_is_closed(container: Container) -> None:
    connection = container.run("sleep", "1000")
    for _ in range(50):
        dead = Connection(container.bundle).watch()
        dead.send_read(0)
        dead.close()
    assert connection.start().error == 0
    assert len(os.listdir(f"/proc/{container.pid}/fd")) < 30


def test_what_a_connection_sent_before_it_closed_counts(container: Container) -> None:
    connection = container.run("sleep", "1000")
    last = Connection(container.bundle)
    last.send(SIGNAL, struct.pack("<II", 0, signal.SIGKILL))
    last.close()
    assert connection.wait_state(EXITED).code == -signal.SIGKILL


def test_too_many_connections_take_the_place_of_those_that_say_nothing(container: Container) -> None:
    connection = container.run("sleep", "1000")
    silent = [Connection(container.bundle, greet=False) for _ in range(15)]
    late = Connection(container.bundle).watch()
    assert late.wait_state(RUNNING).state == RUNNING
    assert is_closed(silent[0])
    assert connection.start().error == 0


@pytest.mark.parametrize(
    "packet",
    [
        b"x",
        b"\0" * 7,
        struct.pack("<II", 0, 0),
        struct.pack("<II", WATCH, 1),
        struct.pack("<IIII", HELLO, 1, 0, 1),
        struct.pack("<IIII", HELLO, 1, MAGIC, 1) + b"more",
        b"\xff" * 60000,
    ],
)
def test_what_is_no_hello_closes_the_connection(container: Container, packet: bytes) -> None:
    container.run("sleep", "1000")
    stranger = Connection(container.bundle, greet=False)
    stranger.socket.send(packet)
    assert is_closed(stranger)


def test_requests_that_are_wrong_close_the_connection(container: Container) -> None:
    connection = container.run("sleep", "1000")
    wrong = [
        struct.pack("<II", 99, 1),
        struct.pack("<IIII", SIGNAL, 1, 0, 0),
        struct.pack("<IIII", SIGNAL, 1, 0, 65),
        struct.pack("<IIIIQBB6x", READ, 1, 0, 16, 0, 1, 0),
        struct.pack("<IIIIQBB6x", READ, 1, 0, 32769, 0, 1, 0),
        struct.pack("<IIIIQBB6x", READ, 1, 0, 32768, 0, 2, 0),
        struct.pack("<IIIIQII", 7, 1, 0, 0, 0, 5, 0) + b"four",
        struct.pack("<IIIIQII", 7, 1, 0, 2, 0, 0, 0),
        struct.pack("<IIIIQ132sI", 4, 1, 0, 0, 0, b"../escape", 0),
        struct.pack("<IIIIQ132sI", 4, 1, 0, 0, 0, b".", 0),
        struct.pack("<IIIIQ132sI", 4, 1, 0, 0, 0, b"a\0b", 0),
        struct.pack("<IIIIQ132sI", 4, 1, 0, 0, 0, b"n" * 132, 0),
        struct.pack("<IIIIQ132sI", 4, 1, 8, 0, 0, b"flags", 0),
    ]
    for packet in wrong:
        peer = Connection(container.bundle)
        peer.socket.send(packet)
        assert is_closed(peer), packet
    assert connection.start().error == 0


def test_a_process_that_does_not_exist(container: Container) -> None:
    connection = container.run("sleep", "1000")
    assert connection.signal(9, 77).error == errno.ESRCH
    assert connection.read(0, 77).error == errno.ESRCH
    assert connection.input(0, b"x", process=77).error == errno.ESRCH


def test_a_thousand_connections_of_garbage(container: Container) -> None:
    connection = container.run("sleep", "1000")
    chance = random.Random(11)
    before = 0
    for turn in range(1000):
        peer = Connection(container.bundle, greet=chance.random() < 0.7)
        try:
            for _ in range(chance.randrange(6)):
                peer.socket.send(garbage(chance))
        except OSError:
            pass
        peer.close()
        if turn == 200:
            assert connection.start().error == 0
            before = memory(container.pid)
    connection.watch()
    assert connection.wait_state(RUNNING).state == RUNNING
    # The buffers of a moment do not pile up. A sanitizer keeps what was freed.
    assert memory(container.pid) <= before + 64 or BINARY.endswith("sanitized")
    assert connection.signal(signal.SIGKILL).error == 0
    assert connection.wait_state(EXITED).code == -signal.SIGKILL


def garbage(chance: random.Random) -> bytes:
    """Random bytes, or a request that is nearly right. START, SIGNAL and CLOSE are left out: they are answered."""
    size = chance.choice([8, 12, 16, 24, 32, 160, chance.randrange(1, 40000)])
    body = chance.randbytes(size)
    if chance.random() < 0.3:
        return body
    kind = chance.choice([2, 6, 7, 8, 9, 10, 11])
    head = struct.pack("<III", kind, chance.getrandbits(32), chance.choice([0, 0, 1, chance.getrandbits(32)]))
    return (head + body)[: max(size, 12)]


def test_another_user_is_refused(container: Container) -> None:
    container.run("sleep", "1000")
    path = container.bundle / "supervisor.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    # Also if the file were open to all.
    path.chmod(0o777)
    for folder in [container.bundle, *container.bundle.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o055)
    code = "import socket,struct,os\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
    code += f"s.connect({str(path)!r})\n"
    code += "try:\n s.send(struct.pack('<IIII',1,1,0x31534c57,1)); print(s.recv(100))\n"
    code += "except OSError: print(b'')\n"
    found = subprocess.run(["python3", "-c", code], capture_output=True, check=True).stdout
    assert found.strip() == b"b''"


def test_a_connection_in_the_backlog_is_served(container: Container) -> None:
    connection = container.run("sleep", "1000")
    os.kill(container.pid, signal.SIGSTOP)
    peers = []
    for _ in range(10):
        peer = Connection(container.bundle, greet=False)
        peer.socket.send(struct.pack("<IIII", HELLO, 1, MAGIC, 1))
        peers.append(peer)
    os.kill(container.pid, signal.SIGCONT)
    for peer in peers:
        assert peer.wait_for(1)[1] == container.pid
    assert connection.start().error == 0
    assert isinstance(connection.socket, socket.socket)
