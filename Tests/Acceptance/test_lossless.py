"""Every byte: readers that hold a process back, and how they lose that hold."""

import subprocess

import pytest

from wire import Dealer, Output
from worker import binary, environment

LIMIT = 65_536
SIZE = 5_000_000
TIMEOUT_MS = 1_000
FLOOD = f"head -c {SIZE} /dev/zero | tr '\\\\0' x; echo done"


@pytest.fixture(scope="module")
def worker(start_module_worker):
    """A worker that keeps 64 KiB of output a process."""
    return start_module_worker(config=f"output_limit_bytes: {LIMIT}\nlossless_timeout_ms: {TIMEOUT_MS}\n")


def read_all(client, id: str, process: str = "init") -> Output:
    """Reads to the end, in steps of 10,000 bytes."""
    output, granted = Output(client, id, process), 10_000

    def is_over(output: Output) -> bool:
        nonlocal granted
        if not output.eof and len(output.data()) >= granted - 5_000:
            client.request("credit", id=id, process=process, bytes=10_000)
            granted += 10_000
        return output.eof

    return output.until(is_over)


class Pieces:
    """Counts the bytes of notifications, and forgets them."""

    def __init__(self, client: Dealer, id: str, granted: int):
        self.client, self.id, self.granted, self.count, self.dropped, self.eof = client, id, granted, 0, 0, False

    def until_end(self) -> "Pieces":
        while not self.eof:
            self.client.until(lambda: self.client.notifications)
            for _, body in self.client.notifications:
                assert body["offset"] == self.count + self.dropped + body.get("dropped", 0)
                self.count += len(body["data"])
                self.dropped += body.get("dropped", 0)
                self.eof = self.eof or body.get("eof", False)
            self.client.notifications.clear()
            if self.granted - self.count < 32_768:
                self.client.request("credit", id=self.id, process="init", bytes=65_536)
                self.granted += 65_536
        return self


def test_a_lossless_reader_gets_every_byte(client, containers):
    id = containers.shell(FLOOD, lossless=True)
    client.call("attach", id=id, credit=65_536, lossless=True)
    pieces = Pieces(client, id, 65_536).until_end()
    assert (pieces.count, pieces.dropped) == (SIZE + 5, 0)
    assert client.call("wait", id=id)["exit"]["code"] == 0
    assert "lost_holds" not in client.call("state", id=id)


def test_so_does_one_of_a_further_process(client, containers):
    id = containers.idle()
    client.call("exec", id=id, process="p", spec={"args": ["/bin/sh", "-c", FLOOD]}, lossless=True)
    client.call("attach", id=id, process="p", credit=10_000, lossless=True)
    output = read_all(client, id, "p")
    assert len(output.data()) == SIZE + 5
    assert not any(chunk.get("dropped") for chunk in output.chunks)


def test_another_reader_drops_and_holds_nobody(client, other, containers):
    id = containers.shell(FLOOD)
    client.call("attach", id=id, credit=1)
    assert client.call("wait", id=id)["exit"]["code"] == 0
    assert "lost_holds" not in client.call("state", id=id)


def test_a_reader_without_credit_loses_its_hold(client, other, worker, containers):
    id = containers.shell(FLOOD, lossless=True)
    client.call("attach", id=id, credit=1_000, lossless=True)
    assert other.call("wait", id=id)["exit"]["code"] == 0, "the process goes on"
    output = Output(client, id).until(lambda o: any(chunk.get("lossless") is False for chunk in o.chunks))
    assert len(output.data()) == 1_000
    assert client.call("state", id=id)["lost_holds"] == ["init"]
    assert f'"container":"{id}"' in worker.output() or id in worker.output()
    assert "lossless reader has lost its hold" in worker.output()
    client.call("credit", id=id, process="init", bytes=1 << 30)
    Output(client, id).until(lambda o: o.eof)
    assert any(chunk.get("dropped") for chunk in output.chunks)


def test_a_reader_that_grants_credit_in_time_keeps_it(client, containers):
    id = containers.shell(FLOOD, lossless=True)
    client.call("attach", id=id, credit=1_000, lossless=True)
    granted = 1_000
    for _ in range(5):
        # So much of the time passes by another process's sleep: no credit comes meanwhile.
        client.call("wait", id=containers.shell("sleep 0.5"))
        client.call("credit", id=id, process="init", bytes=1_000)
        granted += 1_000
        Output(client, id).until(lambda o, size=granted: len(o.data()) == size)
    assert client.call("state", id=id)["state"] == "running"
    assert "lost_holds" not in client.call("state", id=id)


def test_a_reader_that_vanishes_loses_its_hold(client, peers, worker, containers):
    id = containers.shell(FLOOD, lossless=True)
    reader = peers(Dealer, worker.commands)
    reader.call("attach", id=id, credit=1 << 30, lossless=True)
    # It may have everything already; a process that runs for long has not.
    reader.close()
    assert client.call("wait", id=id)["exit"]["code"] == 0


def test_a_reservation_that_no_reader_takes_ends(client, containers):
    id = containers.shell(FLOOD, lossless=True)
    assert client.call("wait", id=id)["exit"]["code"] == 0
    assert client.repeat(lambda record: record.get("lost_holds") == ["init"], "state", id=id)


def test_a_reader_that_detaches_lets_go(client, other, containers):
    id = containers.shell(FLOOD, lossless=True)
    client.call("attach", id=id, credit=1_000, lossless=True)
    client.call("detach", id=id, process="init")
    assert other.call("wait", id=id)["exit"]["code"] == 0
    assert "lost_holds" not in client.call("state", id=id)


def windlass(worker, *arguments: str, **options) -> subprocess.CompletedProcess:
    """The command line, to its end."""
    return subprocess.run(
        [binary(), *arguments, "--worker", worker.commands],
        env=environment(),
        timeout=60,
        **{"capture_output": True, "stdin": subprocess.DEVNULL, **options},
    )


def run(worker, script: str, *options: str, verb: str = "run", **more) -> subprocess.CompletedProcess:
    where = ["--worker", worker.commands]
    arguments = [binary(), verb, *where, *options, "--", "/bin/sh", "-c", script]
    return subprocess.run(
        arguments, env=environment(), timeout=60, **{"capture_output": True, "stdin": subprocess.DEVNULL, **more}
    )


@pytest.mark.parametrize("sink", ["pipe", "file", "slow"])
def test_run_passes_every_byte_on(worker, tmp_path, sink):
    if sink == "pipe":
        assert len(run(worker, FLOOD, "--rm").stdout) == SIZE + 5
    elif sink == "file":
        with (tmp_path / "out").open("wb") as out:
            assert run(worker, FLOOD, "--rm", capture_output=False, stdout=out).returncode == 0
        assert (tmp_path / "out").stat().st_size == SIZE + 5
    else:
        command = f"{binary()} run --rm --worker {worker.commands} -- head -c {SIZE} /dev/zero | (sleep 0.3; wc -c)"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], env=environment(), capture_output=True)
        assert (done.returncode, int(done.stdout)) == (0, SIZE), done.stderr


def test_exec_passes_every_byte_on(worker, client, containers):
    id = containers.idle()
    done = subprocess.run(
        [binary(), "exec", "--worker", worker.commands, id, "--", "/bin/sh", "-c", FLOOD],
        env=environment(),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert (done.returncode, len(done.stdout)) == (0, SIZE + 5), done.stderr


def test_a_run_that_lost_output_says_so_once_and_fails(worker):
    """Its reader takes nothing for longer than the worker waits."""
    command = f"{binary()} run --rm --worker {worker.commands} -- head -c {SIZE} /dev/zero | (sleep 2.5; wc -c)"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], env=environment(), capture_output=True, text=True
    )
    size, code = (int(line) for line in done.stdout.split())
    assert size < SIZE and code == 125, done
    assert done.stderr.count("missing") == 1, done.stderr


@pytest.mark.parametrize("stream", [1, 2])
def test_a_closed_standard_stream_holds_up_nothing(worker, stream):
    closed = ">&-" if stream == 1 else "2>&-"
    command = f"{binary()} run --rm --worker {worker.commands} -- sh -c 'echo out; echo err >&2; exit 3' {closed}"
    done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, timeout=30)
    assert done.returncode == 3, done
