"""`ttd branch`: another future of a recording, without a debugger."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from ttd.cli.expected import drive_option
from ttd.cli.latest import recording_argument
from ttd.cli.output import say
from ttd.errors import UserError

if TYPE_CHECKING:
    from ttd.debugger.assigning import Assignment
    from ttd.questions.past import Past
    from ttd.recorded import RecordedMachine
    from ttd.recording.index import Branch

EXAMPLES = """\b
Examples:
  ttd branch run.ttd --at 27,000 --set 'rare=3' --set '$r0=0x10'
  ttd branch run.ttd --edit '533 chars X' --edit '612 drop' -o other.ttd
  ttd branch run.ttd --at 533 --serial-input 'help\\n' --name help
"""
_MOST_INPUT = 60_000


@click.command(short_help="Begin another future, and run it.", epilog=EXAMPLES)
@recording_argument
@click.option(
    "--at", metavar="STEP", help="Where it begins: N, P%, a bookmark; by default before an --edit."
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="WHAT=VALUE",
    help="Change $register, variable or 0xADDRESS[:BYTES] there.",
)
@click.option(
    "--edit",
    "edits",
    multiple=True,
    metavar="'STEP HOW'",
    help="Change an input: drop, later STEPS, chars TEXT, packet HEX, random HEX.",
)
@click.option(
    "--serial-input",
    metavar="TEXT",
    help="UART 0 gets this there, and nothing of what came later. Escapes as in C.",
)
@click.option("--name", metavar="NAME", help="What the branch is called.")
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    metavar="N",
    help="End at step N; by default with the guest, or about where the other future ends.",
)
@click.option("-o", "output", metavar="FILE", help="Put it into a copy of the recording.")
@click.option("--force", is_flag=True, help="With -o: replace a recording that is there.")
@drive_option
def branch(
    recording: str,
    at: str | None,
    sets: tuple[str, ...],
    edits: tuple[str, ...],
    serial_input: str | None,
    name: str | None,
    steps: int | None,
    output: str | None,
    force: bool,
    drive: tuple[str, ...],
) -> None:
    """Go to a step of RECORDING, change something, and run on, as another line of history beside
    the one that there is. What came from outside comes again."""
    from ttd.cli.ending import ending
    from ttd.cli.onlooker import Watch
    from ttd.cli.progress import progress
    from ttd.debugger.places import find_place
    from ttd.edits import edit, merged, unescaped, without
    from ttd.history.place import Place
    from ttd.host.opened import opened
    from ttd.questions.past import Past
    from ttd.recording.errors import RecordingError

    if at is None and not edits:
        raise click.UsageError("--at STEP says where the branch begins")
    typed = b"" if serial_input is None else unescaped(serial_input)
    if len(typed) > _MOST_INPUT:
        raise UserError(f"--serial-input has at most {_MOST_INPUT} characters")
    if output is not None:
        recording = _copied(recording, output, force)
    session = opened(recording, drive)
    timeline, log = session.timeline, session.replay.log
    found = [edit(log, session.replay.words, text) for text in edits]
    plan = merged(found) if found else None
    if at is None and plan is not None:
        place = Place(timeline.place.branch, plan.step)
    else:
        place = find_place(timeline, at or "", "--at")
    step = place.step
    if plan is not None and step > plan.step:
        raise UserError(f"--at {step} is behind the input that is edited: {plan.step} is before it")
    changes = dict(plan.changes) if plan is not None else {}
    timeline.go_to(place)
    past = Past(session)
    writes = [_assignment(past, text) for text in sets]
    device = session.machine.board.serials[0]
    if serial_input is not None:
        of_device = bytes((session.recording.file.devices.index(device),))
        changes |= without(log, session.replay.sequence, of_device)
    reasons = [plan.reason] if plan is not None else []
    reasons += [*sets, *([f"UART 0 gets {serial_input!r}"] if serial_input is not None else [])]
    made = timeline.branch_off("; ".join(reasons) or "made by hand", name or "", changes)
    try:
        session.branches.keep()
    except RecordingError as error:
        raise UserError(f"{error}: -o FILE puts the branch into a copy") from None
    for write in writes:
        write.make(past)
    timeline.trials.keep()
    timeline.notes.clear()
    if typed:
        session.replay.give_chars(device, typed)
    limit = _as_far_as(session, made) if steps is None else steps
    session.machine.onlooker = watch = Watch(session.machine, limit, lambda: False)
    with progress(session, recording, True) as tick:
        ended = session.run(limit, tick, lambda: watch.verdict or "it was interrupted")
    session.finish(ended.reason, ended.code)
    for line in (*timeline.notes, *ending(session)):
        say(line)
    say(f"steps {step} to {session.recording.status.steps} of branch {made.name} in {recording}")
    sys.exit(0)


def _as_far_as(session: RecordedMachine, made: Branch) -> int:
    """Where a branch ends whose guest goes on: where the other future does, or, if that one came to
    an end of its own, twice as far."""
    from ttd.recording.events import Kind
    from ttd.recording.log import EventLog
    from ttd.recording.recording import Recording

    assert made.fork is not None
    parent = Recording.of(session.recording.file, made.fork.parent)
    log = EventLog(parent)
    ended = log.last_of((Kind.SHUTDOWN,), len(log)) is not None
    return max(parent.status.steps * (2 if ended else 1), made.fork.step)


def _copied(recording: str, output: str, force: bool) -> str:
    from ttd.recording.schema import Existing, check_replaceable, copy

    if os.path.exists(output) and os.path.samefile(output, recording):
        raise UserError(f"{output} is the recording itself; without -o it gets the branch")
    check_replaceable(output, Existing.REPLACE if force else Existing.REFUSE)
    copy(recording, output)
    return output


def _assignment(past: Past, text: str) -> Assignment:
    """What `--set` says."""
    from ttd.debugger.assigning import assignment

    what, equals, value = text.partition("=")
    if not (equals and what.strip() and value.strip()):
        raise UserError(f"--set takes $register=N, variable=N or 0xADDRESS:BYTES=N, not '{text}'")
    try:
        return assignment(past, what.strip(), value.strip())
    except UserError as error:
        raise UserError(f"--set {text}: {error}") from None
