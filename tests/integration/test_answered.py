"""A question that has been asked before is answered from the file, as long as the answer holds."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.integration.cli_tools import BOARD, FIRMWARE, Done, ttd
from ttd.recording.recording import Recording

pytestmark = pytest.mark.slow
"""`make check` does without."""

LAST = ("last", "counter")
CODE = ("executed", "main")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("answered") / "run.ttd"
    made = ttd(*BOARD, "-o", path, "--steps", "30000", FIRMWARE / "calls" / "calls.elf")
    assert made.code == 0, made.err
    return path


@pytest.fixture
def path(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(recorded, tmp_path))


def ask(path: Path, *words: str) -> Done:
    done = ttd("ask", path, *words)
    assert done.code == 0, done.err
    return done


def answers(path: Path) -> list[tuple[int, bytes]]:
    """What is kept of answers: row and contents."""
    with sqlite3.connect(path) as db:
        return db.execute("SELECT rowid, data FROM known WHERE kind LIKE 'answer %'").fetchall()


def test_again(path: Path) -> None:
    first = ask(path, *LAST)
    kept = answers(path)
    assert kept
    assert ask(path, *LAST) == first
    assert answers(path) == kept
    forms = [(*LAST, "--json"), (*LAST, "--csv"), (*LAST, "--limit", "2"), (*LAST, "--at", "20000")]
    found = [ask(path, *form).out for form in forms]
    assert len({first.out, *found}) == 5, "each is another question"
    assert [ask(path, *form).out for form in forms] == found


def test_nothing(path: Path) -> None:
    both = [ttd("ask", path, "find", "0x12345678") for _ in range(2)]
    assert both[0] == both[1]
    assert (both[0].code, both[0].out, both[0].err) == (1, b"", "ttd: find: there is none\n")


def test_damaged(path: Path) -> None:
    first = ask(path, *LAST)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE known SET data = zeroblob(length(data))")
    assert ask(path, *LAST) == first
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM known")
    assert ask(path, *LAST) == first


def test_names_of_places_may_change(path: Path) -> None:
    remarks = Recording.open(str(path)).file.remarks
    remarks.set_bookmark("here", 20_000)
    early = ask(path, *LAST, "--at", "here")
    Recording.open(str(path)).file.remarks.set_bookmark("here", 30_000)
    late = ask(path, *LAST, "--at", "here")
    assert early.out != late.out == ask(path, *LAST).out


def test_branch_that_comes_to_it(path: Path) -> None:
    alone = ask(path, *LAST).out.decode().strip()
    made = ttd("branch", path, "--at", "25000", "--name", "other")
    assert made.code == 0, made.err
    assert ask(path, *LAST).out.decode().strip() == f"main:{alone}"


def test_whatever_is_typed(path: Path) -> None:
    """Bytes that are no text, and numbers beyond the machine's."""
    stray = "\udcff\udcfe\udcf5 stray"
    for words in (("find", stray), ("output", stray)):
        both = [ttd("ask", path, *words) for _ in range(2)]
        assert both[0] == both[1]
        assert (both[0].code, both[0].err) == (1, f"ttd: {words[0]}: there is none\n")
    for question in ("irqs", "calls", "executed", "values"):
        done = ttd("ask", path, question, stray)
        assert done.code == 2
        assert "\\udcff" in done.err
        assert "damaged" not in done.err
    for question in (LAST, ("writes", "counter"), ("values", "counter"), ("values", "sp"), CODE):
        for most in (1 << 63, (1 << 64) - 1, 10**30):
            assert ask(path, *question, "--limit", str(most)).out
