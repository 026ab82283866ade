"""`ttd`, as a command and as `python -m ttd`."""

from __future__ import annotations

import sys


def main() -> None:
    """`ttd.cli.main.main`; a Ctrl-C before that is loaded is as quiet as one after it."""
    try:
        from ttd.cli.main import main as command  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
