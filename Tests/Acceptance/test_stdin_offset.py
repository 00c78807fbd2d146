"""`stdin` with an offset: a repeat is harmless, a gap is refused."""

import pytest


def write(client, id: str, offset: int, data: bytes, **keys) -> int:
    """Offers bytes at an offset, and returns how many from there on the process has."""
    return client.call("stdin", id=id, offset=offset, data=data, **keys)["accepted"]


@pytest.fixture
def cat(client, containers):
    """A `cat`, and its output."""
    id = containers.run("/bin/cat", stdin=True)
    return id, containers.attach(id)


def test_a_repeat_is_skipped_and_counts_as_accepted(client, cat):
    id, output = cat
    for _ in range(3):
        assert write(client, id, 0, b"abc") == 3
    assert write(client, id, 3, b"def") == 3
    assert write(client, id, 0, b"abc") == 3, "an older one too"
    assert write(client, id, 6, b"", eof=True) == 0
    output.until(lambda o: o.eof)
    assert output.data() == b"abcdef"


def test_only_what_is_new_of_an_overlap_is_written(client, cat):
    id, output = cat
    assert write(client, id, 0, b"abc") == 3
    assert write(client, id, 1, b"bcdef") == 5
    assert write(client, id, 0, b"abcdefg", eof=True) == 7
    output.until(lambda o: o.eof)
    assert output.data() == b"abcdefg"


@pytest.mark.parametrize("offset", [4, 5, 2**32, 2**63, 2**64 - 1])
@pytest.mark.parametrize("keys", [{"data": b"x"}, {"data": b""}, {"data": b"", "eof": True}], ids=repr)
def test_a_gap_is_refused_and_says_how_many_there_are(client, cat, offset, keys):
    id, output = cat
    assert write(client, id, 0, b"abc") == 3
    error = client.refused("failed_precondition", "stdin", {"id": id, "offset": offset, **keys})
    assert error["details"]["offset"] == 3 and error["retryable"] is False
    assert write(client, id, 3, b"d", eof=True) == 1
    output.until(lambda o: o.eof)
    assert output.data() == b"abcd"


def test_the_end_may_be_repeated_and_nothing_follows_it(client, containers):
    id = containers.ready("echo ready; exec sleep 100000", stdin=True)
    for _ in range(2):
        assert write(client, id, 0, b"x", eof=True) == 1
    client.refused("failed_precondition", "stdin", id=id, offset=1, data=b"y")


def test_bytes_without_an_offset_are_counted_too(client, cat):
    id, output = cat
    assert client.call("stdin", id=id, data=b"abc") == {"accepted": 3}
    assert write(client, id, 0, b"abcd") == 4
    assert client.call("stdin", id=id, data=b"e") == {"accepted": 1}
    assert write(client, id, 5, b"", eof=True) == 0
    output.until(lambda o: o.eof)
    assert output.data() == b"abcde"


def test_every_process_has_its_own_count(client, containers):
    id = containers.run("/bin/cat", stdin=True)
    assert write(client, id, 0, b"init") == 4
    for word in (b"one", b"two"):
        client.call("exec", id=id, process="p", spec={"args": ["/bin/cat"]}, stdin=True)
        assert write(client, id, 0, word, process="p", eof=True) == 3
        client.call("wait", id=id, process="p")
        chunks = client.call("logs", id=id, process="p")["chunks"]
        assert b"".join(chunk["data"] for chunk in chunks) == word
    assert write(client, id, 4, b"x") == 1


def test_a_part_counts_from_its_offset(client, containers):
    """A process that reads nothing takes a part; then every repeat says the same."""
    id = containers.idle(stdin=True)
    piece, offset = bytes(65_536), 0
    while (accepted := write(client, id, offset, piece)) == len(piece):
        offset += accepted
        assert offset < 32 << 20, "32 MiB were accepted for a process that reads nothing"
    assert write(client, id, offset, piece) == accepted
    assert write(client, id, 0, piece) == len(piece)


def test_two_peers_that_repeat_each_other_write_once(client, other, cat):
    id, output = cat
    for offset, data in ((0, b"abc"), (3, b"def")):
        for peer in (client, other):
            assert write(peer, id, offset, data) == 3
    assert write(other, id, 6, b"", eof=True) == 0
    output.until(lambda o: o.eof)
    assert output.data() == b"abcdef"


@pytest.mark.parametrize("offset", [-1, -(2**63), 0.0, 1.5, "0", b"0", True, [0], {}], ids=repr)
def test_bad_offsets(client, cat, offset):
    assert "offset" in client.refused("invalid_argument", "stdin", id=cat[0], data=b"x", offset=offset)["message"]
