"""What real containers may leave behind, and must not."""

from __future__ import annotations

import time
from pathlib import Path


def _now(state_dir: Path) -> list[str]:
    found = [f"the folder {path}" for path in (state_dir / "oci" / "containers").glob("*")]
    place = str(state_dir)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = entry.joinpath("cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command and b"supervisor" in command[0] and place.encode() in b" ".join(command):
                found.append(f"the supervisor {entry.name}")
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [f"the mount {line.split()[4]}" for line in mounts if f" {place}/" in line]
    owner = (state_dir / "owner").read_text().strip()
    # Version 2 alone is mounted there; hierarchies of version 1 are mounted below it.
    for hierarchy in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*")]:
        group = hierarchy / "windlass" / owner
        if group.is_dir():
            found += [f"the cgroup {path}" for path in group.iterdir() if path.is_dir() and path.name != "supervisors"]
    netns = Path("/run/windlass") / owner / "netns"
    return found + [f"the network namespace {path}" for path in netns.glob("*")]


def remains(state_dir: Path, within: float = 10.0) -> list[str]:
    """What is left of containers that have been deleted. Ended ones are removed in the background, so for a while."""
    end = time.monotonic() + within
    while (found := _now(state_dir)) and time.monotonic() < end:
        time.sleep(0.05)
    return found
