"""Instructions of RISC-V: the unprivileged specification, chapters 2, 12 ("A") and 26 ("C")."""

from __future__ import annotations

import capstone  # type: ignore[import-untyped]
from capstone import riscv as cs

from ttd.origin.instructions import HOST_CALL, Instruction, Value

_SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}
_LOADS = {f"l{size}{sign}" for size in _SIZES for sign in ("", "u")} | {"lr.w", "lr.d"}
_LOADS |= {"flw", "fld"}
_STORES = {f"s{size}" for size in _SIZES} | {"fsw", "fsd"}
_WRITES_CSR = ("csrw", "csrs", "csrc", "csrwi", "csrsi", "csrci")
_CSRS = ("csr", "fscsr", "frcsr", "fsrm", "frrm", "fsflags", "frflags", "rd", "fsrmi", "fsflagsi")
_ATOMIC = ("amo", "sc.")
_NO_RESULT = ("b", "fence", "ecall", "ebreak", "mret", "sret", "wfi", "nop", "unimp", "sfence")
"""Branches, and what else has no register to write."""


def instruction(found: capstone.CsInsn) -> Instruction:
    text = f"{found.mnemonic} {found.op_str}".strip()
    name = found.mnemonic.removeprefix("c.")
    registers = [_name(found, op.reg) for op in found.operands if op.type == cs.RISCV_OP_REG]
    plain = name.removesuffix("sp") if name not in ("addi4sp", "addi16sp") else name
    if plain in _LOADS | _STORES or plain.startswith(_ATOMIC):
        return _access(found, text, plain, registers)
    if name in ("jr", "jalr", "ret"):
        into = registers[:1] if name == "jalr" and len(registers) > 1 else []
        target = (registers or ["ra"])[-1]
        calls = name == "jalr" and len(registers) == 1
        return Instruction(found.size, text, frozenset(["ra"] if calls else into), target=target)
    if name in ("j", "jal"):
        into = registers or (["ra"] if name == "jal" else [])
        return Instruction(found.size, text, frozenset(into))
    if name in _WRITES_CSR or (name in ("fscsr", "fsrm", "fsflags") and len(registers) == 1):
        return Instruction(found.size, text)
    if registers and name.startswith(_CSRS):
        result = frozenset(registers[:1]) - {"zero"}
        return Instruction(found.size, text, result, system=_csr(found))
    if name == "ebreak":
        return Instruction(found.size, text, frozenset(["a0"]), system=HOST_CALL)
    if not registers or name.startswith(_NO_RESULT):
        return Instruction(found.size, text, leaves=name in ("mret", "sret"))
    # A compressed instruction of two operands has its result in the first of them.
    both = found.mnemonic.startswith("c.") and name not in ("mv", "li", "lui", "addi4spn")
    reads = registers if both else registers[1:]
    return Instruction(
        found.size,
        text,
        frozenset(registers[:1]) - {"zero"},
        tuple(dict.fromkeys(one for one in reads if one != "zero")),
    )


def _access(found: capstone.CsInsn, text: str, name: str, registers: list[str]) -> Instruction:
    memory = next((op.mem for op in found.operands if op.type == cs.RISCV_OP_MEM), None)
    offset = 0
    if memory is not None:
        base, offset = _name(found, memory.base), memory.disp
    else:
        base = registers.pop()
        offset = next((op.imm for op in found.operands if op.type == cs.RISCV_OP_IMM), 0)
    atomic = name.startswith(_ATOMIC)
    plain = name.removeprefix("f")
    size = _SIZES[plain.split(".")[1][0] if "." in plain else plain[1]]
    computed = name.startswith("amo") and not name.startswith("amoswap")

    def address(value: Value) -> int:
        return value(base) + offset

    loads, stores = name in _LOADS or name.startswith("amo"), name in _STORES or atomic
    return Instruction(
        found.size,
        text,
        frozenset(registers[:1] if loads or atomic else ()) - {"zero"},
        (registers[1],) if computed else (),
        address=address,
        bases=(base,),
        loads={registers[0]: 0} if loads and registers[0] != "zero" else {},
        stores=((0, size, "" if computed else registers[-1]),) if stores else (),
        width=size,
        signed=not name.endswith("u"),
        operand=computed,
    )


def _csr(found: capstone.CsInsn) -> str:
    """What it is called in the text."""
    words = str(found.op_str).split(", ")
    if found.mnemonic.startswith("csr") and len(words) > 1:
        return words[1]
    return str(found.mnemonic).removeprefix("rd").removeprefix("fs").removeprefix("fr")


def _name(found: capstone.CsInsn, register: int) -> str:
    name = str(found.reg_name(register))
    return "fp" if name == "s0" else name
