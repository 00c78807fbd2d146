"""What the containers themselves write down: the account that owes nothing to the worker."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

# $0 is the file, $1 the process's name, $2 its token, $3 how long it runs, $4 its exit code, $5 what it does when it is
# asked to end. A line of this size is appended in one piece, whoever else writes.
SCRIPT = """
echo "began $1 $2 $$" >>"$0"
if [ "$5" = polite ]; then
    trap 'kill $child; echo "ends $1 $2 143" >>"$0"; exit 143' TERM
    sleep "$3" & child=$!
    wait $child
else
    [ "$3" = 0 ] || sleep "$3"
fi
echo "ends $1 $2 $4" >>"$0"
exit "$4"
"""


class Plan(NamedTuple):
    """What one process is to do."""

    token: str
    seconds: float
    code: int
    polite: bool


class Testimony(NamedTuple):
    """What was written about one token."""

    began: int
    codes: list[int]


class Witness:
    """The folder of the containers' own files."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True)
        self.folder = folder

    def arguments(self, id: str, process: str, plan: Plan) -> list[str]:
        """A command line that does as planned and writes down that it did."""
        end = "polite" if plan.polite else "plain"
        path = str(self.folder / id)
        return ["/bin/sh", "-c", SCRIPT, path, process, plan.token, f"{plan.seconds:g}", str(plan.code), end]

    def testimonies(self) -> dict[str, Testimony]:
        """Everything that was written, by token."""
        found: dict[str, Testimony] = {}
        for path in self.folder.iterdir():
            for line in path.read_text().splitlines():
                what, _, token, number = line.split()
                before = found.get(token, Testimony(0, []))
                found[token] = (
                    before._replace(began=before.began + 1)
                    if what == "began"
                    else before._replace(codes=[*before.codes, int(number)])
                )
        return found

    def running(self) -> list[int]:
        """Processes of containers that still run."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if str(self.folder).encode() in entry.joinpath("cmdline").read_bytes():
                        found.append(int(entry.name))
                except OSError:
                    pass
        return found
