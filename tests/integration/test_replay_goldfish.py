"""The Goldfish RTC of `virt`: the host's clock in a guest, and an alarm on it."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.integration.cli_tools import info, ttd, verify

ALARM_NS = 20_000_000
CODE = (
    # The alarm is set 20 ms from now, and its interrupt enabled in the PLIC and in mie.
    0x001012B7,  # lui t0, 0x101
    0x0002E303,  # lwu t1, 0(t0)
    0x0042E383,  # lwu t2, 4(t0)
    0x02039393,  # sll t2, t2, 0x20
    0x00736333,  # or t1, t1, t2
    0x013133B7,  # lui t2, 0x1313
    0xD003839B,  # addw t2, t2, -768
    0x00730333,  # add t1, t1, t2
    0x02035393,  # srl t2, t1, 0x20
    0x0072A623,  # sw t2, 12(t0)
    0x0062A423,  # sw t1, 8(t0)
    0x00100393,  # li t2, 1
    0x0072A823,  # sw t2, 16(t0)
    0x0C000E37,  # lui t3, 0xc000
    0x027E2623,  # sw t2, 44(t3)
    0x0C002EB7,  # lui t4, 0xc002
    0x00001F37,  # lui t5, 0x1
    0x800F0F1B,  # addw t5, t5, -2048
    0x01EEA023,  # sw t5, 0(t4)
    0x304F1073,  # csrw mie, t5
    0x10500073,  # wfi
    0x0C200EB7,  # lui t4, 0xc200
    0x004E8E9B,  # addw t4, t4, 4
    0x000EA503,  # lw a0, 0(t4)
    0x0072AE23,  # sw t2, 28(t0)
    0x0002EF03,  # lwu t5, 0(t0)
    0x0042EF83,  # lwu t6, 4(t0)
    0x020F9F93,  # sll t6, t6, 0x20
    0x01FF6F33,  # or t5, t5, t6
    0x006F3F33,  # sltu t5, t5, t1
    0x001F4F13,  # xor t5, t5, 1
    0x008F1F13,  # sll t5, t5, 0x8
    0x01E56533,  # or a0, a0, t5
    0x001002B7,  # lui t0, 0x100
    0x01051513,  # sll a0, a0, 0x10
    0x00003337,  # lui t1, 0x3
    0x3333031B,  # addw t1, t1, 819
    0x00656533,  # or a0, a0, t1
    0x00A2A023,  # sw a0, 0(t0)
    0x0000006F,  # j 800000a0
)
"""Exits with the interrupt that was claimed, and 0x100 if the time of the alarm had come."""


def test_an_alarm_wakes_the_guest_when_the_hosts_time_has_come(tmp_path: Path) -> None:
    path, image = tmp_path / "run.ttd", tmp_path / "rtc.bin"
    image.write_bytes(struct.pack(f"<{len(CODE)}I", *CODE))
    ttd("record", "--board", "virt", "-o", path, f"{image}@0x80000000")
    verify(path)
    facts = info(path)
    assert facts["exit_code"] == 0x100 | 11
    values = [line.split() for line in ttd("events", path).out.decode().splitlines()]
    read = [int(words[2]) for words in values if words[1] == "clock_host"]
    assert read == sorted(read)
    assert read[-1] - read[0] >= ALARM_NS
