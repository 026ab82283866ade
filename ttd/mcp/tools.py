"""The tools: what an agent can ask of a recording, and what it is told.

Each takes the place that it is asked about, and leaves nothing behind but what it says: a bookmark,
or a branch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import Field

from ttd.api import Run
from ttd.mcp import answers
from ttd.mcp.bounds import MOST_CHARACTERS, MOST_ROWS, bounded, cut
from ttd.mcp.desk import Desk

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

At = Annotated[
    str,
    Field(
        description="A place: a step such as 8634687, BRANCH:STEP, start, end, 50%, or a bookmark."
    ),
]
EXPRESSION = Field(
    description="A variable, an expression of C such as p->next or table[3].x, an address such as"
    " 0x20000000, a register such as $r0, or one of a device such as UART0.STATE."
)
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="How many rows at most.")]
Asked = Context[Desk, Any]


def _desk(context: Asked) -> Desk:
    return context.request_context.lifespan_context


async def open(
    context: Asked, recording: Annotated[str, Field(description="The path of a .ttd file.")]
) -> str:
    """Open a recording in place of the one that is open, and sum it up."""
    await _desk(context).open(recording, context)
    return await _desk(context).ask(answers.summary, context)


async def summary(context: Asked) -> str:
    """What the open recording is: board, programs, how many steps, how it ended, what was
    printed last, its branches and bookmarks. Ask this first."""
    return await _desk(context).ask(answers.summary, context)


async def where(context: Asked, at: At = "end") -> str:
    """Where the machine is at a place: function, source line, virtual time, the registers."""
    return await _desk(context).ask(lambda run: answers.where(run, at), context)


async def backtrace(context: Asked, at: At = "end", count: Limit = 20) -> str:
    """The functions that have not returned at a place, the innermost first, with the values of
    their arguments and local variables; through interrupts, too."""
    return await _desk(context).ask(lambda run: answers.backtrace(run, at, count), context)


async def source(
    context: Asked,
    at: At = "end",
    frame: Annotated[int, Field(ge=0, description="Of the backtrace: 0 runs, 1 called it.")] = 0,
    around: Annotated[int, Field(ge=0, le=100, description="Lines before and after.")] = 8,
) -> str:
    """The source around the line that runs at a place, or of a function that has called it."""
    desk = _desk(context)

    def work(run: Run) -> str:
        return answers.source(run, desk.sources, at, frame, around)

    return await desk.ask(work, context)


async def value(
    context: Asked,
    what: Annotated[str, EXPRESSION],
    at: At = "end",
) -> str:
    """What an expression of C is at a place, with local variables of the function that runs."""

    def work(run: Run) -> str:
        run.goto(at)
        return cut(f"{what} = {run.value(what)}", MOST_CHARACTERS)

    return await _desk(context).ask(work, context)


async def last(
    context: Asked,
    what: Annotated[str, EXPRESSION],
    at: At = "end",
    forward: Annotated[bool, Field(description="The next ones after that place instead.")] = False,
    access: Annotated[Literal["w", "r"], Field(description="Writes, or reads.")] = "w",
    changes: Annotated[bool, Field(description="Only writes of another value.")] = True,
    count: Limit = 5,
) -> str:
    """Who wrote (or read) a variable, memory or register last before a place, and before that, the
    latest first: the place just before each write, the code that makes it, the value before and
    after."""

    def work(run: Run) -> str:
        asked, side = answers.beside(run, at, forward, count)
        if access == "r":
            return answers.rows(run.ask.reads(what, **asked), count, f"{what} was not read {side}.")
        found = run.ask.writes(what, changes=changes, **asked)
        return answers.rows(found, count, f"{what} was not written {side}.")

    return await _desk(context).ask(work, context)


async def values(
    context: Asked,
    what: Annotated[str, EXPRESSION],
    begin: At = "start",
    end: At = "end",
    count: Limit = 50,
) -> str:
    """All values that a variable or register had between two places, each with where it changed."""

    def work(run: Run) -> str:
        high = run.goto(end)
        found = run.ask.values(what, begin=begin, end=high, limit=count + 1)
        return answers.rows(found, count, "Nothing is known of it there.")

    return await _desk(context).ask(work, context)


async def executed(
    context: Asked,
    what: Annotated[
        str, Field(description="A function, a line main.c:12, an address, or a range 0x100-0x200.")
    ],
    at: At = "end",
    forward: Annotated[bool, Field(description="The next ones after that place instead.")] = False,
    count: Limit = 5,
) -> str:
    """When code ran last before a place, and before that, the latest first."""

    def work(run: Run) -> str:
        asked, side = answers.beside(run, at, forward, count)
        return answers.rows(run.ask.executed(what, **asked), count, f"{what} did not run {side}.")

    return await _desk(context).ask(work, context)


async def calls(
    context: Asked,
    what: Annotated[
        str, Field(description="Its name, of a static one perhaps file.c::name; or its address.")
    ],
    at: At = "end",
    forward: Annotated[bool, Field(description="The next ones after that place instead.")] = False,
    count: Limit = 10,
) -> str:
    """Calls of a function before a place, the latest first: arguments, what it returned, caller,
    depth, and the task or interrupt in which it ran."""

    def work(run: Run) -> str:
        asked, side = answers.beside(run, at, forward, count)
        found = run.ask.calls(what, **asked)
        return answers.rows(found, count, f"{what} was not called {side}.")

    return await _desk(context).ask(work, context)


async def origin(
    context: Asked, what: Annotated[str, EXPRESSION], at: At = "end", count: Limit = 50
) -> str:
    """Where the value came from that something has at a place: back through instructions, memory,
    interrupts and devices to a constant, an input (which character, which byte of which packet) or
    the image. A line for each place; behind `of` the line that it is a source of."""

    def work(run: Run) -> str:
        run.goto(at)
        found = run.ask.origin(what)
        return answers.rows(found, count, "Nothing is known of it.")

    return await _desk(context).ask(work, context)


async def output(
    context: Asked,
    what: Annotated[str, Field(description="Text to look for; nothing: all lines.")] = "",
    at: At = "end",
    count: Limit = 20,
) -> str:
    """Lines that the guest had printed up to a place, the latest last, each with the place at
    which its first character was printed."""
    return await _desk(context).ask(lambda run: answers.output(run, what, at, count), context)


async def events(
    context: Asked,
    kind: Annotated[
        str, Field(description="Such as interrupt, char_read, net, block; nothing: all.")
    ] = "",
    begin: At = "start",
    end: At = "end",
    count: Limit = 50,
) -> str:
    """What came from outside between two places: interrupts, characters, packets, disk
    completions, clock reads, each with its place."""

    def work(run: Run) -> str:
        high = run.goto(end)
        return answers.rows(run.events(kind or None, begin, high), count, "There are none.")

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
        dict[str, int | str],
        Field(
            description="What is changed (a variable, p->next, a register $r0), and what it"
            " becomes: a number, or text as in C, such as EVENTS | TICK."
        ),
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
        lambda run: answers.branch(run, at, reason, set, edits, steps), context
    )


_Tool = Callable[..., Awaitable[str]]
READING: tuple[_Tool, ...] = (
    open,
    summary,
    where,
    backtrace,
    source,
    value,
    last,
    values,
    calls,
    executed,
    output,
    events,
    why,
    origin,
)
WRITING: tuple[_Tool, ...] = (bookmark, branch)


def all_tools() -> list[Tool]:
    """All of them; the desk is what the lifespan of their server yields."""
    found = []
    for functions, effect in ((READING, _READS), (WRITING, _WRITES)):
        for function in functions:
            tool = Tool.from_function(function, annotations=effect, structured_output=False)
            tool.parameters["additionalProperties"] = False
            found.append(tool)
    return found
