"""An honest peer in a process of its own: how long its pings take until its input ends."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from wire import Dealer


def pin(pid: int, processor: int, niceness: int = 0) -> None:
    """Keeps every thread of a process on one processor, where the machine has several and allows it."""
    if processor not in os.sched_getaffinity(0):
        return
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {processor})
        if niceness:
            os.setpriority(os.PRIO_PROCESS, int(task), niceness)


class Measured:
    """What was measured, in milliseconds, once it is over."""

    p50 = p99 = longest = 0.0


@contextmanager
def measuring(endpoint: str, processor: int) -> Iterator[Measured]:
    """Measures for as long as this lasts."""
    process = subprocess.Popen([sys.executable, __file__, endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    measured = Measured()
    try:
        process.stdout.readline()
        pin(process.pid, processor)
        yield measured
        measured.__dict__ |= json.loads(process.communicate(b"", 60)[0])
    finally:
        process.kill()
        process.wait()


def main() -> None:
    dealer, spans = Dealer(zmq.Context(), sys.argv[1]), []
    dealer.call("ping")
    print(flush=True)
    ended = select.poll()
    ended.register(sys.stdin, select.POLLIN)
    # A ping each millisecond: the measurer is no load of its own.
    while not ended.poll(1):
        began = time.perf_counter()
        dealer.reply(dealer.request("ping"), 60)
        spans.append((time.perf_counter() - began) * 1000)
        dealer.replies.clear()
        dealer.order.clear()
    spans.sort()
    print(json.dumps({"p50": spans[len(spans) // 2], "p99": spans[len(spans) * 99 // 100], "longest": spans[-1]}))


if __name__ == "__main__":
    main()
