"""Thumb instructions: DDI0403E, chapter A7."""

from __future__ import annotations

import re

import capstone  # type: ignore[import-untyped]
from capstone import arm as cs

from ttd.cpu.armv7m.data_faults import data_access
from ttd.origin import thumb_bits
from ttd.origin.bits import Made, Value, constant, register, same, together
from ttd.origin.instructions import HOST_CALL, STORED, Instruction
from ttd.origin.thumb_bits import FLAGS

_NAMES = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12", "cpsr": FLAGS, "apsr": FLAGS}
"""Capstone's own names, and GDB's."""
_OWN = re.compile(r"\b(?:sb|sl|fp|ip)\b")
_BLOCK_LOADS = (cs.ARM_INS_LDM, cs.ARM_INS_LDMDB, cs.ARM_INS_POP)
_BLOCK_STORES = (cs.ARM_INS_STM, cs.ARM_INS_STMDB, cs.ARM_INS_PUSH)
_STACK = (cs.ARM_INS_PUSH, cs.ARM_INS_POP)
_EXCLUSIVE_STORES = (cs.ARM_INS_STREX, cs.ARM_INS_STREXB, cs.ARM_INS_STREXH)
_TABLES = (cs.ARM_INS_TBB, cs.ARM_INS_TBH)
_SEMIHOSTING = 0xAB
_MASKS = ("primask", "basepri")
"""Registers of the system that only instructions change."""
_GENERAL = (*(f"r{n}" for n in range(13)), "sp", "lr")


def instruction(found: capstone.CsInsn) -> Instruction:
    text = _OWN.sub(lambda name: _NAMES[name[0]], f"{found.mnemonic} {found.op_str}".strip())
    read, written = ([_name(found, one) for one in some] for some in found.regs_access())
    registers = [_name(found, op.reg) for op in found.operands if op.type == cs.ARM_OP_REG]
    if found.id == cs.ARM_INS_BKPT and found.bytes[0] == _SEMIHOSTING:
        return Instruction(found.size, text, frozenset(["r0"]), system=HOST_CALL)
    if found.update_flags and FLAGS not in written:
        written.append(FLAGS)
    if found.id in (cs.ARM_INS_MRS, cs.ARM_INS_MSR):
        return _system(found, text, registers[0])
    code, pc = bytes(found.bytes), found.address

    def address(value: Value) -> int:
        access = data_access(code, pc, lambda number: value(_GENERAL[number]))
        return 0 if access is None else access.address

    access = data_access(code, pc, lambda number: 0)
    if access is None or found.id in _TABLES:
        jumps = found.id in (cs.ARM_INS_BX, cs.ARM_INS_BLX) and registers
        target = registers[0] if jumps else ""
        divides = found.id in (cs.ARM_INS_UDIV, cs.ARM_INS_SDIV)
        return Instruction(
            found.size,
            text,
            frozenset(written),
            tuple(name for name in read if name in _GENERAL),
            _made(found, written),
            target=target,
            divisor=registers[-1] if divides else "",
            leaves=found.id == cs.ARM_INS_BX,
        )
    loads: dict[str, int] = {}
    stores: tuple[tuple[int, int, str], ...] = ()
    if found.id in (*_BLOCK_LOADS, *_BLOCK_STORES):
        listed = registers if found.id in _STACK else registers[1:]
        bases: tuple[str, ...] = ("sp",) if found.id in _STACK else (registers[0],)
        width = 4
        if found.id in _BLOCK_LOADS:
            loads = {name: 4 * at for at, name in enumerate(listed)}
        else:
            stores = tuple((4 * at, 4, name) for at, name in enumerate(listed))
    else:
        memory = next(op.mem for op in found.operands if op.type == cs.ARM_OP_MEM)
        bases = tuple(_name(found, one) for one in (memory.base, memory.index) if one)
        width = min(access.size, 4)
        if found.id in _EXCLUSIVE_STORES:
            registers = registers[1:]
        moved = registers[: max(1, access.size // 4)]
        if access.kind.name == "READ":
            loads = {name: 4 * at for at, name in enumerate(moved)}
        else:
            stores = tuple((4 * at, width, name) for at, name in enumerate(moved))
    return Instruction(
        found.size,
        text,
        frozenset(written),
        address=address,
        bases=bases,
        loads=loads,
        stores=stores,
        width=width,
        signed=found.mnemonic.startswith("ldrs"),
        system=STORED if found.id in _EXCLUSIVE_STORES else "",
        leaves="pc" in loads,
    )


def _made(found: capstone.CsInsn, written: list[str]) -> dict[str, Made]:
    """Of which bits the register that an instruction computes is made, and the flags."""
    names = [_name(found, op.reg) if op.type == cs.ARM_OP_REG else "" for op in found.operands]
    given = thumb_bits.operands(found.operands, names)
    if not given:
        return {}
    kind, first = found.id, found.operands[0]
    computes = names[0] in written
    sources = given if first.access & capstone.CS_AC_READ or len(given) == 1 else given[1:]
    result = None
    if kind in thumb_bits.FIELDS:
        at, width = (op.imm for op in found.operands[-2:])
        result = thumb_bits.field(kind, given[0], given[1] if names[1] else constant(0), at, width)
    elif computes:
        result = thumb_bits.made(kind, given[0], sources)
    made = {} if result is None else {names[0]: result}
    if FLAGS in written:
        made[FLAGS] = thumb_bits.flags(kind, sources)
    return made


def _system(found: capstone.CsInsn, text: str, general: str) -> Instruction:
    """MRS and MSR (B5.2.2, B5.2.3)."""
    words = [word.strip().removesuffix("_max") for word in found.op_str.split(",")]
    name = next((word for word in words if word in _MASKS), "")
    if found.id == cs.ARM_INS_MSR:
        sets = FLAGS if "psr" in words[0] else name
        made = {name: together((register(general),), same)} if name else {}
        return Instruction(found.size, text, frozenset([sets] if sets else ()), (general,), made)
    if not name:
        return Instruction(found.size, text, frozenset([general]), system=words[-1])
    made = {general: together((register(name),), same)}
    return Instruction(found.size, text, frozenset([general]), (name,), made)


def _name(found: capstone.CsInsn, number: int) -> str:
    name = str(found.reg_name(number))
    return _NAMES.get(name, name)
