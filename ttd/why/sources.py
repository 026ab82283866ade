"""Who raises an interrupt, on Cortex-M and on RISC-V."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ttd.cpu.armv7m import exceptions as exc
from ttd.cpu.riscv import bits, traps
from ttd.devices.clint import Clint
from ttd.devices.plic import Plic
from ttd.machine import Machine
from ttd.values import dataclass

_SYSTICK = (0xE000E010, 12)
_MSIP, _MTIMECMP = (0, 4), (0x4000, 8)
"""Of the CLINT: offset and size."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an interrupt comes from."""

    name: str
    """In words; empty if it has no other than the interrupt's."""
    device: str
    """Empty: only software raises it."""
    raised: Callable[[], bool]
    """Now, whether anybody wants to hear it or not."""
    window: tuple[int, int] | None = None
    """Address and size of the registers that make the device raise it."""
    controllers: tuple[str, ...] = ()
    """Devices by whose registers software can raise it."""


def source_of(machine: Machine, lines: Mapping[int, str], number: int) -> Source | None:
    """Of interrupt `number`, which is about to be taken; None if nothing is known of it.

    `lines`: who is at the inputs of the core, or of its interrupt controller.
    """
    cpu = machine.cpu
    if cpu.gdb_architecture == "arm":
        return _cortex_m(machine, lines, number)
    if not cpu.gdb_architecture.startswith("riscv"):
        return None
    code = number & ~traps.INTERRUPT
    for unit in machine.bus.mapped:
        device = unit.device
        if isinstance(device, Clint) and code in (bits.MSI, bits.MTI):
            name = "the timer of the CLINT" if code == bits.MTI else "MSIP of the CLINT"
            offset, size = _MTIMECMP if code == bits.MTI else _MSIP
            return Source(
                name,
                device.name,
                partial(cpu.is_raised, number),
                (unit.base + offset, size),
                (device.name,),
            )
        if isinstance(device, Plic) and code in (bits.MEI, bits.SEI):
            source = device.next_for(code)
            if source:
                return _line(
                    machine,
                    f"source {source} of the PLIC",
                    lines.get(source, ""),
                    partial(device.is_raised, source),
                )
    return Source("", "", partial(cpu.is_raised, number))


def _cortex_m(machine: Machine, lines: Mapping[int, str], number: int) -> Source:
    def raised() -> bool:
        return machine.cpu.is_raised(number)

    if number == exc.SYSTICK:
        return Source("", "SysTick", raised, _SYSTICK, ("scs",))
    return _line(machine, "", lines.get(number - exc.FIRST_IRQ, ""), raised, ("scs",))


def _line(
    machine: Machine,
    name: str,
    line: str,
    raised: Callable[[], bool],
    controllers: tuple[str, ...] = (),
) -> Source:
    device = line.partition(" ")[0]
    unit = next((one for one in machine.bus.mapped if one.device.name == device), None)
    if unit is None:
        return Source(name, "", raised, controllers=controllers)
    said = f"{name}, {line}" if name else ""
    return Source(said, device, raised, (unit.base, unit.size), controllers)
