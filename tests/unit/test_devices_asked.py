"""Every device with input from the host: asking how much it can take changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ttd.devices
from tests.examples import examples
from tests.unit.device_doubles import HandClock, HandFront, HandNet, Trace
from tests.unit.test_devices_state import FACTORIES
from tests.unit.virtio_driver import AVAIL, MAKERS, QUEUE, TABLE, USED, Driver
from ttd.devices.base import BusError, Device
from ttd.devices.lan9118 import Lan9118
from ttd.devices.net import Nic

Ask = Callable[[], object]


def lan9118(clock: HandClock, trace: Trace) -> Device:
    return Lan9118("lan9118", clock, Nic(front=HandNet()), trace.line("irq"))


ON_BUS = {
    "cmsdk_uart": FACTORIES["uart"],
    "pl011": FACTORIES["pl011"],
    "ns16550": FACTORIES["ns16550"],
    "nrf51/uart": FACTORIES["nrf51-uart"],
    "lan9118": lan9118,
}
VIRTIO = {"virtio/net": "net", "virtio/console": "console"}


def test_these_are_all() -> None:
    home = Path(ttd.devices.__file__).parent
    found = {
        str(path.relative_to(home).with_suffix(""))
        for path in home.rglob("*.py")
        if re.search(r"\.connect\(self\.\w+, self\.can_receive\)|self\.plug\(", path.read_text())
    }
    assert found == {*ON_BUS, *VIRTIO}


def asks(device: Device) -> Ask:
    front = device.front  # type: ignore[attr-defined]
    if isinstance(front, HandNet):
        return lambda: [front.can_receive(size) for size in (0, 60, 1514, 65535)]
    assert isinstance(front, HandFront)
    return front.can_receive


def check(device: Device, trace: Trace) -> None:
    ask = asks(device)
    before, events = device.save(), list(trace.events)
    deadline, answer = device.deadline(), ask()
    assert ask() == answer
    assert device.save() == before
    assert device.deadline() == deadline
    assert trace.events == events


@pytest.mark.parametrize("name", ON_BUS)
@settings(max_examples=examples(60), deadline=None)
@given(
    writes=st.lists(
        st.tuples(
            st.integers(0, 0x5FC).map(lambda at: at & ~3),
            st.sampled_from([0, 1, 2, 3, 4, 0x81, 0x301, 0xFFFFFFFF]) | st.integers(0, 0xFFFFFFFF),
        ),
        max_size=12,
    ),
    arriving=st.binary(max_size=3),
)
@example(writes=[(8, 3)], arriving=b"ab")
@example(writes=[(0x500, 4), (0, 1)], arriving=b"ab")
def test_on_the_bus(name: str, writes: list[tuple[int, int]], arriving: bytes) -> None:
    clock = HandClock()
    trace = Trace(clock)
    device = ON_BUS[name](clock, trace)
    check(device, trace)
    for offset, value in writes:
        try:
            if offset < device.size:
                device.write(offset, device.unit, value & (1 << 8 * device.unit) - 1)
        except BusError:
            continue
        check(device, trace)
    if arriving:
        device.front.receive(arriving)  # type: ignore[attr-defined]
        check(device, trace)


@pytest.mark.parametrize("name", VIRTIO)
@settings(max_examples=examples(100), deadline=None)
@given(
    memory=st.binary(min_size=64, max_size=64),
    ring=st.integers(0, 0xFFFFFFFFFFFFFFFF),
    running=st.booleans(),
)
@example(memory=b"\xff" * 64, ring=AVAIL, running=True)
@example(memory=bytes(64), ring=0xFFFFFFFFFFFFFFF0, running=True)
def test_virtio(name: str, memory: bytes, ring: int, running: bool) -> None:
    """Whatever the driver's rings say; that they make no sense is found by what arrives."""
    driver = Driver(MAKERS[VIRTIO[name]])
    if running:
        driver.start()
    for base in (TABLE, AVAIL, USED):
        driver.ram.write(base, memory)
        driver.ram.write(base + QUEUE, memory)
    check(driver.device, driver.trace)
    driver.device.queues[0].driver = ring
    check(driver.device, driver.trace)
    driver.device.front.receive(b"a")  # type: ignore[attr-defined]
    check(driver.device, driver.trace)
