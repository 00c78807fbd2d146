"""Output under want: workers die again and again while the disk fills up and descriptors run out."""

from __future__ import annotations

import itertools
import random
import resource
from collections import Counter
from pathlib import Path

from full_disk import fill, small_disk
from stage import Stage, require, show
from trial import Trial
from wire import Deadline, Failure

BOXES = [f"box-{number}" for number in range(3)]
DISK = 32 << 20
SETTINGS = f"output_limit_bytes: {8 << 20}\n"
WITHIN = 30.0
BEHIND, WELL = "output cannot be kept", "all output is kept again"


class Output:
    """What one container has written, as a worker has reported it."""

    def __init__(self, id: str):
        self.id = id
        self.lines = itertools.count()
        self.reported = bytearray()
        # Where bytes went with a worker that had said that it could not keep them: from, and up to.
        self.gaps: list[tuple[int, int]] = []

    def compare(self, chunks: list[dict], next: int, may_lose: bool) -> int:
        """Holds what a worker reports against what the ones before it did, and says how much is gone."""
        gaps: list[tuple[int, int]] = []
        end = 0
        for chunk in [*chunks, {"offset": next, "data": b""}]:
            offset, data = chunk["offset"], chunk["data"]
            require(offset >= end, f"{self.id}: offset {offset} comes after {end}")
            if offset > end:
                gaps.append((end, offset))
            same = self.reported[offset : offset + len(data)] == data[: max(0, len(self.reported) - offset)]
            require(same, f"{self.id}: what is reported from {offset} on differs from what was")
            end = offset + len(data)
        missing = _size(gaps) - _size(self.gaps) + max(0, len(self.reported) - next)
        kept = gaps == self.gaps and next == len(self.reported)
        require(may_lose or kept, f"{self.id}: of {len(self.reported)} bytes {next} are left, with gaps at {gaps}")
        self.reported = self.reported[:next].ljust(next, b"\0")
        self.gaps = gaps
        return missing


def _size(gaps: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in gaps)


class Want:
    """One stage on a small disk, and what its containers have written."""

    def __init__(self, stage: Stage, disk: Path, seed: str):
        self.stage, self.disk = stage, disk
        self.random = random.Random(f"{seed}/starved-output")
        self.outputs = [Output(id) for id in BOXES]
        # One connection for all: a new one needs a descriptor of the worker.
        self.dealer = stage.dealer()
        self.filler: Path | None = None
        self.counts: Counter[str] = Counter()

    def create(self) -> None:
        """Containers that write a line for each that they read."""
        script = "while read -r line; do echo $line; done"
        for id in BOXES:
            self.dealer.call("create", id=id, spec={"process": {"args": ["/bin/sh", "-c", script]}}, stdin=True)

    def write(self) -> None:
        """Has every container write some lines, and waits until they are reported."""
        for output in self.outputs:
            for _ in range(self.random.randrange(1, 4)):
                size = self.random.choice([1, 100, 3000])
                line = f"{output.id} {next(output.lines)} {'x' * size}\n".encode()
                try:
                    self.dealer.call("stdin", id=output.id, data=line)
                except Failure as failure:
                    require(failure.code in ("unavailable", "resource_exhausted"), failure)
                    continue
                self._await(output, line)

    def _await(self, output: Output, line: bytes) -> None:
        deadline, start = Deadline(WITHIN), len(output.reported)
        while len(output.reported) < start + len(line):
            require(not deadline.passed, f"{output.id}: a line is not reported")
            page = self.dealer.call("logs", id=output.id, **{"from": len(output.reported)})
            for chunk in page["chunks"]:
                require(chunk["offset"] == len(output.reported), f"{output.id}: a gap before {chunk['offset']}")
                output.reported += chunk["data"]
        require(output.reported[start:] == line, f"{output.id}: it reports {bytes(output.reported[start:])!r}")

    def starve(self, way: str) -> None:
        """Takes away what the worker needs."""
        if "disk" in way:
            self.filler = fill(self.disk)
        if "descriptors" in way:
            pid = self.stage.worker.pid
            taken = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (taken, hard))

    def relieve(self) -> None:
        """Gives it back."""
        if self.filler:
            self.filler.unlink()
            self.filler = None
        if self.stage.worker.process.poll() is None:
            _, hard = resource.prlimit(self.stage.worker.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(self.stage.worker.pid, resource.RLIMIT_NOFILE, (hard, hard))

    @property
    def is_behind(self) -> bool:
        """Whether the worker has said that output is in memory only."""
        said = self.stage.worker.output()
        return said.rfind(BEHIND) > said.rfind(WELL)

    def await_well(self) -> None:
        deadline = Deadline(WITHIN)
        while self.is_behind:
            require(not deadline.passed, "output is still not kept")
            self.dealer.call("ping")

    def round(self) -> None:
        """One worker's life."""
        way = self.random.choice(["disk", "descriptors", "disk and descriptors"])
        self.write()
        self.starve(way)
        self.write()
        dies_in_want = self.random.random() < 0.25
        if not dies_in_want:
            self.relieve()
            self.write()
            self.await_well()
        may_lose = self.is_behind
        self.stage.worker.kill()
        self.relieve()
        self.stage.start()
        lost = sum(self._compare(output, may_lose) for output in self.outputs)
        self.counts[f"died {'in want of' if dies_in_want else 'after want of'} {way}"] += 1
        self.counts["bytes that were lost with a worker that had said so"] += lost

    def _compare(self, output: Output, may_lose: bool) -> int:
        chunks: list[dict] = []
        offset = 0
        while True:
            page = self.dealer.call("logs", id=output.id, **{"from": offset})
            chunks += page["chunks"]
            if page["next"] == offset:
                return output.compare(chunks, offset, may_lose)
            offset = page["next"]


def starved_output(trial: Trial) -> None:
    """Kills workers while the disk and the descriptors run out, and compares what the next ones report."""
    kills = trial.kills or (300 if trial.long else 8)
    with small_disk(trial.folder / "disk", DISK) as disk:
        stage = Stage(trial.folder / "stage", state_dir=disk, settings=SETTINGS)
        try:
            stage.start()
            want = Want(stage, disk, trial.seed)
            want.create()
            for _ in range(kills):
                want.round()
            sizes = [len(output.reported) for output in want.outputs]
            show(
                f"{kills} workers without a disk or a descriptor", dict(sorted(want.counts.items())) | {"bytes": sizes}
            )
        finally:
            stage.close()
