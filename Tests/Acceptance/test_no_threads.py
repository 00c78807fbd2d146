"""A system that gives no threads any more: calls are refused or served, and a stop ends."""

import resource
import signal

from wire import Failure

# Less than the smallest stack of a thread, and enough for what is allocated meanwhile.
SLACK = 448 << 10


def test_a_stop_ends_where_no_thread_can_be_made(worker, client, containers):
    """It needs the threads that are there already, whatever it cannot do without others."""
    id = containers.idle()
    limit = worker.status("VmSize") + SLACK
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (limit, limit))
    for method, keys in {"signal": {"id": id, "signal": 9}, "stats": {"id": id}, "events": {"after": 0}}.items():
        try:
            client.call(method, **keys)
        except Failure as failure:
            assert failure.error["code"] == "resource_exhausted" and failure.error["retryable"], failure
    worker.process.send_signal(signal.SIGTERM)
    # 128 + SIGTERM: what does not end in time is ended at once.
    assert worker.exit_code(60) in (0, 128 + signal.SIGTERM)
