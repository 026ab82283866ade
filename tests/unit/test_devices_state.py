"""Every device: its state is data, and all of it."""

from __future__ import annotations

from collections.abc import Callable

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.device_doubles import HandClock, HandFront, Trace
from tests.unit.riscv_doubles import Bench
from ttd.devices.base import Device
from ttd.devices.cfi_flash import CfiFlash
from ttd.devices.clint import Clint
from ttd.devices.cmsdk_dualtimer import CmsdkDualTimer
from ttd.devices.cmsdk_timer import CmsdkTimer
from ttd.devices.cmsdk_uart import CmsdkUart, UartLines
from ttd.devices.cmsdk_watchdog import CmsdkWatchdog
from ttd.devices.goldfish_rtc import GoldfishRtc
from ttd.devices.microbit.sensors import Sensor
from ttd.devices.mps2_fpgaio import Mps2Fpgaio
from ttd.devices.mps2_scc import Mps2Scc
from ttd.devices.nrf51.adc import Adc
from ttd.devices.nrf51.clock_power import ClockPower
from ttd.devices.nrf51.gpio import Gpio
from ttd.devices.nrf51.gpiote import Gpiote
from ttd.devices.nrf51.ppi import Ppi
from ttd.devices.nrf51.radio import Radio
from ttd.devices.nrf51.rng import Rng
from ttd.devices.nrf51.rtc import Rtc
from ttd.devices.nrf51.temp import Temp
from ttd.devices.nrf51.timer import Timer
from ttd.devices.nrf51.twi import Twi
from ttd.devices.nrf51.uart import Uart
from ttd.devices.nrf51.wdt import Wdt
from ttd.devices.ns16550 import Ns16550
from ttd.devices.pl011 import Pl011
from ttd.devices.plic import Plic
from ttd.devices.power import Power
from ttd.devices.sifive_test import SifiveTest
from ttd.devices.unimplemented import Unimplemented
from ttd.state import State

HZ = 25_000_000

Factory = Callable[[HandClock, Trace], Device]


def uart(clock: HandClock, trace: Trace) -> Device:
    lines = UartLines(trace.line("tx"), trace.line("rx"), trace.line("overrun"))
    return CmsdkUart("uart", clock, HandFront(room=3), lines)


class ClintAndCore(Clint):
    """The counter is part of the core's state, and lines are."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        super().__init__("clint", bench, bench.engine.native)

    def save(self) -> State:
        return super().save() | {"core": self._bench.cpu.save()}

    def load(self, state: State) -> None:
        self._bench.cpu.load(state["core"])
        super().load(state)


class PlicAndCore(Plic):
    """With its processor, which must not go while the controller is there."""

    def __init__(self, clock: HandClock, bench: Bench) -> None:
        self._bench = bench
        super().__init__("plic", clock, 96, bench.engine.native, (11, 9))


FACTORIES: dict[str, Factory] = {
    "uart": uart,
    "timer": lambda clock, trace: CmsdkTimer("timer", clock, HZ, trace.line("irq")),
    "dualtimer": lambda clock, trace: CmsdkDualTimer("dual", clock, HZ, trace.line("irq")),
    "watchdog": lambda clock, trace: CmsdkWatchdog(
        "watchdog", clock, HZ, trace.line("irq"), trace.call("reset")
    ),
    "fpgaio": lambda clock, trace: Mps2Fpgaio("fpgaio", clock, HZ),
    "scc": lambda clock, trace: Mps2Scc("scc", clock, 2, 0x200008, 0x41043850),
    "power": lambda clock, trace: Power(
        "power",
        clock,
        reset=trace.call("reset"),
        shutdown=trace.call("shutdown"),
        suspend=trace.call("suspend"),
    ),
    "flash": lambda clock, trace: CfiFlash("flash", clock, 1 << 20, b"image"),
    "pl011": lambda clock, trace: Pl011("uart", clock, HandFront(room=3), trace.line("irq")),
    "clint": lambda clock, trace: ClintAndCore(Bench()),
    "plic": lambda clock, trace: PlicAndCore(clock, Bench()),
    "ns16550": lambda clock, trace: Ns16550(
        "uart", clock, 3_686_400, HandFront(room=3), trace.line("irq")
    ),
    "goldfish": lambda clock, trace: GoldfishRtc(
        "rtc", clock, lambda: 10**18 + clock.ns, trace.line("irq")
    ),
    "finisher": lambda clock, trace: SifiveTest(
        "test", clock, reset=trace.call("reset"), shutdown=lambda code: None
    ),
    "unimplemented": lambda clock, trace: Unimplemented("gpio", clock),
    "nrf51-uart": lambda clock, trace: Uart("uart", clock, trace.line("irq"), HandFront(room=3)),
    "nrf51-timer": lambda clock, trace: Timer("timer", clock, trace.line("irq")),
    "nrf51-rtc": lambda clock, trace: Rtc("rtc", clock, trace.line("irq")),
    "nrf51-rng": lambda clock, trace: Rng("rng", clock, trace.line("irq"), bytes),
    "nrf51-gpio": lambda clock, trace: Gpio("gpio", clock),
    "nrf51-gpiote": lambda clock, trace: Gpiote(
        "gpiote", clock, trace.line("irq"), Gpio("gpio", clock)
    ),
    "nrf51-power": lambda clock, trace: ClockPower("power", clock, trace.line("irq")),
    "nrf51-temp": lambda clock, trace: Temp("temp", clock, trace.line("irq")),
    "nrf51-adc": lambda clock, trace: Adc("adc", clock, trace.line("irq")),
    "nrf51-radio": lambda clock, trace: Radio("radio", clock, trace.line("irq")),
    "nrf51-twi": lambda clock, trace: Twi(
        "twi", clock, trace.line("irq"), {0: Sensor("sensor", clock, {})}
    ),
    "nrf51-wdt": lambda clock, trace: Wdt("wdt", clock, trace.line("irq"), trace.call("reset")),
    "nrf51-ppi": lambda clock, trace: Ppi("ppi", clock, {}),
}

KEEPERS = ("unimplemented", "flash", "nrf51-power")
"""What they remember outlives a reset."""

OFFSETS = st.one_of(
    st.integers(0, 0x4C // 4).map(lambda word: word * 4),
    st.sampled_from([*range(0x100, 0x150, 4), 0x200, 0x304, 0x308, 0x344, 0x700, 0x744]),
    st.sampled_from([*range(0x500, 0x520, 4), 0x540, 0x544, 0x600]),
    st.sampled_from([0xA4, 0xA8, 0xAC, 0xC00, 0xF00, 0xF04, 0xFE0]),
    st.sampled_from([1, 2, 3, 5, 6, 7, 0x2000, 0x2080, 0x4000, 0x4004, 0x200004, 0x201000]),
)
VALUES = st.one_of(
    st.sampled_from([0x10, 0x20, 0x40, 0x90, 0x98, 0xD0, 0xE8, 0xFF]),
    st.integers(0, 20),
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from([0xE2, 0x80100000, 0x1ACCE551]),
)
ACCESSES = st.lists(
    st.one_of(
        st.tuples(st.just("read"), OFFSETS, st.sampled_from([1, 2, 4])),
        st.tuples(st.just("write"), OFFSETS, VALUES),
        st.tuples(st.just("wait"), st.integers(0, 2000), st.just(0)),
        st.tuples(st.just("char"), st.integers(0, 255), st.just(0)),
    ),
    max_size=25,
)


def exercise(device: Device, clock: HandClock, accesses: list[tuple[str, int, int]]) -> None:
    for kind, a, b in accesses:
        if kind == "read":
            device.read(a, b)
        elif kind == "write":
            device.write(a, 4, b)
        elif kind == "char" and isinstance(device, CmsdkUart | Ns16550 | Uart):
            device.receive(bytes([a]))
        elif kind == "char" and isinstance(device, Plic):
            device.set_line(a % 16, bool(a & 16))
        else:
            clock.ns += a
            device.expire()


@pytest.mark.parametrize("kind", FACTORIES)
@settings(max_examples=examples(40), deadline=None)
@given(accesses=ACCESSES)
def test_saving_loading_saving_is_the_identity(
    kind: str, accesses: list[tuple[str, int, int]]
) -> None:
    clock = HandClock()
    trace = Trace(clock)
    device = FACTORIES[kind](clock, trace)
    exercise(device, clock, accesses)
    state = device.save()
    packed = msgpack.packb(state)

    other_trace = Trace(clock)
    other = FACTORIES[kind](clock, other_trace)
    other.load(msgpack.unpackb(packed))
    for kept, copy in zip(device.contents(), other.contents(), strict=True):
        for number, data in kept.take_changed():
            copy.restore(number, data)
    assert msgpack.packb(other.save()) == packed
    assert other_trace.events == [], "restoring drives no line"
    assert other.deadline() == device.deadline()
    for offset in (*range(0, 0x50, 4), 0xA0, 0xA4, 0xA8, 0xAC, 0x504, 0x540, 0xC00, 0xF00):
        assert other.peek(offset, 4) == device.peek(offset, 4)
    assert device.save() == state, "looking as a debugger changes nothing"

    trace.events.clear()
    again = [("write", 0x08, 0xE3), ("write", 0x0C, 1), ("wait", 100_000, 0), ("read", 0, 4)]
    now = clock.ns
    exercise(device, clock, again)
    clock.ns = now
    exercise(other, clock, again)
    assert other_trace.events == trace.events, "the restored device goes on like the first"


@pytest.mark.parametrize("kind", [kind for kind in FACTORIES if kind not in KEEPERS])
@settings(max_examples=examples(20), deadline=None)
@given(accesses=ACCESSES)
@example(accesses=[("write", 0x510, 0x1FFFFF)])
def test_reset_forgets_everything(kind: str, accesses: list[tuple[str, int, int]]) -> None:
    clock = HandClock()
    device = FACTORIES[kind](clock, Trace(clock))
    fresh = device.save()
    exercise(device, clock, accesses)
    clock.ns = 0
    device.reset()
    assert device.save() == fresh


def test_narrow_accesses_see_the_bytes_of_the_register() -> None:
    clock = HandClock()
    device = FACTORIES["timer"](clock, Trace(clock))
    device.write(0x8, 4, 0x11223344)
    assert [device.read(0x8 + i, 1) for i in range(4)] == [0x44, 0x33, 0x22, 0x11]
    assert device.read(0xA, 2) == 0x1122
    device.write(0x9, 1, 0x55)
    assert device.read(0x8, 4) == 0x5500


def test_unimplemented_remembers_the_first_access_to_each_offset() -> None:
    device = Unimplemented("gpio", HandClock())
    device.write(4, 4, 7)
    assert device.read(4, 4) == 0
    assert device.read(8, 2) == 0
    assert device.peek(0x40, 4) == 0
    assert device.first_accesses == [[4, 4, 7], [8, 2, None]]


@pytest.mark.parametrize(
    "kind, part", [("uart", 0x21), ("timer", 0x22), ("dualtimer", 0x23), ("watchdog", 0x24)]
)
def test_id_registers(kind: str, part: int) -> None:
    clock = HandClock()
    device = FACTORIES[kind](clock, Trace(clock))
    found = [device.read(offset, 4) for offset in range(0xFD0, 0x1000, 4)]
    assert found == [4, 0, 0, 0, part, 0xB8, 0x1B, 0, 0x0D, 0xF0, 0x05, 0xB1]
