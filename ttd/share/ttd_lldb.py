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


_CALL = re.compile(r"\s*([\w:.$]+)\s*\((.*)\)\s*", re.DOTALL)
_ABIS = {
    "arm": ("r0 r1 r2 r3", "lr", "r0 r1"),
    "thumb": ("r0 r1 r2 r3", "lr", "r0 r1"),
    "riscv": ("a0 a1 a2 a3 a4 a5 a6 a7", "ra", "a0 a1"),
    "aarch64": ("x0 x1 x2 x3 x4 x5 x6 x7", "lr", "x0 x1"),
    "x86_64": ("rdi rsi rdx rcx r8 r9", "", "rax rdx"),
}
"""By the beginning of a triple: registers of arguments, of the place to return to ("": that is on
the stack), and of the result, one of two words in two."""


def call(debugger: Any, argument: str, context: Any, result: Any, session: Any) -> None:
    """Call a function of the guest, with integers and pointers: call NAME(ARGUMENT, ...)."""
    try:
        result.Print(_called(debugger, argument))
    except ValueError as e:
        result.SetError(str(e))


def _called(debugger: Any, argument: str) -> str:
    """The result, as a line; nothing else stays of the call. `ValueError` if there is none.

    LLDB's own way needs a compiler for the guest. The server knows a call by what is written for
    it, and it has never been when the registers are what they were.
    """
    target = debugger.GetSelectedTarget()
    process = target.GetProcess()
    frame = process.GetSelectedThread().GetFrameAtIndex(0)
    triple = target.GetTriple() or ""
    abi = next((abi for name, abi in _ABIS.items() if triple.startswith(name)), None)
    parts = _CALL.fullmatch(argument)
    if not frame.IsValid() or abi is None:
        raise ValueError("No function can be called here.")
    if parts is None:
        raise ValueError("call takes a function and its arguments: call NAME(ARGUMENT, ...)")
    names, link, returned = abi
    found = target.FindFunctions(parts[1])
    if not found.GetSize():
        raise ValueError(f"There is no function {parts[1]}.")
    function = found.GetContextAtIndex(0).GetFunction()
    start = found.GetContextAtIndex(0).GetSymbol().GetStartAddress()
    if function.IsValid():
        start = function.GetStartAddress()
    values = _values(frame, parts[2])
    if len(values) > len(names.split()):
        raise ValueError(f"A function gets {len(names.split())} arguments here at most.")
    entry = target.GetModuleAtIndex(0).GetObjectFileEntryPointAddress()
    home = entry.GetLoadAddress(target) & ~1
    thumb = triple.startswith(("arm", "thumb"))
    size = process.GetAddressByteSize()
    general = frame.GetRegisters().GetValueAtIndex(0)
    before = {register.GetName(): register.GetValueAsUnsigned() for register in general}
    stack = (frame.GetSP() - 256) & ~15
    new = dict(zip(names.split(), values, strict=False)) | {"pc": start.GetLoadAddress(target) & ~1}
    if link:
        new[link] = home | thumb
    else:
        stack -= size
    halt = target.BreakpointCreateByAddress(home)
    synchronous = debugger.GetAsync()
    debugger.SetAsync(False)
    try:
        if not link:
            _need(process.WriteMemory(stack, home.to_bytes(size, "little"), lldb.SBError()) == size)
        for name, value in {"sp": stack, **new}.items():
            _set(frame, name, value)
        moved = lldb.SBCommandReturnObject()
        debugger.GetCommandInterpreter().HandleCommand("process continue -F", moved)
        frame = process.GetSelectedThread().GetFrameAtIndex(0)
        if frame.GetPC() & ~1 != home:
            raise ValueError(
                f"The function has not returned: it stands at {frame.GetPC():#x}. goto leads away."
            )
        words = [frame.FindRegister(name).GetValueAsUnsigned() for name in returned.split()]
        for name, old in before.items():
            _set(frame, name, old)
    finally:
        target.BreakpointDelete(halt.GetID())
        debugger.SetAsync(synchronous)
    # Nothing has happened: what LLDB knows of memory is from inside of the call.
    _jump("goto")(debugger, "+0", None, lldb.SBCommandReturnObject(), {})
    kind = function.GetType().GetFunctionReturnType() if function.IsValid() else None
    value = words[0]
    if kind is not None and kind.IsValid():
        name = kind.GetName()
        if name == "void":
            return "void\n"
        if kind.GetByteSize() > size:
            value |= words[1] << 8 * size
        # Of others LLDB makes no value of a number.
        frame = process.GetSelectedThread().GetFrameAtIndex(0)
        shown = frame.EvaluateExpression(f"({name}){value}ULL")
        if shown.GetError().Success():
            return f"({name}) {shown.GetSummary() or shown.GetValue()}\n"
    return f"{value:#x}\n"


def _values(frame: Any, text: str) -> list[int]:
    """What arguments come to."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    if not text.strip():
        return []
    values = []
    for part in parts:
        found = frame.EvaluateExpression(part)
        if not found.GetError().Success():
            raise ValueError(f"{part.strip()}: {found.GetError()}")
        values.append(found.GetValueAsUnsigned())
    return values


def _set(frame: Any, name: str, value: int) -> None:
    generic = {"pc": ("pc", "rip"), "sp": ("sp", "rsp"), "lr": ("lr", "x30"), "ra": ("ra", "x1")}
    for known in generic.get(name, (name,)):
        register = frame.FindRegister(known)
        if register.IsValid() and register.SetValueFromCString(f"{value:#x}"):
            return
    raise ValueError(f"The register {name} cannot be written.")


def _need(done: bool) -> None:
    if not done:
        raise ValueError("The stack cannot be written.")


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
    debugger.HandleCommand(
        f"command script add -o -h '{(call.__doc__ or '').strip()}' -f {__name__}.call call"
    )
    debugger.HandleCommand(f"target stop-hook add -P {__name__}.ShowStep")
