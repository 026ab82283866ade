"""Recordings of format 1 are read for ever, replay as long as machines are the same, and become
ones of today with their first branch.

The samples are of machines before today's: what they hold can be seen, and added to.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_tools import info, ttd
from tests.integration.conftest import Record, Server
from tests.integration.format_1 import as_format_1
from tests.integration.gdb_mi import Gdb

SAMPLES = Path(__file__).parents[1] / "recordings" / "format1"
STEPS = {"console": 10429, "noted": 175, "cut": 36856664}


def version(path: Path) -> int:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    ((found,),) = db.execute("PRAGMA user_version")
    db.close()
    return int(found)


@pytest.mark.parametrize("name", STEPS)
def test_what_a_sample_holds_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.ttd"
    shutil.copyfile(SAMPLES / f"{name}.ttd", path)
    before = path.read_bytes()
    found = info(path)
    assert (found["steps"], found["complete"]) == (STEPS[name], name != "cut")
    assert [branch["name"] for branch in found["branches"]] == ["main"]
    listed = ttd("events", path)
    assert listed.code == 0 and len(listed.out.splitlines()) == sum(found["events"].values())
    done = ttd("replay", path)
    assert done.code == 2 and "was made by another version of ttd" in done.err
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
    assert version(path) == 1


def test_one_of_today_in_that_form_replays_and_gets_a_branch(
    record: Record,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
    tmp_path: Path,
) -> None:
    calls, path = record("calls"), tmp_path / "old.ttd"
    shutil.copyfile(calls.path, path)
    as_format_1(path)
    before = path.read_bytes()
    assert ttd("replay", path, "--verify").code == 0
    assert (version(path), path.read_bytes()) == (1, before)
    server = serve("serve", "--port", "0", path)
    gdb = attach(calls.elf, server.port)
    gdb.goto(1000)
    assert (version(path), path.read_bytes()) == (1, before)
    gdb.say("set var rare = 5")
    assert "Branch b1 begins at step 1000" in gdb.say("monitor when")
    gdb.go("stepi 10")
    gdb.say("detach")
    server.process.terminate()
    assert server.wait() == 0
    assert version(path) == 3
    for branch in ("main", "b1"):
        assert ttd("replay", path, "--verify", "--branch", branch).code == 0
    assert info(path)["steps"] == 308164
