"""The Python package: blocking and asyncio, over restarts, failures, deadlines and keys."""

import asyncio
import itertools
import subprocess
import sys
import threading

import pytest
import windlass
from zmq.utils import z85

from restarts import Host
from standin import StandIn, key_files
from wire import DEADLINE, pack
from worker import ROOT


@pytest.fixture
def python(worker):
    """A blocking client of the module's worker, whose containers are removed."""
    with windlass.Client(worker.commands, events=worker.events) as client:
        yield client
        for container in client.containers():
            client.delete(container.id, force=True)


class FixedHost(Host):
    """A host whose workers all have the same addresses."""

    def start(self, settings="", **options):
        self.commands, self.events = f"ipc://{self.folder}/commands", f"ipc://{self.folder}/events"
        return super().start(settings, commands=[self.commands], events=[self.events], **options)

    def python(self) -> windlass.Client:
        return windlass.Client(self.commands, events=self.events)


@pytest.fixture
def host(tmp_path, start_worker, peers):
    host = FixedHost(tmp_path, start_worker, peers)
    host.start()
    yield host
    host.close()


@pytest.fixture
def stand_in():
    made = []

    def make(answer, secret=None) -> StandIn:
        made.append(StandIn(answer, secret))
        return made[-1]

    yield make
    for each in made:
        each.close()


def pong(method, params):
    return None, {"time": 0}


def until(feed, type: str, id: str | None = None) -> list:
    """Takes items of a feed up to the first of a type, of a container where given."""
    taken = []
    for item in feed:
        taken.append(item)
        if item.type == type and id in (None, getattr(item, "id", None)):
            return taken
    raise AssertionError(f"the feed ended: {taken}")


# Containers


def test_run_gives_the_exit_and_the_output(python):
    done = python.run("hello", ["/bin/sh", "-c", "echo hi; echo oh >&2; exit 3"], labels={"a": "b"})
    assert (done.exit.code, done.exit.known, done.exit.reason) == (3, True, "exited")
    assert (done.stdout, done.stderr, done.dropped) == (b"hi\n", b"oh\n", 0)
    record = python.state("hello")
    assert record.state == "stopped" and record.labels == {"a": "b"} and record.exit == done.exit
    assert record.raw["isolation"] and [each.id for each in python.containers(labels={"a": "b"})] == ["hello"]
    python.delete("hello")
    assert python.containers() == []


def test_run_keeps_a_limited_amount_of_output(python):
    done = python.run("much", ["/bin/sh", "-c", "head -c 3000000 /dev/zero"], limit=1000)
    assert len(done.stdout) == 1000 and done.dropped == 2_999_000


def test_a_further_process_and_a_stop(python):
    python.create("web", {"process": {"args": ["/bin/sleep", "100000"]}})
    assert python.exec("web", "job", ["/bin/sh", "-c", "echo $WORD; exit 4"], spec={"env": ["WORD=well"]}) > 0
    assert python.wait("web", "job").code == 4
    assert b"".join(piece.data for piece in python.output("web", "job")) == b"well\n"
    assert python.stop("web", grace_ms=0).reason in ("signalled", "terminated")


def test_errors_are_exceptions_of_their_kind(python):
    with pytest.raises(windlass.NotFound) as missing:
        python.state("missing")
    error = missing.value
    assert error.code == "not_found" and not error.retryable and "missing" in error.message
    python.create("web", {"process": {"args": ["/bin/true"]}})
    with pytest.raises(windlass.AlreadyExists):
        python.create("web", {"process": {"args": ["/bin/true"]}})
    python.wait("web")
    with pytest.raises(windlass.FailedPrecondition) as stopped:
        python.call("start", id="web")
    assert stopped.value.details["state"] == "stopped"
    with pytest.raises(windlass.InvalidArgument, match="colour"):
        python.call("state", id="web", colour="red")
    with pytest.raises(windlass.NotFound):
        python.output("missing")
    with pytest.raises(windlass.WorkerError):
        python.wait("missing")


def test_the_same_request_id_runs_once(python):
    python.create("web", {"process": {"args": ["/bin/sleep", "100000"]}})
    pids = {python.exec("web", "once", ["/bin/true"], request_id="r-once") for _ in range(3)}
    assert len(pids) == 1
    with pytest.raises(windlass.AlreadyExists):
        python.exec("web", "other", ["/bin/true"], request_id="r-once")


def test_threads_share_a_client(python):
    codes = {}

    def run(number: int) -> None:
        codes[number] = python.run(f"web-{number}", ["/bin/sh", "-c", f"exit {number}"]).exit.code

    threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert codes == {number: number for number in range(8)}


def test_asyncio(worker):
    async def main() -> None:
        async with windlass.AsyncClient(worker.commands, events=worker.events) as client:
            feed = await client.events()
            ids = [f"task-{number}" for number in range(8)]
            runs = [client.run(id, ["/bin/sh", "-c", f"echo {id}; exit {number}"]) for number, id in enumerate(ids)]
            done = await asyncio.gather(*runs)
            assert [each.exit.code for each in done] == list(range(8))
            assert [each.stdout.decode().strip() for each in done] == ids
            exits: dict[str, int] = {}
            async for event in feed:
                if event.type == "exit":
                    exits[event.id] = event.exit.code
                if len(exits) == 8:
                    break
            assert exits == {id: number for number, id in enumerate(ids)}
            for id in ids:
                await client.delete(id)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await client.wait("task-0")
            assert (await client.call("ping"))["time"]

    asyncio.run(main())


# Connections


def test_nobody_is_there(worker):
    with windlass.Client("tcp://127.0.0.1:1", events="tcp://127.0.0.1:1") as client:
        with pytest.raises(windlass.Unavailable, match="tcp://127.0.0.1:1; is it running") as unavailable:
            client.call("stop", id="web", timeout=0.1)
        assert unavailable.value.retryable and unavailable.value.details["request_id"]
        with pytest.raises(windlass.Unavailable, match="event endpoint"):
            client.events(timeout=0.1)
    with windlass.Client(worker.commands) as client, pytest.raises(windlass.InvalidArgument, match="`events`"):
        client.events()


@pytest.mark.parametrize("endpoint", ["nonsense", "http://127.0.0.1:5770", "tcp://127.0.0.1"])
def test_an_endpoint_that_is_none(endpoint):
    with windlass.Client(endpoint) as client, pytest.raises(windlass.InvalidArgument, match="cannot connect"):
        client.wait("web")


def test_a_close_ends_what_is_under_way(worker):
    client = windlass.Client(worker.commands, events=worker.events)
    client.create("web", {"process": {"args": ["/bin/sleep", "100000"]}})
    feed, ended = client.events(), []

    def follow(work) -> None:
        try:
            work()
        except windlass.WorkerError as error:
            ended.append(error.code)

    works = [lambda: client.wait("web"), lambda: list(feed), lambda: list(client.output("web"))]
    threads = [threading.Thread(target=follow, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    client.call("ping")
    client.close()
    for thread in threads:
        thread.join(DEADLINE)
    assert ended == ["cancelled"] * 3
    with pytest.raises(windlass.Cancelled):
        client.call("ping")
    client.close()
    with windlass.Client(worker.commands) as again:
        again.delete("web", force=True)


def test_a_deadline(tmp_path, start_worker):
    gate = tmp_path / "gate"
    gate.touch()
    faults = [{"call": "HcsCreateProcess", "id": "slow", "stall_while": str(gate)}]
    worker = start_worker(faults=faults)
    with windlass.Client(worker.commands, events=worker.events) as client:
        feed = client.events()
        client.create("slow", {"process": {"args": ["/bin/sleep", "100000"]}}, start=False)
        with pytest.raises(windlass.DeadlineExceeded) as late:
            client.call("start", id="slow", timeout=0.2)
        assert late.value.details["pending"]
        gate.unlink()
        assert until(feed, "start")[-1].id == "slow"
        with pytest.raises(windlass.DeadlineExceeded):
            client.wait("slow", timeout=0.1)
        client.delete("slow", force=True)


def test_a_retryable_failure_is_tried_again_with_the_same_id(stand_in):
    error = {"code": "unavailable", "message": "busy", "retryable": True, "details": {"retry_after_ms": 1}}
    answers = iter([(error, None), (error, None), (None, {})])
    peer = stand_in(lambda method, params: next(answers))
    with windlass.Client(peer.endpoint) as client:
        assert client.call("signal", id="web", signal=9) == {}
    assert len(peer.asked) == 3
    assert len({params["request_id"] for _, params in peer.asked}) == 1 and peer.asked[0][1]["timeout_ms"] <= 30_000


def test_what_is_not_retryable_or_too_late_is_reported(stand_in):
    error = {"code": "unavailable", "message": "busy", "retryable": True, "details": {"retry_after_ms": 3_600_000}}
    peer = stand_in(lambda method, params: (error | {"retryable": method == "ping"}, None))
    with windlass.Client(peer.endpoint) as client:
        for method in ("ping", "health"):
            with pytest.raises(windlass.Unavailable, match="busy"):
                client.call(method)
    assert [method for method, _ in peer.asked] == ["ping", "health"]


def test_a_wait_is_asked_anew(stand_in):
    late = {"code": "deadline_exceeded", "message": "not yet", "retryable": True}
    exit = {"code": 7, "known": True, "reason": "exited", "at": 0, "observed_by": "driver"}
    answers = iter([(late, None), (late, None), (None, {"exit": exit})])
    peer = stand_in(lambda method, params: next(answers))
    with windlass.Client(peer.endpoint) as client:
        assert client.wait("web").code == 7
    assert [params["timeout_ms"] for _, params in peer.asked] == [30_000] * 3


def test_garbage_is_no_answer(stand_in):
    peer = stand_in(lambda method, params: (None, {"exit": 3}) if method == "wait" else None)
    with windlass.Client(peer.endpoint) as client:
        with pytest.raises(windlass.Internal, match="malformed exit"):
            client.wait("web")
        with pytest.raises(windlass.Unavailable):
            client.call("ping", timeout=0.1)


@pytest.mark.parametrize("reads", [False, True])
def test_a_feed_that_is_not_read_on_ends_its_subscription(stand_in, reads):
    peer, came = stand_in(pong), []

    def publish() -> None:
        came.append(peer.publisher.recv())
        peer.publisher.send_multipart([b"", pack({"epoch": 1, "last_seq": 0})])
        event = {"host": "h", "epoch": 1, "seq": 1, "time": 0, "type": "create"}
        peer.publisher.send_multipart([b"create/", pack(event)])
        came.append(peer.publisher.recv())

    publisher = threading.Thread(target=publish)
    publisher.start()
    with windlass.Client(peer.endpoint, events=peer.events) as client:
        feed = client.events()
        if reads:
            for event in feed:
                assert event.seq == 1
                break
        feed.close()
        publisher.join(DEADLINE)
        assert came == [b"\x01", b"\x00"]


def test_a_malformed_message_disturbs_nothing(stand_in):
    peer = stand_in(lambda method, params: (None, {}))
    with windlass.Client(peer.endpoint) as client:

        def attach() -> None:
            with pytest.raises(windlass.Cancelled):
                client.output("web")

        attaching = threading.Thread(target=attach)
        attaching.start()
        while "attach" not in [method for method, _ in peer.asked]:
            client.call("ping")
        assert client.call("ping") == {}
    attaching.join(DEADLINE)
    assert not attaching.is_alive()


# Restarts


def test_events_have_no_gap_over_restarts(host):
    with host.python() as client:
        feed = client.events(after=0)
        taken = until(feed, "worker_start")
        for number in range(3):
            host.shell(f"before-{number}", "exit 1")
            host.wait(f"before-{number}")
            host.kill()
            host.start()
            host.shell(f"after-{number}", "exit 2")
            taken += until(feed, "exit", f"after-{number}")
    assert [event.seq for event in taken] == list(range(1, len(taken) + 1))
    assert [(event.seq, event.epoch, event.type) for event in taken] == [
        (event["seq"], event["epoch"], event["type"]) for event in host.story()[: len(taken)]
    ]
    assert taken[-1].epoch > taken[0].epoch and taken[-1].exit.code == 2 and taken[-1].raw["process"] == "init"


def test_a_reader_that_is_slow_misses_nothing(host):
    with host.python() as client:
        feed = client.events()
        for number in range(400):
            host.client.call("create", id=f"web-{number}", spec={"process": {"args": ["/bin/true"]}}, start=False)
            host.client.call("delete", id=f"web-{number}", force=True)
        host.client.call("create", id="last", spec={"process": {"args": ["/bin/true"]}}, start=False)
        taken = until(feed, "create", "last")
    first = taken[0].seq
    assert first <= 2 and [event.seq for event in taken] == list(range(first, first + len(taken)))
    assert len(taken) > 800


def test_what_is_not_kept_any_more_is_a_gap_or_a_snapshot(host):
    host.kill()
    host.start("event_retention: 20\n")
    for number in range(40):
        host.client.call("create", id=f"web-{number:02}", spec={"process": {"args": ["/bin/true"]}}, start=False)
    with host.python() as client:
        last = host.client.call("snapshot")["last_seq"]
        gap, event = itertools.islice(client.events(after=1), 2)
        assert (gap.type, gap.first, gap.containers) == ("gap", 2, None) and event.seq == gap.last + 1
        feed = client.events(after=1, snapshots=True)
        snapshot = next(feed)
        assert (snapshot.first, snapshot.last) == (2, last)
        assert [container.id for container in snapshot.containers] == [f"web-{number:02}" for number in range(40)]
        host.client.call("delete", id="web-00", force=True)
        assert next(feed).seq == last + 1


def test_a_worker_that_has_lost_its_state_counts_anew(host):
    for name in ("a", "b", "c"):
        host.client.call("create", id=name, spec={"process": {"args": ["/bin/true"]}}, start=False)
    with host.python() as client:
        feed = client.events(after=0)
        last = until(feed, "create", "c")[-1].seq
        host.kill()
        host.state_dir = host.folder / "another"
        host.start()
        gap = next(feed)
        assert (gap.first, gap.last) == (last + 1, None)
        first = next(feed)
        assert (first.seq, first.type) == (1, "worker_start")


def test_output_goes_on_over_restarts(host):
    host.shell("web", "while read line; do echo got $line; done; echo end >&2", stdin=True)
    with host.python() as client:
        output, got = client.output("web"), b""
        for number in range(3):
            client.call("stdin", id="web", data=b"%d\n" % number)
            while not got.endswith(b"got %d\n" % number):
                piece = next(output)
                assert piece.offset == len(got) and not piece.dropped
                got += piece.data
            host.kill()
            host.start()
        client.call("stdin", id="web", data=b"", eof=True)
        rest = list(output)
        assert got == b"got 0\ngot 1\ngot 2\n" and b"".join(each.data for each in rest) == b"end\n"
        assert rest[0].stream == "stderr" and rest[0].offset == len(got)
        assert client.wait("web").code == 0


def test_output_comes_as_credit_is_given(host):
    with host.python() as client:
        host.shell("web", "head -c 5000000 /dev/zero")
        assert sum(len(piece.data) for piece in client.output("web")) == 5_000_000
        first = client.output("web", start=4_999_990)
        assert next(first).offset == 4_999_990


def test_what_was_dropped_is_reported(host):
    host.kill()
    host.start("output_limit_bytes: 65536\n")
    host.shell("web", "head -c 300000 /dev/zero")
    host.wait("web")
    with host.python() as client:
        pieces = list(client.output("web"))
        assert pieces[0].dropped == pieces[0].offset > 0 and not pieces[0].dropped_unknown
        assert pieces[0].offset + sum(len(piece.data) for piece in pieces) == 300_000


def test_streams_that_cannot_be_had_again_are_reported(tmp_path, start_worker, peers):
    host = FixedHost(tmp_path, start_worker, peers, [{"call": "HcsGetProcessInfo", "hresult": "0x80070057"}])
    host.start()
    try:
        host.shell("web", "echo before; read line", stdin=True)
        with host.python() as client:
            output = client.output("web")
            assert next(output).data == b"before\n"
            host.kill()
            host.start()
            assert next(output).dropped_unknown
    finally:
        host.close()


def test_a_second_reader_ends_the_first(python):
    python.create("web", {"process": {"args": ["/bin/sh", "-c", "echo one; read line; echo two"]}}, stdin=True)
    first = python.output("web")
    assert next(first).data == b"one\n"
    second = python.output("web", start="now")
    assert list(first) == []
    python.call("stdin", id="web", data=b"\n")
    assert b"".join(piece.data for piece in second) == b"two\n"


def test_a_wait_and_a_request_live_on(host):
    host.shell("web", "read line; exit 7", stdin=True)
    with host.python() as client:
        codes = []
        thread = threading.Thread(target=lambda: codes.append(client.wait("web").code))
        thread.start()
        client.call("ping")
        host.kill()
        host.start()
        client.call("stdin", id="web", data=b"\n")
        thread.join(DEADLINE)
        assert codes == [7]
        host.kill()
        created = threading.Thread(target=lambda: client.create("later", {"process": {"args": ["/bin/true"]}}))
        created.start()
        host.start()
        created.join(DEADLINE)
        assert host.wait("later")["code"] == 0


# Keys


def test_a_key_lets_in_and_every_form_of_a_server_key_is_read(stand_in, tmp_path):
    server, mine = key_files(tmp_path, "server"), key_files(tmp_path, "mine")
    peer = stand_in(pong, server[3])
    peer.authorize(mine[2])
    czmq = tmp_path / "server.zpl"
    czmq.write_text(f'#   ****\nmetadata\n    name = "w"\ncurve\n    public-key = "{server[2].decode()}"\n')
    for key in (server[0], czmq, server[2].decode(), z85.decode(server[2]).hex()):
        with windlass.Client(peer.endpoint, server_keys=[key], key=mine[1]) as client:
            assert client.call("ping") == {"time": 0}


def test_an_unknown_key_is_unauthenticated_until_it_is_authorised(stand_in, tmp_path):
    server, mine = key_files(tmp_path, "server"), key_files(tmp_path, "mine")
    peer = stand_in(pong, server[3])
    peer.authorize()
    with windlass.Client(peer.endpoint, events=peer.events, server_keys=[server[0]], key=mine[1]) as client:
        for call in (lambda: client.call("ping"), lambda: client.wait("web"), client.events):
            with pytest.raises(windlass.Unauthenticated, match="does not accept the client's key"):
                call()
        assert peer.asked == []
        peer.authorize(mine[2])
        assert client.call("ping") == {"time": 0}


def test_the_next_server_key_is_tried(stand_in, tmp_path):
    old, new, mine = (key_files(tmp_path, name) for name in ("old", "new", "mine"))
    peer = stand_in(pong, new[3])
    peer.authorize(mine[2])
    with windlass.Client(peer.endpoint, server_keys=[old[0], new[0]], key=mine[1]) as client:
        assert client.call("ping") == {"time": 0}


def test_what_may_be_wrong_where_there_is_no_handshake(stand_in, tmp_path, worker):
    server, mine = key_files(tmp_path, "server"), key_files(tmp_path, "mine")
    peer = stand_in(pong, server[3])
    keys = {"server_keys": [mine[0]], "key": mine[1]}
    for endpoint, options in ((peer.endpoint, keys), (peer.endpoint, {}), (worker.commands, keys)):
        with windlass.Client(endpoint, **options) as client:
            with pytest.raises(windlass.Unavailable, match="server key.*port.*CURVE") as refused:
                client.wait("web")
            assert not refused.value.retryable


def test_keys_that_cannot_be_used(tmp_path):
    public, secret, *_ = key_files(tmp_path, "mine")
    (tmp_path / "empty").touch()
    for options in (
        {"key": secret},
        {"server_keys": [public]},
        {"server_keys": [public], "key": public},
        {"server_keys": [tmp_path / "none"], "key": secret},
        {"server_keys": [tmp_path / "empty"], "key": secret},
        {"server_keys": ["short"], "key": secret},
    ):
        with pytest.raises(windlass.InvalidArgument, match="key"):
            windlass.Client("tcp://127.0.0.1:1", **options)
    for endpoint in ("tcp://10.0.0.5:5770", "tcp://localhost.example:5770", "tcp://[2001:db8::1]:5770"):
        with pytest.raises(windlass.InvalidArgument, match="another host"):
            windlass.Client(endpoint)
    for endpoint in ("tcp://localhost:1", "tcp://[::1]:1", "tcp://127.0.0.9:1", "ipc:///tmp/none"):
        windlass.Client(endpoint).close()


# The package


def test_it_is_typed(tmp_path):
    (tmp_path / "user.py").write_text(
        "import windlass\n"
        'with windlass.Client("tcp://127.0.0.1:1", events="tcp://127.0.0.1:2") as client:\n'
        '    code: int = client.run("web", ["true"]).exit.code\n'
        '    client.run("web")  # type: ignore[call-arg]\n'
        "    for item in client.events():\n"
        "        if isinstance(item, windlass.Event):\n"
        "            number: int = item.seq\n"
    )
    package = ROOT / "Sources/Python"
    for folder, target in ((package, "windlass"), (tmp_path, "user.py")):
        mypy = [sys.executable, "-m", "mypy", "--config-file", package / "pyproject.toml", "--cache-dir", tmp_path]
        done = subprocess.run(
            [*mypy, target],
            cwd=folder,
            env={"MYPYPATH": str(package)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
