"""The interrupt controller and the timer of RISC-V's `virt` board."""

from __future__ import annotations

import pytest

from tests.unit.riscv_doubles import MEIP, SEIP, Bench
from tests.unit.riscv_doubles import MSIP as MSIP_CODE
from tests.unit.riscv_doubles import MTIP as MTIP_CODE
from ttd.devices.base import InterruptController
from ttd.devices.clint import Clint
from ttd.devices.plic import Plic

MSIP, MTIMECMP, MTIME = 0x0000, 0x4000, 0xBFF8
PENDING, ENABLE, CONTEXT = 0x1000, 0x2000, 0x200000
ENABLE_STRIDE, CONTEXT_STRIDE = 0x80, 0x1000
CLAIM = 4
"""In a context's page."""
CLAIM_M, CLAIM_S = CONTEXT + CLAIM, CONTEXT + CONTEXT_STRIDE + CLAIM
HZ = 10_000_000


def plic() -> tuple[Plic, Bench]:
    bench = Bench()
    return Plic("plic", bench, 96, bench.engine.native, (MEIP, SEIP)), bench


def outputs(bench: Bench) -> tuple[bool, bool]:
    """Those of both contexts, as the core has them."""
    return bool(bench["mip"] >> MEIP & 1), bool(bench["mip"] >> SEIP & 1)


def test_a_rise_is_pending_until_it_is_claimed() -> None:
    device, bench = plic()
    assert isinstance(device, InterruptController)
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    device.set_line(10, False)
    assert device.read(PENDING, 4) == 1 << 10, "latched"
    assert outputs(bench) == (True, False)
    assert device.peek(CLAIM_M, 4) == 10
    assert device.read(CLAIM_M, 4) == 10
    assert outputs(bench) == (False, False)
    assert (device.read(PENDING, 4), device.read(CLAIM_M, 4)) == (0, 0)
    device.write(CLAIM_M, 4, 10)
    assert outputs(bench) == (False, False)


def test_a_gateway_forwards_nothing_from_claim_to_completion() -> None:
    device, bench = plic()
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    assert device.read(CLAIM_M, 4) == 10
    device.set_line(10, True)
    assert device.read(PENDING, 4) == 0
    device.set_line(10, False)
    device.set_line(10, True)
    assert device.read(PENDING, 4) == 0
    device.set_line(10, False)
    device.write(CLAIM_M, 4, 10)
    assert (device.read(PENDING, 4), device.read(CLAIM_M, 4)) == (0, 0)
    assert outputs(bench) == (False, False)


def test_a_line_that_is_high_at_completion_is_forwarded_again() -> None:
    device, bench = plic()
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    for _ in range(2):
        assert device.read(CLAIM_M, 4) == 10
        assert device.read(CLAIM_M, 4) == 0
        assert outputs(bench) == (False, False)
        device.write(CLAIM_M, 4, 10)
        assert device.read(PENDING, 4) == 1 << 10
        assert outputs(bench) == (True, False)
    assert device.read(CLAIM_M, 4) == 10
    device.write(CLAIM_M, 4, 11)
    assert device.read(PENDING, 4) == 0, "another's completion opens nothing"


def test_priorities_thresholds_and_contexts() -> None:
    device, bench = plic()
    for source, priority in ((3, 2), (40, 5), (41, 5), (95, 1), (7, 0)):
        device.write(4 * source, 4, priority)
        device.set_line(source, True)
    device.write(4 * 50, 4, 0xFFFFFFFF)
    assert device.read(4 * 50, 4) == 7, "three bits"
    for context in range(2):
        for word in range(3):
            device.write(ENABLE + ENABLE_STRIDE * context + 4 * word, 4, 0xFFFFFFFF)
    assert device.read(ENABLE, 4) == 0xFFFFFFFE, "source 0 is none"
    device.write(CONTEXT + CONTEXT_STRIDE, 4, 2)
    assert device.read(CLAIM_M, 4) == 40, "of equal ones the lowest number"
    assert device.read(CLAIM_S, 4) == 41
    assert device.read(CLAIM_S, 4) == 0, "not above its threshold"
    assert outputs(bench) == (True, False)
    assert [device.read(CLAIM_M, 4) for _ in range(3)] == [3, 95, 0], "priority 0 is never"
    assert outputs(bench) == (False, False)


def test_completion_is_ignored_unless_enabled_and_claimed() -> None:
    device, _ = plic()
    device.write(40, 4, 1)
    device.write(ENABLE, 4, 1 << 10)
    device.set_line(10, True)
    device.read(CLAIM_M, 4)
    device.set_line(10, True)
    device.write(CLAIM_S, 4, 10)
    assert device.read(CLAIM_M, 4) == 0, "context 1 does not have it"
    device.write(CLAIM_M, 4, 96)
    device.write(CLAIM_M, 4, 10)
    assert device.read(CLAIM_M, 4) == 10


def test_numbers_that_are_no_sources() -> None:
    device, bench = plic()
    for number in (0, 96, 1000):
        device.set_line(number, True)
    assert [device.read(PENDING + 4 * word, 4) for word in range(3)] == [0, 0, 0]
    device.write(0, 4, 7)
    assert device.read(0, 4) == 0
    assert device.read(4 * 96, 4) == 0
    assert outputs(bench) == (False, False)


@pytest.mark.parametrize("level", [False, True])
def test_state_is_data_that_comes_back(level: bool) -> None:
    device, bench = plic()
    for context in range(2):
        device.write(ENABLE + ENABLE_STRIDE * context, 4, 1 << 10)
        device.write(CONTEXT + CONTEXT_STRIDE * context, 4, context)
    device.write(40, 4, 3)
    device.set_line(10, True)
    device.set_line(10, level)
    core, saved = bench.cpu.save(), device.save()
    assert device.read(CLAIM_M, 4) == 10
    device.reset()
    bench.cpu.load(core)
    device.load(saved)
    assert device.save() == saved
    assert outputs(bench) == (True, True)
    assert device.read(CLAIM_S, 4) == 10
    assert outputs(bench) == (False, False)
    device.write(CLAIM_S, 4, 10)
    assert outputs(bench) == (level, level)


def test_a_narrow_access_is_of_the_bytes_of_a_word() -> None:
    device, _ = plic()
    device.write(ENABLE + 1, 1, 0x5A)
    assert device.read(ENABLE, 4) == 0x5A00, "no other byte is kept"
    assert [device.read(ENABLE + at, 1) for at in range(4)] == [0, 0x5A, 0, 0]
    assert device.read(ENABLE, 2) == 0x5A00


def clint() -> tuple[Clint, Bench]:
    bench = Bench()
    return Clint("clint", bench, bench.engine.native), bench


def line(bench: Bench, code: int) -> bool:
    return bool(bench["mip"] >> code & 1)


def deadline(bench: Bench) -> int | None:
    return bench.engine.core_deadline


def test_mtime_is_the_cores_counter() -> None:
    device, bench = clint()
    bench.ns = 12_399
    assert device.read(MTIME, 4) == 123
    device.write(MTIME, 4, 0xFFFFFFFF)
    device.write(MTIME + 4, 4, 7)
    assert (device.read(MTIME, 4), bench["time"]) == (0xFFFFFFFF, 0x7_FFFFFFFF)
    bench.ns = 12_400
    assert (device.read(MTIME, 4), device.read(MTIME + 4, 4)) == (0, 8)
    device.reset()
    assert device.read(MTIME, 4) == 0


def test_mtip_is_a_comparison() -> None:
    device, bench = clint()
    assert deadline(bench) is None, "not in this life"
    device.write(MTIMECMP + 4, 4, 0)
    device.write(MTIMECMP, 4, 50)
    assert deadline(bench) == 5_000
    bench.ns = 4_999
    assert not bench.engine.expire_core() and not line(bench, MTIP_CODE)
    bench.ns = 9_000
    assert bench.engine.expire_core() and line(bench, MTIP_CODE)
    assert deadline(bench) is None
    device.write(MTIMECMP, 4, 91)
    assert not line(bench, MTIP_CODE)
    assert deadline(bench) == 9_100
    device.write(MTIME, 4, 91)
    assert line(bench, MTIP_CODE)
    device.write(MTIME, 4, 90)
    assert not line(bench, MTIP_CODE)
    assert deadline(bench) == 9_100


@pytest.mark.parametrize("start", [0, 777, (1 << 64) - 5, 1 << 63])
def test_mtimecmp_is_compared_wherever_mtime_begins(start: int) -> None:
    device, bench = clint()
    bench.ns = 12_345
    device.write(MTIME, 4, start & 0xFFFFFFFF)
    device.write(MTIME + 4, 4, start >> 32)
    for ticks in (1, 4, 1000):
        when = start + ticks
        if when >> 64:  # it is reached already
            continue
        device.write(MTIMECMP + 4, 4, when >> 32)
        device.write(MTIMECMP, 4, when & 0xFFFFFFFF)
        assert deadline(bench) == 12_300 + 100 * ticks
        saved, core = device.save(), bench.cpu.save()
        device.reset()
        bench.cpu.load(core)
        device.load(saved)
        assert deadline(bench) == 12_300 + 100 * ticks


def test_a_deadline_that_is_over_and_not_noticed_comes_back() -> None:
    device, bench = clint()
    device.write(MTIMECMP + 4, 4, 0)
    device.write(MTIMECMP, 4, 50)
    bench.ns = 6_000
    saved, core = device.save(), bench.cpu.save()
    device.reset()
    bench.cpu.load(core)
    device.load(saved)
    assert deadline(bench) == 5_000 and not line(bench, MTIP_CODE)


def test_msip() -> None:
    device, bench = clint()
    device.write(MSIP, 4, 0xFFFFFFFF)
    assert device.read(MSIP, 4) == 1 and line(bench, MSIP_CODE)
    device.write(4, 4, 1)
    assert device.read(4, 4) == 0, "there is one hart"
    device.write(MSIP, 4, 0)
    assert not line(bench, MSIP_CODE)
