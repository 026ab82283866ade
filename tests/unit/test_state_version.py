"""A recording is of one layout of machine state; a change of the layout needs a new version."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from tests.integration.cli_tools import FIRMWARE, ttd
from ttd.host.semihost_files import SemihostFiles
from ttd.machine import STATE_VERSION
from ttd.recorded import RecordedMachine

LAYOUTS = {5: "46d447444fce32b4", 6: "73b5fa0467117293", 7: "c65ffbe6ce1f3b8a"}
"""Hash of the layouts by version: when this test fails, raise `STATE_VERSION` and add a line.
6: a timer's counter is anchored at the tick of a match, no longer where that is noticed,
and the levels of pins follow from the rest.
7: the exclusive monitor is part of it."""
DISK = "virtio-blk,file={disk}"
DEVICES = (
    *("virtio-rng", "virtio-console", "virtio-keyboard", "virtio-mouse", "virtio-tablet"),
    "virtio-net,netdev=net0",
)
NET = "dgram,id=net0,local=127.0.0.1:0,remote=127.0.0.1:9"
RAW = ("--board", "raw", "--ram", "0x40000000:16M", "--uart", "pl011@0x9000000")
MACHINES = (
    (*("--board", "mps2-an385", "--semihosting", "--device", "pl031", "--device", "power"),
     *("--device", DISK, "--netdev", NET), *(w for d in DEVICES for w in ("--device", d)),
     FIRMWARE / "calls/calls.elf"),
    ("--board", "microbit", FIRMWARE / "microbit/microbit.elf"),
    ("--board", "virt", "--device", DISK, FIRMWARE / "rtos/rtos-rv64.elf"),
    ("--board", "virt32", FIRMWARE / "rtos/rtos-rv32.elf"),
    *((*RAW, "--cpu", cpu, "--load", "{code}@0x40000000") for cpu in ("aarch64", "x86-64")),
)  # fmt: skip
"""Every board with every device, and every processor."""


def layout(state: Any) -> Any:
    """Names of fields all the way down."""
    if isinstance(state, dict):
        return {key: layout(value) for key, value in sorted(state.items())}
    if isinstance(state, list):
        return [layout(value) for value in state if isinstance(value, dict | list)]
    return None


def test_layout_is_that_of_the_version(tmp_path: Path) -> None:
    disk, code = tmp_path / "disk.img", tmp_path / "code.bin"
    disk.write_bytes(bytes(4096))
    code.write_bytes(bytes(64))
    found = []
    for number, words in enumerate(MACHINES):
        path = tmp_path / f"{number}.ttd"
        given = [str(word).format(disk=disk, code=code) for word in words]
        done = ttd("record", "--steps", "0", "-o", path, "--serial", "null", *given)
        assert done.code == 0, done.err
        session = RecordedMachine.open(str(path), SemihostFiles(None))
        found.append(layout(session.machine.save()))
        found.append(len(session.machine.engine.save_state()))
        session.close()
    assert LAYOUTS[STATE_VERSION] == hashlib.sha256(repr(found).encode()).hexdigest()[:16]
