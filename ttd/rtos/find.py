"""Which real-time operating system a guest has, by the names of its variables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from ttd.cpu.base import Cpu, address_bits
from ttd.elf import STT_NOTYPE, STT_OBJECT, Elf
from ttd.images import Image
from ttd.program.debug import Debug
from ttd.rtos.freertos import FreeRtos
from ttd.rtos.provider import Guest, Processor, Provider
from ttd.rtos.riot import Riot
from ttd.rtos.values import Memory
from ttd.rtos.zephyr import Zephyr

log = logging.getLogger("ttd.rtos")

PLUGINS: tuple[type[Provider], ...] = (FreeRtos, Zephyr, Riot)


def find(images: Iterable[Image], cpu: Cpu, read: Callable[[int, int], bytes]) -> Provider | None:
    """The system in one of the images of a machine; None if nothing is known of any.

    `read`: as `ProbeApi.read_memory`.
    """
    processor = _processor(cpu)
    if processor is None:
        return None
    memory = Memory(read, address_bits(cpu.registers) // 8)
    for image in images:
        for plugin in PLUGINS:
            # What is not in the file at all need not be looked for in its tables.
            if image.elf is None or not all(_has(image.data, name) for name in plugin.needed):
                continue
            try:
                symbols = _symbols(image.data, {*plugin.needed, *plugin.useful})
                if not symbols.keys() >= set(plugin.needed):
                    continue
                names = {register.name for register in cpu.registers}
                guest = Guest(
                    symbols,
                    Debug(image.data, image.path),
                    memory,
                    processor,
                    names,
                    cpu.read_register,
                )
                return plugin(guest)
            except Exception as error:  # whatever a strange file makes of a library that reads it
                log.info("%s has no tasks of %s: %r", image.path, plugin.name, error)
    return None


def _processor(cpu: Cpu) -> Processor | None:
    family = cpu.gdb_architecture.partition(":")[0]
    return next((known for known in Processor if known.value == family), None)


def _has(data: bytes, name: str) -> bool:
    return name.encode() + b"\0" in data


def _symbols(data: bytes, names: set[str]) -> dict[str, int]:
    """Address of each variable of these names."""
    return {
        symbol.name: symbol.value
        for symbol in Elf(data).symbols()
        if symbol.name in names and symbol.type in (STT_OBJECT, STT_NOTYPE)
    }
