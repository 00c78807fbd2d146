"""A host whose containers stay with an emulator service while its workers are killed and started again."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq

from emulator import Emulator
from wire import DEADLINE, Collector, Deadline, Dealer, Reply
from worker import Worker

DIED_ON_PURPOSE = 137


class Host:
    """One service, one state directory, and one worker at a time."""

    def __init__(self, folder: Path, start_worker: Callable, peers: Callable, faults: list[dict] | None = None):
        self.folder, self.state_dir = folder, folder / "state"
        self.start_worker, self.peers = start_worker, peers
        self.emulator = Emulator(folder / "service", faults=faults).await_ready()
        self.worker: Worker = None
        self.client: Dealer = None

    def launch(self, settings: str = "", **options: Any) -> Worker:
        """Starts a worker and does not wait for it."""
        config = f"emulator_socket: {self.emulator.socket}\n{settings}"
        return self.start_worker(self.state_dir, ready=False, config=config, **options)

    def start(self, settings: str = "", **options: Any) -> Dealer:
        """Starts a worker and returns a scheduler of it."""
        self.worker = self.launch(settings, **options).await_ready()
        self.client = self.peers(Dealer, self.worker.commands)
        return self.client

    def kill(self) -> None:
        """SIGKILL."""
        self.worker.kill()

    def restart(self, settings: str = "") -> Dealer:
        """Kills the worker, starts the next one and returns a scheduler of it."""
        self.kill()
        return self.start(settings)

    def answer_or_death(self, worker: Worker, method: str, **keys: Any) -> Reply | None:
        """The worker's reply to a request; None where it dies before, at its start or later."""
        self.worker = worker
        try:
            worker.await_ready()
        except pytest.fail.Exception:
            assert worker.process.poll() == DIED_ON_PURPOSE, worker.output()
            return None
        self.client = self.peers(Dealer, worker.commands)
        msgid = self.client.request(method, **keys)
        death = os.pidfd_open(worker.pid)
        try:
            poller = zmq.Poller()
            poller.register(self.client.socket, zmq.POLLIN)
            poller.register(death, zmq.POLLIN)
            while msgid not in self.client.replies:
                came = dict(poller.poll(DEADLINE * 1000))
                assert came, f"neither an answer nor a death: {worker.output()}"
                if self.client.socket in came:
                    self.client.pump()
                else:
                    assert worker.exit_code() == DIED_ON_PURPOSE, worker.output()
                    return None
        finally:
            os.close(death)
        return self.client.replies[msgid]

    def lose_service(self) -> None:
        """Kills the service, and starts one that has nothing."""
        self.emulator.kill()
        self.emulator = Emulator(self.emulator.socket.parent).await_ready()

    def close(self) -> None:
        """Ends the worker, and with the service all that still runs."""
        if self.worker is not None:
            self.worker.kill()
        if self.emulator.process.poll() is None:
            assert self.emulator.stop() == 0, self.emulator.output()

    def collector(self, *topics: str) -> Collector:
        """A collector of the worker that runs."""
        return self.peers(Collector, self.worker.events, *(topics or ("",)))

    # Containers

    def shell(self, id: str, script: str, **more: Any) -> dict:
        """Creates a container that runs a shell script."""
        return self.client.call("create", id=id, spec={"process": {"args": ["/bin/sh", "-c", script]}}, **more)

    def exec(self, id: str, process: str, script: str, **more: Any) -> dict:
        """Runs a shell script in a container."""
        return self.client.call("exec", id=id, process=process, spec={"args": ["/bin/sh", "-c", script]}, **more)

    def wait(self, id: str, process: str = "init") -> dict:
        """The exit."""
        return self.client.call("wait", id=id, process=process)["exit"]

    # What happened

    def story(self) -> list[dict[str, Any]]:
        """Every event of the host, checked to be without a gap."""
        events: list[dict] = []
        while page := self.client.call("events", after=len(events))["events"]:
            events += page
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        epochs = [event["epoch"] for event in events]
        assert epochs == sorted(epochs)
        starts = [event["epoch"] for event in events if event["type"] == "worker_start"]
        assert starts == sorted(set(starts)), "every start is an epoch of its own"
        assert set(epochs) == set(starts), "and tells so first"
        return events

    def kinds(self, id: str) -> list[str]:
        """The types of a container's events, in order."""
        return [event["type"] for event in self.story() if event.get("id") == id]


def wait_for_end(*pids: int) -> None:
    """Waits until processes have ended that are not this one's children."""
    deadline = Deadline(DEADLINE)
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([handle], [], [], deadline.left)[0], f"process {pid} still runs"
        finally:
            os.close(handle)


def runs(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
