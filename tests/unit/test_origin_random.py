"""Random programs, and what plain Unicorn makes of them with other data: what changes a value at
the end is what the value came from.

TTD_SEED makes other programs.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import unicorn as uc
from unicorn import arm64_const, arm_const, riscv_const, x86_const

from ttd.host.semihost_files import SemihostFiles
from ttd.questions.origin import origin
from ttd.questions.past import Past
from ttd.recorded import RecordedMachine

pytestmark = pytest.mark.slow
"""`make check` does without."""

RAM, CODE = 0x100000, 0x200
DATA, SIZE = 0x40, 32
"""Where in RAM the data of a program are, and its memory: so many bytes."""
SEED = os.environ.get("TTD_SEED", "")
_ROUNDS = 3
_LENGTH = 24
Rng = random.Random


@dataclass(frozen=True)
class Language:
    """Instructions of a processor. Registers are numbers; `moves` only move bytes, some of them."""

    name: str
    kind: tuple[int, int]
    registers: Sequence[str]
    ids: Sequence[int]
    pc: int
    first: bytes
    """What stands at the first address, and leads to the code."""
    begin: Callable[[], bytes]
    """The base of the data, and the counter of rounds."""
    moves: Callable[[Rng], bytes]
    computes: Callable[[Rng], bytes]
    again: Callable[[int], bytes]
    """Count, and go back by so many bytes, unless that was the last time; then stay there."""


def _halves(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}H", *words)


def _words(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


def _access(rng: Rng, sizes: Sequence[int]) -> tuple[int, int]:
    """How many bytes, and at which multiple of that."""
    size = rng.choice(sizes)
    return size, rng.randrange(SIZE // size)


def _thumb_moves(rng: Rng) -> bytes:
    a, b = rng.randrange(6), rng.randrange(6)
    size, at = _access(rng, (1, 2, 4))
    load = {1: 0x7800, 2: 0x8800, 4: 0x6800}[size] | at << 6 | 6 << 3 | a
    store = {1: 0x7000, 2: 0x8000, 4: 0x6000}[size] | at << 6 | 6 << 3 | a
    return _halves(
        *rng.choice(
            [
                [load],
                [store],
                [store],
                [0x4600 | b << 3 | a],  # mov
                [0xB2C0 | b << 3 | a],  # uxtb
                [0xB280 | b << 3 | a],  # uxth
                [0xB400 | 1 << a, 0xBC00 | 1 << b],  # push, pop
                [0x2000 | a << 8 | rng.randrange(256)],  # movs
                [rng.choice((0xE9D6, 0xE9C6)), a << 12 | (a + 1) % 6 << 8 | 1],  # ldrd, strd
                [rng.choice((0xBA00, 0xBA40, 0xB240, 0xB200)) | b << 3 | a],  # rev, rev16, sxt
                [rng.choice((0x0200, 0x0400, 0x0A00, 0x0E00)) | b << 3 | a],  # lsls, lsrs
                [0xF3C0 | b, 2 * rng.randrange(4) << 12 | a << 8 | 7],  # ubfx: a byte
                [0xF360 | b, 2 * rng.randrange(2) << 12 | a << 8 | rng.choice((15, 23, 31))],  # bfi
                [0xF2C0 | rng.randrange(16), a << 8 | rng.randrange(256)],  # movt
                [rng.choice((0xE886, 0xE896)), 1 << a | 1 << (a + 2) % 6],  # stm, ldm
                # ldrex, strex: whether it was stored goes to another
                *[[0xE856, a << 12 | 0xF00 | 1, 0xE846, b << 12 | (b + 1) % 6 << 8 | 1]] * (a != b),
                # cmp r7, #2; ite; mov a; mov b
                [0x2F02, rng.choice((0xBF0C, 0xBFD4, 0xBF34)), 0x4600 | b << 3 | a, 0x4600 | a],
            ]
        )
    )


def _thumb_computes(rng: Rng) -> bytes:
    a, b, c = (rng.randrange(6) for _ in range(3))
    return _halves(
        rng.choice(
            [
                0x1800 | c << 6 | b << 3 | a,  # adds
                0x1A00 | c << 6 | b << 3 | a,  # subs
                0x4040 | b << 3 | a,  # eors
                0x4340 | b << 3 | a,  # muls
                0x3000 | a << 8 | rng.randrange(256),  # adds
                0x0000 | rng.randrange(1, 31) << 6 | b << 3 | a,  # lsls
                *(0x4140 | b << 3 | a, 0x4180 | b << 3 | a),  # adcs, sbcs
                *(0x4000 | b << 3 | a, 0x4300 | b << 3 | a, 0x4380 | b << 3 | a),  # and, orr, bic
                rng.choice((0x4080, 0x40C0, 0x4100, 0x41C0)) | b << 3 | a,  # shifts by a register
            ]
        )
    )


def _a64_moves(rng: Rng) -> bytes:
    a, b = rng.randrange(6), rng.randrange(6)
    size, at = _access(rng, (1, 2, 4, 8))
    top = {1: 0x39000000, 2: 0x79000000, 4: 0xB9000000, 8: 0xF9000000}[size]
    access = top | at << 10 | 20 << 5 | a
    pair = 0xA9000000 | rng.randrange(3) << 15 | 9 << 10 | 20 << 5 | a
    return _words(
        *rng.choice(
            [
                [access | 1 << 22],
                [access],
                [access],
                [0xAA0003E0 | b << 16 | a],  # mov
                [0xD2800000 | rng.randrange(1 << 16) << 5 | a],  # movz
                [pair],
                [pair | 1 << 22],
                [0xF81F0FE0 | a, 0xF84107E0 | b],  # str [sp, #-16]!; ldr [sp], #16
                [rng.choice((0xDAC00C00, 0x5AC00800, 0xDAC00400)) | b << 5 | a],  # rev, rev16
                [0xD3401C00 | at * 8 % 64 << 16 | (at * 8 % 64 << 10) | b << 5 | a],  # ubfx: a byte
                [0xB3400000 | 8 * rng.randrange(1, 8) << 16 | 7 << 10 | b << 5 | a],  # bfi
                [0xF2800000 | rng.randrange(4) << 21 | rng.randrange(1 << 16) << 5 | a],  # movk
                [0x2A0003E0 | b << 16 | a],  # mov w
                # cmp x19, #2; csel
                [0xF1000A7F, 0x9A800000 | b << 16 | rng.choice((0, 1, 2, 8, 13)) << 12 | a],
                [0xD51BD040 | a, 0xD53BD040 | b],  # msr, mrs tpidr_el0
                # ldxr, stxr: whether it was stored goes to another
                [0xC85F7C00 | 20 << 5 | a, 0xC8007C00 | (b + 1) % 6 << 16 | 20 << 5 | b],
            ]
        )
    )


def _a64_computes(rng: Rng) -> bytes:
    a, b, c = (rng.randrange(6) for _ in range(3))
    three = c << 16 | b << 5 | a
    tops = (0x8B000000, 0xCB000000, 0xCA000000, 0x0B000000, 0x9B007C00, 0xAA000000, 0x8A200000)
    tops += (0xAB000000, 0xBA000000, 0xFA000000, 0x9AC02000, 0x1AC02400, 0x8A000C00, 0x93C02000)
    return _words(rng.choice([top | three for top in tops]))


def _riscv_moves(rng: Rng) -> bytes:
    a, b = rng.randrange(10, 16), rng.randrange(10, 16)
    size, at = _access(rng, (1, 2, 4, 8))
    where, width = at * size, size.bit_length() - 1
    return _words(
        *rng.choice(
            [
                [at * 8 % 64 << 20 | b << 15 | rng.choice((0x1013, 0x5013)) | a << 7],  # slli, srli
                [0xFF << 20 | b << 15 | 0x7013 | a << 7],  # andi
                [b << 15 | 0x1B | a << 7],  # sext.w
                [0x34001073 | a << 15, 0x34002073 | b << 7],  # csrw, csrr mscratch
                [0x34001073 | a << 15 | b << 7],  # csrrw
                # lr.d, sc.d: whether it was stored goes to another; amoswap.d
                [0x1004B02F | a << 7, 0x1804B02F | b << 20 | (10 + (b - 9) % 6) << 7],
                [0x0804B02F | a << 20 | b << 7],
                [where << 20 | 9 << 15 | width << 12 | a << 7 | 0x03],
                [where << 20 | 9 << 15 | (width | 4 if size < 8 else 3) << 12 | a << 7 | 0x03],
                [(where >> 5) << 25 | a << 20 | 9 << 15 | width << 12 | (where & 31) << 7 | 0x23],
                [(where >> 5) << 25 | a << 20 | 9 << 15 | width << 12 | (where & 31) << 7 | 0x23],
                [b << 15 | a << 7 | 0x13],  # mv
                [rng.randrange(1 << 11) << 20 | a << 7 | 0x13],  # li
            ]
        )
    )


def _riscv_computes(rng: Rng) -> bytes:
    a, b, c = (rng.randrange(10, 16) for _ in range(3))
    three = c << 20 | b << 15 | a << 7
    kinds = (0x33, 0x40000033, 0x4033, 0x6033, 0x02000033, 0x3B, 0x7033, 0x1033, 0x5033, 0x3033)
    return _words(rng.choice([three | kind for kind in kinds]))


def _x86_block(rng: Rng) -> bytes:
    """Push %rcx, let %rsi and %rdi lead to data, mov to %ecx, rep movsb or stosb, pop %rcx."""
    count = rng.randrange(1, 9)
    source, target = rng.randrange(SIZE - count), rng.randrange(SIZE - count)
    leas = bytes([0x48, 0x8D, 0x73, source, 0x48, 0x8D, 0x7B, target])
    return (
        b"\x51"
        + leas
        + b"\xb9"
        + _words(count)
        + b"\xf3"
        + rng.choice((b"\xa4", b"\xaa"))
        + b"\x59"
    )


def _x86_moves(rng: Rng) -> bytes:
    a, b = rng.randrange(3), rng.randrange(3)
    size, at = _access(rng, (1, 2, 4, 8))
    memory = bytes([0x40 | a << 3 | 3, at * size])
    wide = {1: b"\x40", 2: b"\x66", 4: b"", 8: b"\x48"}[size]
    high = bytes([0xC0 | rng.choice((0, 1, 2, 4, 5, 6)) << 3 | rng.choice((0, 1, 2, 4, 5, 6))])
    return rng.choice(
        [
            (b"\x0f\xb6" if size == 1 else wide + b"\x8b") + memory,
            *(b"\x8a" + memory, b"\x86" + memory),  # mov to a part, xchg
            *(b"\x8a" + high, b"\x88" + high, b"\x86" + high),
            *(b"\x66\x89" + bytes([0xC0 | b << 3 | a]), b"\x66\x98", b"\x48\x98"),
            b"\x0f\xb6" + bytes([high[0] & 0xC7 | a << 3]),
            *(b"\x48\x0f" + bytes([0xC8 + a]), b"\x0f" + bytes([0xC8 + b])),  # bswap
            b"\x48\xc1" + bytes([rng.choice((0xC0, 0xC8, 0xE0, 0xE8)) | a, 8 * at % 64]),
            # cmp $2, %r15; cmov
            b"\x49\x83\xff\x02\x48\x0f" + bytes([rng.randrange(0x42, 0x50), 0xC0 | b << 3 | a]),
            b"\x48\x0f\xbe" + memory,  # movsx
            wide + (b"\x88" if size == 1 else b"\x89") + memory,
            wide + (b"\x88" if size == 1 else b"\x89") + memory,
            b"\x48\x89" + bytes([0xC0 | b << 3 | a]),
            bytes([0x50 + a, 0x58 + b]),
            _x86_block(rng),
            bytes([0xB8 + a]) + rng.randbytes(4),
        ]
    )


def _x86_computes(rng: Rng) -> bytes:
    a, b = rng.randrange(3), rng.randrange(3)
    size, at = _access(rng, (4, 8))
    wide = b"\x48" if size == 8 else b""
    both, memory = bytes([0xC0 | b << 3 | a]), bytes([0x40 | a << 3 | 3, at * size])
    return rng.choice(
        [
            *(wide + op + both for op in (b"\x01", b"\x29", b"\x31", b"\x09", b"\x21")),
            *(wide + op + both for op in (b"\x11", b"\x19")),  # adc, sbb
            *(b"\x00" + both, b"\x20" + both, b"\x08" + both),  # of bytes
            b"\x0f" + bytes([rng.randrange(0x92, 0x96), 0xC0 | a]),  # setcc
            wide + b"\xd3" + bytes([rng.choice((0xC0, 0xC8, 0xE0, 0xE8, 0xF8)) | a]),  # by %cl
            wide + b"\x01" + memory,
            wide + b"\x03" + memory,
            wide + b"\x0f\xc1" + memory,  # xadd
            wide + b"\x87" + memory,  # xchg
            b"\x48\x0f\xaf" + both,
        ]
    )


LANGUAGES = [
    Language(
        "cortex-m3",
        (uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS),
        [f"r{n}" for n in range(6)],
        [arm_const.UC_ARM_REG_R0 + n for n in range(6)],
        arm_const.UC_ARM_REG_PC,
        _words(RAM + 0x800, RAM + CODE + 1),
        # movs r6, #0x10; lsls r6, #16; adds r6, #DATA; movs r7
        lambda: _halves(0x2610, 0x0436, 0x3600 | DATA, 0x2700 | _ROUNDS),
        _thumb_moves,
        _thumb_computes,
        lambda back: _halves(0x3F01, 0xD100 | (-(back + 6) // 2 & 0xFF), 0xE7FE),
    ),
    Language(
        "aarch64",
        (uc.UC_ARCH_ARM64, uc.UC_MODE_ARM),
        [f"x{n}" for n in range(6)],
        [arm64_const.UC_ARM64_REG_X0 + n for n in range(6)],
        arm64_const.UC_ARM64_REG_PC,
        _words(0x14000000 | CODE // 4),
        # movz x20, #0x10, lsl #16; add x20, x20, #DATA; add x21, x20, #0x400; mov sp, x21; movz x19
        lambda: _words(
            *(0xD2A00214, 0x91000294 | DATA << 10, 0x91100295, 0x910002BF),
            0xD2800013 | _ROUNDS << 5,
        ),
        _a64_moves,
        _a64_computes,
        lambda back: _words(0xF1000673, 0x54000001 | (-(back + 4) // 4 & 0x7FFFF) << 5, 0x14000000),
    ),
    Language(
        "rv64",
        (uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV64),
        [f"a{n}" for n in range(6)],
        [riscv_const.UC_RISCV_REG_X10 + n for n in range(6)],
        riscv_const.UC_RISCV_REG_PC,
        _words(CODE << 20 | 0x6F),
        # lui s1, 0x100; addi s1, s1, DATA; li s2
        lambda: _words(0x001004B7, DATA << 20 | 0x00048493, _ROUNDS << 20 | 0x00000913),
        _riscv_moves,
        _riscv_computes,
        lambda back: _words(0xFFF90913, _branch(-(back + 4)), 0x0000006F),
    ),
    Language(
        "x86-64",
        (uc.UC_ARCH_X86, uc.UC_MODE_64),
        ["rax", "rcx", "rdx"],
        [x86_const.UC_X86_REG_RAX, x86_const.UC_X86_REG_RCX, x86_const.UC_X86_REG_RDX],
        x86_const.UC_X86_REG_RIP,
        b"\xe9" + _words(CODE - 5),
        # mov $RAM + DATA, %ebx; lea 0x400(%rbx), %rsp; mov $_ROUNDS, %r15d
        lambda: (
            b"\xbb"
            + _words(RAM + DATA)
            + b"\x48\x8d\xa3"
            + _words(0x400)
            + b"\x41\xbf"
            + _words(_ROUNDS)
        ),
        _x86_moves,
        _x86_computes,
        lambda back: b"\x49\xff\xcf\x0f\x85" + struct.pack("<i", -(back + 9)) + b"\xeb\xfe",
    ),
]


def _branch(offset: int) -> int:
    """BNE s2, zero."""
    bits = offset & 0x1FFF
    return (
        (bits >> 12) << 31
        | (bits >> 5 & 63) << 25
        | 18 << 15
        | 1 << 12
        | (bits >> 1 & 15) << 8
        | (bits >> 11 & 1) << 7
        | 0x63
    )


class Program:
    """Random instructions, several times."""

    def __init__(self, language: Language, rng: Rng, computes: bool) -> None:
        self.language = language
        begin = language.begin()
        body = b"".join(
            (language.computes if computes and rng.random() < 0.4 else language.moves)(rng)
            for _ in range(_LENGTH)
        )
        code = begin + body + language.again(len(body))
        self.data = rng.randbytes(SIZE)
        image = language.first.ljust(DATA, b"\0") + self.data
        self.image = image.ljust(CODE, b"\0") + code
        self.end = RAM + len(self.image) - {"cortex-m3": 2, "x86-64": 2}.get(language.name, 4)

    def run(self, data: bytes) -> tuple[dict[str, int], bytes]:
        """Registers, and memory, at the end."""
        language = self.language
        machine = uc.Uc(*language.kind)
        machine.mem_map(RAM, 0x10000)
        machine.mem_write(RAM, self.image[:DATA] + data + self.image[DATA + SIZE :])
        if language.name == "cortex-m3":
            machine.reg_write(arm_const.UC_ARM_REG_SP, RAM + 0x800)
        machine.emu_start(RAM + CODE | (language.name == "cortex-m3"), self.end)
        registers = {
            name: machine.reg_read(number)
            for name, number in zip(language.registers, language.ids, strict=True)
        }
        return registers, bytes(machine.mem_read(RAM + DATA, SIZE))


def _past(tmp_path: Path, program: Program) -> Past:
    binary, path = tmp_path / "program.bin", str(tmp_path / "run.ttd")
    binary.write_bytes(program.image)
    words = ("record", "--board", "raw", "--cpu", program.language.name, "--ram", f"{RAM:#x}:64K")
    load = ("--load", f"{binary}@{RAM:#x}", "--steps", "2000", "-o", path)
    command = [sys.executable, "-m", "ttd", *words, *load]
    done = subprocess.run(command, check=False, capture_output=True)
    assert not done.returncode, done.stderr.decode()
    session = RecordedMachine.open(path, SemihostFiles(None))
    session.timeline.seek(session.timeline.end)
    return Past(session)


@pytest.mark.parametrize("computes", [False, True], ids=["moves", "computes"])
@pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.name)
def test_what_changes_a_value_is_its_origin(
    tmp_path: Path, language: Language, computes: bool
) -> None:
    program = Program(language, random.Random(f"{language.name} {computes} {SEED}"), computes)
    past = _past(tmp_path, program)
    registers, memory = program.run(program.data)
    assert past.machine.read_memory(RAM + DATA, SIZE) == memory
    others = []
    for at in range(SIZE):
        for flip in (0xFF, 0x01, 0x80):
            data = bytearray(program.data)
            data[at] ^= flip
            others.append((at, program.run(bytes(data))))
    for name, value in registers.items():
        assert past.timeline.cpu.read_register(name) == value
        changing = {at for at, (other, _) in others if other[name] != value}
        _check(past, name, changing, computes)
    for place in range(SIZE):
        changing = {at for at, (_, other) in others if other[place] != memory[place]}
        _check(past, f"{RAM + DATA + place:#x}:1", changing, computes)


def _check(past: Past, what: str, changing: set[int], computes: bool) -> None:
    rows = origin(past, what, past.timeline.position)
    said = "\n".join(row.told for row in rows)
    assert rows, what
    if "There is more" in said or "operands that are not shown" in said:
        return
    found = set()
    for row in rows:
        if row.kind == "image":
            assert row.address is not None
            found |= {row.address + n - RAM - DATA for n in range(row.size)}
    assert changing <= found, f"{what}: {sorted(changing - found)}\n{said}"
    if not computes:
        # Bytes of which only the sign is left may be there and change nothing.
        assert all(0 <= at < SIZE for at in found), f"{what}: {said}"
        assert changing == found or _extends(said), (
            f"{what}: {sorted(changing)}, and not {sorted(found)}:\n{said}"
        )


def _extends(said: str) -> bool:
    return any(word in said for word in ("lb ", "lh ", "lw ", "movsx"))
