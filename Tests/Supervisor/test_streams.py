"""Output that is bounded or complete, input with offsets, terminals."""

from __future__ import annotations

import errno
import json
import os
import signal
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor import (
    EXITED,
    KEEP_OUTPUT,
    LOSSLESS,
    RELEASE,
    RUNNING,
    STDERR_ENDED,
    STDIN,
    STDOUT_ENDED,
    Connection,
    Container,
)

TWENTY = 20_000_000
#: 20 MB without a newline, and every byte differs from the one that a lost page would put there.
WRITER = "seq 1 4000000 | tr -d '\\n' | head -c 20000000"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def expected() -> bytes:
    return "".join(str(number) for number in range(1, 4000001)).encode()[:TWENTY]


def disk(container: Container, name: str = "init") -> int:
    return (container.bundle / "processes" / f"{name}.spool").stat().st_blocks * 512


def test_every_byte_comes_to_a_lossless_reader(container: Container) -> None:
    connection = container.run("sh", "-c", WRITER, options=("--lossless",))
    facts = None
    data, offset = bytearray(), 0
    while facts is None or offset < facts.exit_output:
        piece = connection.read(offset, release=True)
        assert piece.dropped == 0
        data += b"".join(chunk for _, chunk in piece.chunks)
        offset = piece.next
        assert disk(container) < (2 << 20)
        if piece.flags & STDOUT_ENDED:
            facts = connection.wait_state(EXITED)
    assert bytes(data) == expected()
    assert facts.dropped == 0
    assert facts.code == 0


def test_a_lossless_reader_that_is_away_stops_the_process(container: Container) -> None:
    connection = container.run("sh", "-c", WRITER, options=("--lossless", "--spool-limit", "65536"))
    connection.read(0)
    connection.close()
    # The next worker finds the process where it stopped: no byte is gone, and it has not ended.
    connection = Connection(container.bundle).watch()
    assert connection.wait_state(RUNNING).state == RUNNING
    assert disk(container) <= 65536 + 3 * 65536
    streams = connection.read_all(release=True)
    assert streams[1] == expected()
    assert connection.wait_state(EXITED).dropped == 0


def test_without_a_reader_the_oldest_bytes_go_and_are_counted(container: Container) -> None:
    connection = container.run("sh", "-c", WRITER, options=("--spool-limit", "262144"))
    facts = connection.wait_state(EXITED)
    assert facts.exit_output == TWENTY
    assert facts.dropped == facts.output_start
    assert TWENTY - facts.output_start <= 262144
    assert TWENTY - facts.output_start > 131072
    piece = connection.read(0)
    assert piece.offset == piece.dropped == facts.output_start
    assert connection.read_all(offset=piece.offset)[1] == expected()[facts.output_start :]
    assert disk(container) < 262144 + 3 * 65536
    assert connection.wait_for(connection.send_read(TWENTY + 1)).error == errno.EINVAL


def test_lossless_can_begin_and_end_later(container: Container) -> None:
    connection = container.run("sh", "-c", "read line; " + WRITER, options=("--stdin", "--spool-limit", "65536"))
    assert connection.ask(LOSSLESS, struct.pack("<II", 0, 1)).error == 0
    connection.input(0, b"\n")
    connection.read(60000)
    assert connection.watch().wait_state(RUNNING).flags & KEEP_OUTPUT
    assert connection.ask(LOSSLESS, struct.pack("<II", 0, 0)).error == 0
    facts = connection.wait_state(EXITED)
    assert facts.exit_output == TWENTY
    assert facts.dropped > TWENTY - 65536 - 1


def test_what_was_released_is_not_dropped(container: Container) -> None:
    connection = container.run("sh", "-c", "echo one; echo two >&2; read line; echo three", options=("--stdin",))
    connection.read_until(b"two\n")
    assert connection.ask(RELEASE, struct.pack("<IIQ", 0, 0, 4)).error == 0
    assert connection.ask(RELEASE, struct.pack("<IIQ", 0, 0, 1 << 40)).error == errno.EINVAL
    piece = connection.read(0)
    assert (piece.dropped, piece.chunks) == (4, [(2, b"two\n")])
    connection.input(0, b"", end=True)
    facts = connection.wait_state(EXITED)
    assert (facts.output_start, facts.dropped) == (4, 0)
    assert connection.read_all()[1] == b"three\n"


def test_a_program_that_writes_byte_by_byte_costs_no_head_for_each(container: Container) -> None:
    connection = container.run("sh", "-c", "for i in $(seq 500); do printf x; done")
    assert connection.wait_state(EXITED).exit_output == 500
    piece = connection.read(0)
    assert piece.chunks == [(1, b"x" * 500)]


def test_input_stays_open_without_a_connection_and_can_be_closed(container: Container) -> None:
    connection = container.run("cat", options=("--stdin",))
    assert connection.input(0, b"hello\n").value == 6
    connection.close()
    connection = Connection(container.bundle).watch()
    facts = connection.wait_state(RUNNING)
    assert facts.input_offset == 6
    assert facts.flags & STDIN
    # A worker that does not know what came through repeats it.
    assert connection.input(0, b"hello\nworld\n").value == 12
    answer = connection.input(13, b"gap")
    assert (answer.error, answer.value) == (errno.EINVAL, 12)
    assert connection.input(12, b"!", end=True).value == 13
    assert connection.input(12, b"!", end=True).error == 0
    assert connection.input(13, b"more").error == errno.EPIPE
    assert connection.wait_state(EXITED).code == 0
    assert connection.read_all()[1] == b"hello\nworld\n!"


def test_input_waits_for_a_process_that_does_not_read(container: Container) -> None:
    connection = container.run("sh", "-c", "read line; cat | wc -c", options=("--stdin",))
    block = b"y" * 32768
    offset = connection.input(0, block).value
    offset = connection.input(offset, block).value
    held = connection.send_input(offset, block)
    assert connection.input(offset, block).error == errno.EBUSY
    connection.close()
    # What was taken is written, though the connection that brought it is gone.
    connection = Connection(container.bundle).watch()
    facts = connection.wait_state(RUNNING)
    assert facts.input_offset == 3 * 32768
    connection.signal(signal.SIGKILL)
    connection.wait_state(EXITED)
    assert held


def test_a_large_input_arrives_in_order(container: Container) -> None:
    connection = container.run("md5sum", options=("--stdin",))
    data = os.urandom(2_000_000)
    offset = 0
    while offset < len(data):
        offset = connection.input(offset, data[offset : offset + 32768]).value
    connection.input(offset, b"", end=True)
    connection.wait_state(EXITED)
    digest = subprocess.run(["md5sum"], input=data, capture_output=True, check=True).stdout
    assert connection.read_all()[1].split()[0] == digest.split()[0]


def test_input_to_a_process_without_one_is_refused(container: Container) -> None:
    connection = container.run("cat")
    assert connection.wait_state(EXITED).code == 0
    assert connection.input(0, b"x").error == errno.EPIPE


def test_input_to_a_process_that_ends_is_answered(container: Container) -> None:
    connection = container.run("sleep", "1000", options=("--stdin",))
    block, offset = b"z" * 32768, 0
    for _ in range(2):
        offset = connection.input(offset, block).value
    tag = connection.send_input(offset, block)
    connection.signal(signal.SIGKILL)
    assert connection.wait_for(tag).error == errno.EPIPE


def test_a_terminal_has_a_size_one_stream_and_an_end(container: Container) -> None:
    script = "stty size; read line; stty size; echo err >&2; cat; exit 3"
    connection = container.create("sh", "-c", script, terminal=True, options=("--stdin",))
    assert connection.resize(40, 100).error == 0
    connection.start()
    end = connection.read_until(b"40 100")
    assert connection.resize(45, 101).error == 0
    assert connection.resize(50, 120).error == 0
    assert connection.input(0, b"go\n").error == 0
    end = connection.read_until(b"50 120\r\nerr", offset=end)
    assert connection.input(3, b"line\n", end=True).error == 0
    assert connection.wait_state(EXITED).code == 3
    assert connection.facts[0].flags & STDERR_ENDED
    streams = connection.read_all()
    assert b"line\r\nline\r\n" in streams[1]
    assert streams[2] == b""
    assert not list((container.bundle / "processes").glob("console*"))


def test_a_size_without_a_terminal_is_refused(container: Container) -> None:
    assert container.run("sleep", "1000").resize(1, 1).error == errno.ENOTTY


def test_a_terminals_last_output_is_not_lost(container: Container) -> None:
    connection = container.run("sh", "-c", "seq 1 5000", terminal=True)
    facts = connection.wait_state(EXITED)
    data = connection.read_all()[1]
    assert data == "".join(f"{number}\r\n" for number in range(1, 5001)).encode()
    assert facts.exit_output == len(data)


def test_a_full_disk_costs_output_and_nothing_else(tiny: Path, container: Container) -> None:
    move(container, tiny)
    connection = container.run("sh", "-c", "seq 1 100000; exit 4")
    facts = connection.wait_state(EXITED)
    assert facts.code == 4
    assert facts.dropped > 0
    assert facts.dropped == facts.output_start
    whole = "".join(f"{number}\n" for number in range(1, 100001)).encode()
    assert facts.exit_output == len(whole)
    assert connection.read_all(offset=facts.output_start)[1] == whole[facts.output_start :]
    assert container.spool()[0].wait_status == facts.wait_status


def test_a_full_disk_stops_a_lossless_process_and_loses_nothing(tiny: Path, container: Container) -> None:
    move(container, tiny)
    connection = container.run("sh", "-c", "seq 1 100000; exit 4", options=("--lossless",))
    streams = connection.read_all(release=True)
    assert streams[1] == "".join(f"{number}\n" for number in range(1, 100001)).encode()
    facts = connection.wait_state(EXITED)
    assert (facts.code, facts.dropped) == (4, 0)


def test_a_disk_that_others_fill_keeps_the_exit(tiny: Path, container: Container) -> None:
    move(container, tiny)
    connection = container.run("sh", "-c", "read line; seq 1 20000; exit 5", options=("--stdin",))
    with pytest.raises(OSError, match="No space"):
        (tiny / "filler").write_bytes(b"f" * (1 << 20))
    connection.input(0, b"\n")
    facts = connection.wait_state(EXITED)
    assert facts.code == 5
    assert container.spool()[0].wait_status == facts.wait_status
    assert facts.output_end - facts.output_start < 65536


def test_a_bundle_with_a_long_path(container: Container, tmp_path: Path) -> None:
    move(container, tmp_path / ("d" * 120) / ("e" * 120))
    connection = container.run("sh", "-c", "tty", terminal=True)
    assert connection.wait_state(EXITED).code == 0
    assert connection.read_all()[1].startswith(b"/dev/")


def test_the_spool_outlives_the_supervisor(container: Container) -> None:
    connection = container.run("sh", "-c", "echo out; echo err >&2; sleep 1000")
    connection.read_until(b"err\n")
    container.kill_supervisor()
    facts, streams = container.spool()
    assert facts.state == RUNNING
    assert facts.pid == connection.facts[0].pid
    assert streams == {1: b"out\n", 2: b"err\n"}


def move(container: Container, folder: Path) -> None:
    """Has the container's bundle in another folder."""
    container.bundle = folder / "bundle"
    container.bundle.mkdir(parents=True)
    (container.bundle / "config.json").write_text(json.dumps(container.config))
