"""Exception entry and return, faults, sleep (DDI0403E B1.5)."""

from __future__ import annotations

import msgpack
import pytest

from tests.unit.armv7m_doubles import THUMB, Bench
from ttd.cpu.armv7m import scs
from ttd.cpu.base import After, Over
from ttd.engine.types import Access, StopReason

ISER, ISPR, IPR, CCR, SHCSR, SCR, DEMCR = 0x100, 0x200, 0x400, 0xD14, 0xD24, 0xD10, 0xDFC
UNMAPPED = 0x60000000
IT = 0x0600FC00


@pytest.fixture
def bench() -> Bench:
    """In thread mode at 0x500; interrupts 0 to 3 enabled, 0 the least urgent."""
    made = Bench()
    made.scs_write(ISER, 0xF)
    made.scs_write(IPR, 0x204060C0)
    made.put(pc=0x500, **{f"r{n}": 0x1000 + n for n in range(13)}, lr=0x777)
    made.core.xpsr = 0xA8000000 | THUMB
    return made


def handler(number: int) -> int:
    return 0x800 + 4 * number


def status(bench: Bench) -> tuple[int, int]:
    return bench.cpu.scs.cfsr, bench.cpu.scs.hfsr


def svc(bench: Bench) -> object:
    return bench.exception(2)


def undefined(bench: Bench) -> object:
    bench.core.poke(bench.reg("pc") & ~3, 0xDE00DE00)  # udf; udf
    return bench.cpu.stopped(bench.stop(StopReason.INVALID))


def all_registers(bench: Bench) -> dict[str, int]:
    return {register.name: bench.reg(register.name) for register in bench.cpu.registers}


# Entry and return ----------------------------------------------------------------------------


def test_reset_reads_the_vector_table() -> None:
    bench = Bench(vtor=0x200)
    bench.core.poke(0x200, 0x20000403)
    bench.core.poke(0x204, 0x301)
    bench.put(control=3, primask=1, basepri=0x40, r5=5)
    bench.cpu.reset()
    assert all_registers(bench) == {
        **dict.fromkeys(all_registers(bench), 0),
        "sp": 0x20000400, "msp": 0x20000400, "pc": 0x300, "lr": 0xFFFFFFFF, "xpsr": THUMB,
    }  # fmt: skip


def test_entry_stacks_eight_words(bench: Bench) -> None:
    bench.scs_write(ISPR, 2)
    assert bench.take() == 17
    sp = 0x20000800 - 0x20
    frame = [bench.core.word(sp + 4 * n) for n in range(8)]
    assert frame == [0x1000, 0x1001, 0x1002, 0x1003, 0x100C, 0x777, 0x500, 0xA8000000 | THUMB]
    assert (bench.reg("sp"), bench.reg("pc"), bench.reg("lr")) == (sp, handler(17), 0xFFFFFFF9)
    assert bench.core.xpsr == 0xA8000000 | THUMB | 17
    assert bench.cpu.exception_number() == 17
    assert bench.cpu.pending() is None


@pytest.mark.parametrize("sp", [0x20000800, 0x20000804])
@pytest.mark.parametrize("stkalign", [True, False])
@pytest.mark.parametrize("control", [0, 1, 2, 3])
def test_return_undoes_entry(bench: Bench, sp: int, stkalign: bool, control: int) -> None:
    bench.cpu.scs.ccr = 0x200 if stkalign else 0
    bench.put(msp=sp, psp=sp + 0x200, control=control)
    before = all_registers(bench)
    bench.cpu.set_line(1, True)
    bench.take()
    bench.cpu.set_line(1, False)
    assert bench.reg("lr") == (0xFFFFFFFD if control & 2 else 0xFFFFFFF9)
    used = bench.reg("psp") if control & 2 else bench.reg("msp")
    start = before["sp"]
    aligned = stkalign and start & 4
    assert used == start - 0x20 - (4 if aligned else 0)
    assert bool(bench.core.word(used + 28) & 0x200) == bool(aligned)
    assert bench.reg("control") == control & 1
    bench.put(r0=0, r1=0, r2=0, r3=0, r12=0)
    assert bench.exc_return() is After.CONTINUE
    assert all_registers(bench) == before
    assert bench.cpu.scs.table.active == 0


def test_nesting_and_return_to_a_handler(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    assert bench.take() == 16
    bench.scs_write(ISPR, 2)
    assert bench.take() == 17
    assert bench.reg("lr") == 0xFFFFFFF1
    bench.scs_write(ISPR, 1)
    assert bench.cpu.pending() is None  # less urgent
    bench.exc_return()
    assert (bench.reg("pc"), bench.cpu.exception_number()) == (handler(16), 16)
    assert bench.cpu.pending() is None  # itself is active
    bench.exc_return(0xFFFFFFF9)
    assert bench.take() == 16


def test_the_most_urgent_comes_first_and_the_next_follows_at_return(bench: Bench) -> None:
    bench.scs_write(ISPR, 0xF)
    order = []
    while (number := bench.take()) is not None:
        order.append(number)
        bench.exc_return()
    assert order == [19, 18, 17, 16]
    assert bench.reg("pc") == 0x500


def test_masks(bench: Bench) -> None:
    bench.put(basepri=0x60)
    bench.scs_write(ISPR, 2)
    assert bench.cpu.pending() is None
    bench.put(basepri=0x80)
    assert bench.cpu.pending() == 17
    bench.put(primask=1)
    assert bench.cpu.pending() is None
    bench.scs_write(0xD04, 1 << 31)
    assert bench.cpu.pending() == 2
    bench.put(faultmask=1)
    assert bench.cpu.pending() == 2


def test_faultmask_ends_with_the_handler_but_not_with_nmi(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.put(faultmask=1, basepri=0x40, primask=1)
    bench.scs_write(0xD04, 1 << 31)
    assert bench.take() == 2
    bench.exc_return()
    assert bench.reg("faultmask") == 1
    bench.exc_return(0xFFFFFFF9)
    assert [bench.reg(mask) for mask in ("faultmask", "basepri", "primask")] == [0, 0x40, 1]


def test_nmi_is_taken_at_its_edge(bench: Bench) -> None:
    bench.cpu.set_nmi(True)
    assert bench.take() == 2
    bench.exc_return()
    assert bench.cpu.pending() is None
    bench.cpu.set_nmi(False)
    bench.cpu.set_nmi(True)
    assert bench.cpu.pending() == 2


def test_asynchronous_exceptions_wait_for_the_end_of_an_it_block(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    bench.core.xpsr |= 0x1800
    assert bench.cpu.pending() is None
    assert bench.core.xpsr & IT
    bench.scs_write(0xD1C, 0xE0000000)
    svc(bench)  # the core has stopped here anyway: the more urgent interrupt comes first
    assert bench.take() == 16
    assert bench.core.word(bench.reg("sp") + 28) & IT == 0x1800
    assert not bench.core.xpsr & IT
    bench.exc_return()
    assert bench.core.xpsr & IT


def test_a_synchronous_exception_is_taken_inside_an_it_block(bench: Bench) -> None:
    bench.core.xpsr |= 0x1800
    svc(bench)
    assert bench.take() == 11
    bench.exc_return()
    assert bench.core.xpsr & IT == 0x1800


@pytest.mark.parametrize("code", [3, 8])
def test_exc_return_however_it_surfaces(bench: Bench, code: int) -> None:
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.put(pc=0xFFFFFFF8)
    assert bench.cpu.stopped(bench.stop(StopReason.EXCEPTION, code, returns=True)) is After.CONTINUE
    assert bench.reg("pc") == 0x500
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.put(pc=0xFFFFFFF8)
    bench.cpu.stopped(bench.stop(StopReason.FAULT, Access.FETCH, returns=True))
    assert bench.reg("pc") == 0x500


@pytest.mark.parametrize("code", [3, 8])
def test_such_an_address_is_not_one_to_fetch_from_unless_a_return_went_there(
    bench: Bench, code: int
) -> None:
    bench.core.poke(4 * 16, 0xFFFFFFF9)
    bench.scs_write(ISPR, 1)
    bench.take()
    assert bench.reg("pc") == 0xFFFFFFF8
    assert bench.exception(code) is After.RAISED
    assert bench.take() == 3
    assert bench.cpu.scs.cfsr == scs.IACCVIOL
    assert bench.reg("xpsr") & 0x1FF == 3


@pytest.mark.parametrize("value", [0xFFFFFFF5, 0xFFFFFFF1, 0xFFFFFFE9, 0xFFFFFFFF, 0xF0000009])
def test_bad_exc_return_is_invpc_on_top_of_the_frame(bench: Bench, value: int) -> None:
    bench.scs_write(SHCSR, 7 << 16)
    bench.scs_write(ISPR, 1)
    bench.take()
    sp = bench.reg("sp")
    bench.exc_return(value)
    assert bench.take() == 6
    assert status(bench) == (1 << 18, 0)
    assert (bench.reg("sp"), bench.reg("lr")) == (sp, value)
    assert bench.cpu.scs.table.active == 1 << 6
    bench.exc_return(0xFFFFFFF9)
    assert bench.reg("pc") == 0x500


def test_return_to_thread_with_others_active_needs_nonbasethrdena(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.scs_write(ISPR, 2)
    bench.take()
    bench.cpu.scs.ccr |= 1
    frame = bench.reg("sp")
    bench.core.poke(frame + 28, THUMB)
    assert bench.exc_return(0xFFFFFFF9) is After.CONTINUE
    assert bench.cpu.exception_number() == 0
    assert bench.cpu.scs.table.active == 1 << 16


def test_return_to_thread_with_others_active_is_a_fault(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.scs_write(ISPR, 2)
    bench.take()
    bench.exc_return(0xFFFFFFF9)
    assert status(bench) == (1 << 18, 1 << 30)
    assert bench.take() == 3


def test_return_from_an_inactive_handler_is_a_fault(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.sets(active=0)
    bench.exc_return()
    assert bench.take() == 3
    assert status(bench) == (1 << 18, 1 << 30)


# Faults --------------------------------------------------------------------------------------


def test_undefined_instruction_escalates_unless_enabled(bench: Bench) -> None:
    undefined(bench)
    assert bench.take() == 3
    assert status(bench) == (1 << 16, 1 << 30)
    bench.exc_return()
    bench.scs_write(SHCSR, 1 << 18)
    undefined(bench)
    assert bench.take() == 6
    assert bench.core.word(bench.reg("sp") + 24) == 0x500


@pytest.mark.parametrize(("code", "bit"), [(17, 19), (1, 16)])
def test_usage_faults_by_exception_number(bench: Bench, code: int, bit: int) -> None:
    bench.exception(code)
    assert status(bench)[0] == 1 << bit


def test_arm_state_is_invstate(bench: Bench) -> None:
    bench.core.xpsr &= ~THUMB
    bench.cpu.stopped(bench.stop(StopReason.INVALID))
    assert status(bench)[0] == 1 << 17
    bench.take()
    assert bench.core.word(bench.reg("sp") + 28) & THUMB == 0
    assert bench.core.xpsr & THUMB


def test_a_fault_that_its_handler_makes_escalates(bench: Bench) -> None:
    bench.scs_write(SHCSR, 1 << 18)
    undefined(bench)
    assert bench.take() == 6
    undefined(bench)
    assert bench.take() == 3
    assert bench.reg("lr") == 0xFFFFFFF1


def test_a_fault_in_hard_fault_locks_up(bench: Bench) -> None:
    undefined(bench)
    bench.take()
    assert isinstance(undefined(bench), Over)
    assert bench.cpu.pending() is None
    assert isinstance(bench.cpu.stopped(bench.stop(StopReason.WAIT)), Over)


def test_faultmask_makes_faults_lock_up(bench: Bench) -> None:
    bench.put(faultmask=1)
    assert isinstance(svc(bench), Over)


def test_svc_under_primask_is_a_hard_fault(bench: Bench) -> None:
    bench.put(primask=1)
    svc(bench)
    assert bench.take() == 3
    assert status(bench) == (0, 1 << 30)


def ldr_r0_from_r1(bench: Bench, address: int) -> None:
    bench.core.poke(0x500, 0xBF006808)
    bench.put(pc=0x500, r1=address)


def test_bus_fault_has_the_address(bench: Bench) -> None:
    ldr_r0_from_r1(bench, UNMAPPED + 12)
    bench.cpu.stopped(bench.stop(StopReason.FAULT, Access.READ, address=UNMAPPED))
    assert (status(bench)[0], bench.cpu.scs.bfar) == (0x8200, UNMAPPED + 12)
    assert bench.take() == 3


def test_an_exact_address_is_believed(bench: Bench) -> None:
    ldr_r0_from_r1(bench, 0x40000010)
    stop = bench.stop(StopReason.FAULT, Access.READ, address=0x40000010, exact=True)
    bench.cpu.stopped(stop)
    assert (status(bench)[0], bench.cpu.scs.bfar) == (0x8200, 0x40000010)


def test_mpu_fault_has_the_first_forbidden_byte(bench: Bench) -> None:
    bench.scs_write(SHCSR, 1 << 16)
    bench.forbid(0x20000400, 0x100)
    ldr_r0_from_r1(bench, 0x200003FE)
    bench.cpu.stopped(bench.stop(StopReason.FAULT, Access.READ, address=0x20000400))
    assert (status(bench), bench.cpu.scs.mmfar) == ((0x82, 0), 0x20000400)
    assert bench.take() == 4


def test_unaligned_access_to_a_device(bench: Bench) -> None:
    ldr_r0_from_r1(bench, 0x40000002)
    bench.cpu.stopped(bench.stop(StopReason.FAULT, Access.READ, address=0x40000002, exact=True))
    assert status(bench)[0] == 1 << 24


def test_unaligned_exclusive(bench: Bench) -> None:
    bench.core.poke(0x500, 0x0F00E851)  # ldrex r0, [r1]
    bench.put(r1=0x20000001)
    bench.exception(4)
    assert status(bench)[0] == 1 << 24


@pytest.mark.parametrize(
    ("pc", "expected"), [(UNMAPPED, 1 << 8), (0x40000000, 1), (0xFFFFFFF8, 1), (0x1000, 1 << 8)]
)
def test_fetch_faults(bench: Bench, pc: int, expected: int) -> None:
    bench.put(pc=pc)
    bench.cpu.stopped(bench.stop(StopReason.FAULT, Access.FETCH))
    assert status(bench)[0] == expected
    bench.take()
    assert bench.core.word(bench.reg("sp") + 24) == pc


def test_bfhfnmign_ignores_the_access(bench: Bench) -> None:
    bench.cpu.scs.ccr |= 1 << 8
    bench.put(faultmask=1)
    ldr_r0_from_r1(bench, UNMAPPED)
    bench.core.xpsr |= 0x0600E400  # IT: four instructions of condition 0xE
    stop = bench.stop(StopReason.FAULT, Access.READ, address=UNMAPPED)
    assert bench.cpu.stopped(stop) is After.ENTERED
    assert (bench.reg("pc"), bench.reg("r0")) == (0x502, 0x1000)
    assert bench.core.xpsr & IT == 0x0400EC00
    assert status(bench)[0] == 0x8200


def test_breakpoints(bench: Bench) -> None:
    bench.core.poke(0x500, 0xBE01BE01)
    bench.exception(7)
    assert bench.take() == 3
    assert (status(bench), bench.cpu.scs.dfsr) == ((0, 1 << 31), 2)
    bench.exc_return()
    bench.scs_write(DEMCR, 1 << 16)
    bench.exception(7)
    assert bench.take() == 12


def test_semihosting(bench: Bench) -> None:
    bench.core.poke(0x500, 0xBEABBEAB)
    assert bench.exception(7) is After.SEMIHOST
    bench.cpu.skip_instruction()
    assert bench.reg("pc") == 0x502
    bench.cpu.semihosting = False
    bench.exception(7)
    assert bench.take() == 3


def test_skip_knows_wide_instructions(bench: Bench) -> None:
    bench.core.poke(0x500, 0x8000F3AF)  # nop.w
    bench.cpu.skip_instruction()
    assert bench.reg("pc") == 0x504


# Faults of entry and return ------------------------------------------------------------------


def test_stacking_bus_fault_comes_before_a_less_urgent_interrupt(bench: Bench) -> None:
    bench.scs_write(SHCSR, 7 << 16)
    bench.put(control=2, psp=UNMAPPED)
    bench.scs_write(ISPR, 1)
    assert bench.take() == 16
    assert (bench.cpu.exception_number(), status(bench)) == (5, (1 << 12, 0))
    assert bench.reg("psp") == UNMAPPED - 0x20
    assert bench.cpu.scs.table.pending == 1 << 16


def test_stacking_fault_of_the_mpu_is_of_the_stacks_privilege(bench: Bench) -> None:
    bench.scs_write(0xD94, 5)  # without regions: privileged code only
    bench.scs_write(ISPR, 1)
    bench.put(control=3, psp=0x20000C00)
    bench.take()
    assert (bench.cpu.exception_number(), status(bench)) == (3, (1 << 4, 1 << 30))
    assert bench.reg("control") == 1


def test_a_more_urgent_interrupt_comes_before_its_stacking_fault(bench: Bench) -> None:
    bench.scs_write(SHCSR, 7 << 16)
    bench.scs_write(0xD18, 0x00E0E0E0)
    bench.put(control=2, psp=UNMAPPED)
    bench.scs_write(ISPR, 8)
    assert bench.take() == 19
    assert bench.cpu.exception_number() == 19
    assert bench.cpu.scs.table.pending == 1 << 5


def test_unstacking_fault_keeps_the_frame(bench: Bench) -> None:
    bench.scs_write(SHCSR, 7 << 16)
    bench.put(control=2, psp=0x20000C00)
    bench.scs_write(ISPR, 1)
    bench.take()
    good, msp = bench.reg("psp"), bench.reg("msp")
    bench.put(psp=UNMAPPED)
    bench.exc_return()
    assert bench.take() == 5
    assert status(bench) == (1 << 11, 0)
    assert (bench.reg("lr"), bench.reg("psp"), bench.reg("msp")) == (0xFFFFFFFD, UNMAPPED, msp)
    bench.put(psp=good)
    bench.exc_return()
    assert bench.reg("pc") == 0x500


def test_unstacking_fault_of_the_mpu(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.forbid(0x20000000, 0x1000)
    bench.exc_return()
    assert status(bench) == (1 << 3, 1 << 30)


def test_a_vector_that_cannot_be_read_is_a_hard_fault(bench: Bench) -> None:
    bench.cpu.scs.vtor = UNMAPPED
    bench.scs_write(ISPR, 1)
    bench.take()
    assert status(bench)[1] == 1 << 1
    assert bench.reg("pc") == 0xFFFFFFFE
    assert isinstance(bench.cpu.stopped(bench.stop(StopReason.FAULT, Access.FETCH)), Over)


def test_vecttbl_keeps_the_exception_pending(bench: Bench) -> None:
    bench.cpu.scs.vtor = 0x1000 - 4 * 16
    for number in range(16):
        bench.core.poke(bench.cpu.scs.vtor + 4 * number, 0x301)
    bench.scs_write(ISPR, 1)
    bench.take()
    assert (bench.cpu.exception_number(), bench.reg("pc")) == (3, 0x300)
    assert bench.cpu.scs.table.pending == 1 << 16
    assert status(bench)[1] == 1 << 1


# Sleep ---------------------------------------------------------------------------------------


def wfe(bench: Bench, before: int = 0xBF00) -> object:
    bench.core.poke(0x4FC, 0xBF20 << 16 | before)
    bench.core.poke(0x500, 0xBF00BF00)
    return bench.cpu.stopped(bench.stop(StopReason.INVALID, behind=True))


def test_wfi_sleeps_until_something_could_be_taken(bench: Bench) -> None:
    wait = bench.stop(StopReason.WAIT)
    assert bench.cpu.stopped(wait) is After.WAIT
    assert not bench.cpu.wake()
    bench.put(basepri=0x40)
    bench.cpu.set_line(1, True)
    assert not bench.cpu.wake()  # BASEPRI holds it back
    bench.put(basepri=0)
    assert bench.cpu.wake()
    assert bench.cpu.pending() == 17


def test_wfi_wakes_under_primask_and_goes_on(bench: Bench) -> None:
    bench.put(primask=1)
    assert bench.cpu.stopped(bench.stop(StopReason.WAIT)) is After.WAIT
    bench.cpu.set_line(1, True)
    assert bench.cpu.wake()
    assert bench.cpu.pending() is None
    assert bench.cpu.stopped(bench.stop(StopReason.WAIT)) is After.CONTINUE


def test_wfe_and_the_event_register(bench: Bench) -> None:
    assert wfe(bench) is After.WAIT
    bench.cpu.set_line(1, True)
    assert bench.cpu.wake()
    bench.take()
    bench.cpu.set_line(1, False)
    bench.exc_return()
    assert wfe(bench) is After.CONTINUE  # entry and return were events
    assert wfe(bench) is After.WAIT


def test_sev_right_before_wfe(bench: Bench) -> None:
    assert wfe(bench, before=0xBF40) is After.CONTINUE
    assert wfe(bench) is After.WAIT


def test_wfe_wakes_by_sevonpend(bench: Bench) -> None:
    bench.scs_write(0x180, 2)
    assert wfe(bench) is After.WAIT
    bench.cpu.set_line(1, True)
    assert not bench.cpu.wake()
    bench.cpu.set_line(1, False)
    bench.scs_write(0x280, 2)
    bench.scs_write(SCR, 1 << 4)
    bench.cpu.set_line(1, True)
    assert bench.cpu.wake()


def test_yield_is_nothing_and_an_undefined_instruction_after_a_hint_is_one(bench: Bench) -> None:
    bench.core.poke(0x4FC, 0xBF10BF00)
    bench.core.poke(0x500, 0xBF00BF00)
    stop = bench.stop(StopReason.INVALID, behind=True)
    assert bench.cpu.stopped(stop) is After.CONTINUE
    undefined(bench)
    assert status(bench)[0] == 1 << 16


def test_sleeponexit(bench: Bench) -> None:
    bench.scs_write(SCR, 2)
    bench.scs_write(ISPR, 3)
    bench.take()
    assert bench.exc_return() is After.CONTINUE  # another is pending
    bench.take()
    assert bench.exc_return() is After.WAIT
    assert bench.reg("pc") == 0x500


# State ---------------------------------------------------------------------------------------


def test_state_survives_at_an_awkward_place(bench: Bench) -> None:
    bench.scs_write(ISPR, 1)
    bench.take()
    bench.exc_return(0xFFFFFFF5)
    state = msgpack.unpackb(msgpack.packb(bench.cpu.save()))
    assert state == bench.cpu.save()
    other = Bench()
    other.cpu.load(state)
    assert other.cpu.save() == state


def test_registers_are_in_gdbs_order(bench: Bench) -> None:
    numbers = [register.regnum for register in bench.cpu.registers]
    assert numbers == sorted(numbers)
    for register in bench.cpu.registers[:16]:
        bench.put(**{register.name: 0x20000100})
        assert bench.reg(register.name) == 0x20000100
    bench.put(control=3)
    bench.put(control=2)
    assert bench.reg("control") == 2


def test_the_private_peripheral_bus(bench: Bench) -> None:
    units = bench.cpu.mapped_devices()
    assert all(unit.size == 0x1000 for unit in units)
    assert {unit.base for unit in units} >= {0xE000E000, 0xE0001000, 0xE00FF000}
    itm = units[0].device
    itm.write(0, 4, 1)
    assert itm.read(0, 4) == itm.peek(0, 4) == 0
