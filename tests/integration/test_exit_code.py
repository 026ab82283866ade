"""A device ends the guest with an exit code: in the recording, in its replay, in the past."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tests.integration.cli_tools import raw
from tests.integration.inside import playing_session
from ttd.boards import BOARDS
from ttd.boards.base import MappedDevice, Wiring
from ttd.devices.sifive_test import FAIL, PASS, SifiveTest
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import RecordedMachine, RecordOptions
from ttd.runs import Ended

FINISHER = 0x40112000
MPS2 = BOARDS["mps2-an385"]


def build(wiring: Wiring) -> list[MappedDevice]:
    finisher = SifiveTest("test", wiring.clock, reset=wiring.reset, shutdown=wiring.shutdown)
    return [*MPS2.build_devices(wiring), MappedDevice(FINISHER, 0x1000, finisher)]


@pytest.mark.parametrize(("value", "code"), [(PASS, 0), (300 << 16 | FAIL, 300)])
def test_device_gives_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: int, code: int
) -> None:
    board = dataclasses.replace(MPS2, name="finisher", build_devices=build)
    monkeypatch.setitem(BOARDS, "finisher", board)
    # ldr r0, [pc, #60]; ldr r1, [pc, #64]; nop; str r1, [r0]; nop; b .
    code_words = [0x480F, 0x4910, 0xBF00, 0x6001, 0xBF00, 0xE7FE]
    image = load_image(raw(tmp_path / "fw.bin", code_words, [FINISHER, value]))
    path = tmp_path / "run.ttd"
    options = RecordOptions(board, image, board.ns_per_step)
    session = RecordedMachine.record(options, str(path), {}, SemihostFiles(None), os.urandom)
    ended = session.run(None, lambda step: None)
    assert ended == Ended(f"the guest switched the machine off with code {code}", code)
    assert session.machine.engine.step == 4
    session.finish(ended.reason, ended.code)
    session.close()

    session = playing_session(path)
    assert session.recording.status.exit_code == code
    assert session.run(None, lambda step: None) == ended
    session.compare_end()
    session.timeline.seek(2)
    assert session.machine.ended is None
    session.timeline.seek(4)
    assert session.machine.ended == ended
    session.close()
