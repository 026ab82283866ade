"""What the exception model asks of the engine that runs the instructions."""

from __future__ import annotations

from typing import Protocol

from ttd.engine.types import Access

MpuRegion = tuple[int, int, int, int, bool]
"""base, size in bytes, subregions disabled (8 bits), AP field, execute-never."""


class ArmCore(Protocol):
    """The part of `ttd.engine.Engine` that the Armv7-M model uses.

    Registers are named by the numbers of `unicorn.arm_const`. Writes happen in the order given,
    which matters: a write of XPSR or CONTROL may exchange MSP and PSP under R13.
    """

    watch_masks: bool
    """Stop with `StopReason.MASKS` as soon as PRIMASK, FAULTMASK or BASEPRI changes."""

    def regs_read(self, ids: tuple[int, ...]) -> list[int]: ...

    def regs_write(self, ids: tuple[int, ...], values: tuple[int, ...]) -> None: ...

    def reg_read(self, reg: int) -> int: ...

    def reg_write(self, reg: int, value: int) -> None: ...

    def read(self, address: int, size: int) -> bytes:
        """A look at memory that nothing notices; shorter than `size` where it ends."""

    def load(self, address: int, size: int, by: str) -> bytes:
        """Read guest memory, whatever the MPU says; `by` says who does. Raises `EngineFault`."""

    def vread(self, address: int, size: int, by: str, privileged: bool = True) -> bytes:
        """Read guest memory as a load of that privilege would; raises `EngineFault`."""

    def vwrite(self, address: int, data: bytes, by: str, privileged: bool = True) -> None:
        """Write guest memory as a store of that privilege would; raises `EngineFault`."""

    def accessible(self, address: int, kind: Access) -> bool:
        """Would an access of the present privilege be answered?"""

    def mpu_denies(self, address: int, kind: Access) -> bool:
        """Is it the MPU, or the default map's execute-never, that forbids the access?"""

    def set_mpu(
        self, enabled: bool, privdefena: bool, hfnmiena: bool, regions: list[MpuRegion]
    ) -> None:
        """Enforce these regions; of overlapping ones the later wins."""

    def access_privileged(self) -> bool:
        """Is the access that is being served a privileged one?"""

    def set_priority_mask(self, mask: int) -> None:
        """Which bits of BASEPRI there are; the others read as 0."""

    def set_traps(self, *, divide: bool, unaligned: bool) -> None:
        """Report divisions by zero, and every unaligned access."""

    def clear_exclusive(self) -> None:
        """Open the exclusive monitor (LDREX/STREX)."""
