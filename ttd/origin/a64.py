"""AArch64 instructions: DDI0487, chapter C6. W registers are the lower halves of X registers."""

from __future__ import annotations

import capstone  # type: ignore[import-untyped]
from capstone import arm64 as cs

from ttd.origin.instructions import Instruction, Value

_NAMES = {"fp": "x29", "lr": "x30", "nzcv": "cpsr", "wsp": "sp"}
_ZERO = ("xzr", "wzr")
_EXTENDS = {
    cs.ARM64_EXT_UXTB: (8, False),
    cs.ARM64_EXT_UXTH: (16, False),
    cs.ARM64_EXT_UXTW: (32, False),
    cs.ARM64_EXT_SXTB: (8, True),
    cs.ARM64_EXT_SXTH: (16, True),
    cs.ARM64_EXT_SXTW: (32, True),
}
_WIDE = {"b": 1, "h": 2, "s": 4, "d": 8, "q": 16, "w": 4, "x": 8}
_NO_RESULT = ("cmp", "cmn", "tst", "ccmp", "ccmn", "fcmp", "fcmpe")
"""Capstone calls their first operand written."""
_ALIKE = ("ldadd", "ldclr", "ldset", "ldeor", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp", "cas")


def instruction(found: capstone.CsInsn) -> Instruction:
    text = f"{found.mnemonic} {found.op_str}".strip()
    name = found.mnemonic
    read, written = ([_name(found, one) for one in some] for some in found.regs_access())
    registers = [op.reg for op in found.operands if op.type == cs.ARM64_OP_REG]
    memory = next((op for op in found.operands if op.type == cs.ARM64_OP_MEM), None)
    if memory is not None and name.startswith(("ld", "st", "swp", "cas")):
        return _access(found, text, registers, memory, written)
    if name.startswith(_NO_RESULT):
        first = [_name(found, registers[0])] if registers else []
        return Instruction(
            found.size, text, frozenset(["cpsr"]), tuple(dict.fromkeys([*first, *read]))
        )
    target = ""
    if name in ("br", "blr"):
        target = _name(found, registers[0])
    elif name == "ret":
        target = _name(found, registers[0]) if registers else "x30"
    if name in ("bl", "blr"):
        written.append("x30")
    sets = frozenset(one for one in written if one not in _ZERO)
    if found.update_flags:
        sets |= {"cpsr"}
    divides = name in ("udiv", "sdiv")
    return Instruction(
        found.size,
        text,
        sets,
        tuple(dict.fromkeys(one for one in read if one not in _ZERO)),
        target=target,
        divisor=_name(found, registers[-1]) if divides else "",
    )


def _access(
    found: capstone.CsInsn, text: str, registers: list[int], memory: object, written: list[str]
) -> Instruction:
    name = found.mnemonic
    mem = memory.mem  # type: ignore[attr-defined]
    base = _name(found, mem.base)
    index = _name(found, mem.index) if mem.index else ""
    after = found.operands[-1].type == cs.ARM64_OP_IMM  # the base changes afterwards
    extend, shift = _EXTENDS.get(memory.ext), memory.shift.value  # type: ignore[attr-defined]

    def address(value: Value) -> int:
        at = value(base) + (0 if after else mem.disp)
        if index:
            offset = value(index)
            if extend is not None:
                bits, signed = extend
                offset &= (1 << bits) - 1
                if signed and offset >> (bits - 1):
                    offset -= 1 << bits
            at += offset << shift
        return at

    atomic = name.startswith(_ALIKE)
    stores = name.startswith("st") and not atomic
    if stores and (name.startswith(("stxr", "stlxr", "stxp", "stlxp"))):
        registers = registers[1:]  # the first one says whether it has been stored
    width = _width(found, name, registers[0]) if registers else 0
    moved = [_name(found, one) for one in registers]
    loads: dict[str, int] = {}
    stored: tuple[tuple[int, int, str], ...] = ()
    if stores:
        stored = tuple((n * width, width, one) for n, one in enumerate(moved))
    elif atomic:
        stored = ((0, width, moved[0]),)
        if len(moved) > 1 and moved[-1] not in _ZERO:
            loads = {moved[-1]: 0}
    else:
        loads = {one: n * width for n, one in enumerate(moved) if one not in _ZERO}
    into = {*written, *loads}
    if mem.base and (after or found.writeback):
        into.add(base)
    return Instruction(
        found.size,
        text,
        frozenset(one for one in into if one not in _ZERO),
        (base,),
        address=address,
        bases=tuple(one for one in (base, index) if one),
        loads=loads,
        stores=stored,
        width=width,
    )


def _width(found: capstone.CsInsn, name: str, register: int) -> int:
    """Bytes of each register that is moved."""
    plain = str(found.reg_name(register))
    if plain[0] not in "wx" or name.startswith("ldpsw"):
        return 4 if name.startswith("ldpsw") else _WIDE.get(plain[0], 16)
    for end, size in (("sw", 4), ("b", 1), ("h", 2)):
        if name.endswith(end):
            return size
    return _WIDE[plain[0]]


def _name(found: capstone.CsInsn, register: int) -> str:
    """As GDB calls the whole of it."""
    name = str(found.reg_name(register))
    if name in _NAMES or name in _ZERO:
        return _NAMES.get(name, name)
    if name[0] == "w":
        return f"x{name[1:]}"
    return f"v{name[1:]}" if name[0] in "bhsdq" and name[1:].isdigit() else name
