"""`ttd`, as a command and as `python -m ttd`."""

from __future__ import annotations

import atexit
import gc
import sys

_YOUNG = 50_000
"""Objects that are made before a collection of garbage looks at the new ones. What is imported
stays: with Python's 700 a start would look through it fifty times."""
_OLD = 1000
"""Such collections before one looks at all there is, times ten. What lives long here, pages and
tables of snapshots, is in no circles; a seek that meets with it would take half a second."""


def main() -> None:
    """`ttd.cli.main.main`; a Ctrl-C before that is loaded is as quiet as one after it."""
    gc.set_threshold(_YOUNG, 10, _OLD)
    atexit.register(gc.freeze)  # the end would look through all that is left, several times
    try:
        from ttd.cli.main import main as command  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
