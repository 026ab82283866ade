"""The `raw` board: a processor, memory and serial ports where the user says, for any blob.

It is made from words that the recording keeps: `cpu=MODEL`, `ram=ADDRESS:SIZE`,
`uart=TYPE@ADDRESS[,irq=N]`, `priority-bits=N`, and where it begins: `vectors=ADDRESS`, or
`pc=ADDRESS` and `sp=ADDRESS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import field
from functools import partial
from itertools import pairwise

from ttd.boards import PRIORITY_BITS, RAW, check_priority_bits
from ttd.boards.base import Board, MappedDevice, Region, Wiring
from ttd.boards.numbers import BoardOptionError, parse_address, parse_size
from ttd.cpu.models import CPUS
from ttd.devices.base import Device, Line
from ttd.devices.cmsdk_uart import CmsdkUart, UartLines
from ttd.devices.ns16550 import Ns16550
from ttd.devices.pl011 import Pl011
from ttd.images import Image, Load, check_apart
from ttd.recording.config import Option
from ttd.values import dataclass

DESCRIPTION = "A processor, memory and serial ports where you say, for any image"
HZ = 25_000_000
NS_PER_STEP = 40
TIMEBASE_HZ = 10_000_000
UART_HZ = 3_686_400
"""What the divisor of a 16550 divides."""
WINDOW = 0x1000
MOST_RAM = 4 << 30
MOST_PARTS = 16
"""Of memories, and of serial ports."""

UartMaker = Callable[[str, Wiring, Line], Device]


def _cmsdk(name: str, wiring: Wiring, line: Line) -> Device:
    # One line for all of its interrupts has to do; what it receives is the one that matters.
    lines = UartLines(tx=Line(), rx=line, overrun=Line())
    return CmsdkUart(name, wiring.clock, wiring.char(name), lines)


def _ns16550(name: str, wiring: Wiring, line: Line) -> Device:
    return Ns16550(name, wiring.clock, UART_HZ, wiring.char(name), line)


def _pl011(name: str, wiring: Wiring, line: Line) -> Device:
    return Pl011(name, wiring.clock, wiring.char(name), line)


UARTS: dict[str, UartMaker] = {"cmsdk": _cmsdk, "ns16550": _ns16550, "pl011": _pl011}
"""What `--uart` takes."""


@dataclass(frozen=True, slots=True)
class RawUart:
    """A serial port."""

    kind: str
    base: int
    irq: int | None


@dataclass(slots=True)
class RawMachine:
    """What the words say."""

    cpu: str = ""
    ram: list[Region] = field(default_factory=list)
    uarts: list[RawUart] = field(default_factory=list)
    priority_bits: int | None = None
    vectors: int | None = None
    pc: int | None = None
    sp: int | None = None


def raw_board(words: Sequence[str]) -> Board:
    """The board that the words describe; `BoardOptionError` if there can be none."""
    machine = RawMachine()
    for word in words:
        key, _, value = word.partition("=")
        _READ.get(key, _unknown)(machine, value)
    _check(machine)
    model = CPUS[machine.cpu]
    start = None if machine.pc is None or machine.sp is None else (machine.pc, machine.sp)
    return Board(
        name=RAW,
        description=DESCRIPTION,
        cpu=machine.cpu,
        irq_lines=model.lines,
        core_hz=HZ,
        ns_per_step=NS_PER_STEP,
        reset_address=machine.vectors or 0,
        regions=tuple(machine.ram),
        bit_bands=(),
        serials=tuple(f"uart{number}" for number in range(len(machine.uarts))),
        build_devices=partial(_build, tuple(machine.uarts)),
        timebase_hz=TIMEBASE_HZ,
        priority_bits=machine.priority_bits,
        start=start,
        options={RAW: list(words), **_priority_option(machine)},
    )


def _priority_option(machine: RawMachine) -> dict[str, Option]:
    return {} if machine.priority_bits is None else {PRIORITY_BITS: machine.priority_bits}


def _build(uarts: Sequence[RawUart], wiring: Wiring) -> list[MappedDevice]:
    found = []
    for number, uart in enumerate(uarts):
        line = Line() if uart.irq is None else wiring.line(uart.irq)
        device = UARTS[uart.kind](f"uart{number}", wiring, line)
        found.append(MappedDevice(uart.base, WINDOW, device))
    return found


# -- words --------------------------------------------------------------------------------


def _cpu(machine: RawMachine, text: str) -> None:
    if text not in CPUS:
        raise BoardOptionError(f"there is no CPU {text!r}; there are {', '.join(CPUS)}")
    machine.cpu = text


def _ram(machine: RawMachine, text: str) -> None:
    base, colon, size = text.partition(":")
    if not colon:
        raise BoardOptionError(f"memory is ADDRESS:SIZE, such as 0x20000000:64K, not {text!r}")
    region = Region(
        f"ram{len(machine.ram)}",
        parse_address(base, "the address of memory"),
        parse_size(size, "its size"),
    )
    machine.ram.append(region)


def _uart(machine: RawMachine, text: str) -> None:
    match = re.fullmatch(r"([^@,]*)@([^@,]*)(?:,irq=([0-9]{1,4}))?", text)
    if match is None:
        raise BoardOptionError(f"a UART is TYPE@ADDRESS or TYPE@ADDRESS,irq=N, not {text!r}")
    kind, base, irq = match.groups()
    if kind not in UARTS:
        raise BoardOptionError(f"there is no UART {kind!r}; there are {', '.join(UARTS)}")
    address = parse_address(base, "the address of a UART")
    machine.uarts.append(RawUart(kind, address, None if irq is None else int(irq)))


def _priority_bits(machine: RawMachine, text: str) -> None:
    if re.fullmatch(r"[0-9]{1,4}", text) is None:
        raise BoardOptionError(f"the number of priority bits is a number, not {text!r}")
    machine.priority_bits = int(text)


def _place(name: str) -> Callable[[RawMachine, str], None]:
    return lambda machine, text: setattr(machine, name, parse_address(text, name.upper()))


def _unknown(machine: RawMachine, text: str) -> None:
    raise BoardOptionError("the recording does not say what its raw board is made of")


_READ: dict[str, Callable[[RawMachine, str], None]] = {
    "cpu": _cpu,
    "ram": _ram,
    "uart": _uart,
    PRIORITY_BITS: _priority_bits,
    "vectors": _place("vectors"),
    "pc": _place("pc"),
    "sp": _place("sp"),
}


def _check(machine: RawMachine) -> None:
    """Everything has a place of its own."""
    if not machine.cpu:
        raise BoardOptionError(f"a raw board needs a CPU (--cpu): {', '.join(CPUS)}")
    if not machine.ram:
        raise BoardOptionError("a raw board needs memory (--ram ADDRESS:SIZE)")
    if len(machine.ram) > MOST_PARTS or len(machine.uarts) > MOST_PARTS:
        raise BoardOptionError(f"a raw board has at most {MOST_PARTS} memories and as many UARTs")
    if sum(region.size for region in machine.ram) > MOST_RAM:
        raise BoardOptionError("a raw board has at most 4G of memory")
    if machine.priority_bits is not None:
        check_priority_bits(machine.cpu, machine.priority_bits)
    model = CPUS[machine.cpu]
    page, limit = model.isa.page_size, 1 << model.elf[1]
    parts = [(r.base, r.end, f"the memory at {r.base:#x}") for r in machine.ram]
    parts += [(u.base, u.base + WINDOW, f"the UART at {u.base:#x}") for u in machine.uarts]
    for start, end, what in parts:
        if start % page or end % page or start == end:
            raise BoardOptionError(f"{what} is not made of whole pages of {page:#x} bytes")
        if end > limit:
            raise BoardOptionError(f"{what} ends at {end:#x}, which {machine.cpu} cannot address")
    for (_, end, what), (start, _, other) in pairwise(sorted(parts)):
        if end > start:
            raise BoardOptionError(f"{what} and {other} overlap")
    for uart in machine.uarts:
        if uart.irq is not None and uart.irq >= model.lines:
            lines = f"the interrupts 0 to {model.lines - 1}" if model.lines else "no interrupts"
            raise BoardOptionError(f"{machine.cpu} has {lines}, not {uart.irq}")


# -- where it begins ----------------------------------------------------------------------


def start_words(board: Board, loads: Sequence[Load], pc: str | None, sp: str | None) -> list[str]:
    """The words that say where `board` begins, with `loads` in its memory.

    Without `pc`: a vector table, if the core has such and there is one at the lowest address
    loaded, else the entry of the first image that names one, else the lowest address. Without
    `sp`: the end of the memory that this is in.
    """
    check_apart(loads)
    images = [load.image for load in loads]
    lowest = min(image.segments[0].address for image in images)
    if pc is not None:
        start = parse_address(pc, "--pc")
    else:
        table = _vector_table(board, images, lowest)
        if table is not None and sp is None:
            return [f"vectors={lowest:#x}"]
        entries = [image.entry for image in images if image.address is None]
        named = next((entry for entry in entries if entry is not None), lowest)
        start = named if table is None else table
    region = board.region_at(start)
    if region is None:
        raise BoardOptionError(f"the machine would begin at {start:#x}, where it has no memory")
    whole = CPUS[board.cpu].isa.instructions_at
    if start % whole:
        raise BoardOptionError(
            f"the machine would begin at {start:#x}, but instructions of {board.cpu} "
            f"are at multiples of {whole}"
        )
    stack = region.end if sp is None else parse_address(sp, "--sp")
    return [f"pc={start:#x}", f"sp={stack:#x}"]


def _vector_table(board: Board, images: Sequence[Image], address: int) -> int | None:
    """The start that a vector table at `address` names; None if this can be none."""
    if not CPUS[board.cpu].vectors:
        return None
    for image in images:
        for segment in image.segments:
            if segment.address == address and len(segment.data) >= 8:
                sp = int.from_bytes(segment.data[:4], "little")
                start = int.from_bytes(segment.data[4:8], "little")
                inside = board.region_at(start) is not None
                if sp % 4 == 0 and board.region_at(sp - 1) is not None and start & 1 and inside:
                    return start
    return None
