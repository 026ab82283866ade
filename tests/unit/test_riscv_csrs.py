"""The CSRs that the model has: mip and sip, counters, physical memory protection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.riscv_doubles import (
    CSRRC,
    CSRRCI,
    CSRRS,
    CSRRSI,
    CSRRW,
    CSRRWI,
    MEIP,
    MSIP,
    MTIP,
    NS_PER_STEP,
    SEIP,
    TIMEBASE_HZ,
    Bench,
    csr,
    open_memory,
)
from ttd.engine.types import StopReason

SIP, MIP = 0x144, 0x344
SSI, STI = 1, 5
U, S, M = 0, 1, 3
ALL = (1 << 64) - 1


@pytest.fixture(params=[64, 32])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


# Instructions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "operand", "expected"),
    [
        (CSRRW, 0x020, 0x020),
        (CSRRS, 0x020, 0x022),
        (CSRRC, 0x002, 0x000),
        (CSRRWI, 0x02, 0x002),
        (CSRRSI, 0x1F, 0x002),  # of five bits only SSIP can be written
        (CSRRCI, 0x02, 0x000),
    ],
)
def test_the_six_operations(bench: Bench, operation: int, operand: int, expected: int) -> None:
    bench.csr(CSRRW, MIP, 0x002)
    step, pc = bench.engine.step, bench["pc"]
    assert bench.csr(operation, MIP, operand) == 0x002
    assert bench["mip"] == expected
    assert (bench["pc"], bench.engine.step) == (pc + 4, step + 1)


def test_x0_is_not_written(bench: Bench) -> None:
    bench.csr(CSRRW, MIP, 0x222)
    assert bench.instruction(csr(CSRRS, MIP, 0, 0))
    assert bench["zero"] == 0
    bench.put(zero=5)
    assert bench["zero"] == 0


def test_a_set_of_nothing_is_no_write(bench: Bench) -> None:
    """So it may be of a CSR that cannot be written; one with a register of value 0 may not."""
    for operation in (CSRRS, CSRRC, CSRRSI, CSRRCI):
        assert bench.instruction(csr(operation, 0xC00, 10, 0))
    for operation in (CSRRS, CSRRC):
        bench.put(a5=0)
        assert not bench.instruction(csr(operation, 0xC00, 10, 15))
    assert not bench.instruction(csr(CSRRW, 0xC00, 0, 0))
    assert not bench.instruction(csr(CSRRWI, 0xC00, 0, 0))


@pytest.mark.parametrize(
    ("number", "lowest"), [(MIP, M), (SIP, S), (0xB00, M), (0x3A0, M), (0x3B0, M)]
)
def test_privilege(bench: Bench, number: int, lowest: int) -> None:
    open_memory(bench.engine)
    for mode in (U, S, M):
        bench.put(priv=mode)
        assert (bench.csr(CSRRS, number) is not None) == (mode >= lowest)


# mip and sip -----------------------------------------------------------------------------------


def test_lines_cannot_be_written(bench: Bench) -> None:
    for line in (MSIP, MTIP, MEIP):
        bench.cpu.set_line(line, True)
    assert bench.csr(CSRRW, MIP, 0) == 0x888
    assert bench.csr(CSRRW, MIP, 0xFFF) == 0x888
    for line in (MSIP, MTIP, MEIP):
        bench.cpu.set_line(line, False)
    assert bench["mip"] == 0x222


def test_seip_is_a_bit_or_a_line(bench: Bench) -> None:
    """Reading shows either; a set or clear of other bits does not turn the line into a bit."""
    bench.cpu.set_line(SEIP, True)
    assert bench.csr(CSRRS, MIP, 1 << SSI) == 1 << SEIP
    assert bench["mip"] == 1 << SEIP | 1 << SSI
    bench.cpu.set_line(SEIP, False)
    assert bench["mip"] == 1 << SSI
    bench.csr(CSRRS, MIP, 1 << SEIP)
    bench.cpu.set_line(SEIP, True)
    bench.cpu.set_line(SEIP, False)
    assert bench["mip"] == 1 << SEIP | 1 << SSI
    bench.csr(CSRRC, MIP, 1 << SEIP)
    assert bench["mip"] == 1 << SSI


def test_sip_is_what_is_delegated(bench: Bench) -> None:
    open_memory(bench.engine)
    bench.csr(CSRRW, MIP, 0x222)
    bench.put(priv=S)
    assert bench.csr(CSRRW, SIP, 0) == 0
    assert bench["mip"] == 0x222, "nothing of it can be written"
    bench.put(mideleg=0x222)
    assert bench.csr(CSRRW, SIP, 0) == 0x222
    assert bench["mip"] == 0x220, "only SSIP can"
    assert bench.csr(CSRRS, SIP, 0xFFF) == 0x220
    assert bench["sip"] == bench["mip"] == 0x222
    bench.put(mideleg=1 << STI)
    assert bench["sip"] == 1 << STI


def test_sie_enables_what_is_delegated(bench: Bench) -> None:
    open_memory(bench.engine)
    bench.put(mie=0x888, priv=S, mideleg=0x202)
    assert bench.csr(CSRRW, 0x104, 0xFFF) == 0
    assert bench["mie"] == 0xA8A
    assert bench.csr(CSRRC, 0x104, 1 << SSI) == 0x202
    assert (bench["sie"], bench["mie"]) == (0x200, 0xA88)
    bench.put(mideleg=0)
    assert bench.csr(CSRRW, 0x104, 0) == 0
    assert bench["mie"] == 0xA88


def test_a_debugger_writes_them(bench: Bench) -> None:
    bench.put(mip=0xFFF, mideleg=1 << SSI)
    assert bench["mip"] == 0x222
    bench.put(sip=0)
    assert bench["mip"] == 0x220


# Counters --------------------------------------------------------------------------------------


def test_counters_are_the_steps_before_the_instruction(bench: Bench) -> None:
    bench.engine.step = 1000
    bench.cpu.reset()
    assert bench["mcycle"] == bench["minstret"] == 0
    bench.engine.step += 7
    assert bench.csr(CSRRS, 0xC00) == 7
    assert bench.csr(CSRRS, 0xC02) == 8
    assert bench.csr(CSRRS, 0xB00) == 9


def test_the_next_instruction_reads_what_was_written(bench: Bench) -> None:
    bench.engine.step = 50
    assert bench.csr(CSRRW, 0xB00, 1000) == 50
    assert bench.csr(CSRRS, 0xC00) == 1000
    assert bench.csr(CSRRS, 0xB02) == 52, "the other goes on"
    assert bench.csr(CSRRW, 0xB02, 5) == 53
    assert bench.csr(CSRRS, 0xC02) == 5
    assert bench.csr(CSRRS, 0xC00) == 1004
    bench.put(mcycle=77)
    assert bench["cycle"] == 77


def test_halves_of_counters() -> None:
    bench = Bench(32)
    bench.csr(CSRRW, 0xB80, 0x12)
    bench.csr(CSRRW, 0xB00, 0xFFFFFFFF)
    assert bench.csr(CSRRS, 0xC80) == 0x12
    assert bench.csr(CSRRS, 0xC80) == 0x13
    assert bench.csr(CSRRS, 0xC00) == 1
    bench.csr(CSRRW, 0xB82, 3)
    assert bench["minstreth"] == 3
    bench.csr(CSRRW, 0xB02, 9)
    assert (bench["minstret"], bench["minstreth"]) == (9, 3)
    assert bench.csr(CSRRS, 0xB81) is None


@pytest.mark.parametrize("number", [0xC80, 0xC81, 0xC82, 0xB80, 0xB82, 0xB01, 0xB81])
def test_what_64_bits_have_not(number: int) -> None:
    assert Bench(64).csr(CSRRS, number) is None


def test_time_is_virtual_time(bench: Bench) -> None:
    bench.engine.step = 12345
    bench.engine.time.warp_ns = 1 << 50
    ticks = (12345 * NS_PER_STEP + (1 << 50)) * TIMEBASE_HZ // 10**9
    assert bench.csr(CSRRS, 0xC01) == ticks & (1 << 8 * bench.cpu.word_size) - 1
    if bench.cpu.word_size == 4:
        assert bench["timeh"] == ticks >> 32
    bench.put(time=7)
    assert bench.csr(CSRRS, 0xC01) == ticks & (1 << 8 * bench.cpu.word_size) - 1


@pytest.mark.parametrize("which", [0, 1, 2])
def test_counter_enables(bench: Bench, which: int) -> None:
    open_memory(bench.engine)
    seen = {}
    for machine in (0, 1 << which, 7 & ~(1 << which)):
        for supervisor in (0, 1 << which, 7 & ~(1 << which)):
            for mode in (U, S, M):
                bench.put(mcounteren=machine, scounteren=supervisor, priv=mode)
                read = bench.csr(CSRRS, 0xC00 + which)
                seen[machine >> which & 1, supervisor >> which & 1, mode] = read is not None
    assert {key for key, legal in seen.items() if legal} == {
        (0, 0, M), (0, 1, M), (1, 0, M), (1, 1, M), (1, 0, S), (1, 1, S), (1, 1, U)
    }  # fmt: skip


# Physical memory protection --------------------------------------------------------------------


def test_regions_of_each_kind(bench: Bench) -> None:
    for index, address in enumerate((0x1000, 0x2000, 0x3000, 0x4000, 0x50FF)):
        bench.csr(CSRRW, 0x3B0 + index, address)
    off, tor, na4, napot = 0x00, 0x08, 0x10, 0x18
    config = (tor | 7, off | 7, tor | 0x81, na4 | 3, napot | 4)
    bench.csr(CSRRW, 0x3A0, int.from_bytes(bytes(config[:4]), "little"))
    if bench.cpu.word_size == 4:
        bench.csr(CSRRW, 0x3A1, config[4])
    else:
        bench.csr(CSRRS, 0x3A0, config[4] << 32)
    assert bench.pmp == [
        (0, 0x4000, 7, False),
        (0x8000, 0xC000, 1, True),
        (0x10000, 0x10004, 3, False),
        (0x14000, 0x14000 + 0x800, 4, False),
    ]


def test_a_region_that_ends_before_it_begins_is_none(bench: Bench) -> None:
    bench.csr(CSRRW, 0x3B0, 0x2000)
    bench.csr(CSRRW, 0x3B1, 0x1000)
    bench.csr(CSRRW, 0x3A0, 0x0F00)
    assert bench.pmp == []


def test_all_memory(bench: Bench) -> None:
    bench.csr(CSRRW, 0x3B0, ALL if bench.cpu.word_size == 8 else 0xFFFFFFFF)
    bench.csr(CSRRW, 0x3A0, 0x1F)
    ((low, high, rights, locked),) = bench.pmp
    assert (low, rights, locked) == (0, 7, False)
    assert high >= (1 << 56 if bench.cpu.word_size == 8 else 1 << 34)
    assert high < 1 << 64


@given(address=st.integers(0, (1 << 54) - 1))
def test_napot_is_a_power_of_two_where_the_address_lies(address: int) -> None:
    bench = Bench()
    bench.csr(CSRRW, 0x3B0, address)
    bench.csr(CSRRW, 0x3A0, 0x19)
    ((low, high, *_),) = bench.pmp
    size = high - low
    assert size >= 8 and size & (size - 1) == 0 and low % size == 0
    ones = size.bit_length() - 4  # the low bits of the register that are ones; then a zero
    assert address & (1 << ones + 1) - 1 == (1 << ones) - 1
    assert low <= address << 2 < high


def test_what_is_locked_stays_until_reset(bench: Bench) -> None:
    for index in range(4):
        bench.csr(CSRRW, 0x3B0 + index, 0x1000 * (index + 1))
    bench.csr(CSRRW, 0x3A0, 0x00_8F_00_9F)  # entry 0 NAPOT, entry 2 TOR
    before = bench.pmp
    for index in range(4):
        bench.csr(CSRRW, 0x3B0 + index, 0)
    assert [bench[f"pmpaddr{n}"] for n in range(4)] == [0x1000, 0x2000, 0x3000, 0]
    bench.csr(CSRRW, 0x3A0, 0x07_07_07_07)
    assert bench["pmpcfg0"] & 0xFFFFFFFF == 0x05_8F_05_9F | 0x02_00_02_00
    assert bench.pmp == before
    bench.cpu.reset()
    assert bench.pmp == []
    assert bench["pmpcfg0"] == bench["pmpaddr0"] == 0


def test_reserved_settings(bench: Bench) -> None:
    bench.csr(CSRRW, 0x3A0, 0x6A)  # bits that are not there; writable but not readable
    assert bench["pmpcfg0"] == 0x08


def test_registers_of_sixteen_entries(bench: Bench) -> None:
    assert bench.csr(CSRRS, 0x3BF) is not None
    assert bench.csr(CSRRS, 0x3C0) is None
    odd = bench.cpu.word_size == 4
    assert [bench.csr(CSRRS, 0x3A0 + n) is not None for n in range(5)] == [
        True, odd, True, odd, False
    ]  # fmt: skip
    bench.csr(CSRRW, 0x3A2, 0x0F)
    bench.csr(CSRRW, 0x3B8, 0x400)
    assert bench.pmp == [(0, 0x1000, 7, False)]


def test_a_stop_that_is_not_for_the_model_does_nothing(bench: Bench) -> None:
    assert bench.stop(StopReason.BUDGET).name == "CONTINUE"
