"""The System Control Space as software sees it (DDI0403E B3.2 to B3.5)."""

from __future__ import annotations

from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.armv7m_doubles import Bench, reset_bench
from tests.unit.native_doors import mpu_regions
from ttd.cpu.armv7m import CORTEX_M3
from ttd.devices.base import BusError
from ttd.engine._native import lib

ISER, ICER, ISPR, ICPR, IABR, IPR = 0x100, 0x180, 0x200, 0x280, 0x300, 0x400
ICSR, VTOR, AIRCR, SCR, CCR, SHPR1, SHCSR, CFSR = (
    0xD04, 0xD08, 0xD0C, 0xD10, 0xD14, 0xD18, 0xD24, 0xD28,
)  # fmt: skip
STIR = 0xF00


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0x004, 0),  # ICTR: 32 lines
        (0x01C, 1 << 31),  # SYST_CALIB: no reference clock
        (0xD00, 0x412FC231),
        (AIRCR, 0xFA050000),
        (CCR, 0x200),
        (0xD40, 0x30),
        (0xD60, 0x01101110),
        (0xD90, 0x800),  # MPU_TYPE: 8 regions
        (0xDF0, 0),  # DHCSR: no debugger
        (0xD88, 0),  # CPACR: no coprocessors
        (0xFE4, 0xB0),
    ],
)
def test_values_after_reset(bench: Bench, offset: int, value: int) -> None:
    assert bench.scs_read(offset) == value


def test_set_and_clear_registers_share_their_bits(bench: Bench) -> None:
    for set_, clear in ((ISER, ICER), (ISPR, ICPR)):
        bench.scs_write(set_, 0x80000005)
        assert bench.scs_read(set_) == bench.scs_read(clear) == 0x80000005
        bench.scs_write(clear, 0x00000004)
        assert bench.scs_read(set_) == 0x80000001
        assert bench.scs_read(set_ + 4) == 0  # there are 32 lines


def test_lines_that_are_not_there() -> None:
    bench = Bench(lines=40)
    bench.scs_write(ISER + 4, 0xFFFFFFFF)
    assert bench.scs_read(ISER + 4) == 0xFF
    assert bench.scs_read(0x004) == 1
    bench.scs_write(IPR + 40, 0xFFFFFFFF)
    assert bench.scs_read(IPR + 40) == 0


def test_priorities_by_byte_halfword_and_word() -> None:
    bench = Bench(priority_bits=3)
    bench.scs_write(IPR, 0xFF40A020)
    assert bench.scs_read(IPR) == 0xE040A020
    assert bench.scs_read(IPR + 1, 1) == 0xA0
    assert bench.scs_read(IPR + 2, 2) == 0xE040
    bench.scs_write(IPR + 1, 0x60, 1)
    bench.scs_write(IPR + 2, 0x8060, 2)
    assert bench.scs_read(IPR) == 0x80606020


def test_as_many_priority_bits_as_the_board_says() -> None:
    for bits, mask in ((3, 0xE0), (4, 0xF0), (8, 0xFF)):
        bench = Bench(priority_bits=bits)
        bench.scs_write(IPR, 0xFFFFFFFF)
        assert bench.scs_read(IPR) == mask * 0x01010101
    assert Bench().scs_read(IPR) == 0
    bench = Bench()
    bench.scs_write(IPR, 0xFFFFFFFF)
    assert bench.scs_read(IPR) == 0xFFFFFFFF


def test_system_handler_priorities() -> None:
    bench = Bench(priority_bits=3)
    for offset in (SHPR1, SHPR1 + 4, SHPR1 + 8):
        bench.scs_write(offset, 0xFFFFFFFF)
    assert bench.scs_read(SHPR1) == 0x00E0E0E0
    assert bench.scs_read(SHPR1 + 4) == 0xE0000000
    assert bench.scs_read(SHPR1 + 8) == 0xE0E000E0
    bench.scs_write(SHPR1 + 11, 0x20, 1)
    assert bench.scs_read(SHPR1 + 8) == 0x20E000E0


def test_fault_status_is_cleared_by_ones_byte_by_byte(bench: Bench) -> None:
    bench.cpu.scs.cfsr = 0x01018282
    assert bench.scs_read(CFSR + 1, 1) == 0x82
    assert bench.scs_read(CFSR + 2, 2) == 0x0101
    bench.scs_write(CFSR, 0x80, 1)
    bench.scs_write(CFSR + 2, 0x0100, 2)
    assert bench.scs_read(CFSR) == 0x00018202
    bench.scs_write(CFSR, 0xFFFFFFFF)
    assert bench.scs_read(CFSR) == 0


def test_narrow_writes_to_word_registers_are_ignored(bench: Bench) -> None:
    bench.scs_write(VTOR, 0x80, 1)
    bench.scs_write(ISER, 0xFF, 1)
    assert bench.scs_read(VTOR) == bench.scs_read(ISER) == 0
    assert bench.scs_read(CCR + 1, 1) == 2


def test_registers_keep_the_bits_that_are_there(bench: Bench) -> None:
    for offset, kept in (
        (VTOR, 0x3FFFFF80), (SCR, 0x16), (CCR, 0x31B), (0x008, 7), (0xD34, 0xFFFFFFFF),
        (0x014, 0xFFFFFF),
    ):  # fmt: skip
        bench.scs_write(offset, 0xFFFFFFFF)
        assert bench.scs_read(offset) == kept


def test_aircr_wants_its_key(bench: Bench) -> None:
    bench.scs_write(AIRCR, 0x704)
    assert (bench.scs_read(AIRCR), bench.resets) == (0xFA050000, 0)
    bench.scs_write(AIRCR, 0x05FA0500)
    assert bench.scs_read(AIRCR) == 0xFA050500
    bench.scs_write(AIRCR, 0x05FA0004)
    assert bench.resets == 1


def test_icsr_sets_and_clears(bench: Bench) -> None:
    bench.put(primask=1)
    bench.scs_write(ICSR, 1 << 28 | 1 << 26)
    assert bench.scs_read(ICSR) == 1 << 28 | 1 << 26 | 14 << 12 | 1 << 11
    bench.scs_write(ICSR, 1 << 27)
    assert bench.scs_read(ICSR) == 1 << 26 | 15 << 12 | 1 << 11
    bench.scs_write(ICSR, 1 << 25)
    assert bench.scs_read(ICSR) == 1 << 11
    bench.scs_write(ICSR, 1 << 31)
    assert bench.cpu.pending() == 2


def test_icsr_says_what_is_active(bench: Bench) -> None:
    bench.scs_write(ISER, 3)
    bench.scs_write(IPR, 0x40)
    bench.scs_write(ISPR, 1)
    assert bench.take() == 16
    assert bench.scs_read(ICSR) == 16 | 1 << 11
    bench.scs_write(ISPR, 2)
    assert bench.take() == 17
    assert bench.scs_read(ICSR) == 17
    assert bench.scs_read(IABR) == 3
    bench.scs_write(ISPR, 1)
    assert bench.scs_read(ICSR) == 17 | 16 << 12 | 1 << 22


def test_shcsr_bits_are_the_exceptions_state(bench: Bench) -> None:
    bench.scs_write(SHCSR, 7 << 16)
    assert bench.scs_read(SHCSR) == 7 << 16
    bench.put(primask=1)
    bench.scs_write(SHCSR, 7 << 16 | 1 << 15)
    assert bench.scs_read(SHCSR) == 7 << 16 | 1 << 15
    bench.put(primask=0)
    assert bench.take() == 11
    assert bench.scs_read(SHCSR) == 7 << 16 | 1 << 7
    bench.scs_write(SHCSR, 0)
    assert bench.scs_read(SHCSR) == 0


def test_stir_pends_an_interrupt(bench: Bench) -> None:
    bench.scs_write(STIR, 9)
    bench.scs_write(STIR, 200)
    assert bench.scs_read(ISPR) == 1 << 9


def test_unprivileged_software_gets_bus_errors_but_for_stir(bench: Bench) -> None:
    bench.put(control=1)
    for access in (
        lambda: bench.scs_read(0xD00),
        lambda: bench.scs_write(ISER, 1),
        lambda: bench.scs_write(STIR, 1),
        lambda: bench.cpu.dwt.read(4, 4),
    ):
        with pytest.raises(BusError):
            access()
    bench.cpu.scs.ccr |= 2
    bench.scs_write(STIR, 1)
    assert bench.cpu.scs.peek(ISPR, 4) == 2


def test_a_debugger_reads_without_side_effects(bench: Bench) -> None:
    bench.scs_write(0x014, 3)
    bench.scs_write(0x010, 5)
    bench.clock.time = 1_000
    bench.put(control=1)
    peeked = bench.cpu.scs.peek(0x010, 4)
    assert peeked == bench.cpu.scs.peek(0x010, 4) == 5 | 1 << 16
    bench.put(control=0)
    assert bench.scs_read(0x010) == peeked
    assert bench.scs_read(0x010) == 5


def test_systick_pends_its_exception(bench: Bench) -> None:
    bench.scs_write(0x014, 99)
    bench.scs_write(0x010, 7)
    deadline = bench.deadline()
    assert deadline == 100 * 40
    bench.clock.time = deadline
    lib.armv7m_catch_up(bench.native)
    assert bench.cpu.pending() == 15
    assert bench.deadline() == 200 * 40


def test_debug_monitor_follows_demcr(bench: Bench) -> None:
    bench.scs_write(0xDFC, 1 << 24 | 1 << 17)
    assert bench.cpu.pending() is None
    bench.scs_write(0xDFC, 1 << 24 | 1 << 17 | 1 << 16)
    assert bench.take() == 12
    assert bench.scs_read(0xDFC) == 1 << 24 | 1 << 16


def test_cycle_counter_counts_the_core_clock(bench: Bench) -> None:
    dwt = bench.cpu.dwt
    bench.clock.time = 4000
    dwt.write(0, 4, 1)
    bench.clock.time += 400
    assert dwt.read(4, 4) == 10
    dwt.write(4, 4, 0xFFFFFFFF)
    bench.clock.time += 80
    assert dwt.read(4, 4) == 1
    dwt.write(0, 4, 0)
    bench.clock.time += 4000
    assert dwt.read(4, 4) == 1
    other = Bench().cpu.dwt
    other.load(dwt.save())
    assert other.save() == dwt.save()


# MPU -----------------------------------------------------------------------------------------


def test_mpu_regions_in_order(bench: Bench) -> None:
    bench.scs_write(0xD98, 2)
    bench.scs_write(0xD9C, 0x20000400)
    bench.scs_write(0xDA0, 1 << 28 | 6 << 24 | 0xA5 << 8 | 9 << 1 | 1)
    bench.scs_write(0xDA4, 0x00000010 | 0)  # RBAR_A1 with VALID: region 0
    bench.scs_write(0xDA8, 3 << 24 | 0xFF << 8 | 31 << 1 | 1)
    bench.scs_write(0xD94, 7)
    assert mpu_regions(bench.native) == [
        (0, 1 << 32, 0xFF, 3, False),
        (0x20000400, 1024, 0xA5, 6, True),
    ]
    assert bench.scs_read(0xD94) == 7
    assert bench.scs_read(0xD98) == 0
    bench.scs_write(0xD98, 2)
    assert bench.scs_read(0xD9C) == 0x20000402
    assert bench.scs_read(0xDAC) == 0x20000402


def test_small_regions_have_no_subregions_and_bases_are_aligned(bench: Bench) -> None:
    bench.scs_write(0xD9C, 0x20000060)
    bench.scs_write(0xDA0, 3 << 24 | 0xFF << 8 | 6 << 1 | 1)  # 128 bytes
    assert mpu_regions(bench.native) == [(0x20000000, 128, 0, 3, False)]
    bench.scs_write(0xDA0, 3 << 24 | 3 << 1 | 1)  # 16 bytes: not a size
    assert mpu_regions(bench.native) == []


def test_a_core_without_an_mpu() -> None:
    bench = Bench(replace(CORTEX_M3, mpu_regions=0))
    bench.scs_write(0xD94, 7)
    bench.scs_write(0xDA0, 1)
    assert bench.scs_read(0xD90) == bench.scs_read(0xD94) == bench.scs_read(0xDA0) == 0


# State ---------------------------------------------------------------------------------------

OFFSETS = [
    0x008, 0x010, 0x014, 0x018, ISER, ICER, ISPR, ICPR, IPR, IPR + 8, ICSR, VTOR, SCR, CCR,
    SHPR1, SHPR1 + 4, SHPR1 + 8, SHCSR, CFSR, 0xD2C, 0xD34, 0xD38, 0xD94, 0xD98, 0xD9C, 0xDA0,
    0xDFC, STIR,
]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(OFFSETS), st.integers(0, 2**32 - 1), st.integers(0, 5000)))
)
def test_state_is_data_and_survives(writes: list[tuple[int, int, int]]) -> None:
    bench = reset_bench()
    for offset, value, wait in writes:
        bench.clock.time += wait
        if (deadline := bench.deadline()) is not None and deadline <= bench.clock.time:
            lib.armv7m_catch_up(bench.native)
        bench.scs_write(offset, value)
    state = bench.cpu.scs.save()
    stored = msgpack.unpackb(msgpack.packb(state))
    assert stored == state
    other = reset_bench(1)
    other.clock.time = bench.clock.time
    other.cpu.scs.load(stored)
    assert other.cpu.scs.save() == state
    assert mpu_regions(other.native) == mpu_regions(bench.native)
    assert other.deadline() == bench.deadline()
    for offset in OFFSETS:
        assert other.scs_read(offset) == bench.scs_read(offset)
