"""Real containers, from outside: by crun or runc, whichever works."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import Containers
from remains import remains
from wire import Collector, Dealer, Failure
from worker import Worker

# crun refuses a host that has both versions of cgroups mounted; it runs where it does not see the second one.
WITHOUT_UNIFIED = ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', "sh"]
RUNTIMES = [name for name in ("runc", "crun") if os.geteuid() == 0 and shutil.which(name)]
pytestmark = pytest.mark.skipif(not RUNTIMES, reason="real containers need root and runc or crun")
SHELL = "/bin/sh"


class RealHost:
    """A state directory whose workers come and go, and whose containers are real."""

    def __init__(self, runtime, folder, start_worker, peers):
        self.runtime, self.folder, self.state_dir = runtime, folder, folder / "state"
        self.start_worker, self.peers = start_worker, peers
        self.worker: Worker = None
        self.client: Dealer = None

    def start(self, settings="", **options):
        config = f"oci_runtime: {self.runtime}\n{settings}"
        before = WITHOUT_UNIFIED if self.runtime == "crun" else []
        self.worker = self.start_worker(self.state_dir, config=config, driver="oci", before=before, **options)
        self.client = self.peers(Dealer, self.worker.commands)
        return self.client

    def restart(self, settings=""):
        self.worker.kill()
        return self.start(settings)

    def shell(self, id, script, spec=None, **keys):
        spec = {"process": {"args": [SHELL, "-c", script]}, **(spec or {})}
        return self.client.call("create", id=id, spec=spec, **keys)

    def wait(self, id):
        return self.client.call("wait", id=id)["exit"]

    def logs(self, id, process="init"):
        chunks = self.client.call("logs", id=id, process=process)["chunks"]
        return b"".join(chunk["data"] for chunk in chunks)

    def close(self):
        if self.worker.process.poll() is not None:
            self.start()
        for record in self.client.call("list")["containers"]:
            with contextlib.suppress(Failure):
                self.client.call("delete", id=record["id"], force=True)
        self.worker.stop()
        assert remains(self.state_dir) == []


@pytest.fixture(params=RUNTIMES)
def host(request, tmp_path, start_worker, peers):
    host = RealHost(request.param, tmp_path, start_worker, peers)
    host.start()
    yield host
    host.close()


def test_it_is_a_container(host):
    version = host.client.call("version")
    assert version["driver"]["name"] == "oci" and version["driver"]["version"].startswith(host.runtime)
    assert {"isolation.process", "pause", "exec", "restore", "signals"} <= set(version["capabilities"])
    created = host.shell("web", "hostname; ps -o pid,args; exit 3", {"hostname": "inside"})
    assert created["ignored"] == [] and created["warnings"] == []
    exit = host.wait("web")
    assert exit["code"] == 3 and exit["reason"] == "exited"
    lines = host.logs("web").decode().splitlines()
    assert lines[0] == "inside" and lines[2].split()[0] == "1", lines
    assert host.client.call("state", id="web")["isolation"] == "process"


def test_the_limit_is_kept(host):
    limits = {"linux": {"resources": {"memory": {"limit": 32 << 20, "swap": 32 << 20}}}}
    host.shell("web", "exec tail /dev/zero", limits)
    exit = host.wait("web")
    assert exit["code"] == 137 and exit["reason"] == "oom"


def test_what_is_ignored_is_listed(host):
    created = host.shell("web", "sleep 100", {"windows": {"servicing": True}, "linux": {"cgroupsPath": "/x"}})
    assert set(created["ignored"]) == {"windows", "linux.cgroupsPath"} and created["warnings"]
    exec = host.client.call("exec", id="web", process="p", spec={"args": ["/bin/true"], "commandLine": "x"})
    assert exec["ignored"] == ["commandLine"]


@pytest.mark.parametrize(
    "spec",
    [
        {"hooks": {"prestart": [{"path": "/bin/true"}]}},
        {"mounts": [{"destination": "/h", "source": "/etc", "type": "bind"}]},
        {"annotations": {"windlass.network": "host"}},
        {"root": {"path": "/"}},
    ],
    ids=str,
)
def test_the_operator_has_to_allow_it(host, spec):
    with pytest.raises(Failure) as refused:
        host.shell("web", "true", spec)
    assert refused.value.code == "permission_denied" and "oci_" in refused.value.error["message"]
    assert remains(host.state_dir) == []
    host.shell("web", "true")


def test_what_the_operator_allows(host, tmp_path):
    (tmp_path / "data").mkdir()
    folder = (tmp_path / "data").resolve()
    host.restart(f"oci_mounts: [{folder}]\noci_allow: [host-network]\n")
    mounts = [{"destination": "/data", "source": str(folder), "type": "bind"}]
    host.shell("web", "echo hi >/data/file", {"mounts": mounts, "annotations": {"windlass.network": "host"}})
    assert host.wait("web")["code"] == 0 and (folder / "file").read_text() == "hi\n"


def test_a_killed_worker_loses_nothing(host):
    script = "echo one; read line; echo two $line; exit 9"
    pid = host.shell("web", script, stdin=True)["pid"]
    host.client.call("exec", id="web", process="p", spec={"args": [SHELL, "-c", "sleep 1000"]})
    client = host.restart()
    record = client.call("state", id="web")
    assert record["pid"] == pid and record["state"] == "running"
    waiting = client.request("wait", id="web")
    assert client.call("stdin", id="web", data=b"more\n", offset=0, eof=True)["accepted"] == 5
    exit = client.result(waiting)["exit"]
    assert exit["code"] == 9 and exit["known"]
    assert host.logs("web") == b"one\ntwo more\n"
    events = [event["type"] for event in client.call("events", after=0)["events"] if event.get("id") == "web"]
    assert events == ["create", "start", "exec", "restore", "exec_exit", "exit"], events


def test_an_exit_while_no_worker_runs(host):
    pid = host.shell("web", "sleep 0.3; head -c 100000 /dev/zero; exit 4")["pid"]
    host.worker.kill()
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    host.start()
    exit = host.wait("web")
    assert exit["code"] == 4 and exit["known"] and exit["observed_by"] == "restore"
    assert len(host.logs("web")) == 100_000


@pytest.mark.parametrize("point", ["intent", "call", "settle", "commit", "publish", "reply"])
def test_the_worker_dies_at_every_step_of_a_create(host, point):
    host.worker.kill()
    request = {"spec": {"process": {"args": [SHELL, "-c", "exit 7"]}}, "request_id": "once"}
    # Some points are reached at the start already.
    with contextlib.suppress(pytest.fail.Exception):
        host.start(variables={"WINDLASS_CRASH": f"{point}:1"})
        host.client.request("create", id="web", **request)
        assert host.worker.process.wait(30) == 137
    host.worker.kill()
    host.start()
    with contextlib.suppress(Failure):
        host.client.call("create", id="web", **request)
    with contextlib.suppress(Failure):
        assert host.wait("web")["code"] == 7


def test_the_supervisor_is_killed(host):
    pid = host.shell("web", "sleep 1; exit 42")["pid"]
    supervisor = int((host.state_dir / "oci/containers/web/supervisor.pid").read_text().split()[0])
    os.kill(supervisor, signal.SIGKILL)
    exit = host.wait("web")
    assert exit["code"] == 42 and exit["known"], "the worker is the subreaper"
    assert not Path(f"/proc/{pid}").exists()


def test_limits_statistics_and_processes(host, peers):
    collector = peers(Collector, host.worker.events, "")
    host.shell("web", "sleep 1000 & wait")
    updated = host.client.call("update", id="web", resources={"memory": {"limit": 64 << 20}, "pids": {"limit": 77}})
    assert updated["applied"] == ["memory.limit", "pids.limit"] and updated["ignored"] == []
    statistics = host.client.call("stats", id="web")
    assert statistics["memory"]["commit_bytes"] > 0 and statistics["processor"]["total_ns"] > 0
    assert set(host.client.call("stats")) == {"web"}
    assert len(host.client.call("pids", id="web")["pids"]) == 2
    assert host.client.call("pause", id="web")["state"] == "paused"
    host.client.refused("failed_precondition", "exec", id="web", process="p", spec={"args": ["/bin/true"]})
    host.client.call("resume", id="web")
    host.client.refused("unimplemented", "checkpoint_create", id="web", checkpoint="c")
    host.client.call("stop", id="web", grace_ms=100)
    assert host.wait("web")["reason"] == "terminated"
    collector.find("exit", "web")


def test_auto_says_why(host, tmp_path):
    """Without root, or with a setting of the emulator, it is the emulator."""
    log = subprocess.run(
        [*host.worker.process.args[: host.worker.process.args.index("worker") + 1], "--emulator-in-process"]
        + ["--state-dir", str(tmp_path / "other"), "--commands", "tcp://127.0.0.1:*", "--events", "ipc:///no/such/dir/x"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stderr
    assert "the driver is hcs-emulator" in log and "a setting of the emulator is given" in log
