"""What an instruction does with registers and memory, as data is followed through it, against
Unicorn, which runs it: every different instruction of firmware that has all of an instruction set.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import unicorn as uc
from unicorn import arm64_const, arm_const, riscv_const, x86_const

from ttd.loader import load_image
from ttd.origin.instructions import STORED, Instruction, decode, disassembler

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
CODE, LOW, SIZE = 0x40000, 0x200000, 0x40000
MIDDLE = LOW + SIZE // 2
"""Where registers point, so that nearly every access is to memory that there is."""
_TRIES = 2
FLAGS = ("cpsr", "xpsr", "eflags", "fpsw", "fpcr")


@dataclass(frozen=True)
class Processor:
    architecture: str
    elf: str
    unit: int
    """Bytes in which instructions are looked for."""
    kind: tuple[int, int]
    registers: Mapping[str, int]
    pc: int
    bits: int


def _named(module: object, prefix: str, names: Mapping[str, str]) -> dict[str, int]:
    return {gdb: getattr(module, f"{prefix}{name}") for gdb, name in names.items()}


_ARM = _named(
    arm_const, "UC_ARM_REG_", {f"r{n}": f"R{n}" for n in range(13)} | {"sp": "SP", "lr": "LR"}
)
_A64 = _named(
    arm64_const,
    "UC_ARM64_REG_",
    {f"x{n}": f"X{n}" for n in range(31)} | {"sp": "SP"} | {f"v{n}": f"V{n}" for n in range(32)},
)
_RISCV = _named(
    riscv_const,
    "UC_RISCV_REG_",
    {name: name.upper() for name in ("ra", "sp", "gp", "tp")}
    | {f"t{n}": f"T{n}" for n in range(7)}
    | {f"a{n}": f"A{n}" for n in range(8)}
    | {f"s{n}": f"S{n}" for n in range(1, 12)}
    | {"fp": "S0"},
)
_X86 = _named(
    x86_const,
    "UC_X86_REG_",
    {f"r{name}": f"R{name.upper()}" for name in ("ax", "bx", "cx", "dx", "si", "di", "sp", "bp")}
    | {f"r{n}": f"R{n}" for n in range(8, 16)}
    | {f"xmm{n}": f"XMM{n}" for n in range(16)},
)
PROCESSORS = [
    Processor(
        "arm",
        "cortexm-isa/cortexm-isa-m3.elf",
        2,
        (uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS),
        _ARM,
        arm_const.UC_ARM_REG_PC,
        32,
    ),
    Processor(
        "riscv:rv32",
        "riscv-isa/riscv-isa-rv32.elf",
        2,
        (uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV32),
        _RISCV,
        riscv_const.UC_RISCV_REG_PC,
        32,
    ),
    Processor(
        "riscv:rv64",
        "riscv-isa/riscv-isa-rv64.elf",
        2,
        (uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV64),
        _RISCV,
        riscv_const.UC_RISCV_REG_PC,
        64,
    ),
    Processor(
        "aarch64",
        "a64-isa/a64-isa.elf",
        4,
        (uc.UC_ARCH_ARM64, uc.UC_MODE_ARM),
        _A64,
        arm64_const.UC_ARM64_REG_PC,
        64,
    ),
    Processor(
        "i386:x86-64",
        "x86-isa/x86-isa.elf",
        1,
        (uc.UC_ARCH_X86, uc.UC_MODE_64),
        _X86,
        x86_const.UC_X86_REG_RIP,
        64,
    ),
]


@dataclass
class Ran:
    """One instruction on one state."""

    before: dict[str, int]
    after: dict[str, int]
    memory: bytes
    """Before."""
    reads: list[tuple[int, int]]
    writes: list[tuple[int, bytes]]


class Lab:
    """Runs single instructions."""

    def __init__(self, processor: Processor) -> None:
        self.processor = processor
        self._uc = uc.Uc(*processor.kind)
        self._uc.mem_map(CODE & ~0xFFF, 0x1000)
        self._uc.mem_map(LOW, SIZE)
        if processor.architecture == "aarch64":
            self._uc.reg_write(arm64_const.UC_ARM64_REG_CPACR_EL1, 3 << 20)
        self._uc.hook_add(uc.UC_HOOK_MEM_READ, self._read)
        self._uc.hook_add(uc.UC_HOOK_MEM_WRITE, self._write)
        self._reads: list[tuple[int, int]] = []
        self._writes: list[tuple[int, bytes]] = []

    def _read(self, _: uc.Uc, kind: int, address: int, size: int, value: int, data: object) -> None:
        self._reads.append((address, size))

    def _write(
        self, _: uc.Uc, kind: int, address: int, size: int, value: int, data: object
    ) -> None:
        whole = value & ((1 << 8 * size) - 1)
        self._writes.append((address, whole.to_bytes(size, "little")))

    def state(self, rng: random.Random) -> dict[str, int]:
        """Small values, pointers, and anything."""
        made = {}
        for name in self.processor.registers:
            if name[0] in "vx" and len(name) > 1 and not self._general(name):
                made[name] = rng.getrandbits(128)
            else:
                made[name] = MIDDLE + 16 * rng.randrange(-64, 64)
        return made

    def _general(self, name: str) -> bool:
        return not name.startswith(("v", "xmm"))

    def run(self, code: bytes, state: Mapping[str, int], memory: bytes) -> Ran | None:
        """None: it cannot be done, or goes elsewhere."""
        processor, machine = self.processor, self._uc
        machine.mem_write(LOW, memory)
        machine.mem_write(CODE, code + bytes(0x800))
        machine.ctl_remove_cache(CODE, CODE + 32)
        for name, value in state.items():
            machine.reg_write(processor.registers[name], value)
        if processor.architecture == "arm":
            machine.reg_write(arm_const.UC_ARM_REG_CPSR, 0x20)
        elif processor.architecture == "aarch64":
            machine.reg_write(arm64_const.UC_ARM64_REG_NZCV, 0)
        elif processor.architecture == "i386:x86-64":
            machine.reg_write(x86_const.UC_X86_REG_EFLAGS, 2)
        self._reads, self._writes = [], []
        thumb = processor.architecture == "arm"
        try:
            machine.emu_start(CODE | thumb, CODE + len(code), count=1)
        except uc.UcError:
            return None
        after = {name: machine.reg_read(number) for name, number in processor.registers.items()}
        return Ran(dict(state), after, memory, self._reads, self._writes)


def _instructions(processor: Processor) -> Iterator[bytes]:
    """One of each kind of the firmware: the same mnemonic with operands of the same kinds."""
    seen = set()
    tool = disassembler(processor.architecture)
    for segment in load_image(str(FIRMWARE / processor.elf)).segments:
        at = 0
        while at < len(segment.data):
            found = next(tool.disasm(segment.data[at : at + 16], CODE, 1), None)
            if found is None:
                at += processor.unit
                continue
            at += found.size
            shape = (
                found.mnemonic,
                found.size,
                *(
                    (op.type, len(str(found.reg_name(op.reg))) if op.type == 1 else 0)
                    for op in found.operands
                ),
            )
            if shape not in seen:
                seen.add(shape)
                yield bytes(found.bytes)


def _value(state: Mapping[str, int], processor: Processor) -> Mapping[str, int]:
    special = {"pc": CODE + 4 if processor.architecture == "arm" else CODE, "rip": CODE}
    return {"zero": 0, "xzr": 0, "wzr": 0, "fs_base": 0, "gs_base": 0, **special, **state}


def _wrong(
    processor: Processor, lab: Lab, found: Instruction, code: bytes, rng: random.Random
) -> Iterator[str]:
    memory = rng.randbytes(SIZE)
    ran = lab.run(code, lab.state(rng), memory)
    if ran is None:
        return
    changed = {name for name in ran.before if ran.before[name] != ran.after[name]}
    if not changed <= found.sets:
        yield f"changes {sorted(changed - found.sets)}"
    known = _value(ran.before, processor)
    mask = (1 << processor.bits) - 1
    address = None if found.address is None else found.address(known.__getitem__) & mask
    written = {at + n: data[n] for at, data in ran.writes for n in range(len(data))}
    covered: dict[int, tuple[str, int]] = {}
    for offset, size, register in found.stores:
        assert address is not None
        covered |= {address + offset + n: (register, n) for n in range(size)}
    if not written.keys() <= covered.keys():
        yield f"writes {ran.writes}, and not {found.stores} at {address}"
    for at, byte in written.items():
        register, n = covered.get(at, ("", 0))
        if found.system == STORED:
            continue  # if it fails, the hook is told what was there
        if found.copies is not None:
            place = found.copies(known.__getitem__) + n - LOW
            if memory[place] != byte:
                yield f"{byte:#x} is not what is at {place + LOW:#x}"
        if register in ran.before and ran.before[register] >> 8 * n & 0xFF != byte:
            yield f"writes {ran.writes}, which is not {register}"
    for register, offset in found.loads.items():
        if register not in ran.after or not ran.reads:
            continue
        assert address is not None
        at = (address + offset & mask) - LOW
        data = int.from_bytes(memory[at : at + found.width], "little")
        low = (1 << 8 * found.width) - 1
        if (ran.after[register] ^ data) & low:
            yield f"{register} is not what is at {at + LOW:#x}"
    yield from _wrong_bits(lab, found, code, ran, rng)
    # What is not said to matter does not: all of that is otherwise, at once.
    matters = {*found.reads, *found.bases, *found.loads, found.target, found.divisor}
    matters |= {register for _, _, register in found.stores}
    state = {
        name: value if name in matters else value ^ 0x150 for name, value in ran.before.items()
    }
    other = lab.run(code, state, memory)
    if other is None or found.system or not {*found.reads} <= {*known, *FLAGS}:
        return  # a register that stays from one run to the next
    differ = {one for one in found.sets & ran.after.keys() if other.after[one] != ran.after[one]}
    if differ:
        yield f"{sorted(differ)} depend on more than {sorted(matters)}"
    if other.writes != ran.writes:
        yield f"what it writes depends on more than {sorted(matters)}"
    reads = found.loads or found.operand or found.copies or found.system
    discarded = "zero," in found.text or "zr," in found.text
    if ran.reads and ran.writes and not reads and not discarded:
        yield "reads memory"


def _wrong_bits(
    lab: Lab, found: Instruction, code: bytes, ran: Ran, rng: random.Random
) -> Iterator[str]:
    """Bits of a result change with none of an operand's that it is said not to need."""
    names = lab.processor.registers
    for result, made in found.made.items():
        operands = {one for one, _ in made if one in names}
        if result not in names or result in found.bases:
            continue
        for _ in range(12):
            low = 8 * rng.randrange(8)
            mask = (1 << low + 8 * rng.randrange(1, 9)) - (1 << low)
            needed = dict.fromkeys(operands, 0)
            for one, needs in made:
                if one in needed:
                    needed[one] |= needs(mask, lambda name: ran.before.get(name, 0))
            flips = {one: rng.getrandbits(64) & ~needed[one] for one in operands}
            if rng.random() < 0.5:  # one bit of one of them
                flips = {one: bits & 1 << rng.randrange(64) for one, bits in flips.items()}
            for one, bits in flips.items():
                state = {**ran.before, one: ran.before[one] ^ bits & (1 << lab.processor.bits) - 1}
                other = lab.run(code, state, ran.memory)
                if other and (other.after[result] ^ ran.after[result]) & mask:
                    yield f"bits {mask:#x} of {result} need {needed[one]:#x} of {one}"


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda one: one.architecture)
def test_as_it_runs(processor: Processor) -> None:
    lab, rng = Lab(processor), random.Random(1)
    wrong: dict[str, set[str]] = {}
    count = 0
    for code in _instructions(processor):
        found = decode(processor.architecture, code, CODE)
        if found is None or found.leaves:
            continue
        count += 1
        for _ in range(_TRIES):
            for one in _wrong(processor, lab, found, code, rng):
                wrong.setdefault(f"{found.text} [{code.hex()}]", set()).add(one)
    assert count > 100
    assert not wrong, "\n".join(f"{text}: {what}" for text, what in wrong.items())


@pytest.mark.parametrize(
    ("architecture", "code", "reads", "operand", "system"),
    [
        ("aarch64", "03f6036f", (), False, ""),  # fmov v3.2d, #1.0
        ("aarch64", "0310601e", (), False, ""),  # fmov d3, #2.0
        ("aarch64", "20b818d5", ("x0",), False, ""),  # msr
        ("aarch64", "40d03bd5", ("tpidr_el0",), False, ""),  # mrs
        ("aarch64", "40e03bd5", (), False, "cntvct_el0"),
        ("i386:x86-64", "f20f59050302", None, None, None),  # cut short: none
        ("i386:x86-64", "f20f590503020000", ("xmm0",), True, ""),  # mulsd
        ("i386:x86-64", "4829c0", (), False, ""),  # sub rax, rax: 0
        ("i386:x86-64", "dd442410", (), True, "the x87"),  # fld
        ("i386:x86-64", "0f31", (), False, "rdtsc"),
        ("riscv:rv64", "732500c0", (), False, "cycle"),  # rdcycle a0
        ("arm", "abbe", (), False, "a call of the host"),  # bkpt 0xab
        ("arm", "10b5", (), False, ""),  # push: of nothing but its base
    ],
)
def test_what_a_result_is_made_of(
    architecture: str,
    code: str,
    reads: tuple[str, ...] | None,
    operand: bool | None,
    system: str | None,
) -> None:
    found = decode(architecture, bytes.fromhex(code), CODE)
    if found is None:
        assert reads is None
        return
    values = tuple(one for one in found.reads if one not in ("fpsw", "fpcr", "rip"))
    assert (values, found.operand, found.system) == (reads, operand, system), found
