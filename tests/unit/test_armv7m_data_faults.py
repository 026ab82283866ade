"""Effective addresses of faulting loads and stores, checked against what Unicorn accesses."""

from __future__ import annotations

import pytest
from unicorn import UC_ARCH_ARM, UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MODE_THUMB, Uc
from unicorn import arm_const as arm
from unicorn.unicorn_const import UC_MEM_WRITE

from ttd.cpu.armv7m.data_faults import DataAccess, data_access
from ttd.cpu.armv7m.registers import GENERAL_IDS
from ttd.engine.types import Access

PC = 0x1102
"""Not a multiple of four, so that the word alignment of literals shows."""
BASE = 0x20000400
INDEX = 0x10

INSTRUCTIONS = [
    ("ldr r0, [r1]", "0868"),
    ("ldr r0, [r1, #4]!", "51f8040f"),
    ("ldr r0, [r1], #4", "51f8040b"),
    ("ldr r0, [r1, #-4]", "51f8040c"),
    ("ldr.w r0, [r1, r2, lsl #2]", "51f82200"),
    ("ldr r0, [pc, #8]", "0248"),
    ("ldr.w r0, [pc, #-8]", "5ff80800"),
    ("ldrb r0, [r1, r2]", "885c"),
    ("ldrsh.w r0, [r1, #6]", "b1f90600"),
    ("ldrsb r0, [r1, r2]", "8856"),
    ("ldrht r0, [r1, #2]", "31f8020e"),
    ("ldrbt r0, [r1, #3]", "11f8030e"),
    ("ldrd r0, r3, [r1, #-8]", "51e90203"),
    ("ldrd r0, r3, [r1], #8", "f1e80203"),
    ("ldrd r0, r3, [pc, #8]", "dfe90203"),
    ("strd r0, r3, [r1, #8]!", "e1e90203"),
    ("str r0, [r1, r2]", "8850"),
    ("str r0, [sp, #8]", "0290"),
    ("strb r0, [r1, #1]", "4870"),
    ("strh r0, [r1], #-2", "21f80209"),
    ("strt r0, [r1, #4]", "41f8040e"),
    ("ldm r1!, {r2, r3}", "0cc9"),
    ("ldmdb r1!, {r2, r3}", "31e90c00"),
    ("stm r1!, {r2, r3, r4}", "1cc1"),
    ("stmdb r1, {r2, r3}", "01e90c00"),
    ("push {r1, lr}", "02b5"),
    ("pop {r1, pc}", "02bd"),
    ("push.w {r4}", "4df8044d"),
    ("stmdb sp!, {r4, r5, r6}", "2de97000"),
    ("ldr sb, [sl, fp]", "5af80b90"),
    ("ldrex r0, [r1, #4]", "51e8010f"),
    ("ldrexh r0, [r1]", "d1e85f0f"),
    ("tbb [pc, r2]", "dfe802f0"),
    ("tbh [r1, r2, lsl #1]", "d1e812f0"),
]
NO_ACCESS = [("adds r0, r1", "4018"), ("nop", "00bf"), ("pld [r1]", "91f800f0")]
UNDEFINED = [("udf #0", "00de"), ("udf.w #3", "f0f703a0")]


def registers() -> list[int]:
    values = [0x100 + n for n in range(15)]
    values[1] = values[10] = values[13] = BASE
    values[2] = values[11] = INDEX
    return values


def seen_by_unicorn(code: bytes) -> list[tuple[int, int, bool]]:
    """(address, size, is a write) of each access that the instruction really makes."""
    uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M3)
    uc.mem_map(0x1000, 0x1000)
    uc.mem_map(0x20000000, 0x1000)
    uc.mem_write(BASE + 4, (0x1001).to_bytes(4, "little"))  # what POP puts into PC
    uc.mem_write(PC, code)
    seen: list[tuple[int, int, bool]] = []

    def note(_uc: Uc, kind: int, address: int, size: int, _value: int, _user: object) -> None:
        seen.append((address, size, kind == UC_MEM_WRITE))

    uc.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, note)
    for reg, value in zip(GENERAL_IDS, registers(), strict=True):
        uc.reg_write(reg, value)
    uc.emu_start(PC | 1, 0xFFFFFFFF, count=1)
    return seen


@pytest.mark.parametrize(("text", "code"), INSTRUCTIONS)
def test_the_decoded_access_is_the_real_one(text: str, code: str) -> None:
    raw = bytes.fromhex(code)
    access = data_access(raw.ljust(4, b"\0"), PC, registers().__getitem__)
    assert access is not None
    write = access.kind is Access.WRITE
    # Unicorn stores the words of PUSH and STMDB in ascending order, as the manual has it.
    assert [(a, s, write) for a, s in access.words()] == seen_by_unicorn(raw)


@pytest.mark.parametrize(("text", "code"), NO_ACCESS)
def test_instructions_without_access(text: str, code: str) -> None:
    raw = bytes.fromhex(code).ljust(4, b"\0")
    assert data_access(raw, PC, registers().__getitem__) is None


@pytest.mark.parametrize(("text", "code"), UNDEFINED)
def test_undefined_instructions(text: str, code: str) -> None:
    raw = bytes.fromhex(code).ljust(4, b"\0")
    assert data_access(raw, PC, registers().__getitem__) is None


@pytest.mark.parametrize(
    ("code", "kind", "address"),
    [("41e80003", Access.WRITE, BASE), ("c1e8430f", Access.WRITE, BASE)],
)
def test_store_exclusive(code: str, kind: Access, address: int) -> None:
    """Without the monitor these store nothing, so Unicorn cannot tell."""
    access = data_access(bytes.fromhex(code), PC, registers().__getitem__)
    assert access is not None
    assert (access.kind, access.address) == (kind, address)


@pytest.mark.parametrize(
    ("address", "size", "first_good", "expected"),
    [
        (0x100, 4, 0x200, 0x100),
        (0x0FE, 4, 0x100, 0x0FE),
        (0x1FE, 4, 0x1FC, None),
        (0x1F8, 16, 0x1F8, None),
        (0x1F0, 16, 0x200, 0x1F0),
    ],
)
def test_first_bad_byte(address: int, size: int, first_good: int, expected: int | None) -> None:
    access = DataAccess(Access.READ, address, size, 1)
    assert access.first_bad(lambda at, kind: at >= first_good) == expected


def test_first_bad_byte_in_the_middle() -> None:
    access = DataAccess(Access.WRITE, 0x3FE, 4, 1)
    assert access.first_bad(lambda at, kind: at < 0x400) == 0x400
    access = DataAccess(Access.WRITE, 0x3F8, 16, 4)
    assert access.first_bad(lambda at, kind: at < 0x400) == 0x400
    access = DataAccess(Access.READ, 0xFFFFFFFC, 8, 4)
    assert access.first_bad(lambda at, kind: at > 0x1000) == 0


def test_alignment_demands() -> None:
    odd = registers()
    odd[1] += 2
    for code, unaligned in (("0868", False), ("51e8010f", True), ("51e90203", True),
                            ("0cc9", True), ("d1e85f0f", False)):  # fmt: skip
        access = data_access(bytes.fromhex(code).ljust(4, b"\0"), PC, odd.__getitem__)
        assert access is not None
        assert access.unaligned is unaligned
