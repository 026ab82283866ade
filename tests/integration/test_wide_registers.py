"""Registers of more than 64 bits are written in GDB in a live session, which goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_tools import verify
from tests.integration.conftest import FIRMWARE, Server
from tests.integration.gdb_mi import Gdb

pytestmark = pytest.mark.slow

UARTS = {"x86-64": ("--uart", "ns16550@0x40000000"), "aarch64": ("--semihosting",)}
WRITES = {
    "x86-64": {
        "$xmm0.v2_int64[0]": 0x1122334455667788,
        "$xmm0.v2_int64[1]": 0x7FEEDDCCBBAA9988,
        "$xmm15.v2_int64[1]": 77,
        "$st0": 3,
        "$st7": -5,
    },
    "aarch64": {
        "$v0.d.u[0]": 0x1122334455667788,
        "$v0.d.u[1]": 0xFFEEDDCCBBAA9988,
        "$v31.d.u[1]": 77,
        "$fpsr": 1,
    },
}


def check(gdb: Gdb, cpu: str) -> None:
    for register, value in WRITES[cpu].items():
        assert gdb.value(f"(long){register} == (long){value}") == 1, register


@pytest.mark.parametrize("cpu", WRITES)
@pytest.mark.parametrize("packet", ["P", "G"])
def test_written_read_and_replayed(
    cpu: str,
    packet: str,
    tmp_path: Path,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
) -> None:
    elf, path = FIRMWARE / "blob" / f"blob-{cpu}.elf", tmp_path / "live.ttd"
    board = ("--board", "raw", "--cpu", cpu, "--ram", "0x100000:1M", *UARTS[cpu])
    server = serve("record", *board, "--load", elf, "-o", path, "--gdb", "0")
    gdb = attach(elf, server.port)
    if packet == "G":
        gdb.say("set remote set-register-packet off")
    gdb.go("stepi")
    for register, value in WRITES[cpu].items():
        gdb.say(f"set var {register} = {value}")
    gdb.say("maintenance flush register-cache")
    check(gdb, cpu)
    gdb.go("stepi")
    gdb.go("reverse-stepi")
    check(gdb, cpu)
    gdb.go("continue")
    gdb.say("detach")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0
    verify(path)
