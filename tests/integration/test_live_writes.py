"""What a debugger writes in a live session: possible or not, session and recording go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Server, ttd
from tests.integration.gdb_mi import Gdb
from tests.unit.unseen_runs import BOARD, elf_of

NOWHERE = {
    "mps2": (0x50000000, 0x60000000, 0xE0042000, 0xFFFFFFFC, 0x207FFFFC),
    "microbit": (0x30000000, 0x20003FFC, 0xFFFFFFFC),
    "virt": (0, 0x87FFFFFC, 0x7FFFFFFFFFFFFFF0, 0xFFFFFFFFFFFFFFF8),
}
"""Addresses of eight bytes that are not all there."""
SOMEWHERE = {
    # Memory, a device, a device's byte, and a bit-band alias of each.
    "mps2": (0x20000100, 0x40000008, 0x40000009, 0x22000000, 0x42000100, 0xE000ED08),
    # Flash is no more than memory for a debugger; a register that is there to be read only.
    "microbit": (0x20000100, 0x3F000, 0x10000060, 0x4000D404),
    # An erased flash device takes a command; the PLIC; a virtio device's registers.
    "virt": (0x80100000, 0x20000000, 0x0C000004, 0x10001000, 0x02004000),
}


def _session(name: str, path: Path, serve: Callable[..., Server]) -> Server:
    return serve(
        *("record", "--board", BOARD[name], "--semihosting", "--serial", "null"),
        *("--gdb", "0", "-o", path, elf_of(name)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NOWHERE))
def test_the_session_goes_on(
    name: str, tmp_path: Path, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    path = tmp_path / "live.ttd"
    server = _session(name, path, serve)
    gdb = attach(elf_of(name), server.port)
    gdb.say("break calls")
    gdb.go("continue")
    for address in NOWHERE[name]:
        text = gdb.say(f"set var *(long long *){address:#x} = 5")
        assert "Cannot access memory" in text, (hex(address), text)
        gdb.go("stepi")
    for kind in ("int", "char", "long long"):
        for address in SOMEWHERE[name]:
            text = gdb.say(f"set var *({kind} *){address:#x} = 5")
            assert "rror" not in text, (hex(address), text)
            gdb.go("stepi")
    memory = SOMEWHERE[name][0]
    assert gdb.value(f"*(int *){memory:#x}") == 5
    if name == "virt":  # GDB itself cuts at the borders that a memory map has
        assert gdb.value("*(int *)0x87fffffc") != 5, "written in part"
    # The past, and a step back from where something was written.
    here = gdb.step
    gdb.go("reverse-stepi")
    # There a branch begins; and back to where the machine records.
    assert "rror" not in gdb.say(f"set var *(int *){memory:#x} = 6")
    assert gdb.value(f"*(int *){memory:#x}") == 6
    gdb.goto(f"main:{here}")
    assert gdb.step == here and gdb.value(f"*(int *){memory:#x}") == 5
    assert "goes on" not in gdb.say("load")
    gdb.go("stepi")
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0, server.lines
    replayed = ttd("replay", "--verify", path)
    assert replayed.returncode == 0, replayed.stderr
    gdb = attach(elf_of(name), serve("serve", "--port", "0", path).port)
    gdb.goto("end")
    assert "rror" not in gdb.say(f"set var *(int *){memory:#x} = 6")
    gdb.goto("main:end")
    gdb.go("reverse-stepi")
    assert gdb.value(f"*(int *){memory:#x}") == 5
