"""Instructions that access control and status registers: the unprivileged specification, chapter 9
("Zicsr"); some have parts of others (the privileged one, chapter 4)."""

from __future__ import annotations

from ttd.cpu.riscv.registers import CSR_NUMBERS
from ttd.origin.bits import Made, Operand, constant, register, same, together
from ttd.origin.instructions import Instruction

_SYSTEM = 0x73
_NAMES = {number: name for name, number in CSR_NUMBERS.items()} | {
    0x3A0: "pmpcfg0",
    0x3A2: "pmpcfg2",
}
STATUS = ("mstatus", "sstatus")
_GROUPS = (STATUS, ("mie", "sie"))
OWN = frozenset(
    (
        *("cycle", "time", "instret", "mcycle", "minstret", "mip", "sip", "fcsr", "fflags", "priv"),
        *("cycleh", "timeh", "instreth", "mcycleh", "minstreth"),
    )
)
"""The processor changes them by itself, or computing does."""
TRAPS = {
    "mepc": "m",
    "mcause": "m",
    "mtval": "m",
    "sepc": "s",
    "scause": "s",
    "stval": "s",
    "mstatus": "ms",
    "sstatus": "ms",
}
"""What a trap sets, by the mode that it is taken in (3.1.6, 3.1.14 to 3.1.16, 4.1.7 to 4.1.9)."""


def csr_instruction(code: int, size: int, text: str, names: tuple[str, ...]) -> Instruction | None:
    """None if the word `code` is none of them; `names` are those of x0 to x31."""
    operation = code >> 12 & 7
    if code & 0x7F != _SYSTEM or operation & 3 == 0:
        return None
    number, field, result = code >> 20, code >> 15 & 31, names[code >> 7 & 31]
    name = _NAMES.get(number, f"CSR {number:#x}")
    replaces = operation & 3 == 1
    written = frozenset[str]()
    if replaces or field:
        written = frozenset(next((one for one in _GROUPS if name in one), (name,)))
    given = constant(field) if operation & 4 else _general(names[field])
    made: dict[str, Made] = {}
    for one in written:
        kept = () if replaces and written == {name} else (register(one),)
        made[one] = together((given, *kept), same)
    system = ""
    if result != "zero":
        if name in OWN or number not in _NAMES:
            system = name
        else:
            made[result] = together((register(name),), same)
    sets = written | ({result} - {"zero"})
    reads = tuple(dict.fromkeys(one for part in made.values() for one, _ in part))
    return Instruction(size, text, sets, reads, system=system, made=made)


def _general(name: str) -> Operand:
    return constant(0) if name == "zero" else register(name)
