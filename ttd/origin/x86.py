"""Instructions of x86-64: Intel's manual, volume 2. Parts of registers are called by the whole."""

from __future__ import annotations

import capstone  # type: ignore[import-untyped]
from capstone import x86 as cs

from ttd.origin.instructions import Instruction, Value

_LETTERS = ("a", "b", "c", "d")
_INDEXES = ("si", "di", "sp", "bp", "ip")
_WHOLE = {"rflags": "eflags", "eflags": "eflags", "flags": "eflags"}
_WHOLE |= {f"{one}{end}": f"r{one}x" for one in _LETTERS for end in ("l", "h", "x")}
_WHOLE |= {f"e{one}x": f"r{one}x" for one in _LETTERS}
_WHOLE |= {f"{start}{one}": f"r{one}" for one in _INDEXES for start in ("", "e")}
_WHOLE |= {f"{one}l": f"r{one}" for one in _INDEXES}
_WHOLE |= {f"r{n}{end}": f"r{n}" for n in range(8, 16) for end in ("b", "w", "d")}
_BASES = {cs.X86_REG_FS: "fs_base", cs.X86_REG_GS: "gs_base"}
_WORD = 8


def instruction(found: capstone.CsInsn) -> Instruction:
    text = f"{found.mnemonic} {found.op_str}".strip()
    name = found.mnemonic.split()[-1]
    read, written = ([_name(found, one) for one in some] for some in found.regs_access())
    operands = found.operands
    memory = next((op for op in operands if op.type == cs.X86_OP_MEM), None)
    plain = [_name(found, op.reg) for op in operands if op.type == cs.X86_OP_REG]
    sets, sources = frozenset(written), tuple(dict.fromkeys(read))
    if name in ("xor", "sub", "pxor", "xorps") and len(plain) == 2 and plain[0] == plain[1]:
        return Instruction(found.size, text, sets)  # 0, whatever was there
    if name in ("push", "call"):
        kept = plain[0] if name == "push" and plain else ""
        if name == "call":
            kept = "rip"
        return Instruction(
            found.size,
            text,
            sets,
            ("rsp",),
            address=lambda value: value("rsp") - _WORD,
            bases=("rsp",),
            stores=((0, _WORD, kept),),
            width=_WORD,
            target=plain[0] if name == "call" and plain else "",
        )
    if name in ("pop", "ret", "leave"):
        into = {"pop": plain[0] if plain else "", "ret": "rip", "leave": "rbp"}[name]
        base = "rbp" if name == "leave" else "rsp"
        return Instruction(
            found.size,
            text,
            sets | ({into} if into else frozenset()),
            (base,),
            address=lambda value: value(base),
            bases=(base,),
            loads={into: 0} if into else {},
            width=_WORD,
        )
    if memory is None or name in ("lea", "nop"):
        divides = name in ("div", "idiv")
        return Instruction(
            found.size,
            text,
            sets,
            sources,
            target=plain[0] if name == "jmp" and plain else "",
            divisor=plain[0] if divides and plain else "",
        )
    return _access(found, text, name, memory, plain, sets, sources)


def _access(
    found: capstone.CsInsn,
    text: str,
    name: str,
    memory: object,
    plain: list[str],
    sets: frozenset[str],
    sources: tuple[str, ...],
) -> Instruction:
    mem = memory.mem  # type: ignore[attr-defined]
    size: int = memory.size  # type: ignore[attr-defined]
    base = _name(found, mem.base) if mem.base else ""
    index = _name(found, mem.index) if mem.index else ""
    segment = _BASES.get(mem.segment, "")
    narrow = found.addr_size == 4

    def address(value: Value) -> int:
        at: int = mem.disp
        if base:
            at += found.address + found.size if base == "rip" else value(base)
        if index:
            at += value(index) * mem.scale
        if narrow:
            at &= 0xFFFFFFFF
        return at + (value(segment) if segment else 0)

    access = memory.access  # type: ignore[attr-defined]
    loads: dict[str, int] = {}
    stores: tuple[tuple[int, int, str], ...] = ()
    if access & 1:
        moves = name.startswith(("mov", "lods", "xchg", "xadd", "cmov")) and plain
        loads = {plain[0]: 0} if moves else {}
        if name in ("jmp", "call"):
            loads = {"rip": 0}
    if access & 2:
        from_register = found.operands[-1].type == cs.X86_OP_REG
        stores = ((0, size, plain[-1] if from_register else ""),)
        if name.startswith("stos"):
            stores = ((0, size, "rax"),)
    inputs = tuple(one for one in sources if one not in (base, index) or one in plain)
    return Instruction(
        found.size,
        text,
        sets,
        inputs,
        address=address,
        bases=tuple(one for one in (base, index) if one and one != "rip"),
        loads=loads,
        stores=stores,
        width=size,
    )


def _name(found: capstone.CsInsn, register: int) -> str:
    """As GDB calls the whole of it."""
    name = str(found.reg_name(register))
    return _WHOLE.get(name, name)
