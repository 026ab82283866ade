"""Virtual time has an end, 146 years away; what is due after it never is."""

from __future__ import annotations

from pathlib import Path

from tests.integration.border import FIRMWARE, Line
from tests.unit.device_doubles import NoTimers
from ttd.boards import BOARDS
from ttd.bus.agenda import END_OF_TIME, Agenda
from ttd.devices.base import Device
from ttd.host.semihost_files import SemihostFiles
from ttd.loader import load_image
from ttd.recorded import SEMIHOSTING, RecordedMachine, RecordOptions

BOARD = BOARDS["mps2-an385"]


def test_a_machine_that_lives_so_long_ends_with_a_sentence(tmp_path: Path) -> None:
    path = str(tmp_path / "run.ttd")
    image = load_image(str(FIRMWARE / "calls/calls.elf"))
    options = RecordOptions(BOARD, image, END_OF_TIME >> 12, semihosting=True)
    backends = {SEMIHOSTING: Line(), BOARD.serials[0]: Line()}
    live = RecordedMachine.record(options, path, backends, SemihostFiles(None), bytes)
    ended = live.run(None, lambda step: None)
    assert ended.reason == "the end of virtual time, 146 years, was reached"
    assert live.machine.engine.step == 1 << 12
    live.finish(ended.reason, ended.code)
    live.close()
    played = RecordedMachine.open(path, SemihostFiles(None))
    assert played.run(None, lambda step: None) == ended
    played.compare_end()
    played.timeline.seek(7)
    assert played.timeline.seek(1 << 12).step == 1 << 12
    played.close()


class Far(Device):
    name = "far"

    def __init__(self, due: int) -> None:
        self.due = due

    def deadline(self) -> int:
        return self.due


class Still:
    def now(self) -> int:
        return 0

    def rearm(self) -> None:
        pass


def test_a_deadline_after_the_end_of_time_is_none() -> None:
    for due in (END_OF_TIME, 1 << 63, 1 << 64, 1 << 90):
        assert Agenda([Far(due)], Still(), NoTimers()).first() is None
    assert (
        Agenda([Far(1 << 63), Far(END_OF_TIME - 1)], Still(), NoTimers()).first() == END_OF_TIME - 1
    )
