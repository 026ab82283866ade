"""Eclipse's cdt-gdb-adapter, which VS Code and Theia use, with GDB 13 and 18 on a recording."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Record, Server
from tests.integration.dap import Dap
from tests.integration.gdb18 import GDBS, gdb_program
from ttd.gdb import COMMANDS

pytestmark = pytest.mark.slow

PACKAGE = "cdt-gdb-adapter@1.7.0"
SOURCE = {"path": str(ROOT / "tests/firmware/calls/calls.c")}


@cache
def adapter() -> Path | None:
    """The adapter's program, from the npm registry; kept in the virtual environment."""
    home = Path(sys.prefix) / "share" / PACKAGE
    found = home / "node_modules/cdt-gdb-adapter/dist/debugTargetAdapter.js"
    if found.exists():
        return found
    if shutil.which("npm") is None:
        why = "the tests run a debug adapter in Node.js"
        subprocess.run([ROOT / "scripts/apt-install", why, "nodejs", "npm"], check=False)
    npm = shutil.which("npm")
    if npm is None:
        return None
    home.mkdir(parents=True, exist_ok=True)
    # It talks to serial ports, too, with what its scripts would build.
    words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", home, PACKAGE]
    subprocess.run([npm, *words], check=False, stdout=subprocess.DEVNULL, timeout=200)
    return found if found.exists() else None


@pytest.fixture
def dap() -> Iterator[Dap]:
    program = adapter()
    if program is None:
        pytest.skip(f"{PACKAGE} is not to be had: no Node.js, or no network")
    found = Dap(["node", str(program)])
    yield found
    found.close()


@pytest.mark.parametrize("version", GDBS)
def test_a_session(dap: Dap, record: Record, serve: Callable[..., Server], version: str) -> None:
    calls = record("calls")
    gdb, server = gdb_program(version), serve("serve", "--port", "0", calls.path)
    can = dap.ask("initialize", adapterID="gdbtarget", linesStartAt1=True, pathFormat="path")
    assert not can.get("supportsStepBack"), "it has learnt something: see docs/ide.md"
    attached = dap.send(
        "attach",
        program=str(calls.elf),
        cwd=str(ROOT),
        gdb=gdb,
        target={"type": "remote", "host": "localhost", "port": str(server.port)},
        initCommands=[f"source {COMMANDS}"],
    )
    dap.event("initialized")
    (found,) = dap.ask("setBreakpoints", source=SOURCE, breakpoints=[{"line": 72}])["breakpoints"]
    assert found["verified"]
    dap.answer(attached)
    dap.ask("configurationDone")

    # It does not wait at the beginning.
    assert dap.event("stopped")["reason"] == "breakpoint"
    frames = dap.ask("stackTrace", threadId=1)["stackFrames"]
    assert [(frame["name"], frame["line"]) for frame in frames] == [("move", 72), ("main", 85)]
    (local, *_) = dap.ask("scopes", frameId=frames[0]["id"])["scopes"]
    variables = dap.ask("variables", variablesReference=local["variablesReference"])["variables"]
    assert {"dx": "3", "dy": "-4"}.items() <= {v["name"]: v["value"] for v in variables}.items()

    def console(command: str) -> None:
        frame = frames[0]["id"]
        dap.ask("evaluate", expression=f">{command}", context="repl", frameId=frame)

    def place() -> tuple[str, int]:
        frame = dap.ask("stackTrace", threadId=1)["stackFrames"][0]
        return frame["name"], frame["line"]

    # Backwards it goes from the debug console, and follows.
    for command, reason, there in (
        ("reverse-step", "step", ("main", 85)),
        ("goto end", "step", ("semihost", 58)),
        ("reverse-continue", "breakpoint", ("move", 72)),
        ("goto 27000", "step", ("fib", 13)),
    ):
        console(command)
        assert (dap.event("stopped")["reason"], place()) == (reason, there), command
    dap.ask("setBreakpoints", source=SOURCE, breakpoints=[])
    console("goto end")
    dap.event("stopped")
    console("watch rare")
    console("reverse-continue")
    dap.event("stopped")
    assert place() == ("write_rare", 55)
    dap.ask("continue", threadId=1)
    dap.event("stopped")
    for request in ("next", "stepIn", "stepOut"):
        dap.ask(request, threadId=1)
        assert dap.event("stopped")["reason"] in ("step", "generic")
    dap.ask("disconnect")
