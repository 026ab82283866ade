"""GDB's own debug adapter with ttd's file of commands: buttons that go backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.conftest import ROOT, Record
from tests.integration.dap import Dap
from tests.integration.gdb18 import gdb_program
from ttd.gdb import COMMANDS

pytestmark = pytest.mark.slow

SOURCE = {"path": str(ROOT / "tests/firmware/calls/calls.c")}


@pytest.fixture
def dap() -> Iterator[Dap]:
    found = Dap([gdb_program("18"), "-nx", "-q", "-i=dap", "-x", str(COMMANDS)])
    yield found
    found.close()


def step(dap: Dap) -> int:
    """What `when` says on the debug console."""
    said = str(dap.ask("evaluate", expression="when", context="repl")["result"])
    return int(said.removeprefix("Step: ").split()[0])


def test_a_session(dap: Dap, record: Record, shared_ports: Callable[[str], int]) -> None:
    calls = record("calls")
    can = dap.ask("initialize", adapterID="gdb", linesStartAt1=True, columnsStartAt1=True)
    assert can["supportsStepBack"] and can["supportsSteppingGranularity"]
    target = f"localhost:{shared_ports('calls')}"
    attached = dap.send("attach", program=str(calls.elf), target=target)
    dap.event("initialized")
    assert len(dap.ask("setBreakpoints", source=SOURCE, breakpoints=[{"line": 72}])) == 1
    dap.ask("configurationDone")
    dap.answer(attached)
    assert dap.event("stopped")["reason"] == "attach"

    def go(request: str, reason: str, **more: object) -> int:
        dap.ask(request, threadId=1, **more)
        assert dap.event("stopped")["reason"] == reason
        return step(dap)

    dap.ask("evaluate", expression="goto start", context="repl")
    dap.event("stopped")
    first = go("continue", "breakpoint")
    frames = dap.ask("stackTrace", threadId=1)["stackFrames"]
    assert [(frame["name"], frame["line"]) for frame in frames] == [("move", 72), ("main", 85)]
    scopes = dap.ask("scopes", frameId=frames[0]["id"])["scopes"]
    assert scopes[0]["name"] == "Arguments"
    variables = dap.ask("variables", variablesReference=scopes[0]["variablesReference"])
    values = {found["name"]: found["value"] for found in variables["variables"]}
    assert (values["dx"], values["dy"]) == ("3", "-4")

    # An editor sends no granularity unless it shows instructions.
    assert go("next", "step") > first
    assert go("stepBack", "breakpoint") == first
    assert go("stepBack", "step", granularity="instruction") == first - 1
    assert go("stepBack", "step") < first - 1
    frame = dap.ask("stackTrace", threadId=1)["stackFrames"][0]
    assert (frame["name"], frame["line"]) == ("main", 84)
    assert go("continue", "breakpoint") == first
    assert go("continue", "breakpoint") > first
    assert go("reverseContinue", "breakpoint") == first
    # The adapter has no word for the ends.
    assert go("reverseContinue", "stopped") == go("stepBack", "stopped") == 0
    dap.ask("setBreakpoints", source=SOURCE, breakpoints=[])
    end = go("continue", "stopped")
    assert end == go("next", "stopped") == go("stepIn", "stopped") == 308164
    assert "the guest exited with code 0" in dap.printed()

    # Who wrote this? Watchpoints, and jumps, from the console: the editor follows.
    dap.ask("evaluate", expression="watch rare", context="repl")
    assert go("reverseContinue", "data breakpoint") == 27199
    said = dap.ask("evaluate", expression="goto 27000", context="repl")
    assert "Step: 27000 of" in said["result"]
    assert dap.event("stopped")["reason"] == "step" and step(dap) == 27000
    frames = dap.ask("stackTrace", threadId=1)["stackFrames"]
    assert frames[0]["name"] == "fib"
    dap.ask("disconnect")
