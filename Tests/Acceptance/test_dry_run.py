"""`create` with `dry_run`: the document that the worker would send, and nothing besides."""

import json
import subprocess

import pytest

from wire import Dealer, Failure
from worker import binary, environment

SPEC = {"process": {"args": ["/bin/true"]}}


@pytest.fixture
def client(start_worker, tmp_path, peers):
    return peers(Dealer, start_worker(tmp_path / "state").commands)


def plan(client, id="web", **keys):
    return client.call("create", id=id, dry_run=True, **keys)


def test_it_shows_the_document(client):
    answer = plan(client, spec=SPEC | {"windows": {"resources": {"cpu": {"count": 100000}}}, "linux": {}})
    assert set(answer) == {"document", "warnings", "ignored"}
    document = json.loads(answer["document"])
    assert document["SystemType"] == "Container" and document["Name"] == "web"
    assert document["LayerFolderPath"].endswith("/web")
    assert any("cpu.count" in warning for warning in answer["warnings"])
    assert "linux" in answer["ignored"]


def test_it_says_what_create_says(client):
    spec = {"process": {"args": ["/bin/true"]}, "linux": {}, "annotations": {"a": "b"}}
    answer = plan(client, spec=spec)
    created = client.call("create", id="web", spec=spec, start=False)
    assert {key: created[key] for key in ("warnings", "ignored")} == {
        key: answer[key] for key in ("warnings", "ignored")
    }


def test_nothing_is_made(client):
    plan(client, spec=SPEC)
    assert client.call("list")["containers"] == []
    with pytest.raises(Failure) as refused:
        client.call("state", id="web")
    assert refused.value.code == "not_found"
    assert [event["type"] for event in client.call("events", after=0)["events"]] == ["worker_start"]
    assert client.call("create", id="web", spec=SPEC, start=False)["state"] == "created"


def test_an_id_that_is_taken_can_be_asked_for(client):
    client.call("create", id="web", spec=SPEC, start=False)
    assert json.loads(plan(client, spec=SPEC)["document"])["Name"] == "web"
    assert client.call("state", id="web")["state"] == "created"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"process": {"args": []}}, "args"),
        (SPEC | {"root": {"path": "C:\\"}}, "root.path"),
        (SPEC | {"windows": {"layerFolders": ["/only"]}}, "layerFolders"),
        ({}, "spec.process"),
    ],
)
def test_it_refuses_what_create_refuses(client, spec, field):
    with pytest.raises(Failure) as dry:
        plan(client, spec=spec)
    assert dry.value.code == "invalid_argument" and field in dry.value.error["message"]
    with pytest.raises(Failure) as wet:
        client.call("create", id="web", spec=spec)
    assert wet.value.error["message"] == dry.value.error["message"]


def test_a_draining_host_still_plans(client):
    client.call("drain")
    assert json.loads(plan(client, spec=SPEC)["document"])["Name"] == "web"


def test_the_log_has_the_document_at_trace_without_credentials(start_worker, tmp_path, peers):
    worker = start_worker(tmp_path / "state", config="log_level: trace\n")
    client = peers(Dealer, worker.commands)
    spec = SPEC | {"windows": {"credentialSpec": '{"secret": "swordfish"}'}}
    assert "swordfish" in json.loads(plan(client, spec=spec)["document"])["Credentials"]
    client.call("create", id="web", spec=spec, start=False)
    worker.stop()  # lines are written by a thread of their own
    log = worker.output()
    assert "SystemType" in log and "(masked)" in log and "swordfish" not in log


def test_the_command_line_shows_it(start_worker, tmp_path):
    worker = start_worker(tmp_path / "state")
    command = [binary(), "create", "--worker", worker.commands, "--dry-run", "--name", "web", "--", "/bin/true"]
    shown = subprocess.run(command, capture_output=True, check=True, env=environment(), text=True)
    assert json.loads(shown.stdout)["Name"] == "web"
    command.insert(2, "--format=json")
    shown = subprocess.run(command, capture_output=True, check=True, env=environment(), text=True)
    answer = json.loads(shown.stdout)
    assert json.loads(answer["document"])["Name"] == "web" and answer["warnings"] == []
