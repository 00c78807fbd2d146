"""What a trial is given."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Trial(NamedTuple):
    """One trial's folder, its seed and its length; `kills` where a number of them is asked for."""

    folder: Path
    seed: str
    long: bool
    kills: int | None = None
