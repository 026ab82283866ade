"""Random RISC-V programs for the tests of engine and processor model, and a small assembler.

A program is a loop over random items. It may use x1 to x15 and f0 to f31; these it finds set:

    s2 data   s3 the device   s4 the code itself   s5 nowhere   s6 near the end of a page
    s7 rounds to go   s8 the page table entry of the data   s11 where to go on if code is lost

x28 to x31 are the trap handlers'. x30 collects what traps there were.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

U, S, M = 0, 1, 3

RAM, RAM_SIZE = 0x80000000, 0x20000
HANDLERS, TABLES, CODE = RAM, RAM + 0x4000, RAM + 0x10000
DATA, OTHER_DATA = RAM + 0x14000, RAM + 0x16000
DEVICE, NOWHERE = 0x10000000, 0x50000000
LOWER, FINISH = 0x40, 0x44
"""Device registers: a write lowers all interrupt lines; or ends the program."""
V_CODE, V_DATA = 0x40000000, 0x40010000
"""Where a program that runs with paging has its code and data."""

S2, S3, S4, S5, S6, S7, S8, S11 = 18, 19, 20, 21, 22, 23, 24, 27
T3, T4, T5, T6 = 28, 29, 30, 31

# Assembler ---------------------------------------------------------------------------------------


def word(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(4, "little")


def half(value: int) -> bytes:
    return value.to_bytes(2, "little")


def r_type(opcode: int, f3: int, f7: int, rd: int, rs1: int, rs2: int) -> bytes:
    return word(f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode)


def i_type(opcode: int, f3: int, rd: int, rs1: int, imm: int) -> bytes:
    return word((imm & 0xFFF) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode)


def s_type(opcode: int, f3: int, rs1: int, rs2: int, imm: int) -> bytes:
    return word(
        (imm >> 5 & 0x7F) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (imm & 31) << 7 | opcode
    )


def b_type(f3: int, rs1: int, rs2: int, offset: int) -> bytes:
    return word(
        (offset >> 12 & 1) << 31
        | (offset >> 5 & 0x3F) << 25
        | rs2 << 20
        | rs1 << 15
        | f3 << 12
        | (offset >> 1 & 15) << 8
        | (offset >> 11 & 1) << 7
        | 0x63
    )


def addi(rd: int, rs1: int, imm: int) -> bytes:
    return i_type(0x13, 0, rd, rs1, imm)


def lui(rd: int, upper: int) -> bytes:
    return word(upper & 0xFFFFF000 | rd << 7 | 0x37)


def li(rd: int, value: int) -> bytes:
    """A value that a sign-extended 32-bit one is."""
    upper = value + 0x800 & 0xFFFFF000
    return lui(rd, upper) + i_type(0x13, 0, rd, rd, value)


def load(f3: int, rd: int, rs1: int, imm: int) -> bytes:
    return i_type(0x03, f3, rd, rs1, imm)


def store(f3: int, rs2: int, rs1: int, imm: int) -> bytes:
    return s_type(0x23, f3, rs1, rs2, imm)


def csrrw(rd: int, csr: int, rs1: int) -> bytes:
    return i_type(0x73, 1, rd, rs1, csr)


def csrrs(rd: int, csr: int, rs1: int) -> bytes:
    return i_type(0x73, 2, rd, rs1, csr)


def csrrc(rd: int, csr: int, rs1: int) -> bytes:
    return i_type(0x73, 3, rd, rs1, csr)


def jump(offset: int) -> bytes:
    """jal x0"""
    return word(
        (offset >> 20 & 1) << 31
        | (offset >> 1 & 0x3FF) << 21
        | (offset >> 11 & 1) << 20
        | (offset >> 12 & 0xFF) << 12
        | 0x6F
    )


ECALL, EBREAK, WFI, FENCE_I, SFENCE = (
    word(value) for value in (0x00000073, 0x00100073, 0x10500073, 0x0000100F, 0x12000073)
)
MRET, SRET = word(0x30200073), word(0x10200073)


# Trap handlers -----------------------------------------------------------------------------------


def _handler(supervisor: bool) -> bytes:
    """Note the trap; after an interrupt end its cause, else pass over the instruction."""
    base = 0x100 if supervisor else 0x300
    status, enable = base, base + 4
    epc, cause, tval, pending = (base + n for n in (0x41, 0x42, 0x43, 0x44))
    # What lets the handler read an instruction: MPRV and MXR; in S-mode SUM is always on.
    see = 0x80000 if supervisor else 0xA0000
    note = (
        csrrs(T3, cause, 0)
        + csrrs(T4, tval, 0)
        + i_type(0x13, 1, T6, T5, 1)  # slli
        + r_type(0x33, 4, 0, T5, T6, T3)  # xor
        + r_type(0x33, 4, 0, T5, T5, T4)
    )
    end_cause = (
        li(T4, 0x222)
        + csrrc(0, pending, T4)
        + (li(T4, 0x220) + csrrc(0, enable, T4) if supervisor else b"")
        + lui(T4, DEVICE)
        + (b"" if supervisor else store(2, 0, T4, LOWER))
    )
    ret = SRET if supervisor else MRET
    lost = csrrw(0, epc, S11) + ret
    skip = (
        lui(T4, see)
        + csrrs(0, status, T4)
        + csrrs(T6, epc, 0)
        + load(5, T6, T6, 0)
        + csrrc(0, status, T4)
        + i_type(0x13, 7, T6, T6, 3)  # andi
        + addi(T6, T6, -3)
        + i_type(0x13, 3, T6, T6, 1)  # seqz
        + i_type(0x13, 1, T6, T6, 1)
        + addi(T6, T6, 2)
        + csrrs(T4, epc, 0)
        + r_type(0x33, 0, 0, T4, T4, T6)
        + csrrw(0, epc, T4)
        + ret
    )
    fetch = b"".join(
        addi(T4, 0, code) + b_type(1, T3, T4, 4 + len(lost)) + lost for code in (1, 12)
    )
    return note + b_type(5, T3, 0, 4 + len(end_cause + ret)) + end_cause + ret + fetch + skip


MACHINE_HANDLER, SUPERVISOR_HANDLER = HANDLERS, HANDLERS + 0x400


def handlers() -> bytes:
    return _handler(False).ljust(0x400, b"\0") + _handler(True)


# Page tables -------------------------------------------------------------------------------------

V, R, W, X, USER, A, D = 1, 2, 4, 8, 16, 64, 128


class PageTables:
    """Sv39 or Sv32 tables, built as they are needed."""

    def __init__(self, xlen: int) -> None:
        self.size = xlen // 8
        self.bits, self.levels = (9, 3) if xlen == 64 else (10, 2)
        self.memory: dict[int, int] = {}
        self.used = 1

    def map(self, virtual: int, physical: int, flags: int) -> int:
        """Map a page of 4 KiB; returns the address of its entry."""
        table = TABLES
        for level in reversed(range(self.levels)):
            index = virtual >> 12 + level * self.bits & (1 << self.bits) - 1
            entry = table + index * self.size
            if level:
                if entry not in self.memory:
                    self.memory[entry] = (TABLES + self.used * 0x1000) >> 2 | V
                    self.used += 1
                table = self.memory[entry] >> 10 << 12
        assert self.used <= (CODE - TABLES) // 0x1000
        self.memory[entry] = physical >> 2 | V | flags
        return entry

    @property
    def satp(self) -> int:
        return TABLES >> 12 | (8 << 60 if self.size == 8 else 1 << 31)


# Programs ----------------------------------------------------------------------------------------

FREE = st.integers(1, 15)
SHORT = st.integers(8, 15)
FP = st.integers(0, 31)
IMM = st.integers(-2048, 2047)
OFFSET = st.integers(0, 63)


@dataclass(frozen=True)
class Program:
    """What the test machine starts with."""

    xlen: int
    mode: int
    paging: bool
    code: bytes
    rounds: int
    delegate: bool
    enables: int
    """mie, and whether mstatus.MIE and SIE are on (bits 16, 17)."""
    lines: tuple[tuple[int, int], ...]
    """(step, number): an interrupt input goes up."""
    seeds: tuple[int, ...]


LR = i_type(0x2F, 2, 10, S2, 0x100)


def _alu(xlen: int) -> st.SearchStrategy[bytes]:
    register = st.builds(
        r_type, st.just(0x33), st.integers(0, 7), st.sampled_from([0, 1]), FREE, FREE, FREE
    )
    sub = st.builds(r_type, st.just(0x33), st.sampled_from([0, 5]), st.just(0x20), FREE, FREE, FREE)
    immediate = st.builds(
        i_type, st.just(0x13), st.sampled_from([0, 2, 3, 4, 6, 7]), FREE, FREE, IMM
    )
    shift = st.builds(
        i_type, st.just(0x13), st.sampled_from([1, 5]), FREE, FREE, st.integers(0, xlen - 1)
    )
    upper = st.builds(lui, FREE, st.integers(0, (1 << 32) - 1))
    # c.addi, c.li, c.mv, c.add, c.sub/xor/or/and
    short = st.one_of(
        st.builds(lambda rd, n: half(0x0001 | rd << 7 | n << 2), FREE, st.integers(1, 31)),
        st.builds(lambda rd, n: half(0x4001 | rd << 7 | n << 2), FREE, st.integers(0, 31)),
        st.builds(lambda rd, rs: half(0x8002 | rd << 7 | rs << 2), FREE, FREE),
        st.builds(lambda rd, rs: half(0x9002 | rd << 7 | rs << 2), FREE, FREE),
        st.builds(
            lambda rd, f, rs: half(0x8C01 | (rd - 8) << 7 | f << 5 | (rs - 8) << 2),
            SHORT,
            st.integers(0, 3),
            SHORT,
        ),
    )
    kinds = [register, sub, immediate, shift, upper, short, short]
    if xlen == 64:
        kinds.append(
            st.builds(
                r_type,
                st.just(0x3B),
                st.sampled_from([0, 4, 5, 6, 7]),
                st.just(1),
                FREE,
                FREE,
                FREE,
            )
        )
    return st.one_of(kinds)


def _memory(xlen: int, base: int, offset: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    loads = [0, 1, 2, 4, 5, *([3, 6] if xlen == 64 else [])]
    return st.one_of(
        st.builds(load, st.sampled_from(loads), FREE, st.just(base), offset),
        st.builds(store, st.integers(0, 3 if xlen == 64 else 2), FREE, st.just(base), offset),
        st.builds(i_type, st.just(0x07), st.sampled_from([2, 3]), FP, st.just(base), offset),
        st.builds(s_type, st.just(0x27), st.sampled_from([2, 3]), st.just(base), FP, offset),
    )


def _device() -> st.SearchStrategy[bytes]:
    offset = st.integers(0, 15).map(lambda n: 4 * n)
    return st.one_of(
        st.builds(load, st.just(2), FREE, st.just(S3), offset),
        st.builds(store, st.just(2), FREE, st.just(S3), offset),
    )


def _atomic(xlen: int) -> st.SearchStrategy[bytes]:
    width = st.sampled_from([2, 3] if xlen == 64 else [2])
    function = st.sampled_from([0, 1, 4, 8, 12, 16, 20, 24, 28])
    at = addi(10, S2, 0)
    amo = st.builds(
        lambda f5, f3, rd, rs2: r_type(0x2F, f3, f5 << 2, rd, S2, rs2), function, width, FREE, FREE
    )
    misaligned = st.builds(
        lambda f5, n, rs2: at + addi(10, 10, n) + r_type(0x2F, 2, f5 << 2, 11, 10, rs2),
        function,
        st.integers(0, 7),
        FREE,
    )
    pair = st.builds(lambda rs2: LR + r_type(0x2F, 2, 3 << 2, 11, S2, rs2), FREE)
    return st.one_of(amo, misaligned, pair)


def _floating(xlen: int) -> st.SearchStrategy[bytes]:
    precision = st.integers(0, 1)
    rounding = st.sampled_from([0, 1, 2, 3, 4, 7, 7, 7])
    arithmetic = st.builds(
        lambda f5, p, rm, rd, a, b: r_type(0x53, rm, f5 << 2 | p, rd, a, b),
        st.integers(0, 3),
        precision,
        rounding,
        FP,
        FP,
        FP,
    )
    root = st.builds(
        lambda p, rm, rd, a: r_type(0x53, rm, 0x2C | p, rd, a, 0), precision, rounding, FP, FP
    )
    fused = st.builds(
        lambda op, p, rm, rd, a, b, c: r_type(op, rm, c << 2 | p, rd, a, b),
        st.sampled_from([0x43, 0x47, 0x4B, 0x4F]),
        precision,
        rounding,
        FP,
        FP,
        FP,
        FP,
    )
    select = st.builds(
        lambda f, f3, p, rd, a, b: r_type(0x53, f3, f | p, rd, a, b),
        st.sampled_from([0x10, 0x14]),
        st.integers(0, 1),
        precision,
        FP,
        FP,
        FP,
    )
    compare = st.builds(
        lambda f3, p, rd, a, b: r_type(0x53, f3, 0x50 | p, rd, a, b),
        st.integers(0, 2),
        precision,
        FREE,
        FP,
        FP,
    )
    kinds = st.integers(0, 3 if xlen == 64 else 1)
    from_float = st.builds(
        lambda p, rm, rd, a, k: r_type(0x53, rm, 0x60 | p, rd, a, k),
        precision,
        rounding,
        FREE,
        FP,
        kinds,
    )
    to_float = st.builds(
        lambda p, rm, rd, a, k: r_type(0x53, rm, 0x68 | p, rd, a, k),
        precision,
        rounding,
        FP,
        FREE,
        kinds,
    )
    convert = st.builds(
        lambda p, rm, rd, a: r_type(0x53, rm, 0x20 | p, rd, a, 1 - p), precision, rounding, FP, FP
    )
    # fmv.x.w, fclass, fmv.w.x; of doubles on RV64 only
    raw = st.builds(
        lambda f, p, f3, rd, a: r_type(0x53, f3 if f == 0x70 else 0, f | p, rd, a, 0),
        st.sampled_from([0x70, 0x78]),
        st.integers(0, 1 if xlen == 64 else 0),
        st.integers(0, 1),
        FP,
        FP,
    )
    memory = st.builds(
        lambda op, f3, f, at: i_type(op, f3, f, S2, at) if op == 7 else store_float(f3, f, at),
        st.sampled_from([0x07, 0x27]),
        st.integers(2, 3),
        FP,
        st.sampled_from([0, 4, 8, 16]),
    )
    return st.one_of(
        arithmetic, root, fused, select, compare, from_float, to_float, convert, raw, memory
    )


def store_float(f3: int, register: int, offset: int) -> bytes:
    """FSW, FSD to the data."""
    return word(register << 20 | S2 << 15 | f3 << 12 | offset << 7 | 0x27)


_FP_CSRS = [0x001, 0x002, 0x003]
_COUNTERS = [0xC00, 0xC01, 0xC02, 0xB00, 0xB02]


def _csr() -> st.SearchStrategy[bytes]:
    """Some are illegal in some modes."""
    operation = st.integers(1, 3)
    floating = st.builds(
        i_type, st.just(0x73), operation, FREE, st.integers(0, 15), st.sampled_from(_FP_CSRS)
    )
    counter = st.builds(csrrs, FREE, st.sampled_from(_COUNTERS), st.just(0))
    move = st.builds(csrrw, FREE, st.sampled_from([0xB00, 0xB02]), FREE)
    scratch = st.builds(csrrw, FREE, st.sampled_from([0x140, 0x340]), FREE)
    pending = st.builds(
        lambda f, csr, bits: li(12, bits) + i_type(0x73, f, 13, 12, csr),
        operation,
        st.sampled_from([0x144, 0x344]),
        st.sampled_from([0x002, 0x020, 0x200, 0x222]),
    )
    enable = st.builds(
        lambda f, csr, bits: li(12, bits) + i_type(0x73, f, 13, 12, csr),
        st.integers(2, 3),
        st.sampled_from([0x104, 0x304]),
        st.sampled_from([0x002, 0x888, 0x222, 0xAAA]),
    )
    gate = st.builds(
        lambda f, csr: i_type(0x73, f, 0, 8 if csr == 0x300 else 2, csr),
        st.sampled_from([6, 7]),
        st.sampled_from([0x100, 0x300]),
    )
    delegation = st.builds(
        lambda f: li(12, 0x222) + i_type(0x73, f, 13, 12, 0x303), st.integers(2, 3)
    )
    look = st.builds(csrrs, FREE, st.sampled_from([0x100, 0x104, 0x300, 0x304, 0x180]), st.just(0))
    unit = st.builds(
        lambda f, csr, bits: li(12, bits) + i_type(0x73, f, 13, 12, csr),
        st.integers(2, 3),
        st.sampled_from([0x100, 0x300]),
        st.sampled_from([0x2000, 0x4000, 0x6000]),
    )
    other = st.builds(
        lambda f, rd, rs, csr: i_type(0x73, f, rd, rs, csr),
        st.sampled_from([1, 2, 3, 5, 6, 7]),
        FREE,
        FREE,
        st.sampled_from([0x106, 0x141, 0x306, 0x323, 0x341, 0x7A0, 0x7A1, 0xB03, 0xC03, 0xF14]),
    )
    return st.one_of(
        floating, counter, move, scratch, pending, enable, gate, delegation, look, unit, other
    )


def _special() -> st.SearchStrategy[bytes]:
    """Reserved encodings, C.FLD, C.FSD and HINTs among them."""
    narrow = (0x9002, 0, 1, 0x8000, 0x8110, 0x9D41, 0x9DFD, 0x6101, 0x6501, 0x8002, 0x4002, 0x2001)
    return st.sampled_from(
        [ECALL, EBREAK, word(0xFFFFFFFF), WFI, FENCE_I, SFENCE, *map(half, narrow)]
        + [half(n) for n in (0x2108, 0xA108, 0x1502, 0x9D01, 0x0005, 0x4001)]
    )


def _entry(xlen: int) -> st.SearchStrategy[bytes]:
    """Change the page table entry of the data: its marks, its rights, its page."""
    size = 3 if xlen == 64 else 2
    flip = st.sampled_from([A, D, A | D, R, W, V])
    change = st.builds(
        lambda bit, fence: (
            load(size, 10, S8, 0)
            + i_type(0x13, 4, 10, 10, bit)
            + store(size, 10, S8, 0)
            + (SFENCE if fence else b"")
        ),
        flip,
        st.booleans(),
    )
    other_page = st.builds(
        lambda fence: (
            li(11, (DATA ^ OTHER_DATA) >> 2)
            + load(size, 10, S8, 0)
            + r_type(0x33, 4, 0, 10, 10, 11)
            + store(size, 10, S8, 0)
            + (SFENCE if fence else b"")
        ),
        st.booleans(),
    )
    return st.one_of(change, other_page)


@cache
def _makers(xlen: int) -> tuple[st.SearchStrategy[bytes], ...]:
    """Kinds of items; the last one is for S-mode with paging only."""
    return (
        _alu(xlen),
        _alu(xlen),
        _memory(xlen, S2, OFFSET),
        _memory(xlen, S6, OFFSET),
        _memory(xlen, S5, OFFSET),
        _device(),
        _atomic(xlen),
        _floating(xlen),
        _floating(xlen),
        _csr(),
        _csr(),
        _special(),
        _entry(xlen),
    )


@st.composite
def programs(draw: st.DrawFn, xlen: int) -> Program:
    """A loop over random items; some write later or earlier instructions of the loop."""
    mode, paging = draw(st.sampled_from([(M, False), (S, True), (S, True), (U, True), (S, False)]))
    makers = _makers(xlen)
    if not paging or mode != S:
        makers = makers[:-1]
    items: list[bytes | tuple[str, int, int]] = []
    patchable: list[int] = []
    spots: list[int] = []
    for _ in range(draw(st.integers(3, 25))):
        kind = draw(st.integers(0, len(makers) + 4))
        if kind < len(makers):
            items.append(draw(makers[kind]))
        elif kind == len(makers):
            items.append(("branch", draw(st.integers(0, 1)), draw(st.integers(1, 3))))
        elif kind == len(makers) + 1:
            patchable.append(len(items))
            items.append(addi(draw(FREE), draw(FREE), draw(IMM)))
        elif kind == len(makers) + 2:
            spots.append(len(items))
            items.append(half(draw(st.sampled_from([0, 1]))) + half(1))
        elif kind == len(makers) + 3:
            items.append(("spot", draw(st.integers(0, 7)), draw(st.integers(0, 5))))
        else:
            items.append(("patch", draw(st.integers(0, 20)), draw(st.integers(0, 5))))
    return Program(
        xlen,
        mode,
        paging,
        _assemble(items, patchable, spots),
        draw(st.integers(1, 4)),
        draw(st.booleans()),
        draw(st.sampled_from([0, 0xAAA, 0x222, 0x888])) | draw(st.integers(0, 3)) << 16,
        tuple(
            draw(
                st.lists(st.tuples(st.integers(0, 300), st.sampled_from([3, 7, 9, 11])), max_size=4)
            )
        ),
        tuple(draw(st.lists(st.integers(0, (1 << 64) - 1), min_size=8, max_size=8))),
    )


_PATCH = 16


def _assemble(
    items: list[bytes | tuple[str, int, int]], patchable: list[int], spots: list[int]
) -> bytes:
    offsets, at = [], 0
    for item in items:
        offsets.append(at)
        at += len(item) if isinstance(item, bytes) else 4 if item[0] == "branch" else _PATCH
    offsets.append(at)
    code = b""
    for index, item in enumerate(items):
        if isinstance(item, bytes):
            code += item
            continue
        name, a, b = item
        if name == "branch":
            target = offsets[min(len(items), index + b)]
            code += b_type(a, 10, 11, target - len(code))
        elif name == "spot" and spots:
            # A short instruction for another, an illegal one among them.
            where = offsets[spots[b % len(spots)]]
            code += addi(11, 0, (0, 1, 0x505, 0x4)[a & 3]) + store(1, 11, S4, where)
            code += (FENCE_I if a & 4 else addi(0, 0, 0)) + addi(0, 0, 0)
        elif patchable and name == "patch":
            # Another immediate for an addi: its upper half, with or without a fence.
            where = offsets[patchable[b % len(patchable)]] + 2
            upper = store(1, 11, S4, where)
            code += addi(11, 0, a << 4 | 10) + upper + (FENCE_I if a & 1 else addi(0, 0, 0))
            code += addi(0, 0, 0)
        else:
            code += addi(0, 0, 0) * 4
    code += addi(S7, S7, -1)
    code += b_type(0, S7, 0, 8)
    code += jump(-len(code))
    return code + store(2, 0, S3, FINISH) + jump(0)
