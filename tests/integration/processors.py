"""A recording for each processor and a server over it, for debuggers that look at all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.cli_tools import elf, raw, ttd
from tests.integration.conftest import Server, symbols


@dataclass(frozen=True)
class Guest:
    """A recording, and what is in it.

    `stop`: where code comes by at least twice. `watch`: four bytes that are written at least three
    times.
    """

    path: Path
    elf: Path | None
    triple: str
    stop: int
    watch: int
    code: str
    """What LLDB disassembles at `stop`."""
    region: str
    """What is said of the memory at `stop`."""
    end: str
    wide: bool


Make = Callable[[Path], Guest]


def record(folder: Path, *words: str | Path, stdin: bytes = b"") -> Path:
    path = folder / "run.ttd"
    done = ttd("record", "-o", path, *words, stdin=stdin)
    assert done.code == 0, done.err
    return path


def cortex_m3(folder: Path) -> Guest:
    image = elf("calls")
    names = symbols(image)
    return Guest(
        path=record(folder, "--board", "mps2-an385", "--semihosting", image),
        elf=image,
        triple="thumbv7-unknown-none-eabi",
        stop=names["move"],
        watch=names["counter"],
        code="ldr    r3, [r0]",
        region="rwx ssram1",
        end="the guest exited with code 0",
        wide=False,
    )


def cortex_m0(folder: Path) -> Guest:
    """Twenty stores to the same word; there is no ELF file."""
    # movs r0, #0; ldr r2, [pc, #60]; loop: adds r0, #1; str r0, [r2]; cmp r0, #20; bne loop
    code = [0x2000, 0x4A0F, 0x3001, 0x6010, 0x2814, 0xD1FB, 0x2020, 0x2184, 0xBEAB, 0xE7FE]
    image = raw(folder / "code.bin", code, [0x20000000, 0x20026, 0])
    board = ("--board", "raw", "--cpu", "cortex-m0", "--ram", "0:4K", "--ram", "0x20000000:4K")
    return Guest(
        path=record(folder, *board, "--semihosting", "--load", image),
        elf=None,
        triple="armv6m-unknown-none-eabi",
        stop=0x44,
        watch=0x20000000,
        code="adds   r0, #0x1",
        region="rwx ram0",
        end="the guest exited with code 0",
        wide=False,
    )


def rtos(bits: int) -> Make:
    def make(folder: Path) -> Guest:
        image = elf("rtos", f"rtos-rv{bits}")
        names = symbols(image)
        board = "virt" if bits == 64 else "virt32"
        typed = (image.parent / "input.txt").read_bytes()
        return Guest(
            path=record(folder, "--board", board, image, stdin=typed),
            elf=image,
            triple=f"riscv{bits}-",
            stop=names["fold"],
            watch=names["ticks"],
            code="addi   sp, sp, ",
            region="r-x dram",
            end="the guest switched the machine off with code 0",
            wide=bits == 64,
        )

    return make


def blob(cpu: str, triple: str, code: str, end: str) -> Make:
    def make(folder: Path) -> Guest:
        image = elf("blob", f"blob-{cpu}")
        names = symbols(image)
        board = ("--board", "raw", "--cpu", cpu, "--ram", "0x100000:1M", "--semihosting")
        uart = ("--uart", "ns16550@0x40000000")
        return Guest(
            path=record(folder, *board, *uart, "--load", image),
            elf=image,
            triple=triple,
            stop=names["phase"],
            watch=names["progress"],
            code=code,
            region="rwx ram0",
            end=end,
            wide=cpu != "cortex-m3",
        )

    return make


GUESTS: dict[str, Make] = {
    "cortex-m3": cortex_m3,
    "cortex-m0": cortex_m0,
    "virt": rtos(64),
    "virt32": rtos(32),
    "aarch64": blob("aarch64", "aarch64-", "adrp   x1", "the guest waits for an interrupt"),
    "x86-64": blob("x86-64", "x86_64-", "movl   %edi", "the guest has halted"),
}


class Served:
    """The guests, recorded and served when they are first asked for."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._guests: dict[str, tuple[Guest, Server]] = {}

    def get(self, name: str) -> tuple[Guest, int]:
        """The guest, and the port of a server over its recording."""
        if name not in self._guests:
            guest = GUESTS[name](self._folders.mktemp(name))
            self._guests[name] = guest, Server("serve", "--port", "0", guest.path)
        guest, server = self._guests[name]
        return guest, server.port

    def close(self) -> None:
        for _, server in self._guests.values():
            server.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory)
    yield found
    found.close()


CASES = [
    pytest.param(name, symbols_, id=f"{name}-{'elf' if symbols_ else 'bare'}")
    for name in GUESTS
    for symbols_ in (True, False)
    if symbols_ is False or name != "cortex-m0"
]
"""Each guest, with its ELF file and without."""
