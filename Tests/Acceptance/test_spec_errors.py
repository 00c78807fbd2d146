"""Specifications that cannot run: a clear error that names the thing, and no leftovers."""

import itertools
from pathlib import Path

import pytest

from worker import running_with

MARKERS = itertools.count(777_001)
REFUSALS = "invalid_argument not_found failed_precondition permission_denied"


def cases(layer: str, marker: str) -> dict[str, tuple[dict, str]]:
    """Specification and what its error has to name."""
    run = {"process": {"args": ["/bin/sleep", marker]}}

    def layers(*folders: str) -> dict:
        return {**run, "windows": {"layerFolders": list(folders)}}

    return {
        "no process": ({}, "process"),
        "no args": ({"process": {}}, "args"),
        "empty args": ({"process": {"args": []}}, "args"),
        "empty program": ({"process": {"args": [""]}}, "args"),
        "missing program": ({"process": {"args": ["/absent/program", marker]}}, "/absent/program"),
        "missing program on the path": ({"process": {"args": ["absent-program-x", marker]}}, "absent-program-x"),
        "program that is a folder": ({"process": {"args": [layer, marker]}}, layer),
        "missing cwd": ({"process": {"args": ["/bin/sleep", marker], "cwd": "/absent/cwd"}}, "/absent/cwd"),
        "cwd that is a file": ({"process": {"args": ["/bin/sleep", marker], "cwd": "/etc/passwd"}}, "/etc/passwd"),
        "no layers": (layers(), "layer"),
        "one layer": (layers(layer), "layer"),
        "absent base layer": (layers("/absent/base", layer), "/absent/base"),
        "absent scratch layer": (layers(layer, "/absent/scratch"), "/absent/scratch"),
        "absent middle layer": (layers(layer, "/absent/middle", layer), "/absent/middle"),
        "absent mount": ({**run, "mounts": [{"destination": "C:\\data", "source": "/absent/mount"}]}, "/absent/mount"),
        "mount without source": ({**run, "mounts": [{"destination": "C:\\data"}]}, "source"),
        "mount without destination": ({**run, "mounts": [{"source": layer}]}, "destination"),
    }


@pytest.mark.parametrize("start", [True, False], ids=["start", "create"])
@pytest.mark.parametrize("case", cases("/", ""))
def test_spec_that_cannot_run(client, containers, tmp_path, case, start):
    marker = str(next(MARKERS))
    spec, named = cases(str(tmp_path), marker)[case]
    id = containers.name()
    reply = client.reply(client.request("create", id=id, spec=spec, start=start))
    if reply.error is None:
        assert not start and "layer" not in case and "mount" not in case, f"{case} was accepted"
        reply = client.reply(client.request("start", id=id))
        assert reply.error is not None
    else:
        client.refused("not_found", "state", id=id)
        client.refused("not_found", "wait", id=id)
        assert id not in [record["id"] for record in client.call("list")["containers"]]
    assert reply.error["code"] in REFUSALS.split(), reply.error
    assert named.lower() in reply.error["message"].lower(), reply.error
    assert running_with(marker) == []
    if not start and client.reply(client.request("state", id=id)).error is None:
        exit = client.call("state", id=id).get("exit")
        assert exit is None or exit["reason"] == "start_failed", exit
        client.call("delete", id=id, force=True)
    containers.run("/bin/true", id=id)
    assert client.call("wait", id=id)["exit"]["code"] == 0


def test_failed_creations_leave_no_files(client, containers, worker, tmp_path):
    def files() -> set[str]:
        return {str(path) for path in worker.state_dir.rglob("*") if path.is_dir()}

    containers.ended()
    containers.remove()
    before = files()
    for spec, _ in cases(str(tmp_path), "1").values():
        client.refused(REFUSALS, "create", id=containers.name(), spec=spec)
    assert files() <= before


def test_failed_creations_leak_no_descriptors(client, containers, worker, tmp_path):
    def descriptors() -> int:
        return len(list(Path(f"/proc/{worker.pid}/fd").iterdir()))

    bad = cases(str(tmp_path), "1").values()
    for spec, _ in bad:
        client.refused(REFUSALS, "create", id=containers.name(), spec=spec)
    before = descriptors()
    for _ in range(20):
        for spec, _ in bad:
            client.refused(REFUSALS, "create", id=containers.name(), spec=spec)
    assert descriptors() <= before + 8


def test_an_existing_mount_is_accepted(client, containers, tmp_path):
    containers.idle(spec={"mounts": [{"destination": "C:\\data", "source": str(tmp_path), "options": ["ro"]}]})


def test_existing_layers_are_accepted(client, containers, tmp_path):
    for name in ("base", "scratch"):
        (tmp_path / name).mkdir()
    id = containers.idle(spec={"windows": {"layerFolders": [str(tmp_path / "base"), str(tmp_path / "scratch")]}})
    layers = client.call("state", id=id).get("image_layers", [str(tmp_path / "base")])
    assert any("base" in str(layer) for layer in layers)
