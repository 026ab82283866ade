"""What the RISC-V model asks of the engine that runs the instructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ttd.engine.types import Access, Refusal

PmpEntry = tuple[int, int, int, bool]
"""First address, address after the last, rights (an `Access` mask), locked."""


class RiscvCore(Protocol):
    """The part of `ttd.engine.Engine` that the RISC-V model uses.

    Registers are named by the numbers of `unicorn.riscv_const`. CSRs are read and written as in
    machine mode, whatever the present mode is; writes happen in the order given.
    """

    watch_masks: bool
    """Stop with `StopReason.MASKS` as soon as the privilege, mstatus.MIE, mstatus.SIE or mie
    changes."""

    @property
    def step(self) -> int:
        """The number of steps done."""

    def regs_read(self, ids: tuple[int, ...]) -> list[int]: ...

    def regs_write(self, ids: tuple[int, ...], values: Sequence[int]) -> None: ...

    def reg_read(self, register: int) -> int: ...

    def reg_write(self, register: int, value: int) -> None: ...

    def read(self, address: int, size: int) -> bytes:
        """Memory by physical addresses; shorter than `size` where it ends."""

    def read_virtual(self, address: int, size: int) -> bytes:
        """Memory as the present page tables map it, without asking for permissions; shorter than
        `size` where it ends."""

    def translate(self, address: int, kind: Access | None) -> tuple[int | None, Refusal]:
        """The physical address behind a virtual one, or why there is none.

        For an access of this kind with the present privileges; None: for a debugger, who needs
        no permission and leaves no marks in page tables.
        """

    def set_counters(
        self,
        ns_per_step: int,
        warp_ns: int,
        hz: int,
        time_offset: int,
        cycle_offset: int,
        instret_offset: int,
    ) -> None:
        """How reads of `time`, `cycle` and `instret` follow from the step count."""

    def set_pmp(self, entries: Sequence[PmpEntry]) -> None:
        """Enforce these regions; of overlapping ones the first counts."""

    def load_state(self, values: Sequence[int]) -> None:
        """Set all registers, in the order of `Isa.state`."""
