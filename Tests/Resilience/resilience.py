"""Nothing lost: trials of one worker after another, killed, starved, damaged and flooded."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from attacks import ATTACKS
from clock import clock
from corruption import corruption
from door import door
from executioner import bad_day, executioner, real_containers
from full_disk import full_disk
from hostile import hostile
from overload import overload
from stage import Skipped
from starved_output import starved_output
from thousand import thousand
from trial import Trial

TRIALS: dict[str, Callable[[Trial], None]] = {
    "executioner": executioner,
    "bad-day": bad_day,
    "real-containers": real_containers,
    "thousand": thousand,
    "corruption": corruption,
    "full-disk": full_disk,
    "starved-output": starved_output,
    "overload": overload,
    "hostile": hostile,
    "door": door,
    "clock": clock,
}


def hold(name: str, trial_of: Callable[[Path], Trial], keep: bool) -> bool:
    """Holds one trial, and says whether it went well. The folder of one that did not is kept."""
    folder = Path(tempfile.mkdtemp(prefix=f"windlass-{name}-"))
    trial = trial_of(folder)
    print(f"\n== {name}, seed {trial.seed}", flush=True)
    began = time.monotonic()
    try:
        TRIALS[name](trial)
    except Skipped as reason:
        print(f"  SKIPPED, NOT TRIED: {reason}", flush=True)
    except KeyboardInterrupt:
        raise
    except BaseException:
        # pytest's own failures, which `worker` raises, are no Exceptions.
        traceback.print_exc()
        print(
            f"  FAILED after {time.monotonic() - began:.0f} s; everything that was written is in {folder}", flush=True
        )
        return False
    else:
        print(f"  held in {time.monotonic() - began:.0f} s", flush=True)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(prog="Tests/Resilience/run", description=__doc__)
    parser.add_argument("--long", action="store_true", help="1,000 kills, a minute of each overload, ten of hostile")
    parser.add_argument("--seconds", type=float, help="how long hostile lasts: 15, with --long 600")
    parser.add_argument("--only", action="append", choices=TRIALS, metavar="NAME", help=", ".join(TRIALS))
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1_000_000)), help="of what is drawn")
    parser.add_argument("--keep", action="store_true", help="keep the folders of trials that went well")
    parser.add_argument("--attack", action="append", choices=ATTACKS, default=[], help="only these attacks in hostile")
    parser.add_argument("--kills", type=int, metavar="COUNT", help="kills of starved-output: 8, with --long 300")
    options = parser.parse_args()

    def trial(folder: Path) -> Trial:
        return Trial(folder, options.seed, options.long, options.seconds, tuple(options.attack), options.kills)

    failed = [name for name in options.only or TRIALS if not hold(name, trial, options.keep)]
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nevery trial was held", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
