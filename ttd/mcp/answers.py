"""What the tools answer: text about a run, which is moved to the place that is asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TypedDict

from ttd.api import Place, Run
from ttd.errors import UserError
from ttd.mcp.bounds import MOST_ROWS, bounded
from ttd.mcp.sources import Sources

_LAST_LINES = 15
"""Of the console, in a summary."""
_CALLERS = 3
"""Frames that tell where one is."""


def summary(run: Run) -> str:
    """What the recording is, how it ended, what was printed last."""
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


def where(run: Run, at: str) -> str:
    """Place, time, what runs and from where, the registers."""
    run.goto(at)
    pc = run.registers.pc
    lines = [
        f"{run.place} of {run.end.step}, {run.virtual_ns / 1e9:.9f} s of the guest's time",
        f"pc {pc:#x} {run.symbols.at(pc) or ''}".rstrip(),
    ]
    with suppress(UserError):
        lines += map(str, run.frames(_CALLERS))
    named = [f"{name}={value:#x}" for name, value in run.registers.items()]
    lines += [" ".join(named[n : n + 8]) for n in range(0, len(named), 8)]
    return bounded(lines, MOST_ROWS, "there are more registers")


def backtrace(run: Run, at: str, count: int) -> str:
    """Functions, with their lines and variables."""
    run.goto(at)

    def lines() -> Iterator[str]:
        for frame in run.frames(count + 1):
            yield str(frame)
            yield from (f"      {name} = {value}" for name, value in frame.variables)

    return bounded(lines(), MOST_ROWS, "ask for more frames")


def source(run: Run, sources: Sources, at: str, frame: int, around: int) -> str:
    """The lines around the one that runs, or calls."""
    run.goto(at)
    found = next(islice(run.frames(frame + 1), frame, None), None)
    if found is None:
        raise UserError(f"there is no frame {frame} at {run.place}")
    if not found.line:
        raise UserError(f"nobody knows from which line {found.function or hex(found.pc)} is here")
    file, _, number = found.line.rpartition(":")
    lines = [f"{found.function} at {found.line}", *sources.around(file, int(number), around)]
    return bounded(lines, MOST_ROWS, "ask for fewer lines")


class Beside(TypedDict):
    """Which rows are asked for: those before a place, or behind it, from there on."""

    begin: Place | None
    end: Place | None
    limit: int
    backward: bool


def beside(run: Run, at: str, forward: bool, count: int) -> tuple[Beside, str]:
    """Go to a place; how to ask for one row more than so many beside it, and that in words."""
    here = run.goto(at)
    behind = Place(here.branch, min(here.step + 1, run.end.step))
    begin, end = (behind, None) if forward else (None, here)
    asked = Beside(begin=begin, end=end, limit=count + 1, backward=not forward)
    return asked, f"{'after' if forward else 'before'} {here}"


def rows(found: Iterable[object], count: int, none: str) -> str:
    """A line for each; `none`, if there is none."""
    return bounded(map(str, found), count, "ask again from the last of these places") or none


def output(run: Run, text: str, at: str, count: int) -> str:
    """The latest lines with a text in them."""
    run.goto(at)
    found = [line for line in run.console.lines if text in line.text]
    if not found:
        return "Nothing of that was printed." if text else "Nothing was printed."
    more = f"({len(found) - count} before these; ask at an earlier place)"
    shown = [f"{line.place}  {line.text}" for line in found[-count:]]
    return bounded(([more] if len(found) > count else []) + shown, count + 1, "ask for fewer")


def branch(
    run: Run, at: str, reason: str, changes: dict[str, int | str], edits: list[str], steps: int
) -> str:
    """Begin one, change it, run on, and say what has become of it."""
    run.goto(at)
    printed = len(run.console.lines)
    with run.branch_off(reason, edits=edits) as made:
        for name, value in changes.items():
            run.set(name, value)
        run.go_on(steps)
        lines = [f"Branch {made} begins at {made.begin} and runs to {run.place}."]
        ended = run.note or run.end_reason
        lines += [f"There: {ended}."] if ended else ["There it goes on."]
        fresh = run.console.lines[printed:]
        lines += ["It printed since:" if fresh else "It printed nothing since."]
        lines += [f"  {line.place}  {line.text}" for line in fresh[-_LAST_LINES:]]
    return bounded(lines, MOST_ROWS, "ask output on that branch")
