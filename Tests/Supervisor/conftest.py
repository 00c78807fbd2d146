"""Fixtures: containers that are gone when the test is."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor import BINARY, Container, make_rootfs

NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() == 0 and shutil.which("runc") and shutil.which("crun") and Path("/bin/busybox").exists():
        return
    for item in items:
        item.add_marker(pytest.mark.skip(reason="root, runc, crun and busybox-static are needed"))


@pytest.fixture(scope="session", autouse=True)
def nothing_left() -> Iterator[None]:
    """After all tests no supervisor and no cgroup of ours is left."""
    assert BINARY, "SUPERVISOR_BINARY names no program"
    yield
    left = [path for path in Path("/proc").glob("[0-9]*/exe") if _target(path) == BINARY]
    assert not left
    folders = list(Path("/sys/fs/cgroup").glob("*/windlass-test"))
    for folder in folders:
        folder.rmdir()


def _target(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


@pytest.fixture(scope="session")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_rootfs(tmp_path_factory.mktemp("rootfs"))


@pytest.fixture(params=["runc", "crun"])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def containers(tmp_path: Path, rootfs: Path, runtime: str) -> Iterator[Callable[[], Container]]:
    """Makes containers."""
    made: list[Container] = []

    def make(folder: Path | None = None) -> Container:
        number = next(NUMBERS)
        container = Container(folder or tmp_path / str(number), runtime, rootfs, f"t{os.getpid()}-{number}")
        made.append(container)
        return container

    yield make
    for container in made:
        container.remove()


@pytest.fixture
def container(containers: Callable[[], Container]) -> Container:
    return containers()
