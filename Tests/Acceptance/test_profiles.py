"""Profiles of the configuration: merge patch (RFC 7396), `{id}` and the default."""

import json

import pytest

from wire import Dealer

SHOW = 'echo "id=$ID|own=$OWN|args=$*|cwd=$(pwd)"'


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Layers, the scratch layers of a few ids among them, and a working directory."""
    root = tmp_path_factory.mktemp("layers")
    for name in ("base", "work", *(f"scratch-p{n}" for n in range(20))):
        (root / name).mkdir()
    return root


@pytest.fixture(scope="module")
def worker(start_module_worker, folders):
    """A worker with two profiles."""
    windows = {"layerFolders": [str(folders / "base"), str(folders / "scratch-{id}")]}
    shell = {"args": ["/bin/sh", "-c", SHOW, "sh", "x-{id}-{id}"], "env": ["ID={id}"], "cwd": str(folders / "work")}
    bare = {"windows": windows, "process": {"cwd": str(folders / "work")}}
    return start_module_worker(
        config="default_profile: bare\nprofiles:\n  bare: "
        + json.dumps(bare)
        + "\n  shell: "
        + json.dumps({"windows": windows, "process": shell})
        + "\n"
    )


def shown(client: Dealer, containers, id: str, **keys) -> dict[str, str]:
    """Creates `id` and returns what its shell shows."""
    containers.own(id)
    client.call("create", id=id, **keys)
    output = containers.attach(id).until(lambda o: b"\n" in o.data())
    return dict(part.split("=", 1) for part in output.data().decode().strip().split("|"))


def test_profile_alone(client, containers, folders):
    assert shown(client, containers, "p0", profile="shell", spec={}) == {
        "id": "p0",
        "own": "",
        "args": "x-p0-p0",
        "cwd": str(folders / "work"),
    }


def test_id_is_filled_in_per_container(client, containers):
    for id in ("p1", "p2"):
        assert shown(client, containers, id, profile="shell", spec={})["id"] == id


def test_arrays_are_replaced_whole(client, containers, folders):
    assert shown(client, containers, "p3", profile="shell", spec={"process": {"env": ["OWN=1"]}}) == {
        "id": "",
        "own": "1",
        "args": "x-p3-p3",
        "cwd": str(folders / "work"),
    }


def test_null_removes(client, containers):
    assert shown(client, containers, "p4", profile="shell", spec={"process": {"env": None}})["id"] == ""


def test_scalars_are_replaced(client, containers, tmp_path):
    result = shown(client, containers, "p5", profile="shell", spec={"process": {"cwd": str(tmp_path)}})
    assert result["cwd"] == str(tmp_path) and result["id"] == "p5"


def test_id_is_filled_in_in_the_profile_only(client, containers):
    args = ["/bin/sh", "-c", SHOW, "sh", "{id}"]
    assert shown(client, containers, "p6", profile="shell", spec={"process": {"args": args}})["args"] == "{id}"


def test_default_profile(client, containers, folders):
    spec = {"process": {"args": ["/bin/sh", "-c", SHOW, "sh", "a"]}}
    result = shown(client, containers, "p7", spec=spec)
    assert result["cwd"] == str(folders / "work") and result["args"] == "a"


def test_default_profile_without_a_program(client):
    assert "args" in client.refused("invalid_argument", "create", id="p8", spec={})["message"]


def test_filled_in_paths_are_checked(client):
    error = client.refused(
        "invalid_argument not_found failed_precondition", "create", id="other", profile="shell", spec={}
    )
    assert "scratch-other" in error["message"]


def test_unknown_profile(client):
    error = client.refused("not_found invalid_argument", "create", id="p9", profile="no-such", spec={})
    assert "no-such" in error["message"]
    client.refused("not_found", "state", id="p9")


@pytest.mark.parametrize("profile", [7, b"shell", ["shell"], {}], ids=repr)
def test_profile_that_is_no_name(client, profile):
    client.refused("invalid_argument", "create", id="p10", profile=profile, spec={})


def test_a_patch_leaves_the_profile_as_it_was(client, containers):
    shown(client, containers, "p11", profile="shell", spec={"process": {"env": ["OWN=1"]}})
    assert shown(client, containers, "p12", profile="shell", spec={})["id"] == "p12"
