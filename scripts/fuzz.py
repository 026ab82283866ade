"""Attack ttd with what strangers may give it: `make fuzz`, with FUZZ="--seed N TARGET=COUNT ...".

Each target is a module of tests/fuzz with `run(count, seed, say)`, which returns how many of its
attacks found something. What is found is printed with the number to give as seed, with count 1,
to see it again.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COUNTS = {"recordings": 400, "guests": 100, "rsp": 340, "monitor": 30}
"""Attacks by target, for some minutes altogether."""


def main() -> int:
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(description="Attack ttd.")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("targets", nargs="*", metavar="TARGET[=COUNT]")
    given = parser.parse_args()
    wanted = dict(COUNTS)
    if given.targets:
        words = [target.partition("=") for target in given.targets]
        wanted = {name: int(count or COUNTS[name]) for name, _, count in words}
    found = 0
    for name, count in wanted.items():
        target = importlib.import_module(f"tests.fuzz.{name}")
        began = time.monotonic()
        print(f"{name}: {count} from seed {given.seed}", flush=True)
        bad = target.run(count, given.seed, lambda text: print(text, flush=True))
        print(f"{name}: {bad} of {count} found something, {time.monotonic() - began:.0f} s")
        found += bad
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
