"""Answers that are kept are those of one ttd: a changed one does not give them."""

import os
from pathlib import Path

from ttd.cli.answered import who_answers


def test_any_changed_source_is_another(tmp_path: Path) -> None:
    source = tmp_path / "room" / "a.py"
    source.parent.mkdir()
    source.write_text("a = 1\n")
    there = source.stat()
    first = who_answers(str(tmp_path))
    source.write_text("a = 2\n")
    os.utime(source, ns=(there.st_atime_ns, there.st_mtime_ns))
    assert who_answers(str(tmp_path)) != first
    source.write_text("a = 1\n")
    assert who_answers(str(tmp_path)) == first
    source.rename(tmp_path / "a.py")
    assert who_answers(str(tmp_path)) != first


def test_the_same_elsewhere_is_the_same(tmp_path: Path) -> None:
    for name, time in (("one", 1), ("two", 2)):
        path = tmp_path / name / "a.py"
        path.parent.mkdir()
        path.write_text("a = 1\n")
        os.utime(path, (time, time))
    cached = tmp_path / "two" / "__pycache__" / "a.cpython-311.pyc"
    cached.parent.mkdir()
    cached.write_bytes(b"\0")
    assert who_answers(str(tmp_path / "one")) == who_answers(str(tmp_path / "two"))
