"""Output: attach, credit, detach, logs, terminals and the bound of the spool."""

import pytest

from wire import Deadline, Output

LIMIT = 65_536


@pytest.fixture(scope="module")
def worker(start_module_worker):
    """A worker that keeps 64 KiB of output a process."""
    return start_module_worker(config=f"output_limit_bytes: {LIMIT}\n")


def logs(client, id: str, process: str = "init", start: int = 0, **keys) -> tuple[list[dict], list[dict]]:
    """Reads logs to their end; every reply and every chunk."""
    replies, chunks, deadline = [], [], Deadline()
    while True:
        reply = client.call("logs", {"id": id, "process": process, "from": start, **keys})
        assert reply.keys() == {"chunks", "next", "eof", "dropped"} and reply["next"] >= start, reply
        assert all(chunk.keys() == {"stream", "offset", "data"} for chunk in reply["chunks"]), reply
        replies.append(reply)
        chunks += reply["chunks"]
        if reply["eof"] and reply["next"] == start:
            return replies, chunks
        start = reply["next"]
        assert not deadline.passed, f"no end of logs: {reply['eof']} at {start}"


def joined(chunks: list[dict], stream: str | None = None) -> bytes:
    return b"".join(chunk["data"] for chunk in chunks if stream in (None, chunk["stream"]))


def numbers(start: int, end: int) -> bytes:
    return b"".join(b"%07d\n" % n for n in range(start, end))


def test_attach_before_and_after_the_end(client, containers):
    id = containers.shell("echo one; sleep 0.2; echo two")
    containers.attach(id).until(lambda o: o.eof and o.data() == b"one\ntwo\n")
    client.call("wait", id=id)
    client.notifications.clear()
    containers.attach(id).until(lambda o: o.eof and o.data() == b"one\ntwo\n")


def test_streams_are_told_apart(client, containers):
    id = containers.shell("echo out; echo err >&2")
    output = containers.attach(id).until(lambda o: o.data("stdout") == b"out\n" and o.data("stderr") == b"err\n")
    assert {chunk["stream"] for chunk in output.chunks} == {"stdout", "stderr"}
    for chunk in output.chunks:
        assert {"id", "process", "stream", "offset", "data"} <= chunk.keys()
        assert chunk.keys() <= {"id", "process", "stream", "offset", "data", "eof", "dropped"}


def test_offsets_are_contiguous(client, containers):
    id = containers.shell("i=0; while [ $i -lt 200 ]; do printf '%07d\\n' $i; i=$((i+1)); done")
    output = containers.attach(id).until(lambda o: len(o.data()) == 1600 and o.eof)
    expected = 0
    for chunk in output.chunks:
        if chunk["data"]:
            assert chunk["offset"] == expected
            expected += len(chunk["data"])
    assert output.data() == numbers(0, 200)


def test_bytes_pass_unchanged(client, containers):
    id = containers.shell("printf '\\000\\001\\377\\376\\n\\r\\n\\303'")
    containers.attach(id).until(lambda o: o.data() == b"\0\1\xff\xfe\n\r\n\xc3")


def test_no_output_at_all_still_ends(client, containers):
    id = containers.shell("exit 0")
    containers.attach(id).until(lambda o: o.eof)
    assert joined(logs(client, id)[1]) == b""


def test_output_comes_only_while_credit_lasts(client, containers):
    id, _ = containers.ended("printf 0123456789abcdefghij")
    output = containers.attach(id, credit=5)
    output.until(lambda o: len(o.data()) == 5)
    client.call("ping")
    assert output.data() == b"01234"
    for granted in (6, 7, 12):
        assert client.call("credit", id=id, process="init", bytes=granted - len(output.data())) == {}
        output.until(lambda o, size=granted: len(o.data()) == size)
        client.call("ping")
        assert output.data() == b"0123456789abcdefghij"[:granted]
    client.call("credit", id=id, process="init", bytes=1000)
    output.until(lambda o: o.eof and o.data() == b"0123456789abcdefghij")


def test_no_credit_no_output(client, containers):
    id, _ = containers.ended("echo hello")
    output = containers.attach(id, credit=0)
    client.call("ping")
    assert output.data() == b""
    client.call("credit", id=id, process="init", bytes=100)
    output.until(lambda o: o.data() == b"hello\n")


def test_attach_from_an_offset(client, containers):
    id, _ = containers.ended("printf 0123456789")
    result = client.call("attach", {"id": id, "from": 4, "credit": 100})
    assert result == {"offset": 4}
    output = Output(client, id).until(lambda o: o.data() == b"456789")
    assert output.chunks[0]["offset"] == 4


def test_attach_from_start_tells_offset_zero(client, containers):
    id, _ = containers.ended("printf 0123456789")
    assert client.call("attach", {"id": id, "from": "start", "credit": 0}) == {"offset": 0}


def test_attach_from_now(client, containers):
    id = containers.ready('printf ready; read line; printf "after"', stdin=True)
    client.notifications.clear()
    assert client.call("attach", {"id": id, "from": "now", "credit": 100}) == {"offset": 5}
    client.call("stdin", id=id, data=b"\n")
    Output(client, id).until(lambda o: o.data() == b"after")


@pytest.mark.parametrize("start", ["later", -1, 1.5, True, b"start", []], ids=repr)
def test_attach_from_nonsense(client, containers, start):
    id, _ = containers.ended()
    assert "from" in client.refused("invalid_argument", "attach", {"id": id, "from": start, "credit": 1})["message"]


def test_detach_ends_the_output(client, containers):
    id = containers.run("/bin/cat", stdin=True)
    output = containers.attach(id)
    client.call("stdin", id=id, data=b"one\n")
    output.until(lambda o: o.data() == b"one\n")
    assert client.call("detach", id=id, process="init") == {}
    client.call("stdin", id=id, data=b"two\n", eof=True)
    client.call("wait", id=id)
    client.call("ping")
    assert output.data() == b"one\n"
    assert joined(logs(client, id)[1]) == b"one\ntwo\n"


def test_each_client_has_its_own_attachment(client, other, containers):
    id, _ = containers.ended("echo hello")
    containers.attach(id, credit=2)
    other.call("attach", {"id": id, "from": "start", "credit": 100})
    Output(other, id).until(lambda o: o.data() == b"hello\n")
    client.call("ping")
    assert Output(client, id).data() == b"he"


def test_credit_without_attach(client, containers):
    id, _ = containers.ended()
    client.refused("failed_precondition not_found", "credit", id=id, process="init", bytes=10)


def test_logs(client, containers):
    id, _ = containers.ended("echo out; echo err >&2")
    replies, chunks = logs(client, id)
    assert joined(chunks, "stdout") == b"out\n" and joined(chunks, "stderr") == b"err\n"
    assert all(not reply["dropped"] for reply in replies)


def test_logs_in_pieces(client, containers):
    id, _ = containers.ended("printf 0123456789abcdefghij")
    replies, chunks = logs(client, id, limit=7)
    assert joined(chunks) == b"0123456789abcdefghij"
    assert all(len(joined(reply["chunks"])) <= 7 for reply in replies)


def test_logs_from_an_offset(client, containers):
    id, _ = containers.ended("printf 0123456789")
    assert joined(logs(client, id, start=8)[1]) == b"89"


def test_logs_of_an_exec(client, containers):
    id = containers.idle()
    client.call("exec", id=id, process="p", spec={"args": ["/bin/echo", "exec"]})
    assert joined(logs(client, id, "p")[1]) == b"exec\n"


def test_logs_of_a_running_process_have_no_end(client, containers):
    id = containers.ready("echo ready; sleep 100000")
    reply = client.call("logs", id=id)
    assert joined(reply["chunks"]) == b"ready\n" and reply["eof"] is False


def test_the_spool_drops_the_oldest_and_says_so(client, containers):
    total = 40_000 * 8
    id, exit = containers.ended("seq -f %07.0f 0 39999")
    assert exit["code"] == 0
    replies, chunks = logs(client, id)
    kept = joined(chunks)
    assert replies[0]["dropped"] and 0 < len(kept) <= LIMIT
    assert kept == numbers(0, 40_000)[-len(kept) :], "what is left is the unbroken end"
    assert chunks[0]["offset"] == total - len(kept)
    output = containers.attach(id).until(lambda o: o.eof)
    assert output.data() == kept and any(chunk.get("dropped") for chunk in output.chunks)


def test_a_reader_without_credit_blocks_no_container(client, containers):
    id = containers.shell("head -c 20000000 /dev/zero; echo done >&2")
    containers.attach(id, credit=1)
    assert client.call("wait", id=id)["exit"]["code"] == 0


def test_a_slow_reader_sees_the_loss(client, containers):
    id = containers.run("/bin/sh", "-c", "read line; seq -f %07.0f 0 39999", stdin=True)
    output = containers.attach(id, credit=8)
    client.call("stdin", id=id, data=b"\n")
    client.call("wait", id=id)
    client.call("credit", id=id, process="init", bytes=1 << 20)
    output.until(lambda o: o.eof)
    assert output.data().endswith(numbers(39_999, 40_000)) and any(chunk.get("dropped") for chunk in output.chunks)


def test_many_processes_are_spooled_within_their_bound(worker, client, containers):
    before = worker.status("VmRSS")
    for _ in range(20):
        containers.ended("head -c 3000000 /dev/zero")
    assert worker.status("VmRSS") - before < 32 << 20


def test_terminal_has_one_stream(client, containers):
    id = containers.shell("tty >/dev/null && echo out; echo err >&2", process={"terminal": True})
    output = containers.attach(id).until(lambda o: b"out" in o.data() and b"err" in o.data() and o.eof)
    assert {chunk["stream"] for chunk in output.chunks if chunk["data"]} == {"stdout"}


def test_without_a_terminal_there_is_none(client, containers):
    _, exit = containers.ended("test -t 0 || test -t 1 && exit 1; exit 0")
    assert exit["code"] == 0


def test_terminal_size_and_resize(client, containers):
    process = {"terminal": True, "consoleSize": {"height": 33, "width": 111}}
    id = containers.shell("stty size; read line; stty size", process=process, stdin=True)
    output = containers.attach(id).until(lambda o: b"33 111" in o.data())
    assert client.call("resize", id=id, width=90, height=44) == {}
    client.call("stdin", id=id, data=b"\n")
    output.until(lambda o: b"44 90" in o.data())


def test_terminal_of_an_exec(client, containers):
    id = containers.idle()
    spec = {
        "args": ["/bin/sh", "-c", "stty size; read line; stty size"],
        "terminal": True,
        "consoleSize": {"height": 20, "width": 70},
    }
    client.call("exec", id=id, process="shell", spec=spec, stdin=True)
    output = containers.attach(id, "shell").until(lambda o: b"20 70" in o.data())
    client.call("resize", id=id, process="shell", width=71, height=21)
    client.call("stdin", id=id, process="shell", data=b"\n")
    output.until(lambda o: b"21 71" in o.data())


def test_resize_without_a_terminal(client, containers):
    client.refused("failed_precondition invalid_argument", "resize", id=containers.idle(), width=80, height=25)
