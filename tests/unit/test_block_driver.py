"""Disk requests at the border, without a disk controller."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ttd.contents import PAGE
from ttd.recording.config import MachineConfig
from ttd.recording.events import Kind
from ttd.recording.recording import Recording
from ttd.replay.block import MOST_PAGES, BlockDriver, Done
from ttd.replay.replay import Checkpoint, Mode, Replay

CONFIG = MachineConfig("board", "cpu", 40)
CONTENTS = bytes(range(1, 256)) * 65793


class Image:
    def submit(self, spans: Sequence[tuple[int, int]], done: Done) -> None:
        done([self.read(*span) for span in spans], 0)

    def read(self, offset: int, count: int) -> bytes:
        return CONTENTS[offset : offset + count]

    def write(self, offset: int, data: bytes) -> None:
        raise AssertionError("the image is not changed")

    def flush(self) -> None: ...

    def close(self) -> None: ...


def rig(mode: Mode, recording: Recording, embed: bool) -> tuple[Replay, BlockDriver, list[int]]:
    replay = Replay()
    replay.configure(mode, recording)
    replay.attach(lambda: 7, lambda: 0)
    image = None if embed and mode is Mode.PLAY else Image()
    driver = replay.register_block_driver("d", len(CONTENTS), image, embed=embed)
    done: list[int] = []
    driver.connect(lambda number, errno: done.append(errno))
    replay.start()
    return replay, driver, done


@pytest.mark.parametrize("embed", [True, False])
def test_a_request_of_any_length_is_recorded(tmp_path: Path, embed: bool) -> None:
    """One event holds no more than a recording takes."""
    recording = Recording.create(str(tmp_path / "run.ttd"), CONFIG)
    replay, driver, done = rig(Mode.RECORD, recording, embed)
    driver.submit(PAGE // 2, len(CONTENTS) - PAGE, writes=False)
    replay.checkpoint(Checkpoint.CLOCK_VIRTUAL)
    assert done == [0]
    assert driver.read(0, len(CONTENTS)) == CONTENTS
    sizes = [len(e.payload) for _, e in replay.log.select([Kind.BLOCK])]
    assert len(sizes) == (-(-len(CONTENTS) // PAGE // MOST_PAGES) if embed else 1)
    assert max(sizes) < 2 * MOST_PAGES * PAGE
    replay.finish("done")
    played, again, ended = rig(Mode.PLAY, recording, embed)
    again.submit(PAGE // 2, len(CONTENTS) - PAGE, writes=False)
    played.checkpoint(Checkpoint.CLOCK_VIRTUAL)
    assert ended == [0]
    assert again.read(0, len(CONTENTS)) == CONTENTS
    recording.close()
