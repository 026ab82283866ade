"""What the engine's mechanisms cost on this host; the figures of docs/engine.md.

Usage: measure_engine.py [ELF]   (an ELF for mps2-an385 that ends in BKPT is run freely)
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Callable

from elftools.elf.elffile import ELFFile
from unicorn import arm_const as arm

from ttd.cpu.models import CPUS
from ttd.engine import Access, Context, Engine

RAM, DEVICE = 0x20000000, 0x40000000


def machine(*code: int) -> Engine:
    engine = Engine(CPUS["cortex-m3"].isa)
    engine.map_ram(0, 4 << 20)
    engine.map_ram(RAM, 4 << 20)
    engine.map_mmio(DEVICE, 0x10000, lambda address, size: 0, lambda address, size, value: None)
    engine.start()
    engine.write(0, struct.pack(f"<{len(code)}H", *code))
    engine.regs_write(
        (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_PC, arm.UC_ARM_REG_R4, arm.UC_ARM_REG_R5),
        (1 << 24, 0, DEVICE, RAM),
    )
    return engine


def each(what: str, count: int, do: Callable[[], object]) -> None:
    do()
    begin = time.perf_counter()
    for _ in range(count):
        do()
    print(f"{what:50} {(time.perf_counter() - begin) / count * 1e6:8.2f} us")


def per_access(what: str, engine: Engine, steps: int, accesses: int) -> None:
    engine.run(steps)
    begin = time.perf_counter()
    engine.run(steps)
    print(f"{what:50} {(time.perf_counter() - begin) / accesses * 1e6:8.2f} us")


def free_run(path: str) -> None:
    engine = machine()
    with open(path, "rb") as file:
        for segment in ELFFile(file).iter_segments():
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]:
                engine.write(segment["p_paddr"], segment.data())
    stack, entry = struct.unpack("<II", engine.read(0, 8))
    engine.regs_write((arm.UC_ARM_REG_MSP, arm.UC_ARM_REG_PC), (stack, entry))
    begin = time.perf_counter()
    stop = engine.run(1 << 40)
    seconds = time.perf_counter() - begin
    print(f"{'free run':50} {stop.steps / seconds / 1e6:8.0f} M instr/s ({stop.steps} steps)")


def main() -> None:
    nops = [0xBF00] * 100
    loop = machine(*nops, 0xE000 | -(len(nops) + 2) & 0x7FF)
    each("exact stop in the middle of a block", 5000, lambda: loop.run(37))
    each("new interval (TLB flush)", 5000, loop.new_interval)
    context = Context(loop)
    each("context save", 5000, context.save)
    each("context restore", 5000, context.restore)
    each("architectural state: read", 5000, loop.save_state)
    state = loop.save_state()
    each("architectural state: write", 5000, lambda: loop.load_state(state))

    accesses = 100_000
    code = (0x6828, 0xE7FD)  # ldr r0, [r5]; b
    per_access("load from memory (2 instructions)", machine(*code), 2 * accesses, accesses)
    watched = machine(*code)
    watched.set_watchpoints([(RAM + 0x80, 4, Access.READ, False)])
    per_access("load from a page with a watchpoint", watched, 2 * accesses, accesses)
    per_access("load from a device (callback in Python)", machine(0x6820, 0xE7FD),
               2 * accesses, accesses)  # fmt: skip
    if len(sys.argv) > 1:
        free_run(sys.argv[1])


if __name__ == "__main__":
    main()
