"""ttd: a time-travel debugging server for whole machines.

For programs: `open` a recording or `record` one, and move through the `Run` ([docs/api.md]). All of
it is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttd.api import (
        Branch,
        Console,
        Event,
        Frame,
        Hit,
        Line,
        Place,
        Run,
        StopPoint,
        Thread,
        Trail,
        open,
        record,
    )
    from ttd.conditions import (
        address,
        all_of,
        any_of,
        changed,
        hits,
        i8,
        i16,
        i32,
        i64,
        new,
        not_,
        old,
        reg,
        u8,
        u16,
        u32,
        u64,
    )
    from ttd.errors import UserError

__version__ = "0.1.0"

__all__ = [
    "Branch",
    "Console",
    "Event",
    "Frame",
    "Hit",
    "Line",
    "Place",
    "Run",
    "StopPoint",
    "Thread",
    "Trail",
    "UserError",
    "address",
    "all_of",
    "any_of",
    "changed",
    "hits",
    "i8",
    "i16",
    "i32",
    "i64",
    "new",
    "not_",
    "old",
    "open",
    "record",
    "reg",
    "u8",
    "u16",
    "u32",
    "u64",
]


def __getattr__(name: str) -> Any:
    """What is exported, from where it is."""
    if name not in __all__:
        raise AttributeError(f"module 'ttd' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- the command does without

    if name == "UserError":
        where = "ttd.errors"
    else:
        ours = name[0].isupper() or name in ("open", "record")
        where = "ttd.api" if ours else "ttd.conditions"
    found = globals()[name] = getattr(import_module(where), name)
    return found


def __dir__() -> list[str]:
    return [*globals(), *__all__]
