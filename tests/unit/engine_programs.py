"""Random Thumb programs for the engine tests: machine code from templates, no assembler.

A `Dialect` says which instructions a core has: THUMB2 those of Armv7-M, BASELINE those of Armv6-M.

Registers by convention: r0-r3 data, r4 device, r5 data memory, r6 loop counter, r7 the program
itself, r8 an address where nothing is, r9 data memory across the end of a page.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

FLASH, FLASH_SIZE = 0, 0x400
RAM = 0x20000000
RAM_SIZE = 0x2000
DATA = RAM + 0x400
STACK = RAM + 0x1000
CODE = RAM + 0x1000
DEVICE = 0x40000000
NOWHERE = 0x50000000

LOW = st.integers(0, 3)
WORDS = st.integers(0, 15)


def half(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def wide(value: int) -> bytes:
    return half(value >> 16, value & 0xFFFF)


def _alu(d: int, n: int, m: int) -> st.SearchStrategy[bytes]:
    return st.sampled_from(
        [
            half(0x1800 | m << 6 | n << 3 | d),  # adds d, n, m
            half(0x1A00 | m << 6 | n << 3 | d),  # subs d, n, m
            half(0x4040 | n << 3 | d),  # eors d, n
            half(0x4280 | n << 3 | d),  # cmp d, n
            half(0x2000 | d << 8 | n << 4 | m),  # movs d, #imm
            half(0x3000 | d << 8 | m * 7 + n),  # adds d, #imm
            half(0x41C0 | n << 3 | d),  # rors d, n
            wide(0xFB00F000 | n << 16 | d << 8 | m),  # mul.w d, n, m
            wide(0xFBB0F0F0 | n << 16 | d << 8 | m),  # udiv d, n, m
            wide(0xFB90F0F0 | n << 16 | d << 8 | m),  # sdiv d, n, m
            half(0xBF00),  # nop
        ]
    )


def _memory(base: int, t: int, word: int, data: bool) -> st.SearchStrategy[bytes]:
    """One access to [base]; unaligned ones only to memory."""
    t2 = (t + 1) & 3
    forms = [
        half(0x6800 | (word & 31) << 6 | (base & 7) << 3 | t),  # ldr
        half(0x6000 | (word & 31) << 6 | (base & 7) << 3 | t),  # str
        wide(0xF8900000 | base << 16 | t << 12 | word * 5),  # ldrb.w
        wide(0xF8800000 | base << 16 | t << 12 | word * 5),  # strb.w
        wide(0xF8B00000 | base << 16 | t << 12 | word * 2),  # ldrh.w
        wide(0xF8A00000 | base << 16 | t << 12 | word * 2),  # strh.w
        wide(0xE9500000 | 1 << 23 | base << 16 | t << 12 | t2 << 8 | word),  # ldrd
        wide(0xE9400000 | 1 << 23 | base << 16 | t << 12 | t2 << 8 | word),  # strd
        wide(0xE8900000 | base << 16 | (word | 1 << t)),  # ldm.w
        wide(0xE8800000 | base << 16 | (word | 1 << t | 1 << t2)),  # stm.w
    ]
    if base > 7:
        forms = forms[2:]
    if data:
        forms += [
            wide(0xF8D00000 | base << 16 | t << 12 | word * 3),  # ldr.w, any alignment
            wide(0xF8C00000 | base << 16 | t << 12 | word * 3),  # str.w
            wide(0xF8B00000 | base << 16 | t << 12 | word * 3),  # ldrh.w
            wide(0xF8A00000 | base << 16 | t << 12 | word * 3),  # strh.w
        ]
    return st.sampled_from(forms)


def simple() -> st.SearchStrategy[bytes]:
    """One instruction that leaves r4-r9 and SP alone."""
    alu = st.tuples(LOW, LOW, LOW).flatmap(lambda a: _alu(*a))
    data = st.tuples(st.sampled_from([5, 9]), LOW, WORDS).flatmap(lambda a: _memory(*a, data=True))
    device = st.tuples(LOW, WORDS).flatmap(lambda a: _memory(4, *a, data=False))
    return st.one_of(alu, data, data, device)


def faulting() -> st.SearchStrategy[bytes]:
    return st.tuples(LOW, WORDS).flatmap(lambda a: _memory(8, *a, data=False))


SPECIAL = [
    half(0xDF07),  # svc
    half(0xBF30),  # wfi
    half(0xDE00),  # udf
    half(0xB672),  # cpsid i
    half(0xB662),  # cpsie i
    half(0xB40F, 0xBC0F),  # push, pop
    half(0xB40F, 0xB004),  # push {r0-r3}; add sp, #16
    half(0x462B) + wide(0xE9D33200),  # mov r3, r5; ldrd r3, r2, [r3]
    half(0x464B) + wide(0xE9D33200),  # the same from r9
    wide(0xE8550F00) + wide(0xE8452100),  # ldrex r0, [r5]; strex r1, r2, [r5]
    half(0x4640) + wide(0xE9D00100),  # mov r0, r8; ldrd r0, r1, [r0]: faults
]


@st.composite
def it_block(draw: st.DrawFn) -> bytes:
    """IT with one to four instructions, of which some fault, wait, call or leave by a branch."""
    count = draw(st.integers(1, 4))
    cond = draw(st.integers(0, 13))
    pattern = draw(st.integers(0, 7))
    mask = 0
    for i in range(count - 1):
        mask |= ((cond ^ (pattern >> i)) & 1) << (3 - i)
    mask |= 1 << (4 - count)
    body = [draw(st.one_of(simple(), simple(), simple(), faulting())) for _ in range(count)]
    if draw(st.integers(0, 5)) == 0:
        body[draw(st.integers(0, count - 1))] = draw(st.sampled_from(SPECIAL[:3]))
    return half(0xBF00 | cond << 4 | mask) + b"".join(body)


def _base(base: int, source: int, k: int) -> list[bytes]:
    """Ways to bring about a low register whose two lowest bits are, more or less, those of `k`."""
    other = (base + 1) & 3
    mov = half(0x4600 | source << 3 | base)
    pointer = mov + half(0x3000 | base << 8 | k)  # adds base, #k
    return [
        pointer,
        mov + wide(0xF2000000 | base << 16 | base << 8 | k),  # addw base, base, #k
        wide(0xF2A00000 | source << 16 | base << 8 | k),  # subw base, source, #k
        wide(0xF1000000 | source << 16 | base << 8 | k),  # add.w base, source, #k
        wide(0xF1A00000 | source << 16 | base << 8 | k),  # sub.w base, source, #k
        mov + wide(0xF8100D00 | base << 16 | other << 12 | k),  # ldrb other, [base, #-k]!
        mov + wide(0xF8000B00 | base << 16 | other << 12 | k),  # strb other, [base], #k
        pointer + half(0x6028 | base, 0x6828 | base),  # str base, [r5]; ldr base, [r5]
        pointer + wide(0xF0200003 | base << 16 | base << 8),  # bic base, base, #3
        pointer + wide(0xEA000000 | base << 16 | base << 8 | source),  # and base, base, source
        mov + half(0x2000 | other << 8 | k) + half(0x1800 | base << 6 | other << 3 | base),  # adds
        half(0x2000 | other << 8 | k)
        + wide(0xEB000080 | source << 16 | base << 8 | other),  # lsl #2
        half(0x2000 | other << 8 | k)
        + wide(0xEB000040 | source << 16 | base << 8 | other),  # lsl #1
        wide(0xF2400000 | base << 8 | 0x400 | k) + wide(0xF2C20000 | base << 8),  # movw, movt
        half(0xA800 | base << 8 | k),  # add base, sp, #4 * k
        mov + half(0xBF08, 0x3000 | base << 8 | k),  # it eq; addeq base, #k
        mov,
    ]


def _aligned_access(base: int) -> list[bytes]:
    """Accesses whose address must be aligned, at [base] or near it."""
    t, u = (base + 1) & 3, (base + 2) & 3
    forms = [half(0xC800 | base << 8 | 1 << t | 1 << u), half(0xC000 | base << 8 | 1 << t | 1 << u)]
    for up in (0x0080, 0x0100):  # ia, db
        for load in (0, 0x0010):
            for back in (0, 0x0020):
                forms.append(half(0xE800 | up | load | back | base, 1 << t | 1 << u))
    for how in (0x01C0, 0x0140, 0x01E0, 0x0160, 0x00E0, 0x0060):
        for load in (0, 0x0010):
            forms.append(half(0xE800 | how | load | base, t << 12 | u << 8 | 1))
    exclusive = [
        wide(0xE8500F00 | base << 16 | t << 12),  # ldrex t, [base]
        wide(0xE8400000 | base << 16 | t << 12 | u << 8),  # strex u, t, [base]
        wide(0xE8D00F5F | base << 16 | t << 12),  # ldrexh
        wide(0xE8C00F50 | base << 16 | t << 12 | u),  # strexh
        wide(0xE8D00F4F | base << 16 | t << 12),  # ldrexb
        wide(0xE8C00F40 | base << 16 | t << 12 | u),  # strexb
    ]
    return forms + forms + exclusive


@st.composite
def must_align(draw: st.DrawFn) -> bytes:
    """A base that may be unaligned, and accesses there; maybe some of them under an IT."""
    base = draw(LOW)
    code = draw(
        st.sampled_from(_base(base, draw(st.sampled_from([5, 9])), draw(st.integers(0, 4))))
    )
    for _ in range(draw(st.integers(1, 3))):
        access = draw(st.sampled_from(_aligned_access(base)))
        if draw(st.integers(0, 3)) == 0:
            access = half(0xBF08 | draw(st.integers(0, 13)) << 4) + access
        code += draw(st.sampled_from([b"", half(0xBF00), half(0x3004 | base << 8)])) + access
    return code


def _moved_stack(k: int, narrow: bool) -> list[bytes]:
    """SP gets a value that may be unaligned, near the old one."""
    pointer = half(0x466A, 0x3200 | k)  # mov r2, sp; adds r2, #k
    low = [
        pointer + half(0x4695),  # mov sp, r2
        half(0x2200 | k, 0x4495),  # movs r2, #k; add sp, r2
        pointer + half(0xF382, 0x8808),  # msr msp, r2
        pointer + half(0xF382, 0x8809),  # msr psp, r2
        pointer + half(0x602A, 0x682A, 0x4695),  # str r2, [r5]; ldr r2, [r5]; mov sp, r2
    ]
    if narrow:
        return low
    return [
        *low,
        pointer + half(0x602A) + wide(0xF8D5D000),  # str r2, [r5]; ldr sp, [r5]
        wide(0xF2AD0D00 | k),  # subw sp, sp, #k
        wide(0xF10D0D00 | k),  # add.w sp, sp, #k
        pointer + wide(0xF1020D00 | k),  # add.w sp, r2, #k
        wide(0xF81D2B00 | k),  # ldrb r2, [sp], #k
        wide(0xF80D2D00 | k),  # strb r2, [sp, #-k]!
        wide(0xF84D2D04) + wide(0xF85D2B04),  # push.w {r2}; pop.w {r2}
        half(0x2200 | k) + wide(0xEB0D0D02),  # movs r2, #k; add.w sp, sp, r2
    ]


@st.composite
def moved_stack(draw: st.DrawFn, narrow: bool = False) -> bytes:
    """SP moves, and is then used."""
    code = draw(st.sampled_from(_moved_stack(draw(st.integers(0, 5)), narrow)))
    uses = [b"", half(0x466B), half(0xAB01), half(0xB402, 0xBC02), half(0x9A00)]
    return code + draw(st.sampled_from(uses)) + draw(st.sampled_from(uses))


def thumb2_groups() -> st.SearchStrategy[bytes]:
    return st.one_of(it_block(), must_align(), must_align(), moved_stack())


def _patch_thumb2(insn: int, offset: int) -> bytes:
    """movw r1, #insn; strh.w r1, [r7, #offset]"""
    movw = (
        0xF2400100
        | (insn >> 12) << 16
        | (insn >> 8 & 7) << 12
        | insn & 0xFF
        | (insn >> 11 & 1) << 26
    )
    return wide(movw) + wide(0xF8A71000 | offset)


def _patch_baseline(insn: int, offset: int) -> bytes:
    """movs r1, #high; lsls r1, #8; adds r1, #low; movs r3, #half; lsls r3, #1; strh r1, [r7, r3]"""
    assert offset < 512
    high, low = insn >> 8, insn & 0xFF
    return half(0x2100 | high, 0x0209, 0x3100 | low, 0x2300 | offset >> 1, 0x005B, 0x52F9)


def _narrow_memory(base: int, t: int, word: int) -> st.SearchStrategy[bytes]:
    """One aligned access of Armv6-M to [base], a low register."""
    return st.sampled_from(
        [
            half(0x6800 | (word & 31) << 6 | base << 3 | t),  # ldr
            half(0x6000 | (word & 31) << 6 | base << 3 | t),  # str
            half(0x8800 | word << 6 | base << 3 | t),  # ldrh
            half(0x8000 | word << 6 | base << 3 | t),  # strh
            half(0x7800 | word << 6 | base << 3 | t),  # ldrb
            half(0x7000 | word << 6 | base << 3 | t),  # strb
        ]
    )


@st.composite
def _narrow_block(draw: st.DrawFn, source: int) -> bytes:
    """mov rN, source; LDM or STM from there: without IT blocks and LDRD the longest accesses."""
    base, words = draw(LOW), draw(st.integers(1, 15))
    kind = draw(st.sampled_from([0xC800, 0xC000]))
    return half(0x4600 | source << 3 | base, kind | base << 8 | words)


@st.composite
def _narrow_far(draw: st.DrawFn, source: int) -> bytes:
    """mov r3, source (any register); adds r3, #0..3; an access, which faults if it is unaligned."""
    access = draw(st.tuples(LOW, WORDS).flatmap(lambda a: _narrow_memory(3, *a)))
    return half(0x4600 | source << 3 | 3, 0x3300 | draw(st.integers(0, 3))) + access


def narrow() -> st.SearchStrategy[bytes]:
    """Instructions of Armv6-M that leave r4-r9 and SP alone."""
    alu = st.tuples(LOW, LOW, LOW).flatmap(lambda a: _alu(*a).filter(lambda code: len(code) == 2))
    near = st.tuples(st.sampled_from([4, 5]), LOW, WORDS).flatmap(lambda a: _narrow_memory(*a))
    return st.one_of(alu, near, near, _narrow_block(5), _narrow_block(9), _narrow_block(4))


NARROW_SPECIAL = [
    half(0xDF07),  # svc
    half(0xBF30),  # wfi
    half(0xDE00),  # udf
    half(0xB672),  # cpsid i
    half(0xB662),  # cpsie i
    half(0xB40F, 0xBC0F),  # push, pop
    half(0xB40F, 0xB004),  # push {r0-r3}; add sp, #16
    half(0xF3EF, 0x8000),  # mrs r0, apsr
    half(0xF381, 0x8800),  # msr apsr, r1
    half(0xF3BF, 0x8F5F),  # dmb
    half(0xF000, 0xF800),  # bl to the next
    half(0x4351),  # muls r1, r2
    # Not in Armv6-M: itt eq; cbz r0; cbnz r1; mul.w; movw; ldrex; b.w
    half(0xBF04, 0x3001, 0x3102),
    half(0xB100),
    half(0xB909),
    half(0xFB01, 0xF002),
    half(0xF240, 0x0001),
    half(0xE855, 0x0F00),
    half(0xF000, 0xB800),
]


@dataclass(frozen=True)
class Dialect:
    """The instructions of a core, as strategies."""

    model: str
    simple: Callable[[], st.SearchStrategy[bytes]]
    groups: Callable[[], st.SearchStrategy[bytes]]
    """Several that belong together; some fault."""
    special: list[bytes]
    patch: Callable[[int, int], bytes]
    """What stores a halfword at an offset from r7; always of the same size."""
    baseline: bool = False


THUMB2 = Dialect("cortex-m3", simple, thumb2_groups, SPECIAL, _patch_thumb2)
BASELINE = Dialect(
    "cortex-m0",
    narrow,
    lambda: st.one_of(st.sampled_from([4, 5, 8, 9]).flatmap(_narrow_far), moved_stack(narrow=True)),
    NARROW_SPECIAL,
    _patch_baseline,
    baseline=True,
)


@dataclass
class Program:
    code: bytes
    start: int
    loops: int
    regs: list[int]
    dialect: Dialect


@st.composite
def programs(draw: st.DrawFn, dialect: Dialect = THUMB2) -> Program:
    """A loop over random items; some write to later or earlier instructions of the loop."""
    start = CODE + 2 * draw(st.integers(0, 511))
    items: list[bytes | tuple[str, int, int]] = []
    patchable: list[int] = []
    for _ in range(draw(st.integers(3, 25))):
        kind = draw(st.integers(0, 11))
        if kind <= 4:
            items.append(draw(dialect.simple()))
        elif kind <= 7:
            items.append(draw(dialect.groups()))
        elif kind == 8:
            items.append(draw(st.sampled_from(dialect.special)))
        elif kind == 9:
            items.append(("branch", draw(st.integers(0, 13)), draw(st.integers(1, 3))))
        elif kind == 10:
            patchable.append(len(items))
            items.append(half(0x2000 | draw(LOW) << 8 | 1))
        else:
            items.append(("patch", draw(st.integers(0, 20)), draw(st.integers(0, 5))))
    patch_size = len(dialect.patch(0, 0))
    offsets, at = [], 0
    for item in items:
        offsets.append(at)
        at += len(item) if isinstance(item, bytes) else 2 if item[0] == "branch" else patch_size
    offsets.append(at)
    code = b""
    for index, item in enumerate(items):
        if isinstance(item, bytes):
            code += item
            continue
        name, a, b = item
        if name == "branch":
            target = offsets[min(len(items), index + b)]
            code += half(0xD000 | a << 8 | ((target - len(code) - 4) >> 1) & 0xFF)
        elif patchable:
            # movs r0, #a
            code += dialect.patch(0x2000 | a, offsets[patchable[b % len(patchable)]])
        else:
            code += half(*[0xBF00] * (patch_size // 2))
    code += half(0x3E01)  # subs r6, #1
    code += half(0xD000)  # beq .+4: over the branch back
    back = -(len(code) + 4) >> 1
    code += half(0xE000 | back & 0x7FF)  # b start
    code += half(0xBE00)  # bkpt
    regs = draw(st.lists(st.integers(0, 0xFFFFFFFF), min_size=4, max_size=4))
    return Program(code, start, draw(st.integers(1, 4)), regs, dialect)
