"""Arm MPS2 with the AN385 image: Cortex-M3 (AN385 "ARM Cortex-M3 SMM on V2M-MPS2", DAI0385).

Memory map: AN385, section "Memory map"; interrupts: section "Interrupts". Where the note leaves
room, QEMU's machine of the same name decides: the UART overrun interrupts of UART 0-2 share one
line and those of UART 3 and 4 have none; code memory at 0 is always the SSRAM.

What QEMU answers with zeros but the board does not have at all ("reserved" in AN385) is not
mapped here: an access there is a bus fault, as the default slave of the bus gives it. The FPGA's
core has 3 bits of priority, QEMU's 8, and programs that are built for QEMU's look.
"""

from __future__ import annotations

from ttd import boards
from ttd.boards.base import BitBand, Board, MappedDevice, Region, Slot, Wiring
from ttd.devices.base import Line
from ttd.devices.cmsdk_dualtimer import CmsdkDualTimer
from ttd.devices.cmsdk_timer import CmsdkTimer
from ttd.devices.cmsdk_uart import CmsdkUart, UartLines
from ttd.devices.cmsdk_watchdog import CmsdkWatchdog
from ttd.devices.lan9118 import Lan9118
from ttd.devices.mps2_fpgaio import Mps2Fpgaio
from ttd.devices.mps2_scc import Mps2Scc
from ttd.devices.registers import wired_or
from ttd.devices.unimplemented import Unimplemented

HZ = 25_000_000
PRIORITY_BITS = 8
WINDOW = 0x1000

UARTS = {"uart0": (0x40004000, 0), "uart1": (0x40005000, 2), "uart2": (0x40006000, 4),
         "uart3": (0x40007000, 18), "uart4": (0x40009000, 20)}  # fmt: skip
"""Name -> base, receive interrupt; the transmit interrupt is the one after."""
SHARED_OVERRUN = ("uart0", "uart1", "uart2")
OVERRUN_IRQ = 12
TIMERS = {"timer0": (0x40000000, 8), "timer1": (0x40001000, 9)}
DUALTIMER_BASE, DUALTIMER_IRQ = 0x40002000, 10
WATCHDOG_BASE = 0x40008000
FPGAIO_BASE = 0x40028000
SCC_BASE = 0x4002F000
NIC = "ethernet"
ETHERNET_BASE, ETHERNET_IRQ = 0x40200000, 13
SCC_BOARD_REVISION, SCC_AID, SCC_ID = 2, 0x00200008, 0x41043850

UNIMPLEMENTED = {
    "apb-unused0": (0x40003000, 0x1000),
    "apb-unused1": (0x4000A000, 0x6000),
    "gpio0": (0x40010000, 0x1000),
    "gpio1": (0x40011000, 0x1000),
    "gpio2": (0x40012000, 0x1000),
    "gpio3": (0x40013000, 0x1000),
    "ahb-unused": (0x40014000, 0xB000),
    "syscon": (0x4001F000, 0x1000),
    "spi-ext": (0x40020000, 0x1000),
    "spi-lcd": (0x40021000, 0x1000),
    "i2c-touch": (0x40022000, 0x1000),
    "i2c-audio": (0x40023000, 0x1000),
    "i2s-audio": (0x40024000, 0x1000),
    "spi-adc": (0x40025000, 0x1000),
    "spi-shield0": (0x40026000, 0x1000),
    "spi-shield1": (0x40027000, 0x1000),
    "i2c-shield0": (0x40029000, 0x1000),
    "i2c-shield1": (0x4002A000, 0x1000),
    "fpga-unused": (0x4002B000, 0x4000),
    "vga": (0x41000000, 0x200000),
}
"""Parts that read as zero: name -> base, size."""


IRQ_NAMES = {
    **{irq + at: f"{name} {way}" for name, (_, irq) in UARTS.items()
       for at, way in enumerate(("rx", "tx"))},
    **{irq: name for name, (_, irq) in TIMERS.items()},
    DUALTIMER_IRQ: "dualtimer",
    OVERRUN_IRQ: "uart overrun",
    ETHERNET_IRQ: NIC,
}  # fmt: skip


def build_devices(wiring: Wiring) -> list[MappedDevice]:
    """Make the board's devices, connected to `wiring`."""
    clock = wiring.clock
    shared = wired_or(len(SHARED_OVERRUN), lambda level: wiring.irq(OVERRUN_IRQ, level))
    overruns = dict(zip(SHARED_OVERRUN, shared, strict=True))
    found = [
        MappedDevice(
            base,
            WINDOW,
            CmsdkUart(
                name,
                clock,
                wiring.char(name),
                UartLines(
                    tx=wiring.line(rx_irq + 1),
                    rx=wiring.line(rx_irq),
                    overrun=overruns.get(name, Line()),
                ),
            ),
        )
        for name, (base, rx_irq) in UARTS.items()
    ]
    found += [
        MappedDevice(base, WINDOW, CmsdkTimer(name, clock, HZ, wiring.line(irq)))
        for name, (base, irq) in TIMERS.items()
    ]
    dualtimer = CmsdkDualTimer("dualtimer", clock, HZ, wiring.line(DUALTIMER_IRQ))
    watchdog = CmsdkWatchdog("watchdog", clock, HZ, Line(wiring.nmi), wiring.reset)
    scc = Mps2Scc("scc", clock, SCC_BOARD_REVISION, SCC_AID, SCC_ID)
    ethernet = Lan9118(NIC, clock, wiring.nic, wiring.line(ETHERNET_IRQ))
    found += [
        MappedDevice(DUALTIMER_BASE, WINDOW, dualtimer),
        MappedDevice(WATCHDOG_BASE, WINDOW, watchdog),
        MappedDevice(FPGAIO_BASE, WINDOW, Mps2Fpgaio("fpgaio", clock, HZ)),
        MappedDevice(SCC_BASE, WINDOW, scc),
        MappedDevice(ETHERNET_BASE, WINDOW, ethernet),
    ]
    found += [
        MappedDevice(base, size, Unimplemented(name, clock))
        for name, (base, size) in UNIMPLEMENTED.items()
    ]
    return found


MPS2_AN385 = Board(
    name="mps2-an385",
    description="Arm MPS2 with FPGA image AN385: Cortex-M3, 25 MHz, 5 UARTs, Ethernet, 24 MB RAM",
    cpu="cortex-m3",
    irq_lines=32,
    core_hz=HZ,
    ns_per_step=40,
    priority_bits=PRIORITY_BITS,
    options={boards.PRIORITY_BITS: PRIORITY_BITS},
    reset_address=0,
    regions=(
        Region("ssram1", 0x00000000, 0x0040_0000, mirrors=(0x00400000,)),
        Region("blockram", 0x01000000, 0x4000, mirrors=(0x01004000, 0x01008000, 0x0100C000)),
        Region("ssram23", 0x20000000, 0x0040_0000, mirrors=(0x20400000,)),
        Region("psram", 0x21000000, 0x0100_0000),
    ),
    bit_bands=(BitBand(0x22000000, 0x20000000), BitBand(0x42000000, 0x40000000)),
    serials=tuple(UARTS),
    build_devices=build_devices,
    irq_names=IRQ_NAMES,
    nic=NIC,
    # Free addresses above the bit-band region; the lines are those of GPIO 0's single pins and
    # of the shield's SPI, which are not modelled.
    virtio_slots=tuple(Slot(0x4010_0000 + 0x1000 * n, 24 + n) for n in range(8)),
    rtc_slot=Slot(0x4011_0000, 23),
    power_base=0x4011_1000,
)
