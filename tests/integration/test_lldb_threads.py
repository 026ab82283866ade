"""Threads in LLDB: tasks with names and backtraces, forwards, backwards and elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ttd
from tests.integration.conftest import Server
from tests.integration.lldb_client import Said, batch, lldb

pytestmark = pytest.mark.slow
"""`make check` does without."""

__all__ = ["lldb"]

NAMES = {"deep", "sleeper", "sulky", "busy", "idle"}


def names(said: Said) -> set[str]:
    return set(re.findall(r"name = '(\w+)'", said.text))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "board"), [("freertos", "mps2-an385"), ("freertos-rv64", "virt")])
def test_a_session(
    lldb: str, serve: Callable[..., Server], tmp_path: Path, name: str, board: str
) -> None:
    elf = FIRMWARE / "threads" / f"{name}.elf"
    options = ("--semihosting",) if board == "mps2-an385" else ()
    done = ttd("record", "--board", board, *options, "-o", tmp_path / "run.ttd", elf)
    assert done.code == 0, done.err
    server = serve("serve", "--port", "0", tmp_path / "run.ttd")
    answers = iter(
        batch(
            lldb,
            tmp_path,
            server.port,
            [
                "thread list",
                "breakpoint set -n work",
                "process continue -F",
                "thread list",
                "thread backtrace all",
                "process continue -F",
                "thread list",
                "process continue -R",
                "thread list",
                "process plugin packet monitor goto 100",
                "stepi",
                "thread list",
            ],
            elf,
        )
    )
    assert not names(next(answers))
    next(answers)
    for backtraces in (True, False, False):
        assert next(answers).reason == "breakpoint 1.1"
        listed = next(answers)
        assert names(listed) == NAMES
        assert re.search(r"\* thread #\d+: .* name = 'busy', stop reason", listed.text)
        if backtraces:
            deep = next(answers).text.partition("'deep'")[2].partition("thread #")[0]
            frames = re.findall(r"`(\w+)\(?", deep)
            assert frames[-4:] == ["third", "second", "first", "deep"], deep
    next(answers)
    assert next(answers).reason.startswith("step 100 of ")
    assert not names(next(answers))
