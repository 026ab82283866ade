"""What a recording says of how it was made, and the notes that people add."""

import json
import sqlite3
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.integration.cli_tools import FIRMWARE, change_meta, info, refused, start, ttd, verify

IRQS = FIRMWARE / "irqs/irqs.elf"
MADE = ("date", "command", "ttd", "host", "platform", "python", "unicorn")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "run.ttd"
    done = ttd("record", "--board", "mps2-an385", "-o", made, "--steps", "20000", IRQS)
    assert done.code == 0
    return made


def test_info_says_when_where_and_how(path: Path) -> None:
    facts = info(path)
    assert all(facts[name] for name in MADE)
    assert facts["date"].startswith("20") and facts["date"].endswith("Z")
    assert facts["command"].startswith("ttd record --board mps2-an385 -o ")
    assert facts["build_ids"] == facts["git"] == {}
    shown = ttd("info", path).out.decode().splitlines()
    assert f"{'date':12}  {facts['date']}" in shown
    assert all(line[13] == " " != line[14] for line in shown), shown


def test_a_recording_that_does_not_say_it_opens(path: Path) -> None:
    def forget(about: dict[str, Any]) -> dict[str, Any]:
        del about["made"]
        return about

    change_meta(path, "about", forget)
    facts = info(path)
    assert all(facts[name] is None for name in MADE)
    assert "date " not in ttd("info", path).out.decode()
    assert verify(path)


def test_notes_are_kept_and_change_nothing_of_the_run(path: Path) -> None:
    before = verify(path)
    for text in ("here it goes wrong", "ä\x1b[31m\n"):
        done = ttd("note", path, text)
        assert (done.code, done.out, done.err) == (0, b"", f"ttd: noted in {path}\n")
    lines = ttd("note", path).out.decode().splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == ["here it goes wrong", r"ä\x1b[31m\n"]
    listed = json.loads(ttd("note", "--json", path).out)
    assert listed == info(path)["notes"]
    assert listed[0]["text"] == "here it goes wrong"
    assert "note          20" in ttd("info", path).out.decode()
    assert verify(path) == before
    assert sorted(p.name for p in path.parent.iterdir() if "run.ttd" in p.name) == ["run.ttd"]


def test_notes_that_cannot_be_kept(path: Path) -> None:
    refused(ttd("note", path, ""), "without text")
    refused(ttd("note", path, "x" * 501), "500 characters, not 501")
    refused(ttd("note", path.parent / "none.ttd", "text"), "No such file")
    assert ttd("note", path).out == b""


def test_notes_of_several_at_once_are_all_kept(path: Path) -> None:
    threads = [Thread(target=ttd, args=("note", path, f"note {n}")) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listed = json.loads(ttd("note", "--json", path).out)
    assert sorted(note["text"] for note in listed) == [f"note {n}" for n in range(4)]


def test_a_note_waits_for_nobody_who_records(tmp_path: Path) -> None:
    made = tmp_path / "live.ttd"
    echo = FIRMWARE / "echo/echo.elf"
    process = start("record", "--board", "mps2-an385", "-o", made, "--gdb", "0", echo)
    try:
        while not made.exists():
            assert process.poll() is None
            time.sleep(0.02)
        refused(ttd("note", made, "too early"), "is being recorded by another ttd")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert ttd("note", made, "now").code == 0
    assert info(made)["notes"][0]["text"] == "now"
    assert verify(made)


@pytest.mark.parametrize("one_file", [False, True])
def test_a_recording_that_was_cut_off_takes_notes(tmp_path: Path, one_file: bool) -> None:
    made = tmp_path / "cut.ttd"
    echo = FIRMWARE / "echo/echo.elf"
    process = start("record", "--board", "mps2-an385", "-o", made, "--gdb", "0", echo)
    while not made.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    if one_file:
        with sqlite3.connect(made) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        db.close()
    assert ttd("note", made, "cut off").code == 0
    assert info(made)["notes"][0]["text"] == "cut off"
    assert not info(made)["complete"]
    assert verify(made)


def test_a_changed_note_or_fact_is_noticed_or_harmless(path: Path) -> None:
    ttd("note", path, "one")
    before = verify(path)
    change_meta(path, "notes", lambda notes: [["2026", "two"]])
    assert info(path)["notes"] == [{"date": "2026", "text": "two"}]
    assert verify(path) == before
    change_meta(path, "notes", lambda notes: [["2026", "\x1b[31m"]])
    refused(ttd("note", path), "a note is not one")
    assert verify(path) == before
    change_meta(path, "about", lambda about: {**about, "made": {"date": "\x1b"}})
    refused(ttd("info", path), "when and how it was made")
