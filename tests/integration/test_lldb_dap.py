"""LLDB's debug adapter, which Visual Studio Code and others use, on a recording."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.integration.conftest import Record, Server
from tests.integration.dap import Dap
from tests.integration.lldb_client import DEBIAN, debian

pytestmark = pytest.mark.slow

END = "history boundary: end of the recording, the guest exited with code 0"
SOURCE = "tests/firmware/calls/calls.c"


@pytest.fixture
def dap() -> Iterator[Dap]:
    program = debian() and shutil.which(DEBIAN.replace("lldb", "lldb-dap"))
    if not program:
        pytest.skip("lldb-dap 22 is not to be had on this platform")
    found = Dap([program])
    yield found
    found.close()


def stopped(dap: Dap, reason: str) -> str:
    """Wait for a stop that has this reason; returns what else is said of it."""
    while (event := dap.event("stopped"))["reason"] != reason:
        # On entry it first tells of the signal that stands for nothing else.
        assert event["description"] == "signal SIGTRAP", event
    return str(event["description"])


@pytest.mark.parametrize("how", ["port", "commands"])
def test_a_session(dap: Dap, record: Record, serve: Callable[..., Server], how: str) -> None:
    calls = record("calls")
    port = serve("serve", "--port", "0", calls.path).port
    attach: dict[str, object] = (
        {"gdb-remote-port": port} if how == "port" else {"attachCommands": [f"gdb-remote {port}"]}
    )
    dap.ask("initialize", adapterID="lldb", linesStartAt1=True, pathFormat="path")
    attached = dap.send("attach", program=str(calls.elf), stopOnEntry=True, **attach)
    dap.event("initialized")
    (found,) = dap.ask("setFunctionBreakpoints", breakpoints=[{"name": "move"}])["breakpoints"]
    assert found["verified"]
    lines = {"source": {"path": SOURCE}, "breakpoints": [{"line": 36}]}
    (found,) = dap.ask("setBreakpoints", **lines)["breakpoints"]
    assert found["verified"]
    dap.ask("configurationDone")
    dap.answer(attached)
    stopped(dap, "entry")

    dap.ask("continue", threadId=1)
    assert stopped(dap, "breakpoint") == "breakpoint 2.1"
    frames = dap.ask("stackTrace", threadId=1)["stackFrames"]
    assert [frame["name"] for frame in frames] == [
        *("inner", "middle", "outer", "main", "Reset_Handler"),
    ]
    assert frames[0]["line"] == 36 and frames[0]["source"]["path"].endswith(SOURCE)
    scopes = dap.ask("scopes", frameId=frames[0]["id"])["scopes"]
    variables = {
        scope["name"]: {
            variable["name"]: variable["value"]
            for variable in dap.ask("variables", variablesReference=scope["variablesReference"])[
                "variables"
            ]
        }
        for scope in scopes[:2]
    }
    assert variables["Locals"]["result"] == "15"
    assert "counter" in str(variables["Globals"])

    dap.ask("setBreakpoints", source={"path": SOURCE}, breakpoints=[])
    dap.ask("continue", threadId=1)
    assert stopped(dap, "breakpoint") == "breakpoint 1.1"
    # A step that a breakpoint ends would be taken up by the next `continue`.
    dap.ask("setFunctionBreakpoints", breakpoints=[])
    for request, why in (("next", "step over"), ("stepOut", "step out"), ("stepIn", "step in")):
        dap.ask(request, threadId=1)
        assert stopped(dap, "step") == why
    dap.ask("continue", threadId=1)
    assert stopped(dap, "exception") == END
    for request in ("next", "stepIn", "stepOut"):
        dap.ask(request, threadId=1)
        assert stopped(dap, "exception") == END

    # Backwards from the debug console; no button does it.
    dap.ask("setFunctionBreakpoints", breakpoints=[{"name": "move"}])
    dap.ask("evaluate", expression="process continue -R", context="repl")
    assert stopped(dap, "breakpoint") == "breakpoint 3.1"
    # Its buttons then keep the direction, too.
    dap.ask("continue", threadId=1)
    assert stopped(dap, "breakpoint") == "breakpoint 3.1"
    dap.ask("continue", threadId=1)
    assert stopped(dap, "exception") == "history boundary: beginning of the recording"
    for _ in range(2):
        dap.ask("evaluate", expression="process continue -F", context="repl")
        assert stopped(dap, "breakpoint") == "breakpoint 3.1"
    dap.ask("continue", threadId=1)
    assert stopped(dap, "exception") == END
    memory = dap.ask("readMemory", memoryReference=hex(calls.symbols["counter"]), count=4)
    assert int.from_bytes(base64.b64decode(memory["data"]), "little") == 212
    dap.ask("disconnect")
