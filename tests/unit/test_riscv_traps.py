"""Traps: which, when, where to, and what they leave in the CSRs (the privileged manual's rules)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.unit.riscv_doubles import (
    CSRRC,
    CSRRS,
    CSRRSI,
    CSRRW,
    DEVICE,
    HOLE,
    INTERRUPT,
    MEIP,
    MSIP,
    MTIP,
    RAM,
    RESET,
    SEIP,
    Bench,
    csr,
    open_memory,
)
from ttd.cpu.base import After
from ttd.devices.clint import Clint
from ttd.engine.types import Access, StopReason

SSI, STI = 1, 5
MTIME = 0xBFF8
U, S, M = 0, 1, 3
SIE, MIE, SPIE, MPIE, SPP, MPP = 1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 8, 3 << 11
ALL = 0xAAA
EBREAK = 0x00100073


@pytest.fixture(params=[64, 32])
def bench(request: pytest.FixtureRequest) -> Bench:
    made = Bench(request.param)
    made.put(mtvec=0x80001000, stvec=0x80002000)
    return made


def top(bench: Bench) -> int:
    """The interrupt bit of xcause."""
    return 1 << 8 * bench.cpu.word_size - 1


def lengths(bench: Bench) -> int:
    """UXL and SXL of mstatus: 64 bits."""
    return 0xA << 32 if bench.cpu.word_size == 8 else 0


def test_reset(bench: Bench) -> None:
    bench.put(pc=0x1234, a0=7, ft0=1, mstatus=0x1888, satp=5, mideleg=0x222, priv=U)
    bench.csr(CSRRW, 0x344, 0x222)
    bench.cpu.set_line(MTIP, True)
    bench.cpu.reset()
    assert (bench["pc"], bench["priv"]) == (RESET, M)
    assert [bench[n] for n in ("a0", "ft0", "satp", "mideleg", "mtvec")] == [0] * 5
    assert bench["mstatus"] == lengths(bench)
    assert bench["mip"] == 1 << MTIP, "inputs keep their levels, software's bits are gone"
    bench.cpu.start_at(0x8000_0100, 0x8000_F000)
    assert (bench["pc"], bench["sp"]) == (0x8000_0100, 0x8000_F000)


# Interrupts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [MSIP, MTIP, SEIP, MEIP])
def test_an_interrupt_is_taken_in_machine_mode(bench: Bench, line: int) -> None:
    bench.put(mstatus=MIE | MPP, mie=1 << line, pc=0x80000040, mtval=9)
    assert bench.take() is None
    bench.cpu.set_line(line, True)
    number = bench.take()
    assert number == INTERRUPT + line
    assert bench.cpu.is_asynchronous(number)
    assert bench["mcause"] == top(bench) | line
    assert (bench["mepc"], bench["mtval"]) == (0x80000040, 0)
    assert bench["mstatus"] == lengths(bench) | MPIE | MPP, (
        "MIE moves to MPIE, MPP is the mode it came from"
    )
    assert (bench["pc"], bench["priv"]) == (0x80001000, M)
    assert bench.take() is None, "MIE is off in the handler"
    bench.cpu.set_line(line, False)
    assert bench["mip"] == 0


@pytest.mark.parametrize(
    ("mode", "mstatus", "delegated", "taken_in"),
    [
        (M, 0, False, None),
        (M, SIE, False, None),
        (M, MIE, False, M),
        (M, MIE | SIE, True, None),  # never to a less privileged mode
        (S, 0, False, M),  # MIE does not count below machine mode
        (S, 0, True, None),
        (S, MIE, True, None),
        (S, SIE, True, S),
        (U, 0, False, M),
        (U, 0, True, S),
    ],
)
def test_global_enables_count_in_their_own_mode(
    bench: Bench, mode: int, mstatus: int, delegated: bool, taken_in: int | None
) -> None:
    bench.put(mstatus=mstatus, mie=1 << SEIP, mideleg=(1 << SEIP) * delegated, priv=mode)
    bench.cpu.set_line(SEIP, True)
    assert bench.take() == (None if taken_in is None else INTERRUPT + SEIP)
    assert bench["priv"] == (mode if taken_in is None else taken_in)


def test_entry_to_supervisor_mode(bench: Bench) -> None:
    for mode, spp in ((U, 0), (S, SPP)):
        bench.put(mstatus=SIE | MIE | MPP, mie=ALL, mideleg=0x222, priv=mode, pc=0x4444)
        bench.cpu.set_line(SEIP, True)
        assert bench.take() == INTERRUPT + SEIP
        assert bench["mstatus"] == lengths(bench) | SPIE | MIE | MPP | spp
        assert bench["scause"] == top(bench) | SEIP
        assert (bench["sepc"], bench["stval"]) == (0x4444, 0)
        assert (bench["pc"], bench["priv"]) == (0x80002000, S)
        assert bench["mcause"] == bench["mepc"] == 0
        bench.put(mstatus=0)
        assert bench.take() is None


def pend(bench: Bench, codes: int) -> None:
    """Lines for those that have one, and bits in mip for the others."""
    for line in (MSIP, MTIP, MEIP):
        bench.cpu.set_line(line, bool(codes >> line & 1))
    bench.put(mip=codes)


def test_priority_is_that_of_the_manual(bench: Bench) -> None:
    order = [MEIP, MSIP, MTIP, SEIP, SSI, STI]
    for first, second in permutations(order, 2):
        pend(bench, 1 << first | 1 << second)
        bench.put(priv=M, mstatus=MIE, mie=ALL)
        assert bench.take() == INTERRUPT + min(first, second, key=order.index)


@pytest.mark.parametrize(
    ("codes", "delegated", "mode", "taken"),
    [
        # Of those for different modes, the one for machine mode; of those for S, by the same order.
        (1 << MTIP | 1 << SEIP, 0x222, S, MTIP),
        (1 << STI | 1 << MEIP, 0x200, S, MEIP),
        (0x222, 0x222, S, SEIP),
        (0x022, 0x222, U, SSI),
        (1 << MTIP | 1 << SEIP, 0x222, M, None),
    ],
)
def test_delegated_interrupts_come_second(
    bench: Bench, codes: int, delegated: int, mode: int, taken: int | None
) -> None:
    pend(bench, codes)
    bench.put(priv=mode, mstatus=SIE, mie=ALL, mideleg=delegated)
    assert bench.take() == (None if taken is None else INTERRUPT + taken)


def test_vectored_mode_is_for_interrupts(bench: Bench) -> None:
    bench.put(mtvec=0x80001001, stvec=0x80002001, mstatus=MIE, mie=ALL)
    bench.cpu.set_line(MTIP, True)
    bench.take()
    assert bench["pc"] == 0x80001000 + 4 * MTIP
    bench.cpu.set_line(MTIP, False)
    bench.stop(StopReason.EXCEPTION, 8)
    bench.take()
    assert bench["pc"] == 0x80001000
    bench.put(priv=U, mideleg=0x222)
    bench.cpu.set_line(SEIP, True)
    bench.take()
    assert bench["pc"] == 0x80002000 + 4 * SEIP


NOP = 0x13
MRET, SRET, WFI = 0x30200073, 0x10200073, 0x10500073


@pytest.mark.parametrize(
    "word",
    [
        csr(CSRRSI, 0x300, 0, MIE),
        csr(CSRRS, 0x304, 0, 15),  # mie
        csr(CSRRC, 0x303, 0, 15),  # mideleg: now machine mode's
        csr(CSRRS, 0x344, 0, 15),  # mip
        MRET,
    ],
)
def test_what_an_instruction_lets_in_is_taken_right_after_it(bench: Bench, word: int) -> None:
    bit, masked = 1 << SEIP, word == csr(CSRRS, 0x304, 0, 15)
    bench.put(a5=bit, mie=0 if masked else bit, mepc=RESET + 0x20)
    if word == csr(CSRRC, 0x303, 0, 15):
        bench.put(mideleg=bit)
    if word != csr(CSRRS, 0x344, 0, 15):
        bench.put(mip=bit)
    if word == MRET:
        bench.put(mstatus=MPIE | MPP)
    elif word != csr(CSRRSI, 0x300, 0, MIE):
        bench.put(mstatus=MIE)
    bench.poke(RESET, NOP, NOP, word, *[NOP] * 20)
    stop = bench.run(10)
    assert (stop.reason, stop.steps) == (StopReason.MASKS, 3)
    assert bench.take() == INTERRUPT + SEIP
    assert bench["mepc"] == (RESET + 0x20 if word == MRET else RESET + 12)


def test_only_a_line_that_interrupts_ends_a_run(bench: Bench) -> None:
    bench.put(a0=DEVICE, a5=0x80 | MTIP, mstatus=MIE, mie=1 << SEIP)
    bench.poke(RESET, NOP, 0x00F52023, *[NOP] * 20)  # sw a5, 0(a0)
    assert bench.run(10).steps == 10, "it is not enabled"
    bench.put(pc=RESET, a5=0x80 | SEIP)
    assert bench.run(10).steps == 2
    assert bench.cpu.pending() == INTERRUPT + SEIP
    bench.put(pc=RESET, mstatus=0)
    assert bench.run(10).steps == 10, "it was pending already, and is masked"


def returning(bench: Bench, word: int, **registers: int) -> tuple[int, ...]:
    """PC, mode and mstatus after a return; empty: it is illegal."""
    open_memory(bench.engine)
    bench.put(mepc=RESET + 0x101, sepc=RESET + 0x203, **registers)
    done = bench.instruction(word)
    return (bench["pc"], bench["priv"], bench["mstatus"] & 0xFFFFFFFF) if done else ()


@pytest.mark.parametrize("mode", [U, S, M])
def test_mret(bench: Bench, mode: int) -> None:
    status = mode << 11 | MPIE | SPP | SPIE
    found = returning(bench, MRET, mstatus=status)
    assert found == (RESET + 0x100, mode, MPIE | MIE | SPP | SPIE)
    bench.put(priv=M, mstatus=MIE | MPP, pc=RESET)
    assert returning(bench, MRET)[1:] == (M, MPIE), "MPIE goes to MIE"
    bench.put(priv=S, pc=RESET)
    assert returning(bench, MRET) == ()


@pytest.mark.parametrize(("spp", "mode"), [(0, U), (SPP, S)])
def test_sret(bench: Bench, spp: int, mode: int) -> None:
    tsr = 1 << 22
    assert returning(bench, SRET, priv=S, mstatus=spp | SPIE | MPP) == (
        RESET + 0x202, mode, SIE | SPIE | MPP,
    )  # fmt: skip
    bench.put(pc=RESET)
    assert returning(bench, SRET, priv=M, mstatus=spp | tsr)[1:] == (mode, SPIE | tsr)
    bench.put(pc=RESET)
    assert returning(bench, SRET, priv=S, mstatus=spp | tsr) == (), "TSR"
    assert bench.take() == 2 and bench["mtval"] == SRET
    bench.put(pc=RESET)
    assert returning(bench, SRET, priv=U, mstatus=spp) == ()


@pytest.mark.parametrize(
    ("mode", "tw", "waits"),
    [(M, True, True), (S, False, True), (S, True, False), (U, False, False), (U, True, False)],
)
def test_who_may_wait(bench: Bench, mode: int, tw: bool, waits: bool) -> None:
    open_memory(bench.engine)
    bench.put(priv=mode, mstatus=tw << 21)
    bench.poke(RESET, NOP, WFI, NOP)
    stop = bench.run(10)
    expected = (StopReason.WAIT, 2) if waits else (StopReason.EXCEPTION, 1)
    assert (stop.reason, stop.steps, stop.pc) == (*expected, RESET + 4 * expected[1])


def test_wfi_waits_for_what_mie_enables_whatever_else_masks_it(bench: Bench) -> None:
    assert bench.stop(StopReason.WAIT) is After.WAIT
    bench.cpu.set_line(MTIP, True)
    assert not bench.cpu.wake()
    bench.put(mie=1 << MTIP)
    assert bench.cpu.wake()
    assert bench.cpu.pending() is None
    assert bench.stop(StopReason.WAIT) is After.CONTINUE


# Exceptions ------------------------------------------------------------------------------------


def raised(bench: Bench, after: After) -> tuple[int, int]:
    """Cause and tval of the exception that the stop has raised, taken in machine mode."""
    assert after is After.RAISED
    number = bench.take()
    assert number is not None and not bench.cpu.is_asynchronous(number)
    assert bench.cpu.pending() is None, "it is taken once"
    assert bench["mcause"] == number
    return number, bench["mtval"]


@pytest.mark.parametrize(("mode", "cause"), [(U, 8), (S, 9), (M, 11)])
def test_ecall_says_where_it_came_from(bench: Bench, mode: int, cause: int) -> None:
    bench.put(priv=mode, pc=0x80000020, mtval=5)
    assert raised(bench, bench.stop(StopReason.EXCEPTION, 8)) == (cause, 0)
    assert bench["mepc"] == 0x80000020
    assert bench["mstatus"] & MPP == mode << 11


def test_delegation_of_exceptions(bench: Bench) -> None:
    bench.put(medeleg=1 << 9, priv=S, pc=0x80000020)
    bench.stop(StopReason.EXCEPTION, 8)
    assert bench.take() == 9
    assert (bench["scause"], bench["sepc"], bench["priv"]) == (9, 0x80000020, S)
    bench.put(medeleg=1 << 11, priv=M)
    bench.stop(StopReason.EXCEPTION, 8)
    assert bench.take() == 11
    assert bench["priv"] == M, "what machine mode raises stays there"
    # mideleg is for interrupts.
    bench.put(medeleg=0, mideleg=1 << 9, priv=S)
    bench.stop(StopReason.EXCEPTION, 8)
    bench.take()
    assert bench["priv"] == M


def test_an_exception_comes_before_an_interrupt_of_the_same_position(bench: Bench) -> None:
    bench.stop(StopReason.EXCEPTION, 8)
    bench.put(mstatus=MIE, mie=ALL)
    bench.cpu.set_line(MTIP, True)
    assert bench.take() == 11


@pytest.mark.parametrize("word", [0xFFFFFFFF, 0x0000, 0x7B200073, 0x7B002573])
def test_illegal_instructions_have_their_bits_in_tval(bench: Bench, word: int) -> None:
    bench.put(pc=0x80000100)
    assert not bench.instruction(word)
    assert raised(bench, After.RAISED) == (2, word)


def test_an_instruction_on_two_pages(bench: Bench) -> None:
    bench.put(pc=0x80000FFE)
    assert not bench.instruction(0xFFFFFFFF)
    assert raised(bench, After.RAISED) == (2, 0xFFFFFFFF)


def test_ebreak_and_other_invalid_instructions(bench: Bench) -> None:
    bench.put(pc=0x80000100)
    for word, expected in ((EBREAK, (3, 0)), (0x9002, (3, 0)), (0x0000007B, (2, 0x7B))):
        bench.engine.write(0x80000100, word.to_bytes(4, "little"))
        bench.put(pc=0x80000100)
        assert raised(bench, bench.stop(StopReason.INVALID)) == expected
        assert bench["mepc"] == 0x80000100


CODE, GONE, BAD, DATA = 0x40000000, 0x40001000, 0x40002000, 0x40003000
"""Pages: of the code; of nothing; of physical addresses at which nothing is; of data."""


def with_pages(bench: Bench) -> None:
    """S-mode with page tables; PC is at the end of the page of code."""
    open_memory(bench.engine)
    for virtual, physical in ((CODE, RAM), (BAD, HOLE), (DATA, RAM + 0x1000)):
        bench.map(virtual, physical)
    bench.put(priv=S, pc=CODE + 0xFF0)


@pytest.mark.parametrize(
    ("access", "page", "other"),
    [(Access.READ, 13, 5), (Access.WRITE, 15, 7)],
)
def test_faults_of_data_accesses(bench: Bench, access: Access, page: int, other: int) -> None:
    with_pages(bench)
    bench.poke(RAM + 0xFF0, 0x00052503)
    # The last one is a device that answers with an error.
    for at, cause in ((GONE + 4, page), (BAD + 4, other), (DATA + 4, other)):
        bench.put(priv=S, pc=CODE + 0xFF0)
        assert raised(bench, bench.stop(StopReason.FAULT, access, at)) == (cause, at)


@pytest.mark.parametrize(
    ("word", "misaligned", "page", "access"),
    [
        (0x1005A52F, 4, 13, 5),  # lr.w a0, (a1)
        (0x18C5A52F, 6, 15, 7),  # sc.w a0, a2, (a1)
        (0x00C5A52F, 6, 15, 7),  # amoadd.w a0, a2, (a1)
        (0xE0C5A52F, 6, 15, 7),  # amomaxu.w a0, a2, (a1)
    ],
)
def test_all_atomics_but_lr_are_stores(
    bench: Bench, word: int, misaligned: int, page: int, access: int
) -> None:
    """Whichever of its accesses the engine names, and in its own misaligned exception."""
    with_pages(bench)
    bench.poke(RAM + 0xFF0, word)
    bench.put(a1=DATA + 2)
    assert raised(bench, bench.stop(StopReason.EXCEPTION, 4)) == (misaligned, DATA + 2)
    for at, expected in ((GONE, page), (BAD, access)):
        bench.put(priv=S, pc=CODE + 0xFF0, a1=at)
        assert raised(bench, bench.stop(StopReason.FAULT, Access.READ, at)) == (expected, at)


def test_fetch_faults_name_the_part_that_is_missing(bench: Bench) -> None:
    with_pages(bench)
    end = CODE + 0xFFE
    for pc, expected in (
        (GONE, (12, GONE)),
        (BAD, (1, BAD)),
        (end, (12, GONE)),
        (GONE + 0xFFE, (12, GONE + 0xFFE)),
        (BAD + 0xFFE, (1, BAD + 0xFFE)),
    ):
        bench.put(priv=S, pc=pc)
        assert raised(bench, bench.stop(StopReason.FAULT, Access.FETCH, pc)) == expected
        assert bench["mepc"] == pc
    bench.map(GONE, HOLE)
    bench.put(priv=S, pc=end)
    assert raised(bench, bench.stop(StopReason.FAULT, Access.FETCH, end)) == (1, GONE)


def test_a_handler_that_is_not_there_is_entered_again_and_again(bench: Bench) -> None:
    bench.put(mtvec=0x40)
    for _ in range(3):
        step = bench.engine.step
        assert raised(bench, bench.stop(StopReason.FAULT, Access.FETCH, bench["pc"]))[0] == 1
        assert bench.engine.step == step + 1
        assert bench["pc"] == 0x40


# Semihosting -----------------------------------------------------------------------------------

SEQUENCE = (0x01F01013, EBREAK, 0x40705013)


def put_sequence(bench: Bench, *words: int) -> None:
    data = b"".join(word.to_bytes(4, "little") for word in words)
    bench.engine.write(0x800000FC, data)
    bench.put(pc=0x80000100)


def test_semihosting(bench: Bench) -> None:
    put_sequence(bench, *SEQUENCE)
    bench.put(a0=5, a1=0x80004000)
    assert bench.stop(StopReason.INVALID) is After.SEMIHOST
    assert bench.cpu.call_arguments() == (5, 0x80004000)
    bench.cpu.call_result((1 << 8 * bench.cpu.word_size) - 1)
    bench.cpu.skip_instruction()
    assert (bench["a0"] + 1, bench["pc"]) == (1 << 8 * bench.cpu.word_size, 0x80000104)


@pytest.mark.parametrize("words", [(0x13, EBREAK, SEQUENCE[2]), (SEQUENCE[0], EBREAK, 0x13)])
def test_any_other_ebreak_is_a_breakpoint(bench: Bench, words: tuple[int, ...]) -> None:
    put_sequence(bench, *words)
    assert raised(bench, bench.stop(StopReason.INVALID)) == (3, 0)


def test_semihosting_can_be_off() -> None:
    bench = Bench(semihosting=False)
    put_sequence(bench, *SEQUENCE)
    assert raised(bench, bench.stop(StopReason.INVALID)) == (3, 0)


# State -----------------------------------------------------------------------------------------


def test_state_is_data_that_comes_back(bench: Bench) -> None:
    bench.cpu.set_line(SEIP, True)
    bench.csr(CSRRW, 0x344, 1 << SSI | 1 << STI)
    bench.csr(CSRRW, 0xB00, 1000)
    bench.csr(CSRRW, 0x3B0, 0x20000000)
    bench.csr(CSRRW, 0x3A0, 0x0F)
    clint = Clint("clint", bench, bench.engine.native)
    clint.write(MTIME, 4, 5000)
    saved: dict[str, Any] = bench.cpu.save()
    seen = [bench[n] for n in ("mip", "mcycle", "time", "pmpaddr0", "pmpcfg0")]
    pmp, step = bench.pmp, bench.engine.step
    bench.cpu.reset()
    bench.cpu.set_line(SEIP, False)
    bench.engine.step = step + 100
    bench.cpu.load(saved)
    bench.engine.step = step
    assert [bench[n] for n in ("mip", "mcycle", "time", "pmpaddr0", "pmpcfg0")] == seen
    assert bench.pmp == pmp
    assert bench.cpu.save() == saved


def test_a_debugger_asks_for_addresses(bench: Bench) -> None:
    with_pages(bench)
    assert bench.cpu.translate(DATA + 5) == RAM + 0x1005
    assert bench.cpu.translate(GONE) is None


def test_csr_instructions_that_are_none() -> None:
    bench = Bench()
    assert not bench.instruction(csr(4, 0x344))
    assert not bench.instruction(csr(0, 0x344))
    assert not bench.instruction(csr(CSRRS, 0x344) ^ 0x10)
