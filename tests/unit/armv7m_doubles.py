"""A core that runs no instruction, and a clock set by hand, for the tests of `ttd.cpu.armv7m`."""

from __future__ import annotations

from functools import cache
from typing import Any

from unicorn import arm_const as arm

from ttd.cpu.armv7m import CORTEX_M3, CortexM
from ttd.cpu.armv7m.profile import Profile
from ttd.engine import Engine
from ttd.engine._native import lib
from ttd.engine.types import EngineStop, StopReason

THUMB = 1 << 24
FIRST_IRQ = 16
SYST_CSR, SYST_RVR, SYST_CVR = 0x010, 0x014, 0x018
ISER, ICER, ISPR, ICPR, IABR, IPR = 0x100, 0x180, 0x200, 0x280, 0x300, 0x400
MPU_CTRL, MPU_RBAR, MPU_RASR = 0xD94, 0xD9C, 0xDA0


class HandClock:
    """Time is what the test says; `engine` has it, too, while its step is 0."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine
        self._time = 0
        self.rearmed = 0

    @property
    def time(self) -> int:
        return self._time

    @time.setter
    def time(self, ns: int) -> None:
        self._time = ns
        if self._engine is not None:
            self._engine.time.warp_ns = ns

    def now(self) -> int:
        return self._time

    def rearm(self) -> None:
        self.rearmed += 1


class StillCore(Engine):
    """4 KiB of memory at 0, 0x20000000 and, where devices are, 0x40000000."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile.isa)
        for base in (0, 0x20000000, 0x40000000):
            self.map_ram(base, 0x1000)

    def start(self) -> None:
        super().start()
        self.poke(0, 0x20000800)
        self.poke(4, 0x401)
        for number in range(2, 64):
            self.poke(4 * number, 0x800 + 4 * number + 1)

    def poke(self, address: int, word: int) -> None:
        self.write(address, word.to_bytes(4, "little"))

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    @property
    def xpsr(self) -> int:
        return self.reg_read(arm.UC_ARM_REG_XPSR)

    @xpsr.setter
    def xpsr(self, value: int) -> None:
        self.reg_write(arm.UC_ARM_REG_XPSR, value)


class Bench:
    """A CortexM on such a core, and shorthands for what happens to it."""

    def __init__(self, profile: Profile = CORTEX_M3, **options: int) -> None:
        self.core = StillCore(profile)
        self.clock = HandClock(self.core)
        self.resets = 0
        hz = options.pop("hz", 25_000_000)
        self.cpu = CortexM(
            profile,
            self.core,
            self.clock,
            hz=hz,
            on_reset_request=self._reset_requested,
            **options,  # type: ignore[arg-type]
        )
        self.core.start()
        self.cpu.reset()

    def _reset_requested(self) -> None:
        self.resets += 1

    @property
    def native(self) -> Any:
        """The fields of the native core."""
        return self.cpu.core

    def sets(self, **sets: int) -> None:
        """Make these sets of exceptions what they are."""
        for name, value in sets.items():
            setattr(self.cpu.scs.table, name, value)
        lib.armv7m_refresh(self.native)

    def deadline(self) -> int | None:
        """Of SysTick, in ns."""
        due: int = lib.armv7m_deadline(self.native)
        return None if due == (1 << 64) - 1 else due

    def reg(self, name: str) -> int:
        return self.cpu.read_register(name)

    def put(self, **registers: int) -> None:
        for name, value in registers.items():
            self.cpu.write_register(name, value)

    def scs_read(self, offset: int, size: int = 4) -> int:
        return self.cpu.scs.read(offset, size)

    def scs_write(self, offset: int, value: int, size: int = 4) -> None:
        self.cpu.scs.write(offset, size, value)

    def forbid(self, base: int, size: int) -> None:
        """No access to a region of memory; privileged code has the rest."""
        self.scs_write(MPU_RBAR, base)
        self.scs_write(MPU_RASR, (size.bit_length() - 2) << 1 | 1)
        self.scs_write(MPU_CTRL, 5)

    def stop(self, reason: StopReason, code: int = 0, **more: int) -> EngineStop:
        return EngineStop(reason, 1, self.reg("pc"), code, **more)  # type: ignore[arg-type]

    def exception(self, code: int) -> object:
        return self.cpu.stopped(self.stop(StopReason.EXCEPTION, code))

    def take(self) -> int | None:
        """Let the CPU take what is pending; its number."""
        number = self.cpu.pending()
        if number is not None:
            self.cpu.enter(number)
        return number

    def exc_return(self, value: int | None = None) -> object:
        """The handler branches to LR, or to `value`."""
        target = self.reg("lr") if value is None else value
        self.core.xpsr = self.core.xpsr & ~THUMB | (THUMB if target & 1 else 0)
        self.put(pc=target & ~1)
        return self.cpu.stopped(self.stop(StopReason.EXCEPTION, 8, returns=True))


@cache
def _kept(which: int, lines: int, priority_bits: int) -> Bench:
    return Bench(lines=lines, priority_bits=priority_bits)


def reset_bench(which: int = 0, *, lines: int = 32, priority_bits: int = 8) -> Bench:
    """One that has been used before, after a reset: for tests that need very many. `which`: of
    several."""
    bench = _kept(which, lines, priority_bits)
    bench.sets(levels=0)
    bench.native.hz = 25_000_000
    bench.clock.time = 0
    bench.cpu.reset()
    return bench
