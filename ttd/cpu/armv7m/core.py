"""The native half of the core (`native/api.h`), and how its fields are seen from here."""

from __future__ import annotations

from typing import Any, Protocol

from ttd.engine import Engine
from ttd.engine._native import ffi, lib

from .profile import Profile

RETURN = "exception return"
"""Who reads a frame again."""


def new_core(
    engine: Engine, profile: Profile, *, lines: int, priority_bits: int, hz: int, reference_hz: int
) -> Any:
    """An `armv7m_core` that serves this engine; rates in Hz."""
    core = ffi.gc(lib.armv7m_new(engine.native), lib.armv7m_free)
    core.lines = lines
    core.mainline = profile.mainline
    core.priority_mask = 0xFF << (8 - priority_bits) & 0xFF
    core.hz = hz
    core.reference_hz = reference_hz
    core.mpu.regions = profile.mpu_regions
    core.nconstants = len(profile.identification)
    for constant, (offset, value) in zip(
        core.constants, profile.identification.items(), strict=False
    ):
        constant.offset, constant.value = offset, value
    entries = [f"exception entry {number}" for number in range(lib.ARMV7M_EXCEPTIONS)]
    core.by = engine.name_makers([*entries, RETURN])
    core.by_return = core.by + len(entries)
    lib.armv7m_attach(core, profile.trace_units)
    return core


class _Seen(Protocol):
    core: Any


class Field:
    """An attribute that is the native core's field of that name; `part`: a structure it is in."""

    def __init__(self, part: str | None = None) -> None:
        self._part = part

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def _where(self, seen: _Seen) -> Any:
        return seen.core if self._part is None else getattr(seen.core, self._part)

    def __get__(self, seen: _Seen, owner: type) -> Any:
        return getattr(self._where(seen), self._name)

    def __set__(self, seen: _Seen, value: Any) -> None:
        setattr(self._where(seen), self._name, value)


class _Counted(_Seen, Protocol):
    count: int


class ListField(Field):
    """The same of an array: as many of it as there are, a list."""

    def __get__(self, seen: _Counted, owner: type) -> list[int]:  # type: ignore[override]
        return list(super().__get__(seen, owner)[0 : seen.count])

    def __set__(self, seen: _Counted, values: list[int]) -> None:  # type: ignore[override]
        super().__get__(seen, type(seen))[0 : seen.count] = values


class SetField(Field):
    """The same of a set of exceptions: an int, bit n for exception number n."""

    def __get__(self, seen: _Seen, owner: type) -> int:
        return int.from_bytes(ffi.buffer(getattr(seen.core, self._name)), "little")

    def __set__(self, seen: _Seen, value: int) -> None:
        words = ffi.buffer(getattr(seen.core, self._name))
        words[:] = value.to_bytes(len(words), "little")
