"""What a trial is given."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Trial(NamedTuple):
    """One trial's folder, its seed and its length; what else of it is chosen: seconds and attacks, or kills."""

    folder: Path
    seed: str
    long: bool
    seconds: float | None = None
    attacks: tuple[str, ...] = ()
    kills: int | None = None
