"""Instructions of RISC-V: the unprivileged specification, chapters 2, 12 ("A") and 26 ("C")."""

from __future__ import annotations

import capstone  # type: ignore[import-untyped]
from capstone import riscv as cs

from ttd.cpu.riscv.registers import registers as core_registers
from ttd.origin.bits import Operand, Value, constant, register, same, together
from ttd.origin.instructions import HOST_CALL, STORED, Instruction
from ttd.origin.riscv_bits import made
from ttd.origin.riscv_csr import STATUS, csr_instruction

_NAMES = tuple(one.name for one in core_registers(64)[:32])
_SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}
_LOADS = {f"l{size}{sign}" for size in _SIZES for sign in ("", "u")} | {"lr.w", "lr.d"}
_LOADS |= {"flw", "fld"}
_STORES = {f"s{size}" for size in _SIZES} | {"fsw", "fsd"}
_ATOMIC = ("amo", "sc.")
_NO_RESULT = ("b", "fence", "ecall", "ebreak", "mret", "sret", "wfi", "nop", "unimp", "sfence")
"""Branches, and what else has no register to write."""


def instruction(found: capstone.CsInsn, xlen: int) -> Instruction:
    text = f"{found.mnemonic} {found.op_str}".strip()
    name = found.mnemonic.removeprefix("c.")
    accesses_csr = csr_instruction(int.from_bytes(found.bytes, "little"), found.size, text, _NAMES)
    if accesses_csr is not None:
        return accesses_csr
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
    if name == "ebreak":
        return Instruction(found.size, text, frozenset(["a0"]), system=HOST_CALL)
    if not registers or name.startswith(_NO_RESULT):
        leaves = name in ("mret", "sret")
        kept = {one: together((register(one),), same) for one in STATUS} if leaves else {}
        sets = frozenset(kept)
        return Instruction(found.size, text, sets, tuple(kept), kept, leaves=leaves)
    # A compressed instruction of two operands has its result in the first of them.
    both = found.mnemonic.startswith("c.") and name not in ("mv", "li", "lui", "addi4spn")
    reads = registers if both else registers[1:]
    operands = [_operand(found, one) for one in found.operands[0 if both else 1 :]]
    result = made(name, operands, xlen)
    return Instruction(
        found.size,
        text,
        frozenset(registers[:1]) - {"zero"},
        tuple(dict.fromkeys(one for one in reads if one != "zero")),
        {} if result is None else {registers[0]: result},
    )


def _operand(found: capstone.CsInsn, operand: cs.RISCVOp) -> Operand:
    if operand.type != cs.RISCV_OP_REG:
        return constant(operand.imm)
    name = _name(found, operand.reg)
    return constant(0) if name == "zero" else register(name)


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

    conditional = name.startswith("sc.")
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
        system=STORED if conditional else "",
    )


def _name(found: capstone.CsInsn, number: int) -> str:
    name = str(found.reg_name(number))
    return "fp" if name == "s0" else name
