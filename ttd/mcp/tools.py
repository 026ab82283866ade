"""The tools: what an agent can ask of a recording, and what it is told.

Each takes the place that it is asked about, and leaves nothing behind but what it says: a bookmark,
or a branch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.context import Context
from mcp_types import ToolAnnotations
from pydantic import Field

from ttd.api import Run
from ttd.api.stops import Hit
from ttd.errors import UserError
from ttd.mcp.bounds import MOST_ROWS, bounded
from ttd.mcp.desk import Desk

_LAST_LINES = 15
"""Of the console, in a summary."""
_WIDE = 16
"""Bytes of memory in a line."""
_MOST_BYTES = 1024
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

At = Annotated[
    str,
    Field(
        description="A place: a step such as 8634687, BRANCH:STEP, start, end, 50%, or a bookmark."
    ),
]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="How many rows at most.")]
Asked = Context[Desk, Any]


def _desk(context: Asked) -> Desk:
    return context.request_context.lifespan_context


async def open(
    context: Asked, recording: Annotated[str, Field(description="The path of a .ttd file.")]
) -> str:
    """Open a recording in place of the one that is open, and sum it up."""
    await _desk(context).open(recording, context)
    return await _desk(context).ask(_summary, context)


async def summary(context: Asked) -> str:
    """What the open recording is: board, programs, how many steps, how it ended, what was
    printed last, its branches and bookmarks. Ask this first."""
    return await _desk(context).ask(_summary, context)


async def where(context: Asked, at: At = "end") -> str:
    """Where the machine is at a place: function, virtual time, the registers."""
    return await _desk(context).ask(lambda run: _where(run, at), context)


async def read(
    context: Asked,
    what: Annotated[str, Field(description="A variable, or an address such as 0x20000000.")],
    at: At = "end",
    size: Annotated[int | None, Field(ge=1, le=_MOST_BYTES)] = None,
) -> str:
    """What is in memory at a place: a variable's bytes, or `size` bytes at an address."""
    return await _desk(context).ask(lambda run: _read(run, what, at, size), context)


async def last(
    context: Asked,
    variable: Annotated[str, Field(description="Its name, or an address (of a word).")],
    at: At = "end",
    when: Annotated[
        str,
        Field(description="A condition, such as 'new == 0', 'changed', 'old > new and r0 > 3'"),
    ] = "changed",
    access: Annotated[str, Field(pattern="^(w|r|rw)$")] = "w",
    count: Limit = 5,
) -> str:
    """Who wrote a variable last before a place, and before that, latest first: the place just
    before each write, the code that makes it, the value before and after."""

    def work(run: Run) -> str:
        run.goto(at)
        hits = reversed(run.stop_at(watch=_name_or_address(variable), access=access, when=when))
        return _hits(hits, count, f"{variable} was not written so before {run.place}.")

    return await _desk(context).ask(work, context)


async def executed(
    context: Asked,
    function: Annotated[str, Field(description="A function, or an address.")],
    at: At = "end",
    forward: bool = False,
    when: Annotated[str, Field(description="A condition, such as 'r0 == 5'")] = "",
    count: Limit = 5,
) -> str:
    """When code was reached last before a place (or `forward`: next after it)."""

    def work(run: Run) -> str:
        run.goto(at)
        stop = run.stop_at(_name_or_address(function), when=when or None)
        hits = iter(stop) if forward else reversed(stop)
        side = "after" if forward else "before"
        return _hits(hits, count, f"{function} was not reached {side} {run.place}.")

    return await _desk(context).ask(work, context)


async def output(
    context: Asked,
    text: Annotated[str, Field(description="What to look for; nothing: all lines.")] = "",
    at: At = "end",
    count: Limit = 20,
) -> str:
    """Lines that the guest had printed up to a place, the latest last, each with the place at
    which its first character was printed."""
    return await _desk(context).ask(lambda run: _output(run, text, at, count), context)


async def events(
    context: Asked,
    kind: Annotated[
        str, Field(description="Such as interrupt, char_read, net, block; nothing: all.")
    ] = "",
    first: At = "start",
    last: At = "end",
    count: Limit = 50,
) -> str:
    """What came from outside between two places: interrupts, characters, packets, disk
    completions, clock reads, each with its place."""

    def work(run: Run) -> str:
        rows = run.events(kind or None, first, last)
        found = bounded(map(str, rows), count, "ask from the last of these places on")
        return found or "There are no such events."

    return await _desk(context).ask(work, context)


async def why(context: Asked, at: At = "end") -> str:
    """Why the machine is at a place: the fault, its address and who wrote the bad pointer; or
    in a handler which input, device or instruction has raised it."""

    def work(run: Run) -> str:
        run.goto(at)
        return bounded(run.why().splitlines(), MOST_ROWS, "ask at the places named")

    return await _desk(context).ask(work, context)


async def bookmark(
    context: Asked,
    name: Annotated[str, Field(description="One word; nothing: list all bookmarks.")] = "",
    at: At = "end",
    note: str = "",
) -> str:
    """Give a place a name, which is kept in the recording and can be said wherever a place
    can; or list those that there are."""

    def work(run: Run) -> str:
        if name:
            run.goto(at)
            return f"{name} is {run.bookmark(name, note)} now."
        marks = (f"{mark}  {place}" for mark, place in run.bookmarks.items())
        return bounded(marks, MOST_ROWS, "too many") or "There are no bookmarks."

    return await _desk(context).ask(work, context)


async def branch(
    context: Asked,
    at: At,
    reason: Annotated[str, Field(description="What is tried, in some words.")],
    set: Annotated[
        dict[str, int],
        Field(description="Variables by name, registers by $name, and what they become."),
    ] = {},  # noqa: B006 -- pydantic copies it
    edits: Annotated[
        list[str],
        Field(description="Inputs that are otherwise: '533 drop', '533 chars hello\\n'."),
    ] = [],  # noqa: B006
    steps: Annotated[int, Field(ge=1, description="How far to run.")] = 50_000_000,
) -> str:
    """What would have happened: go back, change variables, registers or inputs, and run on.
    The new future is kept as a branch beside the old one."""
    return await _desk(context).ask(
        lambda run: _branch(run, at, reason, set, edits, steps), context
    )


def _name_or_address(text: str) -> int | str:
    return int(text, 0) if text[:1].isdigit() else text


def _summary(run: Run) -> str:
    facts = run.facts
    lines = [
        f"{run.path}: board {facts['board']}, {facts['steps']} steps"
        f" ({facts['virtual_ns'] / 1e9:.6f} s of the guest's time)",
        f"first place {run.begin}, last {run.end}: {facts['end']}",
        f"programs: {', '.join(facts['images'])}",
        "events: " + ", ".join(f"{n} {kind}" for kind, n in facts["events"].items()),
    ]
    for made in run.branches[1:]:
        lines.append(f"branch {made}: from {made.begin} to {made.end}: {made.reason}")
    lines += [f"bookmark {name}: {place}" for name, place in run.bookmarks.items()]
    lines += [f"note of {note['date']}: {note['text']}" for note in facts["notes"]]
    run.goto("end")
    printed = run.console.lines[-_LAST_LINES:]
    lines += ["", "It printed last:" if printed else "It printed nothing."]
    lines += [f"  {line.place}  {line.text}" for line in printed]
    return bounded(lines, MOST_ROWS, "ask output, events or bookmark")


def _where(run: Run, at: str) -> str:
    run.goto(at)
    pc = run.registers.pc
    lines = [
        f"{run.place} of {run.end.step}, {run.virtual_ns / 1e9:.9f} s of the guest's time",
        f"pc {pc:#x} {run.symbols.at(pc) or ''}".rstrip(),
    ]
    named = [f"{name}={value:#x}" for name, value in run.registers.items()]
    lines += [" ".join(named[n : n + 8]) for n in range(0, len(named), 8)]
    return bounded(lines, MOST_ROWS, "there are more registers")


def _read(run: Run, what: str, at: str, size: int | None) -> str:
    run.goto(at)
    address = run.memory.address(_name_or_address(what))
    if size is None:
        named = run.symbols[what].size if what in run.symbols else 0
        size = min(named or 4, _MOST_BYTES)
    data = run.memory.read(address, size)
    lines = [f"{what} at {run.place}, {size} bytes at {address:#x}:"]
    if size in (1, 2, 4, 8):
        value = int.from_bytes(data, "little")
        lines.append(f"{value} = {value:#x}")
    for n in range(0, size, _WIDE):
        lines.append(f"{address + n:#x}: {data[n : n + _WIDE].hex(' ')}")
    return bounded(lines, MOST_ROWS, "read further on")


def _hits(hits: Iterator[Hit], count: int, none: str) -> str:
    found = bounded(map(str, islice(hits, count + 1)), count, "ask again from the last place")
    return found or none


def _output(run: Run, text: str, at: str, count: int) -> str:
    run.goto(at)
    found = [line for line in run.console.lines if text in line.text]
    if not found:
        return "Nothing of that was printed." if text else "Nothing was printed."
    more = f"({len(found) - count} before these; ask at an earlier place)"
    shown = [f"{line.place}  {line.text}" for line in found[-count:]]
    return bounded(([more] if len(found) > count else []) + shown, count + 1, "ask for fewer")


def _branch(
    run: Run, at: str, reason: str, changes: dict[str, int], edits: list[str], steps: int
) -> str:
    run.goto(at)
    printed = len(run.console.lines)
    with run.branch_off(reason, edits=edits) as made:
        for name, value in changes.items():
            if name.startswith("$"):
                run.registers[name[1:]] = value
                continue
            size = run.symbols[name].size
            if size not in (1, 2, 4, 8):
                raise UserError(f"{name} has {size} bytes: set a register, or a smaller variable")
            run.memory[name] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        run.go_on(steps)
        lines = [f"Branch {made} begins at {made.begin} and runs to {run.place}."]
        ended = run.note or run.end_reason
        lines += [f"There: {ended}."] if ended else ["There it goes on."]
        fresh = run.console.lines[printed:]
        lines += ["It printed since:" if fresh else "It printed nothing since."]
        lines += [f"  {line.place}  {line.text}" for line in fresh[-_LAST_LINES:]]
    return bounded(lines, MOST_ROWS, "ask output on that branch")


_Tool = Callable[..., Awaitable[str]]
READING: tuple[_Tool, ...] = (
    open,
    summary,
    where,
    read,
    last,
    executed,
    output,
    events,
    why,
)
WRITING: tuple[_Tool, ...] = (bookmark, branch)


def add_tools(server: MCPServer[Desk]) -> None:
    """Give a server all tools; its desk is what its lifespan yields."""
    for tools, effect in ((READING, _READS), (WRITING, _WRITES)):
        for tool in tools:
            server.add_tool(tool, annotations=effect, structured_output=False)
