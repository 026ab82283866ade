"""Which address a faulting load or store went to, found from the instruction itself.

The engine knows the PC of a faulting instruction exactly, its address only by page. The model
decodes the instruction and goes through the words it accesses in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import capstone  # type: ignore[import-untyped]
from capstone import arm as cs

from ttd.engine.types import Access
from ttd.values import dataclass

_LOADS = {
    cs.ARM_INS_LDR: 4,
    cs.ARM_INS_LDRT: 4,
    cs.ARM_INS_LDREX: 4,
    cs.ARM_INS_LDRB: 1,
    cs.ARM_INS_LDRBT: 1,
    cs.ARM_INS_LDRSB: 1,
    cs.ARM_INS_LDRSBT: 1,
    cs.ARM_INS_LDREXB: 1,
    cs.ARM_INS_TBB: 1,
    cs.ARM_INS_LDRH: 2,
    cs.ARM_INS_LDRHT: 2,
    cs.ARM_INS_LDRSH: 2,
    cs.ARM_INS_LDRSHT: 2,
    cs.ARM_INS_LDREXH: 2,
    cs.ARM_INS_TBH: 2,
    cs.ARM_INS_LDRD: 8,
}
_STORES = {
    cs.ARM_INS_STR: 4,
    cs.ARM_INS_STRT: 4,
    cs.ARM_INS_STREX: 4,
    cs.ARM_INS_STRB: 1,
    cs.ARM_INS_STRBT: 1,
    cs.ARM_INS_STREXB: 1,
    cs.ARM_INS_STRH: 2,
    cs.ARM_INS_STRHT: 2,
    cs.ARM_INS_STREXH: 2,
    cs.ARM_INS_STRD: 8,
}
_BLOCKS = {  # kind, does the list lie below the base
    cs.ARM_INS_LDM: (Access.READ, False),
    cs.ARM_INS_LDMDB: (Access.READ, True),
    cs.ARM_INS_POP: (Access.READ, False),
    cs.ARM_INS_STM: (Access.WRITE, False),
    cs.ARM_INS_STMDB: (Access.WRITE, True),
    cs.ARM_INS_PUSH: (Access.WRITE, True),
}
_MUST_ALIGN = {  # A3.2.1: these never may be unaligned; to so many bytes
    cs.ARM_INS_LDREX: 4,
    cs.ARM_INS_STREX: 4,
    cs.ARM_INS_LDREXH: 2,
    cs.ARM_INS_STREXH: 2,
    cs.ARM_INS_LDRD: 4,
    cs.ARM_INS_STRD: 4,
}


@dataclass(frozen=True, slots=True)
class DataAccess:
    """What one instruction does to memory: `size` bytes from `address`, in words at most."""

    kind: Access
    address: int
    size: int
    alignment: int
    """What the architecture demands: 1 where unaligned accesses to Normal memory are fine."""

    def words(self) -> Iterator[tuple[int, int]]:
        """(address, size) of each single access, in the order they are made."""
        for offset in range(0, self.size, 4):
            yield (self.address + offset) & 0xFFFFFFFF, min(4, self.size - offset)

    def first_bad(self, accessible: Callable[[int, Access], bool]) -> int | None:
        """The first byte that is not accessible; None if all are.

        Protection changes at word boundaries at the finest, so an access that is bad at its end
        only is bad from the next word on.
        """
        for address, size in self.words():
            if not accessible(address, self.kind):
                return address
            last = (address + size - 1) & 0xFFFFFFFF
            if last & ~3 != address & ~3 and not accessible(last, self.kind):
                return last & ~3
        return None

    @property
    def unaligned(self) -> bool:
        return self.address % self.alignment != 0


@cache
def _disassembler() -> capstone.Cs:
    found = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    found.detail = True
    return found


def _decode(code: bytes, pc: int) -> capstone.CsInsn | None:
    return next(_disassembler().disasm(code, pc, 1), None)


def data_access(code: bytes, pc: int, register: Callable[[int], int]) -> DataAccess | None:
    """The access of the Thumb instruction `code` at `pc`; None if it makes none.

    `register(n)` is the value of r0..r14.
    """
    found = _decode(code, pc)
    if found is None:
        return None
    if found.id in _BLOCKS:
        return _block_access(found, register)
    size = _LOADS.get(found.id) or _STORES.get(found.id)
    memory = next((op for op in found.operands if op.type == cs.ARM_OP_MEM), None)
    if size is None or memory is None:
        return None
    base = found.reg_name(memory.mem.base)
    if base == "pc":
        # The PC reads as this instruction + 4; literals are relative to its word (A5.1.2).
        address = pc + 4 if found.id in (cs.ARM_INS_TBB, cs.ARM_INS_TBH) else (pc + 4) & ~3
    else:
        address = register(_number(base))
    address += memory.mem.disp
    if memory.mem.index:
        shift = memory.shift.value if memory.shift.type == cs.ARM_SFT_LSL else 0
        address += register(_number(found.reg_name(memory.mem.index))) << shift
    kind = Access.READ if found.id in _LOADS else Access.WRITE
    return DataAccess(kind, address & 0xFFFFFFFF, size, _MUST_ALIGN.get(found.id, 1))


def _block_access(found: capstone.CsInsn, register: Callable[[int], int]) -> DataAccess:
    kind, below = _BLOCKS[found.id]
    if found.id in (cs.ARM_INS_PUSH, cs.ARM_INS_POP):
        base, count = register(13), len(found.operands)
    else:
        base = register(_number(found.reg_name(found.operands[0].reg)))
        count = len(found.operands) - 1
    address = base - 4 * count if below else base
    return DataAccess(kind, address & 0xFFFFFFFF, 4 * count, 4)


def _number(name: str) -> int:
    """Register number of capstone's name: it has its own for r9 to r14."""
    special = {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14}
    return special[name] if name in special else int(name[1:])
