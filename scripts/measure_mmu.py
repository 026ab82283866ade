"""Who should walk a guest's page tables: ttd, in the TLB callback, or Unicorn's own MMU?

Runs the same firmware, whose every page is translated by Sv39, on the engine as it is, and on
Unicorn as everybody uses it: bare, and with a native block hook that does nothing, which is the
least that counting steps costs. Prints CPU seconds; `docs/engine.md` has what was measured and
decided.

    python scripts/measure_mmu.py [times]
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import Any

import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import riscv_const as rv
from unicorn import unicorn_const as const

from ttd.cpu.models import CPUS
from ttd.engine import Engine
from ttd.engine._native import lib

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "tests/firmware/bench-sv39/bench-sv39.elf"
DRAM, SIZE = 0x80000000, 0x400000
UART, FINISHER = 0x10000000, 0x100000
LSR_EMPTY = 0x60 << 40
STEPS = 1 << 40


def image() -> list[tuple[int, bytes]]:
    """(address, bytes) of what the firmware loads."""
    with FIRMWARE.open("rb") as file:
        return [
            (segment["p_paddr"], segment.data())
            for segment in ELFFile(file).iter_segments("PT_LOAD")
        ]


class Finished(Exception):
    """The firmware has switched the machine off."""


def walked_by_ttd() -> float:
    """Seconds of CPU on the engine: exact counting, page sets, Python for device accesses only."""
    engine = Engine(CPUS["rv64"].isa)
    engine.map_ram(DRAM, SIZE)

    def finish(address: int, size: int, value: int) -> None:
        raise Finished

    engine.map_mmio(UART, 0x1000, lambda address, size: 0x60, lambda address, size, value: None)
    engine.map_mmio(FINISHER, 0x1000, lambda address, size: 0, finish)
    engine.start()
    for address, data in image():
        engine.write(address, data)
    for number, value in ((0x3B0, (1 << 54) - 1), (0x3A0, 0x1F)):  # all modes may access all of it
        lib.riscv_csr_change(engine.native, number, value)
    started = time.process_time()
    engine.reg_write(rv.UC_RISCV_REG_PC, DRAM)
    try:
        while True:
            # The firmware's own set-up of the PMP, which the processor model would do.
            stop = engine.run(STEPS)
            engine.reg_write(rv.UC_RISCV_REG_PC, stop.pc + 4)
    except Finished:
        return time.process_time() - started


def walked_by_unicorn(hooked: bool) -> float:
    """Seconds of CPU on plain Unicorn with its own MMU; nothing is counted or tracked.

    `hooked`: with a call of a trivial native function for each block.
    """
    uc: Any = vars(unicorn)["Uc"](const.UC_ARCH_RISCV, const.UC_MODE_RISCV64)
    uc.ctl_set_cpu_model(rv.UC_CPU_RISCV64_SIFIVE_U54)
    uc.mem_map(DRAM, SIZE)

    def read(uc: Any, offset: int, size: int, data: Any) -> int:
        return 0x60

    def write(uc: Any, offset: int, size: int, value: int, data: Any) -> None:
        if data == FINISHER:
            uc.emu_stop()

    uc.mmio_map(UART, 0x1000, read, None, write, UART)
    uc.mmio_map(FINISHER, 0x1000, read, None, write, FINISHER)
    for address, data in image():
        uc.mem_write(address, data)
    if hooked:
        # Through the C interface: the binding's hooks are Python. The function is libc's `abs`.
        library = ctypes.CDLL(str(next(Path(unicorn.__file__).parent.glob("lib/libunicorn.so*"))))
        function = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p)
        library.uc_hook_add(
            uc._uch, ctypes.byref(ctypes.c_size_t()), ctypes.c_int(const.UC_HOOK_BLOCK), function,
            None, ctypes.c_uint64(1), ctypes.c_uint64(0),
        )  # fmt: skip
    started = time.process_time()
    uc.emu_start(DRAM, 0xFFFFFFFFFFFFFFF0)
    return time.process_time() - started


def main() -> None:
    """Run both as often as asked, alternately."""
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(
            f"ttd {walked_by_ttd():6.2f} s   Unicorn's MMU {walked_by_unicorn(False):6.2f} s, "
            f"with a hook {walked_by_unicorn(True):6.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
