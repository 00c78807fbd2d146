"""`snapshot` in pages, and the number of the newest event that a record includes."""

import pytest

from wire import Collector, Dealer


def pages(client, **keys) -> list[dict]:
    """Every page."""
    found = [client.call("snapshot", **keys)]
    after = ""
    while (following := found[-1].get("next")) is not None:
        assert following > after, "each page leads on"
        after = following
        found.append(client.call("snapshot", after=after, **keys))
    return found


def newest(client, id: str) -> int:
    """The number of the newest event of a container."""
    return max(event["seq"] for event in client.call("events", after=0, ids=[id])["events"])


@pytest.fixture
def seven(client, containers) -> list[str]:
    """Containers in the order of their ids."""
    return sorted(containers.idle() for _ in range(7))


@pytest.mark.parametrize("limit", [1, 3, 7, 8, 1000])
def test_every_container_is_in_one_page(client, seven, limit):
    found = pages(client, limit=limit)
    assert [record["id"] for page in found for record in page["containers"]] == seven
    assert all(len(page["containers"]) <= limit for page in found)
    for page in found:
        assert {"containers", "last_seq", "epoch"} <= page.keys() <= {"containers", "last_seq", "epoch", "next"}


def test_a_page_begins_behind_an_id(client, seven):
    page = client.call("snapshot", after=seven[2], limit=2)
    assert [record["id"] for record in page["containers"]] == seven[3:5] and page["next"] == seven[4]
    assert client.call("snapshot", after="zzz")["containers"] == []
    assert "next" not in client.call("snapshot", after=seven[4])
    # The id need not be there any more.
    assert client.call("snapshot", after=seven[0] + "-")["containers"][0]["id"] == seven[1]


def test_a_page_ends_before_it_is_too_long_for_a_message(client, containers):
    for _ in range(60):
        containers.run("/bin/true", start=False, labels={"text": "x" * 4000})
    found = pages(client)
    assert len(found) > 1 and sum(len(page["containers"]) for page in found) == 60


def test_a_record_says_its_newest_event(client, containers, collector):
    id = containers.run("/bin/sleep", "100000", start=False)
    for step in ("create", "start", "exec", "exec_exit", "exit"):
        if step == "start":
            client.call("start", id=id)
        elif step == "exec":
            client.call("exec", id=id, process="p", spec={"args": ["/bin/true"]})
            client.call("wait", id=id, process="p")
        elif step == "exit":
            client.call("stop", id=id, grace_ms=0)
        collector.find(step, id)
        record = client.call("state", id=id)
        assert record["seq"] == newest(client, id), step
    (listed,) = client.call("list")["containers"]
    page = client.call("snapshot")
    assert listed["seq"] == page["containers"][0]["seq"] == record["seq"] <= page["last_seq"]


def test_a_record_keeps_its_number_over_a_restart(start_worker, peers, containers_of, tmp_path):
    worker = start_worker(tmp_path / "kept")
    client = peers(Dealer, worker.commands)
    id, exit = containers_of(worker, client).ended()
    before = client.call("state", id=id)
    assert before["seq"] == newest(client, id)
    worker.stop()
    client = peers(Dealer, start_worker(tmp_path / "kept").commands)
    assert client.call("state", id=id)["seq"] == newest(client, id) >= before["seq"]


STATE_AFTER = {"create": "created", "start": "running", "exit": "stopped"}


def test_a_collector_that_takes_pages_misses_nothing(worker, client, other, containers, peers):
    """Between the pages containers come and go. Each record and the events behind it give what is."""
    ids = sorted(containers.idle() for _ in range(8))
    # What happens between two pages: before the place that was reached, behind it, and new.
    between = iter(
        [
            lambda: other.call("stop", id=ids[0], grace_ms=0),
            lambda: other.call("stop", id=ids[-1], grace_ms=0),
            lambda: other.call("delete", id=ids[1], force=True),
            lambda: other.call("delete", id=ids[-2], force=True),
            containers.idle,
        ]
    )
    collector = peers(Collector, worker.events, "")
    states, seqs, after = {}, {}, {}
    while True:
        page = client.call("snapshot", limit=2, **after)
        states |= {record["id"]: record["state"] for record in page["containers"]}
        seqs |= {record["id"]: record["seq"] for record in page["containers"]}
        next(between, lambda: None)()
        if "next" not in page:
            break
        after = {"after": page["next"]}
    for step in between:
        step()
    last = other.call("snapshot", limit=1)["last_seq"]
    collector.until(lambda: collector.events and collector.events[-1]["seq"] >= last)
    for event in collector.events:
        id, kind = event.get("id"), event["type"]
        if id is None or event["seq"] <= seqs.get(id, 0):
            continue
        if kind == "delete":
            states.pop(id, None)
        else:
            states[id] = STATE_AFTER.get(kind, states.get(id))
    assert states == {record["id"]: record["state"] for record in other.call("list")["containers"]}


BAD = [
    {"limit": 0},
    {"limit": -1},
    {"limit": 1.0},
    {"limit": "1"},
    {"limit": 2**64 - 1},
    {"after": 7},
    {"after": b"a"},
    {"after": "a\0"},
]


@pytest.mark.parametrize("keys", BAD, ids=repr)
def test_bad_pages(client, keys):
    error = client.refused("invalid_argument", "snapshot", **keys)
    assert next(iter(keys)) in error["message"], error
