"""The command line against a real worker: what scripts rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from cli import client_environment, run
from worker import binary


def text(ended: subprocess.CompletedProcess) -> str:
    return ended.stderr.decode()


def test_ps_shows_commands_the_youngest_first(worker, containers) -> None:
    old = containers.run("/bin/sleep", "100001")
    new = containers.run("/bin/sh", "-c", "exec sleep 100002")
    rows = run(worker, "ps").stdout.decode().splitlines()
    assert rows[0].split()[:3] == ["CONTAINER", "COMMAND", "STATE"]
    ids = [row.split()[0] for row in rows[1:]]
    assert ids.index(new) < ids.index(old)
    assert "/bin/sleep 100001" in rows[1 + ids.index(old)]
    assert "/bin/sh -c 'exec sleep 100002'" in rows[1 + ids.index(new)]
    latest = run(worker, "ps", "-lq").stdout.decode().split()
    assert latest == [new]
    by_name = run(worker, "ps", "-q", "--sort", "name", "-f", f"name={old}", "-f", f"name={new}").stdout.decode().split()
    assert by_name == sorted([old, new])


def test_inspect_shows_what_a_container_was_made_of(worker, containers) -> None:
    id = containers.idle(labels={"a": "b"})
    record = json.loads(run(worker, "inspect", id).stdout)
    assert record["spec"]["process"]["args"] == ["/bin/sleep", "100000"]
    assert record["profile"] == "default" and record["labels"] == {"a": "b"} and record["ignored"] == []


def test_restart_is_a_new_container_of_the_same_kind(worker, client, containers) -> None:
    id = containers.idle(labels={"a": "b"})
    before = client.call("state", id=id)
    assert run(worker, "restart", "-t", "1", id).returncode == 0
    after = client.call("state", id=id)
    assert after["state"] == "running" and after["pid"] != before["pid"] and after["labels"] == {"a": "b"}
    stopped, _ = containers.ended("exit 3")
    assert run(worker, "restart", stopped).returncode == 0
    assert client.call("wait", id=stopped)["exit"]["code"] == 3


def test_a_restart_that_was_cut_short_is_repeated(worker, client, containers) -> None:
    """The container is gone, and is made of what was kept."""
    id = containers.idle(labels={"a": "b"})
    client.call("drain")
    failed = run(worker, "restart", "-t", "1", id, "--timeout", "10s")
    assert failed.returncode == 1 and f"windlass restart {id}" in text(failed)
    client.refused("not_found", "state", id=id)
    client.call("drain", undo=True)
    assert run(worker, "restart", id).returncode == 0
    assert client.call("state", id=id)["labels"] == {"a": "b"}
    notes = list(Path(client_environment(worker)["XDG_CONFIG_HOME"]).rglob("restarts/*/*"))
    assert notes == []


def test_scripts_that_end_containers_give_whole_names(worker, client, containers) -> None:
    id = containers.idle(id=containers.own("whole-name-1"))
    for verb in (["stop", "-t", "1"], ["kill"], ["rm"], ["rm", "-f"], ["restart"]):
        ended = run(worker, *verb, "whole-name")
        assert client.call("state", id=id)["state"] == "running", verb
        assert ended.returncode == (0 if verb == ["rm", "-f"] else 1), text(ended)
    assert json.loads(run(worker, "inspect", "whole-name").stdout)["id"] == id
    containers.idle(id=containers.own("whole-name-2"))
    several = run(worker, "inspect", "whole-name")
    assert several.returncode == 1 and "whole-name-1, whole-name-2" in text(several)
    near = run(worker, "inspect", "hole-name-1")
    assert "did you mean whole-name-1?" in text(near)


def test_rm_of_a_created_container(worker, client, containers) -> None:
    id = containers.run("/bin/true", start=False)
    assert run(worker, "rm", id).returncode == 0
    client.refused("not_found", "state", id=id)


def test_logs_of_some_lines_and_times(worker, containers) -> None:
    id, _ = containers.ended("for n in 1 2 3 4 5; do echo line $n; done; echo err >&2")
    assert run(worker, "logs", id).stdout.decode().splitlines() == [f"line {n}" for n in range(1, 6)]
    assert run(worker, "logs", "--tail", "2", id).stdout.decode().splitlines() == ["line 5"]
    assert run(worker, "logs", "--tail", "0", id).stdout == b""
    stamped = run(worker, "logs", "-t", id)
    for line, expected in zip(stamped.stdout.decode().splitlines(), range(1, 6), strict=True):
        time, rest = line.split(" ", 1)
        assert time.endswith("Z") and rest == f"line {expected}"
    assert stamped.stderr.decode().endswith("Z err\n")
    assert run(worker, "logs", "--since", "10m", id).stdout.count(b"\n") == 5
    assert run(worker, "logs", "--until", "2020-01-01", id).stdout == b""
    other, _ = containers.ended("echo other")
    both = run(worker, "logs", id, other).stdout.decode().splitlines()
    assert f"{id} | line 1" in both and f"{other} | other" in both


def test_following_logs_from_the_last_lines(worker, client, containers) -> None:
    id = containers.ready("echo one; echo two; echo ready; while read line; do echo got $line; done", stdin=True)
    for flags in (["--tail", "2"], ["--tail", "2", "-t"]):
        process = subprocess.Popen(
            [binary(), "logs", "-f", *flags, id], stdout=subprocess.PIPE, env=client_environment(worker)
        )
        try:
            shown = [process.stdout.readline().split()[-1] for _ in range(2)]
            assert shown[-1] in (b"ready", b"x"), shown
            client.call("stdin", id=id, data=b"x\n")
            assert process.stdout.readline().split()[-2:] == [b"got", b"x"]
        finally:
            process.kill()
            process.communicate()


def test_events_of_a_time(worker, containers) -> None:
    id, _ = containers.ended("exit 4")
    past = run(worker, "--format", "json", "events", "--since", "1h", "--until", "0s", "-f", f"id={id}")
    types = [json.loads(line)["type"] for line in past.stdout.splitlines()]
    assert types == ["create", "start", "exit"]
    assert run(worker, "events", "--since", "2000-01-01", "--until", "2000-01-02").stdout == b""
    died = run(worker, "events", "--since", "1h", "--until", "0s", "-f", "event=die", "-f", f"container={id}")
    assert b"code=4" in died.stdout


def test_copies_arrive_whole(worker, containers, tmp_path) -> None:
    id = containers.idle()
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "file").write_bytes(os.urandom(3_000_000))
    (source / "link").symlink_to("deep/file")
    place = tmp_path / "in"
    place.mkdir()
    assert run(worker, "cp", str(source), f"{id}:{place}").returncode == 0
    assert (place / "source" / "deep" / "file").read_bytes() == (source / "deep" / "file").read_bytes()
    assert os.readlink(place / "source" / "link") == "deep/file"
    assert run(worker, "cp", str(source), f"{id}:{place}/new").returncode == 0
    assert (place / "new" / "link").is_symlink()
    assert run(worker, "cp", str(source / "deep" / "file"), f"{id}:{place}/renamed").returncode == 0
    assert (place / "renamed").read_bytes() == (source / "deep" / "file").read_bytes()
    assert run(worker, "cp", f"{source}/.", f"{id}:{place}").returncode == 0
    assert (place / "deep" / "file").exists()

    back = tmp_path / "back"
    assert run(worker, "cp", f"{id}:{source}", str(back)).returncode == 0
    assert (back / "deep" / "file").read_bytes() == (source / "deep" / "file").read_bytes()
    assert run(worker, "cp", f"{id}:{source}", str(back)).returncode == 0
    assert (back / "source" / "link").is_symlink()
    assert run(worker, "cp", f"{id}:{source}/deep/file", str(tmp_path / "other")).returncode == 0
    assert (tmp_path / "other").read_bytes() == (source / "deep" / "file").read_bytes()
    archive = run(worker, "cp", f"{id}:{source}/deep", "-")
    listed = subprocess.run(["tar", "-tf", "-"], input=archive.stdout, capture_output=True, check=True).stdout
    assert listed.split() == [b"deep/", b"deep/file"]
    (tmp_path / "out").mkdir()
    assert run(worker, "cp", "-", f"{id}:{tmp_path}/out", stdin=archive.stdout).returncode == 0
    assert (tmp_path / "out" / "deep" / "file").read_bytes() == (source / "deep" / "file").read_bytes()


def test_copies_that_cannot_be(worker, containers, tmp_path) -> None:
    id = containers.idle()
    for words, reason in (
        (["/no/such", f"{id}:/tmp"], "no such file here"),
        ([f"{id}:/no/such", str(tmp_path / "x")], "No such file"),
        ([f"{id}:/etc/hostname", str(tmp_path / "no" / "x")], "folder could not be made here"),
        (["/etc/hostname", f"{id}:/no/such/"], "no such folder in the container"),
        (["/etc/hostname", "/tmp"], "NAME:PATH"),
    ):
        ended = run(worker, "cp", *words)
        assert ended.returncode != 0 and reason in text(ended), text(ended)
    assert not any(path.name.startswith(".windlass") for path in tmp_path.iterdir())


@pytest.mark.parametrize("verb, code", [("ps", 64), ("run", 125), ("exec", 125)])
def test_arguments_that_are_not_utf8(worker, verb: str, code: int) -> None:
    ended = run(worker, verb.encode(), b"a\xff\x1b[31m")
    assert ended.returncode == code and "argument 2 is not UTF-8: a\\xff\\x1b[31m" in text(ended)


def test_environment_that_is_not_utf8(worker) -> None:
    environment = {**client_environment(worker), "ODD": os.fsdecode(b"\xff")}
    words = [binary(), "run", "--rm", "-e", "ODD", "/bin/true"]
    ended = subprocess.run(words, capture_output=True, env=environment, timeout=60)
    assert ended.returncode == 125 and b"the environment's ODD is not UTF-8" in ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["ps", "\x1b[31mred"],
        ["\x1b[31mred"],
        ["ps", "--filter", "\x1b]0;title\x07=1"],
        ["run", "--\x1bx", "true"],
        ["inspect", "a\x1bb"],
        ["--\x1bx"],
        ["ps", "--format", "\x1b[2J"],
        ["run", "--network", "\x1bx", "true"],
        ["worker", "--state-dir", "/proc/\x1b[31mx"],
        ["config", "check", "--driver", "\x1b[31mx"],
        ["hcs-emulator", "--socket", "/proc/no/\x1b[31mx"],
        ["context", "use", "\x1b[31mx"],
        ["keys", "show", "\x1b[31mx"],
        ["man", "\x1b[31mx"],
        ["cp", "\x1b[31mx", "web:/"],
    ],
)
def test_no_escape_of_an_argument_reaches_the_terminal(worker, words: list[str]) -> None:
    ended = run(worker, *words)
    assert ended.returncode != 0
    assert b"\x1b" not in ended.stderr + ended.stdout, ended


def test_a_silent_worker_is_called_silent(start_worker) -> None:
    worker = start_worker()
    worker.process.send_signal(signal.SIGSTOP)
    try:
        ended = run(worker, "ps")
        assert ended.returncode == 1 and "silent" in text(ended), text(ended)
    finally:
        worker.process.send_signal(signal.SIGCONT)


def test_no_worker_is_called_so(start_worker) -> None:
    worker = start_worker()
    worker.stop()
    ended = run(worker, "ps")
    assert ended.returncode == 1 and "windlass worker" in text(ended) and "silent" not in text(ended)


def test_version_compares_the_protocols(worker) -> None:
    ended = run(worker, "version")
    assert ended.returncode == 0 and b"protocol 1 (the same)" in ended.stdout
    assert b"profiles default hyperv" in ended.stdout


def test_completion_names_what_there_is(worker, containers) -> None:
    id = containers.idle(id=containers.own("completed-name"))
    names = run(worker, "---completion", "stop", "--", "positional@0", "0", "0", "")
    assert id in names.stdout.decode().split()
    profiles = run(worker, "---completion", "run", "--", "--profile", "0", "0", "")
    assert profiles.stdout.decode().split() == ["default", "hyperv"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(worker, shell: str) -> None:
    script = run(worker, "--generate-completion-script", shell).stdout.decode()
    assert "---completion" in script and "KILL" in script


def test_pages_for_man(worker, tmp_path) -> None:
    assert run(worker, "man", "--directory", str(tmp_path / "man1")).returncode == 0
    pages = sorted(path.name for path in (tmp_path / "man1").iterdir())
    assert {"windlass.1", "windlass-run.1", "windlass-keys-list.1", "windlass-context-add.1"} <= set(pages)
    run_page = run(worker, "man", "run").stdout.decode()
    assert run_page == (tmp_path / "man1" / "windlass-run.1").read_text()
    assert run(worker, "man", "nothing").returncode == 1


def test_config_check_reports_everything_at_once(worker, tmp_path) -> None:
    file = tmp_path / "worker.yaml"
    file.write_text(
        "outptu_limit_bytes: 1\nqueue_depth: lots\ncommands: [nonsense]\nserver_key: /no/such.key\n"
        "default_profile: gone\nprofiles:\n  web: 7\n"
    )
    ended = run(worker, "config", "check", "--config", str(file), "--state-dir", str(tmp_path))
    assert ended.returncode == 78
    problems = text(ended).splitlines()
    assert [line for line in problems if "did you mean output_limit_bytes?" in line]
    for word in ("queue_depth", "profile web"):
        assert [line for line in problems if word in line], problems
    file.write_text("commands: [nonsense]\nserver_key: /no/such.key\ndefault_profile: gone\ndriver: hcs\n")
    ended = run(worker, "config", "check", "--config", str(file), "--state-dir", str(file / "x"))
    assert ended.returncode == 78
    for word in ("nonsense", "/no/such.key", "default_profile is gone", "driver: hcs", "is no folder"):
        assert word in text(ended), text(ended)


def test_config_check_accepts_what_dump_prints(worker, tmp_path) -> None:
    file = tmp_path / "worker.yaml"
    file.write_text(
        "host: 'a: #b'\ncommands: [tcp://127.0.0.1:5770, ipc:///tmp/a b.sock]\nlocal_uids: {1000: scheduler, 7: admin}\n"
        "watchdog_ms: 90s\nstop_timeout_ms: 2500\nipc_mode: 0600\ndefault_profile: web\nprofiles:\n  web:\n"
        "    process: {cwd: '/a\"b', env: ['A={id}', 'N=1']}\n    windows: {layerFolders: ['C:\\\\a']}\n"
    )
    words = ["--config", str(file), "--state-dir", str(tmp_path)]
    first = run(worker, "config", "dump", *words)
    assert first.returncode == 0 and b"watchdog_ms: 90000" in first.stdout, text(first)
    again = tmp_path / "again.yaml"
    again.write_bytes(first.stdout)
    checked = run(worker, "config", "check", "--config", str(again))
    assert checked.returncode == 0, text(checked)
    second = run(worker, "config", "dump", "--config", str(again))

    def values(output: bytes) -> list[str]:
        return [line.split("  # ")[0] for line in output.decode().splitlines()]

    assert values(second.stdout) == values(first.stdout)
