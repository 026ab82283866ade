"""When, where and how a recording is made, for people who find it later."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from datetime import UTC, datetime

import ttd
from ttd.cpu.constants import unicorn_const as uc
from ttd.text import printable


def now() -> str:
    """The date and the time, as in 2026-11-28T18:20:33Z."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def provenance() -> dict[str, str]:
    """Of this process, by the names that `ttd info` has (`Recording.made`)."""
    words = ["ttd", *sys.argv[1:]]
    command = os.fsencode(shlex.join(words)).decode(errors="replace")
    facts = {
        "date": now(),
        "command": command,
        "ttd": ttd.__version__,
        "host": platform.node(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "unicorn": f"{uc.UC_VERSION_MAJOR}.{uc.UC_VERSION_MINOR}.{uc.UC_VERSION_PATCH}",
    }
    return {name: printable(text) for name, text in facts.items()}
