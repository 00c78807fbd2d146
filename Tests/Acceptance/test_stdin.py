"""`stdin`: echo, end of file, partial acceptance."""

import pytest


def feed(client, id: str, data: bytes, process: str = "init", eof: bool = False) -> None:
    """Offers `data` until all of it is accepted."""
    while data or eof:
        accepted = client.call("stdin", id=id, process=process, data=data, eof=eof)["accepted"]
        assert 0 <= accepted <= len(data)
        if accepted == len(data):
            return
        data = data[accepted:]


def test_echo(client, containers):
    id = containers.run("/bin/cat", stdin=True)
    output = containers.attach(id)
    for line in (b"one\n", b"\0\xff binary\n", b"three"):
        seen = output.data()
        assert client.call("stdin", id=id, data=line) == {"accepted": len(line)}
        output.until(lambda o, expected=seen + line: o.data() == expected)
    client.call("stdin", id=id, data=b"", eof=True)
    assert client.call("wait", id=id)["exit"]["code"] == 0
    output.until(lambda o: o.eof)


def test_data_and_end_in_one(client, containers):
    id = containers.run("/bin/cat", stdin=True)
    assert client.call("stdin", id=id, data=b"all", eof=True) == {"accepted": 3}
    containers.attach(id).until(lambda o: o.eof and o.data() == b"all")


def test_a_mebibyte_through_cat(client, containers):
    data = b"".join(b"%07d\n" % n for n in range(131_072))
    id = containers.run("/bin/cat", stdin=True)
    output = containers.attach(id, credit=1 << 22)
    for start in range(0, len(data), 32_768):
        feed(client, id, data[start : start + 32_768])
    feed(client, id, b"", eof=True)
    output.until(lambda o: o.eof)
    assert output.data() == data


def test_stdin_of_an_exec(client, containers):
    id = containers.idle()
    client.call("exec", id=id, process="cat", spec={"args": ["/bin/cat"]}, stdin=True)
    client.call("stdin", id=id, process="cat", data=b"hello", eof=True)
    containers.attach(id, "cat").until(lambda o: o.data() == b"hello")
    assert client.call("wait", id=id, process="cat")["exit"]["code"] == 0


def test_without_stdin_there_is_nothing_to_read(client, containers):
    id, exit = containers.ended("read line && exit 1; exit 0")
    assert exit["code"] == 0
    client.refused("failed_precondition", "stdin", id=containers.idle(), data=b"x")


def test_a_process_that_never_reads_takes_a_part(client, other, containers):
    id = containers.idle(stdin=True)
    piece = bytes(65_536)
    for _ in range(512):
        reply = client.reply(client.request("stdin", id=id, data=piece))
        if reply.error is not None:
            assert reply.error["code"] == "resource_exhausted", reply
            break
        if reply.result["accepted"] < len(piece):
            break
    else:
        pytest.fail("32 MiB were accepted for a process that reads nothing")
    assert other.call("state", id=id)["state"] == "running"
    client.call("signal", id=id, signal=9)
    client.call("wait", id=id)


def test_after_the_end_of_file(client, containers):
    id = containers.idle(stdin=True)
    client.call("stdin", id=id, data=b"x", eof=True)
    client.refused("failed_precondition", "stdin", id=id, data=b"y")


def test_a_process_that_closed_its_stdin_harms_no_one(client, containers):
    id = containers.ready("exec 0<&-; echo ready; sleep 100000", stdin=True)
    client.reply(client.request("stdin", id=id, data=bytes(100_000)))
    client.reply(client.request("stdin", id=id, data=bytes(100_000)))
    assert client.call("state", id=id)["state"] == "running"


@pytest.mark.parametrize("data", ["text", 7, None, ["x"], [1, 2]], ids=repr)
def test_data_that_is_no_bin(client, containers, data):
    client.refused("invalid_argument", "stdin", id=containers.idle(stdin=True), data=data)
