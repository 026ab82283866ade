"""Recordings of format 1, which are kept for ever: they open, replay and are debugged as ever."""

import shutil
from pathlib import Path

import pytest

from tests.integration.cli_tools import info, ttd

SAMPLES = Path(__file__).parents[1] / "recordings" / "format1"
SAID = {
    "console": "replayed 10429 steps, 1 snapshot compared: the same",
    "noted": "replayed 175 steps, 1 snapshot compared: the same",
    "cut": "replayed 36856664 steps, 6 snapshots compared: the same; the recording was cut off",
}


@pytest.mark.parametrize("name", SAID)
def test_it_replays(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.ttd"
    shutil.copyfile(SAMPLES / f"{name}.ttd", path)
    before = path.read_bytes()
    done = ttd("replay", path)
    assert done.code == 0
    assert SAID[name] in done.err
    assert path.read_bytes() == before


def test_its_notes_are_there_and_it_takes_more(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    shutil.copyfile(SAMPLES / "noted.ttd", path)
    assert [note["text"] for note in info(path)["notes"]] == ["a sample of format 1"]
    assert ttd("note", path, "and one more").code == 0
    assert [note["text"] for note in info(path)["notes"]] == [
        "a sample of format 1",
        "and one more",
    ]
    assert "replayed 175 steps" in ttd("replay", path).err
