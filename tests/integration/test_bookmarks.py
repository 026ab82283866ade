"""Names for places, kept in the file: by GDB, on all branches, and on the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_tools import elf, info, ttd, verify
from tests.integration.conftest import Server
from tests.integration.gdb_mi import Gdb

pytestmark = pytest.mark.slow
"""`make check` does without."""

Serve = Callable[..., Server]
Attach = Callable[..., Gdb]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "run.ttd"
    words = ("record", "--board", "mps2-an385", "--semihosting", "-o", made, elf("calls"))
    assert ttd(*words).code == 0
    return made


def test_they_are_in_the_file(path: Path, serve: Serve, attach: Attach, tmp_path: Path) -> None:
    server = serve("serve", "--port", "0", path)
    gdb = attach(elf("calls"), server.port)
    assert "No bookmarks" in gdb.say("monitor bookmarks")
    gdb.goto("27000")
    assert "Bookmark here at step 27000" in gdb.say("monitor bookmark here  it was right")
    gdb.goto("31000")
    gdb.say("monitor bookmark there")
    for name in ("7", "a b"[:1] + "-b", "end", "x" * 101):
        assert "is no name for a place" in gdb.say(f"monitor bookmark {name}")
    assert "bookmark takes a name" in gdb.say("monitor bookmark")
    gdb.goto("here")
    assert gdb.step == 27000
    # On a branch, too, which takes its own with it.
    gdb.say("set var rare = 3")
    gdb.go("stepi 10")
    gdb.say("monitor bookmark changed")
    listed = gdb.say("monitor bookmarks")
    assert "here     step main:27000" in listed and "it was right" in listed
    assert "changed  step b1:27010" in listed
    gdb.goto("there")
    assert gdb.step == 31000 and "main:31000" in gdb.say("monitor when")
    gdb.goto("changed")
    assert gdb.value("rare") == 3
    gdb.say("monitor delete bookmark there")
    assert "there is no bookmark there" in gdb.say("monitor delete bookmark there")
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    assert info(path)["bookmarks"] == {
        "changed": {"branch": "b1", "step": 27010, "note": ""},
        "here": {"branch": "main", "step": 27000, "note": "it was right"},
    }
    assert "bookmark      here at main:27000  it was right" in ttd("info", path).out.decode()
    verify(path)
    # The command line knows them.
    assert ttd("branch", path, "--at", "here", "--set", "rare=9").code == 0
    part = tmp_path / "part.ttd"
    assert ttd("cut", path, "--from", "start", "--to", "here", "-o", part).code == 0
    assert info(part)["steps"] == 27000

    again = attach(elf("calls"), serve("serve", "--port", "0", path).port)
    again.goto("here")
    assert again.step == 27000
    again.say("monitor discard b1")
    assert "changed" not in again.say("monitor bookmarks")


def test_while_it_is_recorded(serve: Serve, attach: Attach, tmp_path: Path) -> None:
    path = tmp_path / "live.ttd"
    words = ("--board", "mps2-an385", "--semihosting", "--gdb", "0", "--serial", "null")
    server = serve("record", *words, "-o", path, elf("calls"))
    gdb = attach(elf("calls"), server.port)
    gdb.go("stepi 100")
    gdb.say("monitor bookmark early")
    gdb.go("stepi 100")
    gdb.goto("early")
    assert gdb.step == 100
    gdb.say("detach")
    server.process.send_signal(2)
    assert server.wait() == 0
    assert info(path)["bookmarks"]["early"]["step"] == 100
    verify(path)
