"""The boards `virt` and `virt32`: QEMU's generic RISC-V machine, 64 and 32 bit, with one hart.

The PCI bus is empty, its windows are not mapped, and fw_cfg has nothing to say. Not here: the
IOMMU and AIA variants, and further harts.
"""

from __future__ import annotations

from functools import partial

from ttd.boards.base import Board, MappedDevice, Region, Slot, Wiring
from ttd.boards.numbers import BoardOptionError
from ttd.boards.virt import layout
from ttd.boards.virt.boot import boot
from ttd.boards.virt.layout import MIB
from ttd.boards.virt.tree import M_EXTERNAL, S_EXTERNAL
from ttd.devices.base import Line
from ttd.devices.cfi_flash import CfiFlash
from ttd.devices.clint import Clint
from ttd.devices.fw_cfg import FwCfg
from ttd.devices.goldfish_rtc import GoldfishRtc
from ttd.devices.ns16550 import Ns16550
from ttd.devices.pci_host import PciHost
from ttd.devices.plic import Plic
from ttd.devices.sifive_test import SifiveTest

NAMES = {64: "virt", 32: "virt32"}
SERIAL = "uart0"
INTERRUPT_CONTROLLER = "plic"
FLASHES = {"flash0": layout.FLASH_BASE, "flash1": layout.FLASH_BASE + layout.FLASH_SIZE}
NS_PER_STEP = 40
"""Guests wait by looking at the time again and again, and a step of 40 ns keeps such waits short
(U-Boot's two seconds: 50 million steps), while a kernel still has 100 000 steps between two ticks
of 250 Hz."""
CORE_HZ = 25_000_000
MEMORY_STEP = 2 * MIB
MOST_MEMORY = {64: 4096 * MIB, 32: 2048 * MIB}
"""What a recorder can keep at hand; what 32 bits can address."""


def build_devices(wiring: Wiring) -> list[MappedDevice]:
    """Make the board's devices, connected to `wiring`."""
    clock = wiring.clock
    contexts = (M_EXTERNAL, S_EXTERNAL)
    sources = layout.PLIC_SOURCES + 1
    plic = Plic(INTERRUPT_CONTROLLER, clock, sources, wiring.native, contexts)

    def line(number: int) -> Line:
        return Line(partial(plic.set_line, number), plic.native_line(number))

    clint = Clint("clint", clock, wiring.native)
    uart = Ns16550(SERIAL, clock, layout.UART_HZ, wiring.char(SERIAL), line(layout.UART_IRQ))
    rtc = GoldfishRtc("rtc", clock, wiring.host_ns, line(layout.RTC_IRQ))
    finisher = SifiveTest("test", clock, reset=wiring.reset, shutdown=wiring.shutdown)
    return [
        MappedDevice(layout.TEST_BASE, layout.WINDOW, finisher),
        MappedDevice(layout.RTC_BASE, layout.WINDOW, rtc),
        MappedDevice(layout.CLINT_BASE, layout.CLINT_SIZE, clint),
        MappedDevice(layout.PLIC_BASE, layout.PLIC_SIZE, plic),
        MappedDevice(layout.UART_BASE, layout.WINDOW, uart),
        MappedDevice(layout.FW_CFG_BASE, layout.WINDOW, FwCfg("fw-cfg", clock)),
        MappedDevice(layout.PCI_BASE, layout.PCI_SIZE, PciHost("pci", clock)),
        *(
            MappedDevice(base, layout.FLASH_SIZE, CfiFlash(name, clock, layout.FLASH_SIZE))
            for name, base in FLASHES.items()
        ),
    ]


def virt(bits: int, memory: int = layout.RAM_DEFAULT) -> Board:
    """The board with so many bytes of memory."""
    name = NAMES[bits]
    if not 0 < memory <= MOST_MEMORY[bits] or memory % MEMORY_STEP:
        raise BoardOptionError(
            f"the memory of {name} is a multiple of {MEMORY_STEP // MIB}M up to"
            f" {MOST_MEMORY[bits] // MIB}M"
        )
    # The first device added goes to the last transport, as in QEMU.
    slots = [layout.virtio(number) for number in reversed(range(layout.VIRTIO_COUNT))]
    return Board(
        name=name,
        description=f"QEMU's RISC-V virt machine, {bits} bit: UART, flash, 8 virtio, 128 MB RAM",
        cpu=f"rv{bits}",
        irq_lines=0,
        core_hz=CORE_HZ,
        ns_per_step=NS_PER_STEP,
        reset_address=layout.ROM_BASE,
        regions=(
            Region("mrom", layout.ROM_BASE, layout.ROM_SIZE, writable=False),
            Region("dram", layout.RAM_BASE, memory),
        ),
        bit_bands=(),
        serials=(SERIAL,),
        build_devices=build_devices,
        timebase_hz=layout.TIMEBASE_HZ,
        irq_controller=INTERRUPT_CONTROLLER,
        irq_names={layout.UART_IRQ: SERIAL, layout.RTC_IRQ: "rtc"},
        virtio_slots=tuple(Slot(base, irq) for base, irq in slots),
        empty_slots=True,
        reloads=True,
        options={"memory": memory},
        with_memory=partial(virt, bits),
        boot=boot,
    )
