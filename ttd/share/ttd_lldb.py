"""LLDB commands for ttd: `command script import ttd_lldb.py`, before or after connecting.

Gives the monitor commands bare names, moves LLDB along, puts the step into the prompt, and has all
instructions of the processor disassembled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import lldb  # LLDB brings it

_RESPONSE = re.compile(r"response: ([0-9a-f]*)")
_PROMPT = re.compile(r"(\[\S+\] )?")
_Command = Callable[[Any, str, Any, Any, dict[str, Any]], None]


def ask(debugger: Any, command: str) -> str:
    """What the server prints for a monitor command. `ValueError` if there is no server of ours."""
    found = lldb.SBCommandReturnObject()
    packet = "qttd.Monitor:" + command.encode().hex()
    debugger.GetCommandInterpreter().HandleCommand(f"process plugin packet send {packet}", found)
    answer = _RESPONSE.search(found.GetOutput() or "")
    if not found.Succeeded() or answer is None or not answer[1]:
        raise ValueError(f"Is this LLDB connected to ttd? {found.GetError() or ''}".strip())
    return bytes.fromhex(answer[1]).decode()


def _query(name: str) -> _Command:
    def run(debugger: Any, argument: str, context: Any, result: Any, session: Any) -> None:
        try:
            result.Print(ask(debugger, f"{name} {argument}".strip()))
        except ValueError as e:
            result.SetError(str(e))

    return run


def _search(name: str) -> _Command:
    """It may take longer than LLDB waits for an answer; with `monitor` it waits while there is
    progress."""

    def run(debugger: Any, argument: str, context: Any, result: Any, session: Any) -> None:
        found = lldb.SBCommandReturnObject()
        command = f"process plugin packet monitor {name} {argument}".strip()
        debugger.GetCommandInterpreter().HandleCommand(command, found)
        if found.Succeeded():
            # Behind what the server prints LLDB says which packet that was.
            result.Print((found.GetOutput() or "").partition("  packet: qRcmd")[0])
        else:
            result.SetError(found.GetError() or "Is this LLDB connected to ttd?")

    return run


def _jump(name: str) -> _Command:
    def run(debugger: Any, argument: str, context: Any, result: Any, session: Any) -> None:
        try:
            answer = ask(debugger, f"{name} {argument}".strip())
        except ValueError as e:
            result.SetError(str(e))
            return
        if answer.startswith("Earlier: ") or argument.split()[:1] == ["rename"]:
            result.Print(answer.removeprefix("Earlier: "))  # it has been done
            return
        if not answer.startswith("Going to "):
            result.SetError(answer.strip())
            return
        # The server goes there instead. A step that ends where it began, as one that is to go to
        # the present position, would be taken up by the next command that continues. What comes
        # next is meant forward: while LLDB's direction is backward, some of its steps are.
        moved = lldb.SBCommandReturnObject()
        interpreter = debugger.GetCommandInterpreter()
        interpreter.HandleCommand("process continue -F", moved)
        if not moved.Succeeded():  # an LLDB before 21, which knows one direction
            interpreter.HandleCommand("process continue", moved)
        result.Print(moved.GetOutput() or "")
        if not moved.Succeeded():
            result.SetError(moved.GetError() or "")

    return run


QUERIES = {
    "when": "Print the step at which the machine stands.",
    "events": "Print what came from outside around this step: events [--kind K] [COUNT].",
    "regs": "Print the registers of devices by name: regs, regs UART0, regs UART0.STATE.",
    "branches": "Print which lines of history there are.",
    "discard": "Forget a branch: discard NAME.",
    "bookmark": "Give this place a name, which is kept in the file: bookmark NAME [TEXT].",
    "bookmarks": "List the places that have names.",
    "checkpoint": "Number this position, for restart.",
    "checkpoints": "List the numbered positions.",
}
SEARCHES = {
    "output": "Print the lines that were printed last, or the latest with TEXT: output [TEXT].",
    "why": "Print why this handler runs: the fault, the bad pointer, the line of an interrupt.",
}
JUMPS = {
    "goto": "Go to a place: goto N, +N, -N, P%, start, end, BRANCH:N or a bookmark.",
    "branch": "Go to a branch, or begin one: branch NAME, or branch rename [OLD] NEW.",
    "back": "Go to the position before this one.",
    "forward": "Undo back.",
    "last-stop": "Go to where the last run or jump ended.",
    "back-to": "Go back to something that has happened: back-to event KIND [N], or output TEXT.",
    "restart": "Go to a numbered position: restart NUMBER.",
}
_WORDS = {"checkpoints": "info checkpoints"}
"""What the server calls them, where that is two words."""


class ShowStep:
    """At each stop the prompt shows where that is."""

    def __init__(self, target: Any, arguments: Any, session: dict[str, Any]) -> None:
        self.debugger = target.GetDebugger()
        know_instructions(target)

    def handle_stop(self, context: Any, stream: Any) -> bool:
        """True: LLDB stops, as it would without this."""
        show_step(self.debugger)
        return True


def know_instructions(target: Any) -> None:
    """Of some processors the triple does not say all that they have."""
    triple = target.GetTriple() or ""
    if triple.startswith("thumbv7-"):
        setting = "disassembly-cpu cortex-m3"
    elif triple.startswith("riscv") and not target.GetNumModules():
        setting = "disassembly-features +c,+f,+d"
    else:
        return
    quiet = lldb.SBCommandReturnObject()
    interpreter = target.GetDebugger().GetCommandInterpreter()
    interpreter.HandleCommand(f"settings set target.{setting}", quiet)


def show_step(debugger: Any) -> None:
    """Put the step into the prompt."""
    try:
        step = re.match(r"Step: (\S+)", ask(debugger, "when"))
    except ValueError:
        return  # a prompt is no place to complain
    if step is not None:
        debugger.SetPrompt(f"[{step[1]}] {_PROMPT.sub('', debugger.GetPrompt(), count=1)}")


def __lldb_init_module(debugger: Any, session: dict[str, Any]) -> None:
    for make, commands in ((_query, QUERIES), (_search, SEARCHES), (_jump, JUMPS)):
        for name, text in commands.items():
            function = make(_WORDS.get(name, name))
            function.__doc__ = text
            plain = f"ttd_{name.replace('-', '_')}"
            globals()[plain] = function
            debugger.HandleCommand(
                f"command script add -o -h '{text}' -f {__name__}.{plain} {name}"
            )
    debugger.HandleCommand(f"target stop-hook add -P {__name__}.ShowStep")
