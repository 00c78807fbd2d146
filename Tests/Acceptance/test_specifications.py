"""Specifications as the OCI specification describes them for Windows, and the document that they come to."""

import json

import pytest

from wire import Dealer, Failure

VOLUME = "\\\\?\\Volume{11111111-2222-3333-4444-555555555555}"


@pytest.fixture(scope="module")
def worker(start_module_worker):
    return start_module_worker()


@pytest.fixture
def client(worker, peers):
    return peers(Dealer, worker.commands)


def plan(client, **spec):
    spec.setdefault("process", {"args": ["/bin/true"]})
    answer = client.call("create", id="x1", spec={"ociVersion": "1.2.0"} | spec, dry_run=True)
    return json.loads(answer.pop("document")), answer


def refusal(client, **spec):
    with pytest.raises(Failure) as refused:
        plan(client, **spec)
    assert refused.value.code == "invalid_argument"
    return refused.value.error["message"]


@pytest.mark.parametrize("path", [VOLUME, VOLUME + "\\"])
def test_a_volume_with_or_without_a_backslash(client, path):
    assert plan(client, root={"path": path})[0]["VolumePath"] == VOLUME


@pytest.mark.parametrize("path", ["\\\\?\\Volume{x}\\", "C:\\", "/", VOLUME + "\\a"])
def test_a_root_that_is_no_volume(client, path):
    assert "spec.root.path" in refusal(client, root={"path": path})


def test_a_credential_specification(client):
    given = {"CmsPlugins": ["ActiveDirectory"], "DomainJoinConfig": {"Sid": "S-1-5"}}
    document, answer = plan(client, windows={"credentialSpec": given})
    assert json.loads(document["Credentials"]) == given and answer["ignored"] == []
    document, _ = plan(client, windows={"credentialSpec": json.dumps(given)})
    assert json.loads(document["Credentials"]) == given
    for wrong in (1, ["a"], "file://a.json", "registry://a"):
        assert "spec.windows.credentialSpec" in refusal(client, windows={"credentialSpec": wrong})


def test_hyper_v_without_a_root(client, worker):
    document, _ = plan(client, windows={"hyperv": {}})
    assert document["HvPartition"] and "VolumePath" not in document
    assert document["HvRuntime"]["ImagePath"].endswith("UtilityVM")
    document, _ = plan(client, windows={"hyperv": {"utilityVMPath": "/some/where"}})
    assert document["HvRuntime"]["ImagePath"] == "/some/where"
    assert "spec.root.path" in refusal(client, windows={"hyperv": {}}, root={"path": VOLUME})


def test_what_is_not_honoured_is_a_warning(client):
    _, answer = plan(
        client,
        windows={
            "network": {"networkNamespace": "n"},
            "resources": {"cpu": {"affinity": [{"mask": 1, "group": 0}]}},
        },
        linux={"resources": {"memory": {"limit": 1 << 20}}},
    )
    assert len(answer["warnings"]) == 3
    for name in ("windows.network.networkNamespace", "windows.resources.cpu.affinity", "linux.resources"):
        assert any(name in warning for warning in answer["warnings"]) and name in answer["ignored"]


def test_nothing_empty_is_sent(client):
    document, answer = plan(client)
    assert set(document) == {
        "SystemType", "Name", "Owner", "VolumePath", "LayerFolderPath", "Layers", "HvPartition",
    }
    assert answer == {"warnings": [], "ignored": []}


def test_zero_is_no_limit(client):
    document, _ = plan(client, windows={"resources": {"memory": {"limit": 0}, "cpu": {"count": 0}}})
    assert "MemoryMaximumInMB" not in document and "ProcessorCount" not in document


def test_what_has_no_name_is_refused(client):
    assert "devices[0].id" in refusal(client, windows={"devices": [{"idType": "class"}]})
    pipe = {"source": "a", "destination": "\\\\.\\pipe\\"}
    assert "mounts[0].destination" in refusal(client, mounts=[pipe])
    assert "ociVersion" in refusal(client, ociVersion="9.0.0")


def test_exec_and_update_say_what_create_says(client):
    client.call("create", id="x1", spec={"process": {"args": ["/bin/sleep", "1000"]}})
    size = {"width": 80, "height": 25}
    created = client.call("exec", id="x1", process="e1", spec={"args": ["/bin/true"], "consoleSize": size})
    assert created["ignored"] == ["consoleSize"]
    with pytest.raises(Failure) as refused:
        client.call("exec", id="x1", process="e2", spec={"args": ["/bin/true"], "env": ["A=1", "NOEQUALS"]})
    assert "env[1]" in refused.value.error["message"]
    updated = client.call("update", id="x1", resources={"cpu": {"count": 4096}})
    assert updated["warnings"] and "4096" in updated["warnings"][0]
    with pytest.raises(Failure) as refused:
        client.call("create", id="X1", spec={"process": {"args": ["/bin/true"]}})
    assert refused.value.code == "already_exists"
    client.call("delete", id="x1", force=True)
