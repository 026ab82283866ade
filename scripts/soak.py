"""Minutes of random interrupts in random programs: `make soak`, with SOAK="--seed N m3 rv64 ...".

Each program is recorded, replayed, stopped anywhere, stepped through, gone back in, recorded again
in slices, and walked over as people do it; a position that is not the same in all of these is an
error. What is found is printed with the seed that shows it again: `--seed N TARGET` does that one.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEPS = (20_000, 60_000, 60_000, 300_000, 1_000_000)
"""Lengths of programs, thrown with dice."""


def main() -> int:
    sys.path.insert(0, str(ROOT))
    soak = importlib.import_module("tests.integration.soak")
    targets = list(soak.TARGETS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="for how long (default 5)")
    parser.add_argument("--seed", type=int, help="one program of each target, with this seed")
    parser.add_argument("--steps", type=int, help="their length; by default it is thrown, too")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(targets))
    given = parser.parse_args()
    if unknown := set(given.targets) - set(targets):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(targets)}")
    until = time.monotonic() + 60 * given.minutes
    found = count = 0
    for name in itertools.cycle(given.targets or targets):
        seed = random.randrange(1 << 32) if given.seed is None else given.seed
        steps = given.steps or random.Random(seed).choice(STEPS)
        count += 1
        try:
            with tempfile.TemporaryDirectory(prefix="ttd-soak-") as folder:
                soak.check(name, seed, Path(folder), steps, lambda text: print(text, flush=True))
                soak.wander(name, seed, Path(folder))
        except Exception:
            found += 1
            traceback.print_exc()
            print(f"to see it again: --seed {seed} --steps {steps} {name}", flush=True)
        if given.seed is not None:
            if count == len(given.targets or targets):
                break
        elif time.monotonic() > until:
            break
    print(f"{found} of {count} programs found something")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
