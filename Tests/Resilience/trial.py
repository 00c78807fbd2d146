"""What a trial is given."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Trial(NamedTuple):
    """One trial's folder, its seed and its length; for hostile, the seconds and the attacks, where they are chosen."""

    folder: Path
    seed: str
    long: bool
    seconds: float | None = None
    attacks: tuple[str, ...] = ()
