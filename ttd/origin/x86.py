"""Instructions of x86-64: Intel's manual, volume 2. Parts of registers are called by the whole."""

from __future__ import annotations

import re
from collections.abc import Callable

import capstone  # type: ignore[import-untyped]
from capstone import x86 as cs

from ttd.origin import x86_bits
from ttd.origin.bits import Made, Value, constant
from ttd.origin.instructions import Instruction

_LETTERS = ("a", "b", "c", "d")
_INDEXES = ("si", "di", "sp", "bp", "ip")
_WHOLE = {"rflags": "eflags", "eflags": "eflags", "flags": "eflags"}
_WHOLE |= {f"{one}{end}": f"r{one}x" for one in _LETTERS for end in ("l", "h", "x")}
_WHOLE |= {f"e{one}x": f"r{one}x" for one in _LETTERS}
_WHOLE |= {f"{start}{one}": f"r{one}" for one in _INDEXES for start in ("", "e")}
_WHOLE |= {f"{one}l": f"r{one}" for one in _INDEXES}
_WHOLE |= {f"r{n}{end}": f"r{n}" for n in range(8, 16) for end in ("b", "w", "d")}
_GENERAL = frozenset(_WHOLE.values()) - {"eflags", "rip"}
_BASES = {cs.X86_REG_FS: "fs_base", cs.X86_REG_GS: "gs_base"}
_WORD = 8
_LOADS = (
    *("mov", "movabs", "movzx", "movsx", "movsxd", "movbe", "movaps", "movapd", "movups", "movupd"),
    *("movdqa", "movdqu", "movd", "movq", "movss", "movsd", "lddqu", "movnti"),
    *("lodsb", "lodsw", "lodsd", "lodsq"),
)
"""Whose result is what they load, extended maybe."""
_STORES = ("movs", "stos", "set", "fst", "fist", "stmx", "fnst", "fnsave", "fxsave", "sgdt", "sidt")
"""What they store has nothing of what was there; so have those that begin with "mov"."""
_OTHERS = {
    "pcmpistrm": "xmm0",
    "pcmpestrm": "xmm0",
    "pcmpistri": "rcx",
    "pcmpestri": "rcx",
    "cmpxchg": "rax",
}
"""What capstone does not call written."""
_TO_MEMORY = (
    *("mov", "cmpxchg", "xadd", "fst", "fist", "stmx", "fnst", "ins"),
    *("rol", "ror", "rcl", "rcr", "sal", "sar", "shl", "shr"),
)
"""Capstone does not always call the memory that these access written."""
_HIGH = ("ah", "bh", "ch", "dh")
_X87 = re.compile(r"st\(|\bmm\d|fpsw")
_EXCHANGES = ("cmpxchg8b", "cmpxchg16b")


def instruction(found: capstone.CsInsn) -> Instruction:
    text = f"{found.mnemonic} {found.op_str}".strip()
    name = found.mnemonic.split()[-1]
    read, written = ([_name(found, one) for one in some] for some in found.regs_access())
    if name in _OTHERS:
        written.append(_OTHERS[name])
    if name in _EXCHANGES:
        written += ["rax", "rdx"]
        read += ["rax", "rbx", "rcx", "rdx"]
    first = found.operands[0] if found.operands else None
    narrow = first is not None and first.type == cs.X86_OP_REG and first.size < _WORD // 2
    if name == "lahf":
        read.append("rax")
    elif first is not None and first.type == cs.X86_OP_REG:
        keeps = narrow or name.startswith(("cmov", "cmpxchg"))
        if keeps and _name(found, first.reg) in written:
            read.append(_name(found, first.reg))  # the rest of it stays
    plain = [_name(found, op.reg) for op in found.operands if op.type == cs.X86_OP_REG]
    sets, sources = frozenset(written), tuple(dict.fromkeys(read))
    memory = next((op for op in found.operands if op.type == cs.X86_OP_MEM), None)
    if name in ("xor", "sub", "pxor", "xorps") and len(plain) == 2 and plain[0] == plain[1]:
        return Instruction(found.size, text, sets)  # 0, whatever was there
    if name.startswith(("push", "call")):
        return _push(found, text, name, plain, sets, memory)
    if name.startswith(("pop", "ret", "leave", "iret")) and name != "popcnt":
        return _pop(found, text, name, plain, sets, memory)
    if memory is None or name in ("lea", "nop"):
        divides = name in ("div", "idiv")
        return Instruction(
            found.size,
            text,
            sets,
            sources,
            _made(found, name, sets, memory),
            target=plain[0] if name == "jmp" and plain else "",
            divisor=plain[0] if divides and plain else "",
            system=_system(name),
        )
    return _access(found, text, name, memory, plain, sets, sources)


def _push(
    found: capstone.CsInsn,
    text: str,
    name: str,
    plain: list[str],
    sets: frozenset[str],
    memory: object | None,
) -> Instruction:
    calls = name == "call"
    size = _WORD if calls or not found.operands else found.operands[0].size
    kept = "eflags" if name.startswith("pushf") else plain[0] if plain else ""
    copies = None if memory is None or calls else _address(found, memory)
    return Instruction(
        found.size,
        text,
        sets,
        address=lambda value: value("rsp") - size,
        bases=("rsp", *(_bases(found, memory) if memory is not None else ())),
        stores=((0, size, "rip" if calls else kept),),
        width=size,
        target=plain[0] if calls and plain else "",
        copies=copies,
    )


def _pop(
    found: capstone.CsInsn,
    text: str,
    name: str,
    plain: list[str],
    sets: frozenset[str],
    memory: object | None,
) -> Instruction:
    if memory is not None:
        return Instruction(
            found.size,
            text,
            sets,
            address=_address(found, memory, _WORD),
            bases=("rsp", *_bases(found, memory)),
            stores=((0, _WORD, ""),),
            width=_WORD,
            copies=lambda value: value("rsp"),
        )
    into = plain[0] if plain else {"pop": "eflags", "lea": "rbp"}.get(name[:3], "rip")
    base = "rbp" if name == "leave" else "rsp"
    return Instruction(
        found.size,
        text,
        sets | {into},
        (base,),
        address=lambda value: value(base),
        bases=(base,),
        loads={into: 0},
        width=_WORD if name != "pop" else found.operands[0].size,
    )


def _system(name: str) -> str:
    return name if name in ("rdtsc", "rdtscp", "rdmsr", "in", "cpuid", "xgetbv") else ""


def _bases(found: capstone.CsInsn, memory: object) -> tuple[str, ...]:
    mem = memory.mem  # type: ignore[attr-defined]
    names = [_name(found, one) for one in (mem.base, mem.index) if one]
    return tuple(one for one in names if one not in ("rip", "riz", "eiz"))


def _address(found: capstone.CsInsn, memory: object, popped: int = 0) -> Callable[[Value], int]:
    """`popped`: RSP has gone up by that before it is looked at."""
    mem = memory.mem  # type: ignore[attr-defined]
    base = _name(found, mem.base) if mem.base else ""
    index = _name(found, mem.index) if mem.index else ""
    segment = _BASES.get(mem.segment, "")
    narrow = found.addr_size == 4

    def address(value: Value) -> int:
        at: int = mem.disp
        if base:
            at += found.address + found.size if base == "rip" else value(base)
            at += popped if base == "rsp" else 0
        if index not in ("", "riz", "eiz"):
            at += value(index) * mem.scale
        if narrow:
            at &= 0xFFFFFFFF
        return at + (value(segment) if segment else 0)

    return address


def _access(
    found: capstone.CsInsn,
    text: str,
    name: str,
    memory: object,
    plain: list[str],
    sets: frozenset[str],
    sources: tuple[str, ...],
) -> Instruction:
    size: int = memory.size  # type: ignore[attr-defined]
    access: int = memory.access  # type: ignore[attr-defined]
    first, last = found.operands[0], found.operands[-1]
    to_memory = first.type == cs.X86_OP_MEM and bool(access & 2 or name.startswith(_TO_MEMORY))
    x87 = "the x87" if name.startswith("f") or _X87.search(found.op_str) else ""
    bases = _bases(found, memory)
    if found.mnemonic.startswith("rep"):
        bases += ("rcx",)
    sources = tuple(one for one in sources if one not in bases or one in plain)
    high = any(str(found.reg_name(op.reg)) in _HIGH for op in found.operands if op.type == 1)
    strings = [op for op in found.operands if op.type == cs.X86_OP_MEM]
    copies, loads = None, dict[str, int]()
    stores: tuple[tuple[int, int, str], ...] = ()
    operand = not name.startswith(_STORES)
    if to_memory:
        moves = name.startswith(("mov", "stos")) and name not in ("movhps", "movhpd")
        operand = operand and not name.startswith("mov")
        kept = plain[-1] if moves and plain and last.type == cs.X86_OP_REG and not high else ""
        stores = ((0, size, kept),)
        if kept:
            sources = ()
        if len(strings) == 2:
            copies, sources = _address(found, strings[1]), ()
            bases = (*bases, *_bases(found, strings[1]))
        elif name in ("xchg", "xadd") and plain:
            loads = {plain[-1]: 0}
            if name == "xchg" and not high:
                stores, operand = ((0, size, plain[-1]),), last.size < _WORD // 2
        if loads and last.size < _WORD // 2:
            loads = {}  # the rest of it stays
    elif name in ("jmp", "call"):
        loads = {"rip": 0}
    elif name in _LOADS and plain and not high and first.size >= _WORD // 2:
        loads = {plain[0]: 0}
        size = min(size, first.size)
    elif name == "xchg" and plain:
        stores = ((0, size, "" if high else plain[0]),)
        loads = {plain[0]: 0} if first.size >= _WORD // 2 else {}
        operand = not loads
    return Instruction(
        found.size,
        text,
        sets,
        sources,
        _made(found, name, sets, None),
        address=_address(found, memory),
        bases=bases,
        loads=loads,
        stores=stores,
        width=size,
        signed=name.startswith("movsx"),
        operand=(operand and not loads) or name == "xadd",
        copies=copies,
        system=_system(name) or (name if name.startswith("ins") else x87),
    )


def _made(
    found: capstone.CsInsn, name: str, sets: frozenset[str], addressed: object | None
) -> dict[str, Made]:
    """Of which bits results are made; `addressed`: an operand of which only the address counts."""
    places, numbers = [], list[int]()
    for op in found.operands:
        register = op.reg if op.type == cs.X86_OP_REG else 0
        whole, plain = (
            (_name(found, register), str(found.reg_name(register))) if register else ("", "")
        )
        if register and whole not in _GENERAL:
            return {}
        places.append(x86_bits.place(op, whole, plain))
        if op.type == cs.X86_OP_IMM:
            numbers.append(op.imm)
    bases = _bases(found, addressed) if addressed is not None else ()
    made = x86_bits.made(name, found.opcode[1] & 0xF, places, numbers, bases)
    if x86_bits.FLAGS in sets and name not in ("xadd", "cmpxchg"):
        given = [constant(0) if one is None else one.operand() for one in places]
        made[x86_bits.FLAGS] = x86_bits.flags(name, given)
    return made


def _name(found: capstone.CsInsn, number: int) -> str:
    """As GDB calls the whole of it."""
    name = str(found.reg_name(number))
    return _WHOLE.get(name, name)
