"""A core without instructions, and a clock set by hand, for the tests of `ttd.cpu.armv7m`."""

from __future__ import annotations

from collections.abc import Sequence

from unicorn import arm_const as arm

from ttd.cpu.armv7m import CORTEX_M3, CortexM
from ttd.cpu.armv7m.access import MpuRegion
from ttd.cpu.armv7m.profile import Profile
from ttd.engine import EngineFault
from ttd.engine.types import Access, EngineStop, StopReason

THUMB = 1 << 24
STACKS = (arm.UC_ARM_REG_MSP, arm.UC_ARM_REG_PSP)
MASKS = (arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_FAULTMASK, arm.UC_ARM_REG_BASEPRI)


class HandClock:
    """Time is what the test says."""

    def __init__(self) -> None:
        self.time = 0
        self.rearmed = 0

    def now(self) -> int:
        return self.time

    def rearm(self) -> None:
        self.rearmed += 1


class FakeCore:
    """Registers with the banking of Armv7-M, and 4 KiB of memory at 0 and at 0x20000000."""

    def __init__(self) -> None:
        self.plain: dict[int, int] = {}
        self.stacks = {arm.UC_ARM_REG_MSP: 0x20000800, arm.UC_ARM_REG_PSP: 0x20000C00}
        self.masks = dict.fromkeys(MASKS, 0)
        self.control = 0
        self.xpsr = THUMB
        self.ram = {0: bytearray(0x1000), 0x20000000: bytearray(0x1000)}
        self.forbidden: list[range] = []
        self.unprivileged_forbidden: list[range] = []
        self.watch_masks = False
        self.mpu: tuple[bool, bool, bool, list[MpuRegion]] | None = None
        self.monitor_cleared = 0
        for number in range(16, 64):
            self.poke(4 * number, 0x800 + 4 * number + 1)
        for number in range(2, 16):
            self.poke(4 * number, 0x800 + 4 * number + 1)

    def poke(self, address: int, word: int) -> None:
        base = address & ~0xFFF
        self.ram[base][address - base : address - base + 4] = word.to_bytes(4, "little")

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    @property
    def handler(self) -> bool:
        return bool(self.xpsr & 0x1FF)

    def _sp(self) -> int:
        on_psp = self.control & 2 and not self.handler
        return arm.UC_ARM_REG_PSP if on_psp else arm.UC_ARM_REG_MSP

    def reg_read(self, reg: int) -> int:
        if reg == arm.UC_ARM_REG_SP:
            return self.stacks[self._sp()]
        if reg in self.stacks:
            return self.stacks[reg]
        if reg in self.masks:
            return self.masks[reg]
        if reg == arm.UC_ARM_REG_CONTROL:
            return self.control
        if reg == arm.UC_ARM_REG_XPSR:
            return self.xpsr
        return self.plain.get(reg, 0)

    def reg_write(self, reg: int, value: int) -> None:
        assert 0 <= value <= 0xFFFFFFFF
        if reg == arm.UC_ARM_REG_SP:
            self.stacks[self._sp()] = value
        elif reg in self.stacks:
            self.stacks[reg] = value
        elif reg in self.masks:
            self.masks[reg] = value
        elif reg == arm.UC_ARM_REG_CONTROL:
            # SPSEL is writable in privileged thread mode only.
            if self.handler or self.control & 1:
                value = value & 1 | self.control & 2
            self.control = value & 3
        elif reg == arm.UC_ARM_REG_XPSR:
            self.xpsr = value
        else:
            self.plain[reg] = value

    def regs_read(self, ids: tuple[int, ...]) -> list[int]:
        return [self.reg_read(reg) for reg in ids]

    def regs_write(self, ids: tuple[int, ...], values: Sequence[int]) -> None:
        for reg, value in zip(ids, values, strict=True):
            self.reg_write(reg, value)

    def _mapped(self, address: int) -> bool:
        return any(base <= address < base + len(ram) for base, ram in self.ram.items())

    def read(self, address: int, size: int) -> bytes:
        base = address & ~0xFFF
        if base not in self.ram:
            return b""
        return bytes(self.ram[base][address - base : address - base + size])

    def _check(self, address: int, size: int, kind: Access, privileged: bool) -> None:
        for at in range(address, address + size, 4):
            denied = self.forbidden if privileged else self.forbidden + self.unprivileged_forbidden
            if any(at in part for part in denied):
                raise EngineFault(at, kind, True)
            if not self._mapped(at):
                raise EngineFault(at, kind, False)

    def load(self, address: int, size: int, by: str) -> bytes:
        data = self.read(address, size)
        if len(data) < size:
            raise EngineFault(address, Access.READ, False)
        return data

    def vread(self, address: int, size: int, by: str, privileged: bool = True) -> bytes:
        self._check(address, size, Access.READ, privileged)
        return self.read(address, size)

    def vwrite(self, address: int, data: bytes, by: str, privileged: bool = True) -> None:
        self._check(address, len(data), Access.WRITE, privileged)
        base = address & ~0xFFF
        self.ram[base][address - base : address - base + len(data)] = data

    def accessible(self, address: int, kind: Access) -> bool:
        return self._mapped(address) and not self.mpu_denies(address, kind)

    def mpu_denies(self, address: int, kind: Access) -> bool:
        never = 0x40000000 <= address < 0x60000000 or address >= 0xA0000000
        return any(address in part for part in self.forbidden) or (kind == Access.FETCH and never)

    def access_privileged(self) -> bool:
        control, xpsr = self.regs_read((arm.UC_ARM_REG_CONTROL, arm.UC_ARM_REG_XPSR))
        return not control & 1 or bool(xpsr & 0x1FF)

    def set_priority_mask(self, mask: int) -> None:
        self.priority_mask = mask

    def set_traps(self, *, divide: bool, unaligned: bool) -> None:
        self.traps = (divide, unaligned)

    def set_mpu(
        self, enabled: bool, privdefena: bool, hfnmiena: bool, regions: list[MpuRegion]
    ) -> None:
        self.mpu = (enabled, privdefena, hfnmiena, regions)

    def clear_exclusive(self) -> None:
        self.monitor_cleared += 1


class Bench:
    """A CortexM on a fake core, and shorthands for what happens to it."""

    def __init__(self, profile: Profile = CORTEX_M3, **options: int) -> None:
        self.core = FakeCore()
        self.clock = HandClock()
        self.changes = 0
        self.resets = 0
        self.cpu = CortexM(
            profile,
            self.core,
            self.clock,
            hz=25_000_000,
            on_change=self._changed,
            on_reset_request=self._reset_requested,
            **options,  # type: ignore[arg-type]
        )
        self.core.poke(0, 0x20000800)
        self.core.poke(4, 0x401)
        self.cpu.reset()
        self.changes = 0

    def _changed(self) -> None:
        self.changes += 1

    def _reset_requested(self) -> None:
        self.resets += 1

    def reg(self, name: str) -> int:
        return self.cpu.read_register(name)

    def put(self, **registers: int) -> None:
        for name, value in registers.items():
            self.cpu.write_register(name, value)

    def scs_read(self, offset: int, size: int = 4) -> int:
        return self.cpu.scs.read(offset, size)

    def scs_write(self, offset: int, value: int, size: int = 4) -> None:
        self.cpu.scs.write(offset, size, value)

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
        self.put(pc=target & ~1)
        self.core.xpsr = self.core.xpsr & ~THUMB | (THUMB if target & 1 else 0)
        return self.cpu.stopped(self.stop(StopReason.EXCEPTION, 8, returns=True))
