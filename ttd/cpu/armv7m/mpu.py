"""The MPU's registers (DDI0403E B3.5); enforcing them is the engine's work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from ttd.devices.base import Stateful
from ttd.state import State

from .thumb import MpuRegion

Enforce = Callable[[bool, bool, bool, Sequence[MpuRegion]], None]
"""(enabled, PRIVDEFENA, HFNMIENA, regions)."""

TYPE, CTRL, RNR, RBAR, RASR = 0xD90, 0xD94, 0xD98, 0xD9C, 0xDA0
END = 0xDBC

ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4
_VALID = 0x10
_RASR_MASK = 0x173FFF3F


class Mpu(Stateful):
    """Eight regions and what they mean."""

    STATE: ClassVar[tuple[str, ...]] = ("control", "number", "bases", "attributes")

    def __init__(self, enforce: Enforce, regions: int) -> None:
        self.enforce = enforce
        self.regions = regions
        self._clear()

    def _clear(self) -> None:
        self.control = 0
        self.number = 0
        self.bases = [0] * self.regions
        self.attributes = [0] * self.regions

    def reset(self) -> None:
        """B3.5.5: the MPU is off."""
        self._clear()
        self._tell()

    def load(self, state: State) -> None:
        super().load(state)
        self._tell()

    def read(self, offset: int) -> int:
        """The word at SCS offset `offset` in TYPE..RASR_A3."""
        if offset == TYPE:
            return self.regions << 8
        if offset == CTRL:
            return self.control
        if offset == RNR:
            return self.number
        if not self.regions:
            return 0
        if (offset - RBAR) % 8 == 0:
            return self.bases[self.number] | self.number
        return self.attributes[self.number]

    def write(self, offset: int, value: int) -> None:
        """Aliases A1..A3 of RBAR and RASR are the same registers (B3.5.10)."""
        if not self.regions or offset == TYPE:
            return
        if offset == CTRL:
            self.control = value & (ENABLE | HFNMIENA | PRIVDEFENA)
        elif offset == RNR:
            # A number without a region is UNPREDICTABLE (B3.5.7): ignored.
            if value & 0xFF < self.regions:
                self.number = value & 0xFF
            return
        elif (offset - RBAR) % 8 == 0:
            if value & _VALID:
                if value & 0xF >= self.regions:
                    return
                self.number = value & 0xF
            self.bases[self.number] = value & ~0x1F
        else:
            self.attributes[self.number] = value & _RASR_MASK
        self._tell()

    def enabled_regions(self) -> list[MpuRegion]:
        """The enabled regions, in index order: the later wins where they overlap (B3.5.3)."""
        found: list[MpuRegion] = []
        for base, attributes in zip(self.bases, self.attributes, strict=True):
            exponent = (attributes >> 1 & 0x1F) + 1
            if not attributes & 1 or exponent < 5:  # smaller than 32 bytes: UNPREDICTABLE
                continue
            size = 1 << exponent
            # Subregions exist from 256 bytes up (B3.5.3).
            disabled = attributes >> 8 & 0xFF if exponent >= 8 else 0
            access = attributes >> 24 & 7
            found.append((base & -size, size, disabled, access, bool(attributes >> 28 & 1)))
        return found

    def _tell(self) -> None:
        self.enforce(
            bool(self.control & ENABLE),
            bool(self.control & PRIVDEFENA),
            bool(self.control & HFNMIENA),
            self.enabled_regions(),
        )
