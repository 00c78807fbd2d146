"""Fixtures: workers, peers and containers that are gone when the test is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from command_line import Cli, far_worker
from curve import Door
from restarts import Host
from wire import Collector, Dealer, Failure, Output, Requester
from worker import Worker

NUMBERS = itertools.count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """A failure shows the logs of the workers that ran."""
    report = yield
    if report.failed:
        for worker in Worker.started[-3:]:
            if worker.log.exists():
                report.sections.append((f"worker log {worker.log}", worker.output()[-4000:]))
    return report


@pytest.fixture(scope="session")
def context() -> Iterator[zmq.Context]:
    """The ZeroMQ context of all peers."""
    context = zmq.Context()
    context.ipv6 = True
    context.max_sockets = 4096
    yield context
    context.destroy(0)


def worker_factory(folder: Path) -> Iterator[Callable[..., Worker]]:
    """Starts workers, and stops those that still run at the end."""
    workers: list[Worker] = []

    def start(state_dir: Path | None = None, *, ready: bool = True, **options: Any) -> Worker:
        for key in ("config", "faults"):
            if isinstance(value := options.get(key), (str, list)):
                path = folder / f"{key}-{next(NUMBERS)}.{'yaml' if key == 'config' else 'json'}"
                path.write_text(value if isinstance(value, str) else json.dumps(value))
                options[key] = path
        worker = Worker(state_dir or folder / f"state-{next(NUMBERS)}", **options)
        workers.append(worker)
        return worker.await_ready() if ready else worker

    yield start
    failed = []
    for worker in workers:
        try:
            if worker.process.poll() is None:
                worker.stop()
        except AssertionError as error:
            failed.append(str(error))
        finally:
            worker.kill()
    assert not failed, failed


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """`start_worker(state_dir, config=, host=, faults=, commands=, events=)` for one test."""
    yield from worker_factory(tmp_path)


@pytest.fixture(scope="module")
def start_module_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Worker]]:
    """The same, for the tests of a module."""
    yield from worker_factory(tmp_path_factory.mktemp("module"))


@pytest.fixture(scope="module")
def worker(start_module_worker: Callable[..., Worker]) -> Worker:
    """The worker that the tests of a module share; a module may override it."""
    return start_module_worker(host="acceptance")


@pytest.fixture
def peers(context: zmq.Context) -> Iterator[Callable[..., Any]]:
    """`peers(Dealer, endpoint, ...)`: a peer that is closed after the test."""
    made: list[Any] = []

    def make(kind: type, *arguments: Any, **options: Any) -> Any:
        made.append(kind(context, *arguments, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.close()


@pytest.fixture
def door(tmp_path: Path, start_worker: Callable[..., Worker], peers: Callable[..., Any]) -> Door:
    """A worker that other hosts may come in to; the test starts it."""
    return Door(tmp_path, start_worker, peers)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line of a user with a home of their own."""
    return Cli(tmp_path / "home")


@pytest.fixture
def far(door: Door, cli: Cli, tmp_path: Path) -> Door:
    """A worker that alice may come in to, with the keys that the command line made."""
    return far_worker(door, cli, tmp_path)


@pytest.fixture
def client(worker: Worker, peers: Callable[..., Any]) -> Dealer:
    """A scheduler."""
    return peers(Dealer, worker.commands)


@pytest.fixture
def other(worker: Worker, peers: Callable[..., Any]) -> Dealer:
    """Another scheduler."""
    return peers(Dealer, worker.commands)


@pytest.fixture
def requester(worker: Worker, peers: Callable[..., Any]) -> Requester:
    """A scheduler with a REQ socket."""
    return peers(Requester, worker.commands)


@pytest.fixture
def collector(worker: Worker, peers: Callable[..., Any]) -> Collector:
    """A collector of everything."""
    return peers(Collector, worker.events, "")


class Containers:
    """Makes containers over one client and removes them over a client of its own."""

    def __init__(self, context: zmq.Context, endpoint: str, client: Dealer):
        self.context, self.endpoint, self.client = context, endpoint, client
        self.ids: list[str] = []

    def name(self, stem: str = "web") -> str:
        """A fresh id, removed at the end if it exists then."""
        self.ids.append(f"{stem}-{next(NUMBERS)}x")
        return self.ids[-1]

    def own(self, id: str) -> str:
        """An id of the test's own choice, removed at the end."""
        self.ids.append(id)
        return id

    def send(
        self, *args: str, id: str | None = None, process: dict | None = None, spec: dict | None = None, **keys: Any
    ) -> tuple[str, int]:
        """Sends `create` and returns id and msgid."""
        id = id or self.name()
        spec = {"process": {"args": list(args), **(process or {})}, **(spec or {})}
        return id, self.client.request("create", {"id": id, "spec": spec, **keys})

    def run(self, *args: str, **options: Any) -> str:
        """Creates a container and returns its id."""
        id, msgid = self.send(*args, **options)
        self.client.result(msgid)
        return id

    def shell(self, script: str, **options: Any) -> str:
        """Creates a container that runs a shell script."""
        return self.run("/bin/sh", "-c", script, **options)

    def idle(self, **options: Any) -> str:
        """Creates a container that runs until it is stopped."""
        return self.run("/bin/sleep", "100000", **options)

    def ended(self, script: str = "exit 0", **options: Any) -> tuple[str, dict]:
        """Creates a container, waits for its end, returns id and exit."""
        id = self.shell(script, **options)
        return id, self.client.call("wait", id=id)["exit"]

    def attach(self, id: str, process: str = "init", credit: int = 1 << 20, start: Any = "start") -> Output:
        """Attaches the client to a process's output."""
        self.client.call("attach", {"id": id, "process": process, "from": start, "credit": credit})
        return Output(self.client, id, process)

    def ready(self, script: str, **options: Any) -> str:
        """Creates a container whose script says `ready`, and waits for that."""
        id = self.shell(script, **options)
        self.attach(id).until(lambda output: b"ready" in output.data())
        self.client.call("detach", id=id, process="init")
        return id

    def remove(self) -> None:
        """Forces every container away."""
        cleaner = Dealer(self.context, self.endpoint)
        try:
            pending = [cleaner.request("delete", id=id, force=True) for id in dict.fromkeys(self.ids)]
            for msgid in pending:
                try:
                    cleaner.result(msgid)
                except Failure as failure:
                    assert failure.code == "not_found", failure
        finally:
            cleaner.close()


@pytest.fixture
def containers(worker: Worker, context: zmq.Context, client: Dealer) -> Iterator[Containers]:
    """Containers of the module's worker that are gone after the test."""
    containers = Containers(context, worker.commands, client)
    yield containers
    if worker.process.poll() is None:
        containers.remove()


@pytest.fixture
def containers_of(
    context: zmq.Context, start_worker: Callable[..., Worker], peers: Callable[..., Any]
) -> Iterator[Callable[[Worker, Dealer], Containers]]:
    """The same for a worker that the test started itself."""
    made: list[tuple[Worker, Containers]] = []

    def make(worker: Worker, client: Dealer) -> Containers:
        made.append((worker, Containers(context, worker.commands, client)))
        return made[-1][1]

    yield make
    for worker, containers in made:
        if worker.process.poll() is None:
            containers.remove()


@pytest.fixture
def host_with(tmp_path: Path, start_worker: Callable[..., Worker], peers: Callable) -> Iterator[Callable[..., Host]]:
    """`host_with(*faults)`: a host whose service goes wrong in this way."""
    hosts: list[Host] = []

    def make(*faults: dict) -> Host:
        hosts.append(Host(tmp_path, start_worker, peers, faults=list(faults)))
        hosts[-1].start()
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()
