"""Backwards through Debian's U-Boot on `virt`, in M-mode and in S-mode under OpenSBI."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.integration.conftest import Server
from tests.integration.gdb_mi import Gdb
from tests.integration.guests import install, record, talk
from tests.integration.positions import step_back_everywhere

UBOOT = Path("/usr/lib/u-boot")
OPENSBI = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin")
M_IMAGE = UBOOT / "qemu-riscv64/u-boot.bin"
S_IMAGE = UBOOT / "qemu-riscv64_smode/u-boot.bin"
MODES = {
    "M": ("--bios", M_IMAGE),
    "S": ("--bios", OPENSBI, "--kernel", S_IMAGE),
}
LINKED = {"M": 0x80000000, "S": 0x80200000}
END_OF_RAM = 0x88000000
PRIVILEGE = {"M": 3, "S": 1}
PROMPT = b"\r\n=> "
LINES = (
    b"printenv bootcmd arch",
    b"md 80000000 10",
    b"bdinfo",
    b"md.l 30000000 10",
    b"dm tree",
    b"nosuchcommand",
)
COMMAND_OFFSET = 24
RELOCATED = re.compile(rb"reloc off   = 0x([0-9a-f]+)")

pytestmark = pytest.mark.slow

Serve = Callable[..., Server]
Attach = Callable[..., Gdb]


@dataclass(frozen=True)
class Session:
    """A typed session: its recording, what appeared, and U-Boot's symbols where it runs."""

    path: Path
    mode: str
    output: bytes
    elf: Path
    moved: int


@pytest.fixture(scope="module", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def typed(mode: str, tmp_path_factory: pytest.TempPathFactory) -> Session:
    install((OPENSBI, M_IMAGE, S_IMAGE), "opensbi", "u-boot-qemu")
    path = tmp_path_factory.mktemp(f"uboot-{mode}") / "run.ttd"
    output = talk(record("virt", path, *MODES[mode]), PROMPT, LINES)
    moved = RELOCATED.search(output)
    assert moved is not None
    image = MODES[mode][-1]
    assert isinstance(image, Path)
    return Session(path, mode, output, image.parent / "uboot.elf", int(moved[1], 16))


def test_stepping_back_at_1000_places(typed: Session) -> None:
    step_back_everywhere(typed.path, 500)


@pytest.fixture
def gdb(typed: Session, serve: Serve, attach: Attach) -> Gdb:
    """At the end of the session."""
    gdb = attach(None, serve("serve", "--port", "0", typed.path).port)
    gdb.goto("end")
    return gdb


def test_back_to_the_function_that_ran_a_command(gdb: Gdb, typed: Session) -> None:
    """`md` twice: at its last entry, a0 is the command's own table entry and a3 the words typed."""
    gdb.say(f"break *{typed.moved + command_function(typed.elf, b'md'):#x}")
    stop, _ = gdb.go("reverse-continue")
    assert stop["reason"] == "breakpoint-hit"
    words = [gdb.value(f"((long *)$a3)[{n}]") for n in range(gdb.value("$a2"))]
    assert [_string(gdb, at) for at in words] == ["md.l", "30000000", "10"]
    here = (gdb.step, gdb.pc)
    gdb.go("reverse-stepi")
    gdb.go("stepi")
    assert (gdb.step, gdb.pc) == here
    gdb.go("reverse-continue")
    words = [gdb.value(f"((long *)$a3)[{n}]") for n in range(gdb.value("$a2"))]
    assert [_string(gdb, at) for at in words] == ["md", "80000000", "10"]


def _string(gdb: Gdb, address: int) -> str:
    found = re.search(r'"(.*)"', gdb.say(f"x/s {address:#x}"))
    assert found is not None
    return found[1]


def command_function(elf: Path, name: bytes) -> int:
    """Where the function behind a command of U-Boot is linked.

    The image has no symbols, but a table of commands, whose pointers are relocated: name, then 16
    bytes on the function (`struct cmd_tbl` in U-Boot's include/command.h).
    """
    with elf.open("rb") as file:
        opened = ELFFile(file)
        relocations = {
            entry["r_offset"]: entry["r_addend"]
            for section in opened.iter_sections("SHT_RELA")
            for entry in section.iter_relocations()
        }
        segments = [(s["p_vaddr"], s.data()) for s in opened.iter_segments("PT_LOAD")]
    for at, target in relocations.items():
        function = relocations.get(at + COMMAND_OFFSET)
        text = next((d[target - b :][:32] for b, d in segments if b <= target < b + len(d)), b"")
        if function is not None and text.startswith(name + b"\0") and at + 8 not in relocations:
            return int(function)
    raise AssertionError(f"{elf} has no command {name!r}")


def test_back_to_what_was_typed(gdb: Gdb, typed: Session) -> None:
    """The console's characters are events; those of one line come one after the other."""
    gdb.say("monitor back-to event char_read")
    gdb.go("reverse-continue")
    late = gdb.step
    gdb.say("monitor back-to event char_read 1")
    gdb.go("reverse-continue")
    assert 0 < gdb.step < late


def test_back_to_the_write_of_a_line_on_the_screen(gdb: Gdb, typed: Session) -> None:
    """Of the last line typed, from the place where U-Boot keeps it."""
    own = typed.moved + LINKED[typed.mode]
    word = int.from_bytes(LINES[-1][:8], "little")
    search = f"find /g1 {own:#x}, {END_OF_RAM - 1:#x}, {word:#x}"
    place = re.search(r"^(0x[0-9a-f]+)", gdb.say(search), re.MULTILINE)
    assert place is not None
    at = int(place[1], 16)
    gdb.say(f"watch *(char *){at:#x}")
    stop, _ = gdb.go("reverse-continue")
    assert stop["reason"] == "watchpoint-trigger"
    # Before the store, as GDB has it going backwards; the guest's own mode did it.
    assert gdb.value(f"*(char *){at:#x}") != ord("n")
    assert gdb.value("$priv") == PRIVILEGE[typed.mode]
    gdb.go("stepi")
    assert gdb.value(f"*(char *){at:#x}") == ord("n")
