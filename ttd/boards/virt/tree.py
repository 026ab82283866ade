"""The device tree of the `virt` board, as QEMU 7.2 generates it for the same machine.

Names, values and the order of nodes are QEMU's, because guests show them: U-Boot counts devices,
and says where it has put the tree, which depends on its size. `/chosen/rng-seed` is no secret here:
it follows from what is loaded, so that two recordings of one guest begin the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import fdt

from ttd.boards.virt import layout
from ttd.values import dataclass

Value = int | list[int] | str | list[str] | None
"""Cells, strings, or nothing: a property that is only there."""
Tree = Mapping[str, "Value | Tree"]

CPU, INTC, PLIC, TEST = 1, 2, 3, 4
"""Phandles."""
_PORTS, _MEMORY, _MEMORY_64 = 0x0100_0000, 0x0200_0000, 0x0300_0000
"""Kinds of PCI addresses (PCI Bus Binding to Open Firmware, "phys.hi")."""
_PMU_EVENTS = [
    *(0x00001, 0x00001, 0xFFFFFFF9),
    *(0x00002, 0x00002, 0xFFFFFFFC),
    *(0x10019, 0x10019, 0xFFFFFFF8),
    *(0x1001B, 0x1001B, 0xFFFFFFF8),
    *(0x10021, 0x10021, 0xFFFFFFF8),
    *(0, 0, 0, 0, 0),
]
"""Events and the counters they may be counted by, as QEMU gives them."""
M_SOFT, M_TIMER, S_EXTERNAL, M_EXTERNAL = 3, 7, 9, 11
"""Interrupts of a hart by their codes (The RISC-V Instruction Set Manual, volume II, `mcause`)."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the boot loader would say."""

    append: str = ""
    initrd: tuple[int, int] | None = None
    """Start and end."""
    seed: bytes = b""
    """For the guest's random numbers."""


def build_tree(bits: int, ram: int, chosen: Chosen) -> bytes:
    """The flattened tree of a machine with `ram` bytes of memory."""
    tree = fdt.FDT()
    tree.header.version = 17
    tree.header.last_comp_version = 16
    tree.header.boot_cpuid_phys = 0
    _fill(tree.root, _tree(bits, ram, chosen))
    return bytes(tree.to_dtb())


def _fill(node: fdt.Node, contents: Tree) -> None:
    for name, value in contents.items():
        if isinstance(value, Mapping):
            child = fdt.Node(name)
            node.append(child)
            _fill(child, value)
        elif value is None:
            node.append(fdt.Property(name))
        else:
            many = value if isinstance(value, list) else [value]
            kind = fdt.PropStrings if isinstance(many[0], str) else fdt.PropWords
            node.append(kind(name, *many))


def _tree(bits: int, ram: int, chosen: Chosen) -> Tree:
    return {
        "#address-cells": 2,
        "#size-cells": 2,
        "compatible": "riscv-virtio",
        "model": "riscv-virtio,qemu",
        "pmu": {
            "riscv,event-to-mhpmcounters": _PMU_EVENTS,
            "compatible": "riscv,pmu",
        },
        f"fw-cfg@{layout.FW_CFG_BASE:x}": {
            "dma-coherent": None,
            "reg": _reg(layout.FW_CFG_BASE, layout.FW_CFG_SIZE),
            "compatible": "qemu,fw-cfg-mmio",
        },
        f"flash@{layout.FLASH_BASE:x}": {
            "bank-width": 4,
            "reg": [
                *_reg(layout.FLASH_BASE, layout.FLASH_SIZE),
                *_reg(layout.FLASH_BASE + layout.FLASH_SIZE, layout.FLASH_SIZE),
            ],
            "compatible": "cfi-flash",
        },
        "chosen": _chosen(chosen),
        "poweroff": _syscon("syscon-poweroff", 0x5555),
        "reboot": _syscon("syscon-reboot", 0x7777),
        f"platform-bus@{layout.PLATFORM_BASE:x}": {
            "interrupt-parent": PLIC,
            "ranges": [0, *_cells(layout.PLATFORM_BASE), layout.PLATFORM_SIZE],
            "#address-cells": 1,
            "#size-cells": 1,
            "compatible": ["qemu,platform", "simple-bus"],
        },
        f"memory@{layout.RAM_BASE:x}": {
            "device_type": "memory",
            "reg": _reg(layout.RAM_BASE, ram),
        },
        "cpus": _cpus(bits),
        "soc": _soc(bits),
    }


def _chosen(chosen: Chosen) -> Tree:
    found: dict[str, Value] = {}
    if chosen.initrd is not None:
        start, end = chosen.initrd
        found |= {"linux,initrd-end": end, "linux,initrd-start": start}
    if chosen.append:
        found["bootargs"] = chosen.append
    if chosen.seed:
        words = range(0, len(chosen.seed), 4)
        found["rng-seed"] = [int.from_bytes(chosen.seed[at : at + 4], "big") for at in words]
    return found | {"stdout-path": f"/soc/serial@{layout.UART_BASE:x}"}


def _syscon(compatible: str, value: int) -> Tree:
    return {"value": value, "offset": 0, "regmap": TEST, "compatible": compatible}


def _cpus(bits: int) -> Tree:
    return {
        "#address-cells": 1,
        "#size-cells": 0,
        "timebase-frequency": layout.TIMEBASE_HZ,
        "cpu@0": {
            "phandle": CPU,
            "device_type": "cpu",
            "reg": 0,
            "status": "okay",
            "compatible": "riscv",
            "riscv,isa": f"rv{bits}imafdc_zicsr_zifencei",
            "mmu-type": "riscv,sv48" if bits == 64 else "riscv,sv32",
            "interrupt-controller": {
                "#interrupt-cells": 1,
                "interrupt-controller": None,
                "compatible": "riscv,cpu-intc",
                "phandle": INTC,
            },
        },
        "cpu-map": {"cluster0": {"core0": {"cpu": CPU}}},
    }


def _soc(bits: int) -> Tree:
    slots = [layout.virtio(number) for number in reversed(range(layout.VIRTIO_COUNT))]
    return {
        "#address-cells": 2,
        "#size-cells": 2,
        "compatible": "simple-bus",
        "ranges": None,
        f"rtc@{layout.RTC_BASE:x}": {
            **_interrupt(layout.RTC_IRQ),
            "reg": _reg(layout.RTC_BASE, layout.WINDOW),
            "compatible": "google,goldfish-rtc",
        },
        f"serial@{layout.UART_BASE:x}": {
            **_interrupt(layout.UART_IRQ),
            "clock-frequency": layout.UART_HZ,
            "reg": _reg(layout.UART_BASE, layout.UART_SIZE),
            "compatible": "ns16550a",
        },
        f"test@{layout.TEST_BASE:x}": {
            "phandle": TEST,
            "reg": _reg(layout.TEST_BASE, layout.WINDOW),
            "compatible": ["sifive,test1", "sifive,test0", "syscon"],
        },
        f"pci@{layout.PCI_BASE:x}": _pci(bits),
        **{
            f"virtio_mmio@{base:x}": {
                **_interrupt(irq),
                "reg": _reg(base, layout.WINDOW),
                "compatible": "virtio,mmio",
            }
            for base, irq in slots
        },
        f"plic@{layout.PLIC_BASE:x}": {
            "phandle": PLIC,
            "riscv,ndev": layout.PLIC_SOURCES,
            "reg": _reg(layout.PLIC_BASE, layout.PLIC_SIZE),
            "interrupts-extended": [INTC, M_EXTERNAL, INTC, S_EXTERNAL],
            "interrupt-controller": None,
            "compatible": ["sifive,plic-1.0.0", "riscv,plic0"],
            "#address-cells": 0,
            "#interrupt-cells": 1,
        },
        f"clint@{layout.CLINT_BASE:x}": {
            "interrupts-extended": [INTC, M_SOFT, INTC, M_TIMER],
            "reg": _reg(layout.CLINT_BASE, layout.CLINT_SIZE),
            "compatible": ["sifive,clint0", "riscv,clint0"],
        },
    }


def _pci(bits: int) -> Tree:
    """PCI Bus Binding to Open Firmware. Pins of four devices in a row go round the four lines."""
    high, high_size = layout.PCI_HIGH[bits]
    pins = range(layout.PCI_PINS)
    return {
        "interrupt-map-mask": [0x1800, 0, 0, 7],
        "interrupt-map": [
            cell
            for device in pins
            for pin in pins
            for cell in (
                *(device << 11, 0, 0, pin + 1, PLIC),
                layout.PCI_FIRST_IRQ + (device + pin) % layout.PCI_PINS,
            )
        ],
        "ranges": [
            *(_PORTS, 0, 0, *_cells(layout.PCI_PORTS), *_cells(layout.PCI_PORTS_SIZE)),
            *(_MEMORY, *_cells(layout.PCI_MEMORY) * 2, *_cells(layout.PCI_MEMORY_SIZE)),
            *(_MEMORY_64, *_cells(high) * 2, *_cells(high_size)),
        ],
        "reg": _reg(layout.PCI_BASE, layout.PCI_SIZE),
        "dma-coherent": None,
        "bus-range": [0, 0xFF],
        "linux,pci-domain": 0,
        "device_type": "pci",
        "compatible": "pci-host-ecam-generic",
        "#size-cells": 2,
        "#interrupt-cells": 1,
        "#address-cells": 3,
    }


def _cells(value: int) -> list[int]:
    """Two cells."""
    return [value >> 32, value & 0xFFFFFFFF]


def _interrupt(number: int) -> dict[str, Value]:
    return {"interrupts": number, "interrupt-parent": PLIC}


def _reg(base: int, size: int) -> list[int]:
    """Two cells of address, two of size."""
    return [*_cells(base), *_cells(size)]
