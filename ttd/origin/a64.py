"""AArch64 instructions: DDI0487, chapter C6. W registers are the lower halves of X registers."""

from __future__ import annotations

import re

import capstone  # type: ignore[import-untyped]
from capstone import arm64 as cs

from ttd.origin import a64_bits
from ttd.origin.bits import Made, Value, register, same, together
from ttd.origin.instructions import HOST_CALL, STORED, Instruction

_NAMES = {"fp": "x29", "lr": "x30", "nzcv": "cpsr", "wsp": "sp"}
_ZERO = ("xzr", "wzr")
_WIDE = {"b": 1, "h": 2, "s": 4, "d": 8, "q": 16, "w": 4, "x": 8}
_KEPT = ("tpidr", "vbar", "ttbr", "mair", "tcr", "sctlr", "cpacr")
"""Registers of the system that only MSR changes, as they begin."""
_NO_RESULT = ("cmp", "cmn", "tst", "ccmp", "ccmn", "fcmp", "fcmpe")
"""Capstone calls their first operand written."""
_FLAGGED = ("adds", "subs", "adcs", "sbcs", "ands", "bics", "negs", "ngcs")
_STRUCTURES = re.compile("(?:ld|st)[1-4]r?$")
_ARRANGED = re.compile(r"\.(\d*)([bhsd])")
_ALIKE = ("ldadd", "ldclr", "ldset", "ldeor", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp", "cas")


def instruction(found: capstone.CsInsn) -> Instruction:
    text = f"{found.mnemonic} {found.op_str}".strip()
    name = found.mnemonic
    read, written = ([_name(found, one) for one in some] for some in found.regs_access())
    registers = [op.reg for op in found.operands if op.type == cs.ARM64_OP_REG]
    memory = next((op for op in found.operands if op.type == cs.ARM64_OP_MEM), None)
    if memory is not None and _STRUCTURES.match(name):
        return _structures(found, text, registers, memory)
    if memory is not None and name.startswith(("ld", "st", "swp", "cas")):
        return _access(found, text, registers, memory, written)
    if name in ("mrs", "msr"):
        return _system(found, text, _name(found, registers[0]) if registers else "xzr")
    if name.startswith(_NO_RESULT):
        first = [_name(found, registers[0])] if registers else []
        return Instruction(
            found.size, text, frozenset(["cpsr"]), tuple(dict.fromkeys([*first, *read]))
        )
    if name == "hlt":
        return Instruction(found.size, text, frozenset(["x0"]), system=HOST_CALL)
    target = ""
    if name in ("br", "blr"):
        target = _name(found, registers[0])
    elif name == "ret":
        target = _name(found, registers[0]) if registers else "x30"
    if name in ("bl", "blr"):
        written.append("x30")
    if name in _FLAGGED:
        written.append(_name(found, registers[0]))  # not always, to capstone
    if name.endswith("n2"):
        read.append(_name(found, registers[0]))  # its lower half stays
    if name in ("fmov", "movi", "mvni") and len(registers) == 1:
        read = []  # to capstone it reads what it sets
    sets = frozenset(one for one in written if one not in _ZERO)
    if found.update_flags:
        sets |= {"cpsr"}
    divides = name in ("udiv", "sdiv")
    return Instruction(
        found.size,
        text,
        sets,
        tuple(dict.fromkeys(one for one in read if one not in _ZERO)),
        _made(found, sets),
        target=target,
        divisor=_name(found, registers[-1]) if divides else "",
    )


def _made(found: capstone.CsInsn, sets: frozenset[str]) -> dict[str, Made]:
    """Of which bits the register that an instruction computes is made, and the flags."""
    first = found.operands[0] if found.operands else None
    if first is None or first.type != cs.ARM64_OP_REG:
        return {}
    plain = str(found.reg_name(first.reg))
    if plain[0] in "bhsdqv" and plain != "sp":
        return {}
    width = 32 if plain.startswith("w") else 64
    given = [
        a64_bits.operand(op, _name(found, op.reg) if op.type == cs.ARM64_OP_REG else "", width)
        for op in found.operands
    ]
    known = [one for one in given if one is not None]
    if len(known) < len(given):
        return {}
    numbers = [op.imm for op in found.operands if op.type == cs.ARM64_OP_IMM]
    numbers += [op.shift.value for op in found.operands[1:] if op.type == cs.ARM64_OP_IMM]
    name, result = found.mnemonic, _name(found, first.reg)
    made = a64_bits.made(name, found.cc, width, known, numbers)
    parts = {} if made is None or result in _ZERO else {result: made}
    if "cpsr" in sets:
        parts["cpsr"] = a64_bits.flags(name, known[1:])
    return parts


def _system(found: capstone.CsInsn, text: str, general: str) -> Instruction:
    """MRS and MSR."""
    words = found.op_str.split(", ")
    name = words[-1] if found.mnemonic == "mrs" else words[0]
    kept = name.startswith(_KEPT)
    if found.mnemonic == "msr":
        sets = frozenset([name] if kept else ["cpsr"] if name == "nzcv" else ())
        given = () if general in _ZERO else (general,)
        made = {name: together([register(one) for one in given], same)} if kept else {}
        return Instruction(found.size, text, sets, given, made)
    if general in _ZERO:
        return Instruction(found.size, text)
    if name == "nzcv":
        return Instruction(found.size, text, frozenset([general]), ("cpsr",))
    if not kept:
        return Instruction(found.size, text, frozenset([general]), system=name)
    made = {general: together((register(name),), same)}
    return Instruction(found.size, text, frozenset([general]), (name,), made)


def _structures(
    found: capstone.CsInsn, text: str, registers: list[int], memory: object
) -> Instruction:
    """LD1 to ST4: elements of vectors, of several registers in turns."""
    vectors = [op for op in found.operands if op.type == cs.ARM64_OP_REG]
    if found.operands[-1].type == cs.ARM64_OP_REG:
        vectors.pop()  # what the base goes up by
    base = _name(found, memory.mem.base)  # type: ignore[attr-defined]
    moved = tuple(_name(found, op.reg) for op in vectors)
    count, letter = _ARRANGED.search(found.op_str).groups()  # type: ignore[union-attr]
    one = found.mnemonic.endswith("r") or vectors[0].vector_index >= 0 or not count
    size = _WIDE[letter] * (1 if one else int(count)) * len(moved)
    stores = found.mnemonic.startswith("st")
    return Instruction(
        found.size,
        text,
        frozenset(([] if stores else list(moved)) + ([base] if found.writeback else [])),
        moved if stores or vectors[0].vector_index >= 0 else (),
        address=lambda value: value(base),
        bases=(base, *(_name(found, n) for n in registers[len(vectors) :])),
        stores=((0, size, ""),) if stores else (),
        width=size,
        operand=not stores,
    )


def _access(
    found: capstone.CsInsn, text: str, registers: list[int], memory: object, written: list[str]
) -> Instruction:
    name = found.mnemonic
    mem = memory.mem  # type: ignore[attr-defined]
    base = _name(found, mem.base)
    index = _name(found, mem.index) if mem.index else ""
    after = found.operands[-1].type == cs.ARM64_OP_IMM  # the base changes afterwards
    extend, shift = a64_bits.EXTENDS.get(memory.ext), memory.shift.value  # type: ignore[attr-defined]

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
    conditional = stores and name.startswith(("stxr", "stlxr", "stxp", "stlxp"))
    if conditional:
        registers = registers[1:]  # the first one says whether it has been stored
    width = _width(found, name, registers[0]) if registers else 0
    moved = [_name(found, one) for one in registers]
    loads: dict[str, int] = {}
    reads: tuple[str, ...] = ()
    stored: tuple[tuple[int, int, str], ...] = ()
    if stores:
        stored = tuple((n * width, width, one) for n, one in enumerate(moved))
    elif atomic:
        plain = name.startswith("swp")
        stored, reads = ((0, width, moved[0] if plain else ""),), tuple(moved[:-1])
        result = moved[0] if name.startswith("cas") else moved[-1]
        loads = {} if len(moved) < 2 or result in _ZERO else {result: 0}
    else:
        loads = {one: n * width for n, one in enumerate(moved) if one not in _ZERO}
    into = {*written, *loads}
    if mem.base and (after or found.writeback):
        into.add(base)
    return Instruction(
        found.size,
        text,
        frozenset(one for one in into if one not in _ZERO),
        reads or ((base,) if base in into else ()),
        address=address,
        bases=tuple(one for one in (base, index) if one),
        loads=loads,
        stores=stored,
        width=width,
        signed=name.startswith(("ldrs", "ldurs", "ldtrs", "ldpsw")),
        operand=atomic and not name.startswith("swp"),
        system=STORED if conditional else "",
    )


def _width(found: capstone.CsInsn, name: str, number: int) -> int:
    """Bytes of each register that is moved."""
    plain = str(found.reg_name(number))
    if plain in ("fp", "lr"):
        plain = _NAMES[plain]
    if plain[0] not in "wx" or name.startswith("ldpsw"):
        return 4 if name.startswith("ldpsw") else _WIDE.get(plain[0], 16)
    for end, size in (("sw", 4), ("b", 1), ("h", 2)):
        if name.endswith(end):
            return size
    return _WIDE[plain[0]]


def _name(found: capstone.CsInsn, number: int) -> str:
    """As GDB calls the whole of it."""
    name = str(found.reg_name(number))
    if name in _NAMES or name in _ZERO:
        return _NAMES.get(name, name)
    if name[0] == "w":
        return f"x{name[1:]}"
    return f"v{name[1:]}" if name[0] in "bhsdq" and name[1:].isdigit() else name
