"""`list`: labels, states and paging."""

import pytest

from test_lifecycle import check_record


@pytest.fixture
def five(containers):
    """Five containers of one label, two of which have ended."""
    label = containers.name("label")
    ids = [containers.idle(labels={"group": label, "n": str(n)}) for n in range(3)]
    ids += [containers.ended(labels={"group": label, "n": "ended"})[0] for _ in range(2)]
    return {"group": label}, ids


def ids_of(result: dict) -> list[str]:
    """The ids of a page, its records checked."""
    assert {"containers"} <= result.keys() <= {"containers", "next"}
    return [check_record(record)["id"] for record in result["containers"]]


def test_labels(client, five):
    labels, ids = five
    result = client.call("list", labels=labels)
    assert sorted(ids_of(result)) == sorted(ids) and "next" not in result
    assert ids_of(client.call("list", labels={**labels, "n": "1"})) == [ids[1]]
    assert ids_of(client.call("list", labels={**labels, "n": "none"})) == []
    assert ids_of(client.call("list", labels={"n-absent": "1"})) == []
    assert all(r["labels"]["group"] == labels["group"] for r in client.call("list", labels=labels)["containers"])


def test_states(client, five):
    labels, ids = five
    assert sorted(ids_of(client.call("list", labels=labels, states=["stopped"]))) == sorted(ids[3:])
    assert sorted(ids_of(client.call("list", labels=labels, states=["running", "stopped"]))) == sorted(ids)
    assert ids_of(client.call("list", labels=labels, states=["paused"])) == []


def test_everything(client, five):
    assert set(five[1]) <= set(ids_of(client.call("list")))


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_pages(client, five, limit):
    labels, ids = five
    seen, after = [], {}
    for _ in range(len(ids) + 1):
        page = client.call("list", labels=labels, limit=limit, **after)
        assert len(ids_of(page)) <= limit
        seen += ids_of(page)
        if "next" not in page:
            break
        after = {"after": page["next"]}
    assert sorted(seen) == sorted(ids), "each container comes exactly once"


def test_pages_hold_while_containers_come_and_go(client, containers, five):
    labels, ids = five
    page = client.call("list", labels=labels, limit=2)
    first = ids_of(page)
    gone = next(id for id in ids if id not in first)
    client.call("delete", id=first[0], force=True)
    client.call("delete", id=gone, force=True)
    rest = ids_of(client.call("list", labels=labels, after=page["next"]))
    assert sorted(first + rest) == sorted(set(ids) - {gone})


@pytest.mark.parametrize(
    "params", [{"labels": ["a"]}, {"labels": "a=b"}, {"states": "running"}, {"states": [1]}, {"limit": "1"}], ids=repr
)
def test_bad_parameters(client, params):
    assert next(iter(params)) in client.refused("invalid_argument", "list", params)["message"]
