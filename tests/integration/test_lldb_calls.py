"""Functions of the guest that are called from LLDB: nothing stays of that, on any processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import ROOT
from tests.integration.lldb_client import batch, lldb
from tests.integration.processors import Served, served

pytestmark = pytest.mark.slow
"""`make check` does without."""

__all__ = ["lldb", "served"]

IMPORT = f"command script import {ROOT / 'ttd/share/ttd_lldb.py'}"
CALLS = {
    "cortex-m3": ("fib", "fib(3 + 4)", "(uint32_t) 13"),
    "cortex-m3, void": ("fib", "move(&corner, 1, 2)", "void"),
    "aarch64": ("phase", "phase(2)", "0x2"),
    "x86-64": ("phase", "sort(&numbers, 3)", "0x"),
    "virt": ("tick", "now()", "(uint64_t) "),
    "virt32": ("tick", "now()", "(uint64_t) "),
}
"""Where, what is called, and what comes of it."""


@pytest.mark.parametrize("name", CALLS)
def test_a_call_leaves_nothing(lldb: str, served: Served, tmp_path: Path, name: str) -> None:
    guest, port = served.get(name.partition(",")[0])
    where, call, result = CALLS[name]
    asked = ["register read", "process plugin packet monitor when", "branches"]
    said = batch(
        lldb,
        tmp_path,
        port,
        [
            IMPORT,
            *(f"breakpoint set -n {where}", "process continue", "breakpoint delete 1"),
            *(*asked, f"call {call}", *asked),
            *("call nowhere(1)", f"call {where}", f"call {where}(1,2,3,4,5,6,7,8,9)"),
            *(f"call {where}(unknown)", *asked, "process detach"),
        ],
        guest.elf,
    )
    before, after = said[4:7], said[8:11]
    assert result in said[7].text, str(said[7])
    assert "error" not in said[7].text, str(said[7])
    assert [s.text for s in after] == [s.text for s in before]
    for wrong, sentence in zip(
        said[11:15],
        (
            "There is no function nowhere.",
            "call NAME(ARGUMENT",
            "arguments here at most",
            "unknown",
        ),
        strict=True,
    ):
        assert sentence in wrong.text, str(wrong)
    assert [s.text for s in said[15:18]] == [s.text for s in before]
    assert len(said[17].text.split("main")) == 2


def test_a_call_that_stops(lldb: str, served: Served, tmp_path: Path) -> None:
    guest, port = served.get("cortex-m3")
    said = batch(
        lldb,
        tmp_path,
        port,
        [
            *(IMPORT, "goto 27000", "breakpoint set -n inner", "call middle(3)", "frame variable"),
            *("breakpoint delete 1", "goto main:27000", "branches", "discard b1", "call middle(3)"),
            "process detach",
        ],
        guest.elf,
    )
    assert "The function has not returned: it stands at 0x" in said[3].text, str(said[3])
    assert "value = 3" in said[4].text
    assert "the function at 0x" in said[7].text and " was called" in said[7].text
    assert "(uint32_t) 21" in said[9].text, str(said[9])
