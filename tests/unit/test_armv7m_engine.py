"""The exception model on the real engine, with small programs.

Programs are machine code; their source stands above them. All of them run at 0x100 with this
handler behind every vector, which adds its exception number to r8 and returns by POP:
    push {r4, lr}; mrs r4, ipsr; add r8, r4; pop {r4, pc}
"""

from __future__ import annotations

import struct

import pytest
from unicorn import arm_const as arm

from tests.unit.native_doors import set_mpu
from ttd.cpu.armv7m import CORTEX_M3, CortexM
from ttd.cpu.armv7m.profile import Profile
from ttd.cpu.base import After
from ttd.devices.base import BusError, Device
from ttd.engine import BusFault, Context, Engine, StopReason

IT = 0x0600FC00
"""ITSTATE in XPSR."""

HANDLER = bytes.fromhex("10b5eff30584a04410bd")
NS_PER_STEP = 40
CODE, HANDLERS, STACK = 0x100, 0x800, 0x20000800


class Machine:
    """The run loop without timers and inputs."""

    def __init__(
        self, program: bytes, enabled: int = 0xFFFFFFFF, profile: Profile = CORTEX_M3
    ) -> None:
        self.engine = Engine(profile.isa)
        self.engine.time.clock_ns = NS_PER_STEP
        self.engine.map_ram(0, 0x1000)
        self.engine.map_ram(0x20000000, 0x1000)
        self.cpu = CortexM(profile, self.engine, self, hz=25_000_000)
        for unit in self.cpu.mapped_devices():
            self._map(unit.base, unit.device)
        self.engine.start()
        vectors = struct.pack("<48I", STACK, CODE | 1, *([HANDLERS | 1] * 46))
        self.engine.write(0, vectors)
        self.engine.write(CODE, program)
        self.engine.write(HANDLERS, HANDLER)
        self.cpu.reset()
        self.cpu.scs.write(0x100, 4, enabled)
        self.entered: list[tuple[int, int]] = []

    def now(self) -> int:
        return self.engine.step * NS_PER_STEP

    def rearm(self) -> None:
        pass

    def _map(self, base: int, device: Device) -> None:
        def read(address: int, size: int) -> int:
            try:
                return device.read(address - base, size)
            except BusError as error:
                raise BusFault(str(error)) from error

        def write(address: int, size: int, value: int) -> None:
            try:
                device.write(address - base, size, value)
            except BusError as error:
                raise BusFault(str(error)) from error

        self.engine.map_mmio(base, device.size, read, write)

    def advance(self, limit: int) -> After | None:
        """Run until step `limit`; what it ended with if that came first."""
        engine, cpu = self.engine, self.cpu
        while engine.step < limit:
            number = cpu.pending()
            if number is not None:
                self.entered.append((number, engine.pc))
                cpu.enter(number)
                engine.step += 1
                continue
            stop = engine.run(1 if self.reg("xpsr") & IT else limit - engine.step)
            whole = stop.reason in (StopReason.BUDGET, StopReason.MASKS)
            if whole and not (stop.returns and cpu.exception_number()):
                continue
            after = cpu.stopped(stop)
            if after is After.ENTERED:
                engine.step += 1
            elif after not in (After.CONTINUE, After.RAISED):
                return after
        return None

    def reg(self, name: str) -> int:
        return self.cpu.read_register(name)

    def result(self) -> list[int]:
        """What a program can have computed: not r8, which the handler counts in."""
        names = [f"r{n}" for n in range(13) if n != 8]
        return [self.reg(name) for name in (*names, "sp", "lr", "pc", "xpsr", "control")]


# movs r0, #0; movs r1, #20
# 1: cmp r0, #7; itete lt; addlt r2, #3; addge r2, #5; eorlt r3, r2; eorge r3, r0
# push {r0, r2}; ite eq; popeq {r4, r5}; popne {r5, r4}
# adds r6, r4; adds r0, #1; cmp r0, r1; bne 1b; bkpt #0xab
IT_HEAVY = bytes.fromhex("002014210728b5bf033205325340434005b40cbf30bc30bc361901308842f1d1abbe")


def test_an_interrupt_at_any_step_changes_nothing_and_is_counted_exactly() -> None:
    undisturbed = Machine(IT_HEAVY)
    assert undisturbed.advance(10_000) is After.SEMIHOST
    steps, expected = undisturbed.engine.step, undisturbed.result()
    assert steps == 2 + 20 * 14
    for at in range(0, steps, 3):
        machine = Machine(IT_HEAVY)
        machine.advance(at)
        machine.cpu.set_line(5, True)
        machine.cpu.set_line(5, False)
        assert machine.advance(10_000) is After.SEMIHOST
        assert machine.result() == expected
        assert (machine.reg("r8"), len(machine.entered)) == (21, 1)
        assert machine.engine.step == steps + 1 + 4


def test_slices_do_not_matter() -> None:
    results = []
    for slice_ in (1, 7, 10_000):
        machine = Machine(IT_HEAVY)
        end = None
        for line, at in ((5, 100), (6, 101), (5, 160)):
            while machine.engine.step < at:
                machine.advance(min(at, machine.engine.step + slice_))
            machine.cpu.set_line(line, True)
            machine.cpu.set_line(line, False)
        while end is None:
            end = machine.advance(machine.engine.step + slice_)
        results.append((machine.entered, machine.engine.step, machine.result()))
    assert results[0] == results[1] == results[2]
    assert [number for number, _ in results[0][0]] == [21, 22, 21]


# mov r0, #0x20000000; add r0, #0xc00; msr psp, r0; movs r0, #3; msr control, r0; isb
# movs r0, #0; cmp r0, #0; itte eq; moveq r1, #1; svceq #5; movne r1, #2; add r1, #8
# mrs r2, control; ldr r3, =0xE000ED00; ldr r4, [r3]; nop
UNPRIVILEGED_SVC = bytes.fromhex(
    "4ff0005000f5406080f30988032080f31488bff36f8f0020002806bf012105df"
    "022101f10801eff31482014b1c6800bf00ed00e0"
)


def test_svc_of_an_unprivileged_thread_inside_an_it_block() -> None:
    machine = Machine(UNPRIVILEGED_SVC)
    machine.advance(12)
    assert machine.entered == [(11, CODE + 0x20)]
    assert machine.reg("psp") == 0x20000C00 - 0x20
    assert struct.unpack("<I", machine.engine.read(0x20000C00 - 4, 4))[0] == 0x61001800
    assert (machine.reg("lr"), machine.reg("control")) == (0xFFFFFFFD, 1)
    machine.advance(12 + 4 + 3)
    assert (machine.reg("r1"), machine.reg("r2"), machine.reg("r8")) == (9, 3, 11)
    assert (machine.reg("sp"), machine.reg("control")) == (0x20000C00, 3)
    assert machine.reg("msp") == STACK


def test_the_ppb_is_closed_to_unprivileged_threads() -> None:
    machine = Machine(UNPRIVILEGED_SVC)
    machine.advance(12 + 4 + 4 + 1)
    assert [number for number, _ in machine.entered] == [11, 3]
    assert (machine.cpu.scs.cfsr, machine.cpu.scs.bfar) == (0x8200, 0xE000ED00)


# ldr r0, =0xE000ED94; mov r1, #0x20000000; ldr r2, =0x20000811; ldr r3, =0x1600000B; movs r4, #5
# str r1, [r1, #0x800]; strd r2, r3, [r0, #8]; str r4, [r0]; str r1, [r1, #0x840]
# str r1, [r1, #0x800]; nop
PROTECT = bytes.fromhex(
    "07484ff00051074a074b0524c1f80018c0e902230460c1f84018c1f8001800bf94ed00e0110800200b000016"
)


@pytest.mark.parametrize("slice_", [1, 3, 100])
def test_regions_hold_from_the_next_instruction_on_and_python_is_not_asked(slice_: int) -> None:
    """Region 1, 64 bytes that can only be read, in the middle of a block."""
    machine = Machine(PROTECT)
    machine.cpu.scs.write = machine.cpu.scs.read = lambda *_: pytest.fail("asked")  # type: ignore[assignment, method-assign]
    while machine.engine.step < 10:
        machine.advance(min(10, machine.engine.step + slice_))
    assert machine.entered == [(3, CODE + 0x1A)]
    assert (machine.cpu.scs.cfsr, machine.cpu.scs.mmfar) == (0x82, 0x20000800)
    assert machine.cpu.scs.mpu.save() == {
        "control": 5,
        "number": 1,
        "bases": [0, 0x20000800, *[0] * 6],
        "attributes": [0, 0x1600000B, *[0] * 6],
    }


# ldr r0, =0xE000E200; movs r1, #32
# 1: cmp r1, r1; itttt eq; streq r1, [r0]; addeq r2, #1; addweq r3, r3, #3; moveq r5, r2
# subs r6, #1; b 1b
RAISE = bytes.fromhex("05482021894201bf0160013203f203031546013ef6e7000000e200e0")


def test_an_interrupt_raised_in_an_it_block_cuts_no_block_once_its_place_is_known() -> None:
    machines = []
    for slice_ in (1, 3, 10_000):
        machine = Machine(RAISE)
        while machine.engine.step < 400:
            machine.advance(min(400, machine.engine.step + slice_))
        machines.append(machine)
    assert {number for number, _ in machines[0].entered} == {21}
    assert {pc for _, pc in machines[0].entered} == {CODE + 0x12}
    for machine in machines[1:]:
        assert (machine.entered, machine.result()) == (machines[0].entered, machines[0].result())
    before, times = machine.engine.work, len(machine.entered)
    machine.advance(4000)
    assert machine.engine.work.since(before).starts <= 6 * (len(machine.entered) - times) + 2


@pytest.mark.parametrize("slice_", [1, 5, 1000])
def test_a_page_that_protection_splits_for_one_privilege_only(slice_: int) -> None:
    """Threads may run the first 64 bytes of the code, handlers all of it; SVCs go to and fro."""
    # movs r0, #3; movs r5, #3; msr control, r0; isb; 1: svc #1; subs r5, #1; bne 1b; nop...
    machine = Machine(bytes.fromhex("0320032580f31488bff36f8f01df013dfcd1") + b"\x00\xbf" * 40)
    regions = [
        (0, 0x1000, 0, 1, False),
        (CODE, 0x40, 0, 6, False),
        (0x20000000, 0x1000, 0, 3, True),
    ]
    set_mpu(machine.engine, True, False, False, regions)
    machine.engine.reg_write(arm.UC_ARM_REG_PSP, 0x20000C00)
    while len(machine.entered) < 4:
        machine.advance(machine.engine.step + min(slice_, 8 if machine.entered[2:] else slice_))
    assert [number for number, _ in machine.entered[:4]] == [11, 11, 11, 3]
    assert machine.entered[3][1] == CODE + 0x40
    assert machine.cpu.scs.cfsr & 0xFF == 1


# mov r0, #0x20000000; movs r5, #0
# 1: ldrex r1, [r0]; add r1, #1; nop; nop; strex r2, r1, [r0]; add r5, #1; cmp r2, #0; bne 1b
# bkpt #0xab
LOCK = bytes.fromhex("4ff00050002550e8001f01f1010100bf00bf40e8001205f10105002af3d1abbe")


def test_an_exception_opens_the_exclusive_monitor() -> None:
    for at, tries in ((2, 1), (3, 2), (6, 2), (7, 1)):
        machine = Machine(LOCK)
        machine.advance(at)
        machine.cpu.set_line(0, True)
        machine.cpu.set_line(0, False)
        assert machine.advance(1000) is After.SEMIHOST
        assert (machine.reg("r5"), machine.engine.read(0x20000000, 1)) == (tries, b"\1")


def test_a_context_knows_whether_an_exception_has_opened_the_monitor() -> None:
    machine = Machine(LOCK)
    engine = machine.engine
    machine.advance(4)
    before, behind = Context(engine), Context(engine)
    before.save()
    machine.cpu.set_line(0, True)
    machine.cpu.set_line(0, False)
    machine.advance(4 + 1 + 4)  # entry and handler
    behind.save()
    for context, tries in ((before, 1), (behind, 2), (before, 1), (behind, 2)):
        engine.write(0x20000000, bytes(4))
        context.restore()
        engine.step = 4
        assert machine.advance(1000) is After.SEMIHOST
        assert machine.reg("r5") == tries
        assert engine.read(0x20000000, 1) == b"\1"


# ldr r0, =0xE000E200; movs r1, #1; str r1, [r0]; movs r2, #2; cpsid i; str r1, [r0]
# movs r2, #3; cpsie i; movs r2, #4; bkpt #0xab
PEND = bytes.fromhex("044801210160022272b60160032262b60422abbe00e200e0")


def test_a_store_that_pends_and_an_unmask_take_effect_at_once() -> None:
    machine = Machine(PEND)
    assert machine.advance(1000) is After.SEMIHOST
    assert machine.entered == [(16, CODE + 6), (16, CODE + 16)]
    assert (machine.reg("r8"), machine.reg("r2")) == (32, 4)


# sev; wfe; wfe; movs r0, #1; yield; movs r0, #2; wfi; movs r0, #3; bkpt #0xab
HINTS = bytes.fromhex("40bf20bf20bf012010bf022030bf0320abbe")


def test_hints() -> None:
    machine = Machine(HINTS)
    assert machine.advance(1000) is After.WAIT
    assert (machine.engine.step, machine.engine.pc) == (3, CODE + 6)
    machine.cpu.set_line(1, True)
    machine.cpu.set_line(1, False)
    assert machine.cpu.wake()
    assert machine.advance(1000) is After.WAIT
    assert (machine.reg("r0"), machine.reg("r8"), machine.engine.pc) == (2, 17, CODE + 14)
    machine.cpu.set_line(1, True)
    machine.cpu.set_line(1, False)
    assert machine.cpu.wake()
    assert machine.advance(1000) is After.SEMIHOST
    assert machine.reg("r0") == 3


@pytest.mark.parametrize(
    ("program", "cfsr", "pc"),
    [
        ("00de", 1 << 16, CODE),  # udf #0
        ("11ee100f", 1 << 19, CODE),  # mrc p15, 0, r0, c1, c0, 0
        ("4ff0c0400868", 0x8200, CODE + 4),  # mov r0, #0x60000000; ldr r0, [r1] (r1: see below)
        ("0868", 0x8200, CODE),
        ("0847", 1 << 8, 0x60000000),  # bx r1: nothing to fetch, Thumb bit or not
        ("0131" "0847", 1 << 8, 0x60000000),  # adds r1, #1; bx r1
        ("51e8000f", 0x8200, CODE),  # ldrex r0, [r1]
        ("013151e8000f", 1 << 24, CODE + 2),  # adds r1, #1; ldrex r0, [r1]: unaligned
    ],
)  # fmt: skip
def test_faults(program: str, cfsr: int, pc: int) -> None:
    machine = Machine(bytes.fromhex(program))
    machine.cpu.write_register("r1", 0x60000000)
    machine.cpu.scs.write(0xD24, 4, 7 << 16)
    while not machine.entered:
        assert machine.advance(machine.engine.step + 1) is None
    assert (machine.cpu.scs.cfsr, machine.entered[0][1]) == (cfsr, pc)
    assert machine.cpu.scs.hfsr == 0


def test_state_survives_in_the_middle_of_a_handler() -> None:
    first = Machine(IT_HEAVY)
    first.advance(100)
    first.cpu.set_line(5, True)
    first.advance(103)
    second = Machine(IT_HEAVY)
    frames = first.engine.frames_data(range(first.engine.frames))
    second.engine.restore_frames(enumerate(frames))
    second.engine.load_state(first.engine.save_state())
    second.engine.step = first.engine.step
    for mine, other in zip(first.cpu.mapped_devices(), second.cpu.mapped_devices(), strict=True):
        other.device.load(mine.device.save())
    second.cpu.load(first.cpu.save())
    for machine in (first, second):
        machine.cpu.set_line(5, False)
        machine.entered.clear()
        assert machine.advance(10_000) is After.SEMIHOST
    assert first.result() == second.result()
    assert (first.entered, first.engine.step) == (second.entered, second.engine.step)


def test_a_debugger_writes_any_register_in_any_mode() -> None:
    machine = Machine(IT_HEAVY)
    values = {"msp": 0x20000700, "psp": 0x20000300, "primask": 1, "basepri": 0x40, "faultmask": 1}
    for control in (3, 1, 2, 0, 3, 0):
        machine.cpu.write_register("control", control)
        for name, value in values.items():
            machine.cpu.write_register(name, value)
        machine.cpu.write_register("pc", CODE + 4)
        assert {name: machine.reg(name) for name in values} == values
        assert machine.reg("sp") == values["psp" if control & 2 else "msp"]
        assert (machine.reg("control"), machine.reg("pc")) == (control, CODE + 4)
        values = {name: value ^ 1 for name, value in values.items() if name not in ("msp", "psp")}
        values |= {"msp": 0x20000600, "psp": 0x20000200}


def test_reset_comes_out_of_any_mode() -> None:
    machine = Machine(UNPRIVILEGED_SVC)
    machine.advance(9)
    assert machine.reg("control") == 3
    machine.cpu.reset()
    assert [machine.reg(name) for name in ("sp", "psp", "control", "pc")] == [STACK, 0, 0, CODE]
    machine.engine.step = 0
    machine.advance(12)
    assert [number for number, _ in machine.entered] == [11]
