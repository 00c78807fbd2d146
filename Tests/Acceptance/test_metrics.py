"""What a worker shows of itself by HTTP: metrics, /livez, /readyz. Prometheus itself reads them, where it is there."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from wire import Dealer
from worker import Deadline, binary, environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "Sources/Worker/Documentation.docc/Metrics.md"
ANY = ["tcp://127.0.0.1:*"]


@pytest.fixture(scope="module")
def worker(start_module_worker):
    return start_module_worker(host="acceptance", http=ANY)


def address(worker) -> tuple[str, int]:
    host, port = worker.ready["http"][0].removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def get(worker, path: str, method: str = "GET") -> tuple[int, str, dict]:
    connection = http.client.HTTPConnection(*address(worker), timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def scrape(worker) -> dict[str, float]:
    """Every series and its value."""
    status, text, headers = get(worker, "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*(?:\{.*\})?) (\S+)$", text, re.M)}


def raw(worker, data: bytes) -> socket.socket:
    connection = socket.create_connection(address(worker), timeout=20)
    connection.sendall(data)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            data += piece
    connection.close()
    return data


# The metrics


def test_the_page_lists_every_metric_and_no_other(worker, client, containers):
    """The table of the documentation against what a worker that has done something shows."""
    containers.ended("echo hi")
    shown = set(re.findall(r"^# TYPE (\S+) (\S+)$", get(worker, "/metrics")[1], re.M))
    listed = set(re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \|", PAGE.read_text(), re.M))
    assert shown == listed


def test_figures_are_what_happened(worker, client, containers, collector):
    before = scrape(worker)
    id, _ = containers.ended("head -c 5000 /dev/zero; exit 3")
    client.refused("not_found", "state", id="none")
    client.call("state", id=id)
    client.call("ping", request_id="twice")
    client.call("ping", request_id="twice")
    after = scrape(worker)

    def grown(series: str) -> float:
        return after.get(series, 0) - before.get(series, 0)

    assert grown('windlass_container_exits_total{reason="exited",known="true"}') == 1
    assert grown('windlass_requests_total{method="create",code="ok"}') == 1
    assert grown('windlass_requests_total{method="wait",code="ok"}') == 1
    assert grown('windlass_requests_total{method="state",code="ok"}') == 1
    assert grown('windlass_requests_total{method="state",code="not_found"}') == 1
    assert grown("windlass_requests_repeated_total") == 1
    assert grown('windlass_request_duration_seconds_count{method="create"}') == 1
    assert 'windlass_request_duration_seconds_count{method="wait"}' not in after
    assert grown('windlass_driver_call_duration_seconds_count{operation="create"}') == 1
    assert grown('windlass_events_total{type="exit"}') == 1
    assert grown("windlass_output_bytes_total") == 5000
    assert grown('windlass_containers{state="stopped"}') == 1
    assert grown("windlass_journal_commits_total") == grown("windlass_journal_commit_duration_seconds_count") > 0
    assert grown("windlass_loop_turn_duration_seconds_count") > 0 and grown("windlass_queue_wait_seconds_count") == 1
    assert after["windlass_event_seq"] == before["windlass_event_seq"] + 3 and after["windlass_epoch"] == 1
    assert after["windlass_event_subscribers"] == 1 and after["windlass_peers"] >= 2
    assert after["windlass_journal_bytes{file=\"database\"}"] > 0 and after["windlass_disk_free_bytes"] > 0
    assert after["windlass_live"] == 1 and after['windlass_ready{check="journal"}'] == 1
    assert abs(after["process_start_time_seconds"] - time.time()) < 3600
    assert after["process_open_fds"] == pytest.approx(len(list(Path(f"/proc/{worker.pid}/fd").iterdir())), abs=3)
    assert after["process_resident_memory_bytes"] == pytest.approx(worker.status("VmRSS"), rel=0.3)
    assert id not in get(worker, "/metrics")[1] and "twice" not in get(worker, "/metrics")[1]


def test_containers_are_counted_as_list_counts_them(worker, client, containers):
    running = [containers.idle() for _ in range(3)]
    containers.ended("exit 1")
    containers.run("/bin/true", start=False)
    client.call("delete", id=running.pop(), force=True)
    states = [record["state"] for record in client.call("list", limit=1000)["containers"]]
    figures = scrape(worker)
    for state in ("creating", "created", "running", "paused", "stopping", "stopped", "unknown"):
        assert figures[f'windlass_containers{{state="{state}"}}'] == states.count(state), state


def test_refused_messages_are_counted_by_cause(worker, peers):
    before = scrape(worker)
    peer = peers(Dealer, worker.commands)
    peer.socket.send(b"\xc1")
    peer.socket.recv()
    peer.socket.send_multipart([b"x"] * 30)
    peer.socket.recv_multipart()
    after = scrape(worker)
    for cause in ("malformed", "frames"):
        series = f'windlass_messages_refused_total{{cause="{cause}"}}'
        assert after[series] == before[series] + 1, cause
    series = 'windlass_requests_total{method="other",code="invalid_argument"}'
    assert after[series] == before.get(series, 0) + 2


def test_promtool_accepts_the_metrics(worker, containers):
    promtool = shutil.which("promtool") or pytest.skip("SKIPPED: there is no promtool (Debian package prometheus)")
    containers.ended()
    body = get(worker, "/metrics")[1]
    check = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr


def test_the_rules_are_right_and_name_metrics_that_there_are(worker, containers):
    promtool = shutil.which("promtool") or pytest.skip("SKIPPED: there is no promtool (Debian package prometheus)")
    folder = ROOT / "deploy/prometheus"
    for arguments in (["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]):
        check = subprocess.run([promtool, *arguments], cwd=folder, capture_output=True, text=True)
        assert check.returncode == 0, check.stdout + check.stderr
    containers.ended()
    there = {series.split("{")[0] for series in scrape(worker)}
    rules = (folder / "rules.yml").read_text()
    assert set(re.findall(r"windlass_[a-z_]+", rules)) <= there
    alerts = (PAGE.parent / "Alerts.md").read_text()
    assert set(re.findall(r"alert: (\w+)", rules)) == set(re.findall(r"^## (Windlass\w+)", alerts, re.M))


def test_prometheus_scrapes_it(worker, tmp_path):
    prometheus = shutil.which("prometheus") or pytest.skip("SKIPPED: there is no prometheus (its Debian package)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    target = "{}:{}".format(*address(worker))
    config = tmp_path / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(ROOT / "deploy/prometheus/rules.yml")],
                "scrape_configs": [{"job_name": "windlass", "static_configs": [{"targets": [target]}]}],
            }
        )
    )
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                prometheus,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:

        def ask(path: str):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return json.load(answer)["data"]
            return None

        deadline = Deadline(60)
        while True:
            targets = (ask("/api/v1/targets") or {}).get("activeTargets", [])
            if targets and targets[0]["health"] == "up":
                break
            assert deadline.left > 0, targets or (tmp_path / "log").read_text()[-2000:]
        found = ask("/api/v1/query?query=windlass_build_info")["result"]
        assert found[0]["metric"]["job"] == "windlass" and found[0]["metric"]["driver"]
        groups = ask("/api/v1/rules")["groups"]
        assert [rule for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    finally:
        server.terminate()
        server.wait(20)


# Health


def test_all_three_ways_to_health_agree(worker, client):
    health = client.call("health")
    status, text, _ = get(worker, "/readyz?verbose")
    assert health["live"] and health["ready"] and status == 200
    assert [f"[+]{check['name']} ok" for check in health["checks"]] + ["ok"] == text.splitlines()
    command = subprocess.run(
        [binary(), "health", "--worker", worker.commands, "--format", "json"],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    assert {check["name"] for check in json.loads(command.stdout)["checks"]} == {c["name"] for c in health["checks"]}
    assert get(worker, "/livez")[:2] == (200, "ok\n") and get(worker, "/readyz")[:2] == (200, "ok\n")


def test_a_host_that_drains_is_live_and_not_ready(start_worker, peers):
    worker = start_worker(http=ANY)
    peers(Dealer, worker.commands).call("drain")
    status, text, _ = get(worker, "/readyz")
    assert status == 503 and text.startswith("[-]draining: ") and text.endswith("not ok\n")
    assert get(worker, "/readyz?exclude=draining")[0] == 200 and get(worker, "/livez")[0] == 200
    figures = scrape(worker)
    assert figures["windlass_draining"] == 1 and figures['windlass_ready{check="draining"}'] == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/healthz", 404), ("POST", "/metrics", 405), ("HEAD", "/livez", 405)],
)
def test_only_what_there_is(worker, method, path, status):
    assert get(worker, path, method)[0] == status


# Connections


def test_a_connection_serves_several_requests(worker):
    connection = http.client.HTTPConnection(*address(worker), timeout=10)
    for path in ("/livez", "/metrics", "/readyz"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
    connection.close()


def test_answers_to_several_requests_at_once_keep_their_order(worker):
    data = b"".join(b"GET %s HTTP/1.1\r\n\r\n" % path for path in (b"/metrics", b"/livez"))
    answer = read_to_end(raw(worker, data + b"GET /none HTTP/1.0\r\n\r\n"))
    bodies = re.findall(rb"HTTP/1.1 (\d+) ", answer)
    assert bodies == [b"200", b"200", b"404"] and b"# TYPE" in answer.split(b"HTTP/1.1")[1]


def test_the_end_of_a_connection_comes_behind_the_answer(worker):
    for _ in range(20):
        assert read_to_end(raw(worker, b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")).endswith(b"\r\n\r\nok\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x00\x01\x02\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"400"),
        (b"GET /" + b"x" * 9000, b"431"),
        (b"GET / HTTP/3.0\r\n\r\n", b"505"),
    ],
    ids=["binary", "body", "long", "version"],
)
def test_what_is_no_request_is_refused_and_cut(worker, data, status):
    assert read_to_end(raw(worker, data)).startswith(b"HTTP/1.1 " + status)


def test_a_silent_connection_is_cut(worker):
    assert read_to_end(raw(worker, b"GET /")) == b""


def test_floods_and_resets_harm_nobody(worker, client):
    """Connections beyond the limit, those that send without end, and those that are reset while much is unread."""
    flood = b"x" * 65536
    for _ in range(30):
        connection = socket.create_connection(address(worker), timeout=5)
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                connection.send(flood)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    crowd = [socket.create_connection(address(worker), timeout=5) for _ in range(200)]
    assert client.call("ping")
    # Those that were let in are served.
    served = 0
    for connection in crowd:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
            served += connection.recv(100).startswith(b"HTTP/1.1 200")
        connection.close()
    assert 0 < served <= 64
    greedy = raw(worker, b"GET /metrics HTTP/1.1\r\n\r\n" * 300)
    assert client.call("ping")
    greedy.close()
    # A new connection is let in once the worker has seen that one of those has gone.
    status = None
    while status is None:
        with contextlib.suppress(ConnectionError):
            status = get(worker, "/livez")[0]
    assert status == 200
    before = scrape(worker)["process_open_fds"]
    assert before < 300


# Endpoints


def test_a_default_endpoint_that_is_taken_is_a_warning(start_worker, monkeypatch):
    with contextlib.closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", 5772))
            taken.listen()
        worker = start_worker(config="# nothing about HTTP:\n# http:\n")
        assert worker.ready["http"] == []
        assert worker.output().count("there are no metrics and no health by HTTP") == 1


def test_a_chosen_endpoint_that_is_taken_is_refused(start_worker):
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        worker = start_worker(http=[f"tcp://127.0.0.1:{port}"], ready=False)
        assert worker.exit_code() == 78
        assert "http: cannot bind" in worker.output()


@pytest.mark.parametrize("endpoint", ["ipc:///tmp/x", "127.0.0.1:5772", ">tcp://127.0.0.1:5772", "tcp://127.0.0.1"])
def test_an_endpoint_that_is_none_is_refused(start_worker, endpoint):
    worker = start_worker(http=[endpoint], ready=False)
    assert worker.exit_code() == 78 and "http: " in worker.output()


# The log


def lines(worker) -> list[dict]:
    return [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]


def awaited(worker, message: str) -> dict:
    deadline = Deadline(20)
    while deadline.left > 0:
        for line in lines(worker):
            if line["msg"] == message:
                return line
    raise AssertionError(f"no line {message!r}:\n{worker.output()}")


def test_each_start_and_exit_has_a_line(start_worker, peers, containers_of):
    worker = start_worker()
    client = peers(Dealer, worker.commands)
    containers = containers_of(worker, client)
    id, _ = containers.ended("exit 3")
    assert awaited(worker, "container started")["container"] == id
    line = awaited(worker, "container exited")
    assert line["container"] == id and line["code"] == "3" and line["reason"] == "exited"
    assert int(line["duration_ms"]) >= 0 and line["level"] == "info"


def test_a_hangup_reads_the_level_again_and_opens_the_log_file_anew(tmp_path, start_worker, peers, containers_of):
    config = tmp_path / "worker.yaml"
    config.write_text("log_level: error\nlog_format: text\n")
    log = tmp_path / "worker.log"
    worker = start_worker(config=config, log_file=log, ready=False)
    deadline = Deadline(20)
    while not log.exists() or not (found := re.search(r'^\{.*"ready":true.*\}$', log.read_text(), re.M)):
        assert deadline.left > 0, worker.output()
    worker.ready = json.loads(found[0])
    containers = containers_of(worker, peers(Dealer, worker.commands))
    containers.ended()
    moved = log.rename(tmp_path / "worker.log.1")
    config.write_text("log_level: info\nlog_format: text\n")
    worker.process.send_signal(signal.SIGHUP)
    while not log.exists() or "the settings were read again" not in log.read_text():
        assert deadline.left > 0, worker.output()
    id, _ = containers.ended()
    while f"container={id}" not in log.read_text():
        assert deadline.left > 0, log.read_text()
    assert "container started" not in moved.read_text() and " info: container exited" in log.read_text()
    config.write_text("log_level: nonsense\n")
    worker.process.send_signal(signal.SIGHUP)
    while "the settings could not be read again" not in log.read_text():
        assert deadline.left > 0, log.read_text()
