"""What an Armv6-M core does differently (DDI0419C), on the bench and on the real engine."""

from __future__ import annotations

import struct

import pytest

from tests.unit.armv7m_doubles import Bench
from tests.unit.test_armv7m_engine import CODE, Machine
from ttd.cpu.armv7m import CORTEX_M0
from ttd.cpu.base import After, Over

HARD_FAULT, SVCALL = 3, 11


@pytest.fixture
def bench() -> Bench:
    return Bench(CORTEX_M0)


def machine_with(program: str) -> Machine:
    """Handlers as in Armv6-M: push {r4, lr}; mrs r4, ipsr; add r8, r4; pop {r4, pc}"""
    return Machine(bytes.fromhex(program), profile=CORTEX_M0)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0xD00, 0x410CC200),  # CPUID
        (0xD08, 0),  # VTOR
        (0xD14, 0x208),  # CCR: STKALIGN, UNALIGN_TRP
        (0xD18, 0),  # SHPR1
        (0xD24, 0),  # SHCSR
        (0xD28, 0),  # CFSR
        (0xD90, 0),  # MPU_TYPE
        (0x300, 0),  # IABR
        (0xF00, 0),  # STIR
        (0x420, 0),  # IPR8: of interrupt 32
    ],
)
def test_registers_that_are_fixed_or_not_there(bench: Bench, offset: int, value: int) -> None:
    for written in (0, 0xFFFFFFFF):
        bench.scs_write(offset, written)
        assert bench.scs_read(offset) == value


def test_priorities_have_two_bits_and_no_groups(bench: Bench) -> None:
    bench.scs_write(0x400, 0xFFFFFFFF)
    bench.scs_write(0xD1C, 0xFFFFFFFF)
    bench.scs_write(0xD20, 0xFFFFFFFF)
    assert bench.scs_read(0x400) == 0xC0C0C0C0
    assert (bench.scs_read(0xD1C), bench.scs_read(0xD20)) == (0xC0000000, 0xC0C00000)
    bench.scs_write(0xD0C, 0x05FA0700)
    assert bench.scs_read(0xD0C) == 0xFA050000


def test_icsr_says_nothing_of_the_base_level(bench: Bench) -> None:
    bench.cpu.set_line(2, True)
    bench.scs_write(0x100, 1 << 2)
    assert bench.scs_read(0xD04) == 1 << 22 | 18 << 12


def test_there_are_no_debug_units(bench: Bench) -> None:
    assert [unit.device.name for unit in bench.cpu.mapped_devices()] == ["scs"]


def test_registers_for_gdb(bench: Bench) -> None:
    names = {register.name for register in bench.cpu.registers}
    assert "primask" in names
    assert not names & {"basepri", "faultmask"}


@pytest.mark.parametrize(
    ("program", "pc"),
    [
        ("00de", CODE),  # udf
        ("08bf", CODE),  # it eq
        ("10bf" "08bf", CODE + 2),  # yield; it eq
        ("10bf" "00b1", CODE + 2),  # yield; cbz
        ("10bf" "40f20100", CODE + 2),  # yield; movw
        ("0868", CODE),  # ldr r0, [r1]: nothing there
        ("0131" "0868", CODE + 2),  # adds r1, #1; ldr r0, [r1]: unaligned
        ("0131" "0880", CODE + 2),  # strh
        ("0131" "09c9", CODE + 2),  # ldm r1, {r0, r3}
        ("0847", 0x60000000),  # bx r1, without the Thumb bit
        ("0131" "0847", 0x60000000),  # nothing to fetch
        ("00be", CODE),  # bkpt
    ],
)  # fmt: skip
def test_every_fault_is_a_hard_fault(program: str, pc: int) -> None:
    machine = machine_with(program)
    machine.cpu.write_register("r1", 0x60000000)
    while not machine.entered:
        assert machine.advance(machine.engine.step + 1) is None
    assert machine.entered == [(HARD_FAULT, pc)]


def test_aligned_memory_that_is_unaligned_is_a_hard_fault_too() -> None:
    machine = machine_with("0868")
    machine.cpu.write_register("r1", 0x20000102)
    machine.advance(1)
    assert machine.entered == [(HARD_FAULT, CODE)]


def test_a_fault_in_the_hard_fault_handler_locks_up() -> None:
    machine = machine_with("00de")
    machine.engine.write(0x800, bytes.fromhex("00de"))
    assert isinstance(machine.advance(10), Over)


def test_svc_escalates_where_it_cannot_be_taken() -> None:
    machine = machine_with("05df72b605df")  # svc; cpsid i; svc
    machine.advance(10)
    assert [number for number, _ in machine.entered][:2] == [SVCALL, HARD_FAULT]


def test_an_interrupt_at_any_step_changes_nothing() -> None:
    # movs r0, #0; movs r1, #9; 1: push {r0, r1}; adds r0, #1; pop {r2, r3}; cmp r0, r1; bne 1b
    program = "0020092103b401300cbc8842fad1abbe"
    undisturbed = machine_with(program)
    assert undisturbed.advance(1000) is After.SEMIHOST
    for at in range(undisturbed.engine.step):
        machine = machine_with(program)
        machine.advance(at)
        machine.cpu.set_line(31, True)
        machine.cpu.set_line(31, False)
        assert machine.advance(1000) is After.SEMIHOST
        assert machine.result() == undisturbed.result()
        assert (machine.reg("r8"), machine.entered[0][0]) == (47, 47)
        assert machine.engine.step == undisturbed.engine.step + 1 + 4


def test_control_has_no_npriv() -> None:
    machine = machine_with("032080f3148800bf")  # movs r0, #3; msr control, r0; nop
    machine.advance(3)
    assert machine.reg("control") == 2
    machine.cpu.write_register("control", 3)
    assert machine.reg("control") == 2


def test_a_return_brings_no_it_state() -> None:
    machine = machine_with("05df00bf00bf")  # svc; nop; nop
    machine.advance(2)
    assert [number for number, _ in machine.entered] == [SVCALL]
    xpsr = machine.reg("sp") + 28
    (stacked,) = struct.unpack("<I", machine.engine.read(xpsr, 4))
    machine.engine.write(xpsr, struct.pack("<I", stacked | 0x0600FC00))
    machine.advance(2 + 4 + 1)
    assert machine.reg("xpsr") & 0x0600FC00 == 0
