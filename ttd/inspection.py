"""What a recording holds, as rows and numbers for people and programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import dropwhile, islice
from typing import Any

from ttd.boards import PRIORITY_BITS, make_board
from ttd.built_from import build_id, commit
from ttd.edits import Edit, edit
from ttd.errors import UserError
from ttd.recording.claim import is_claimed
from ttd.recording.events import Kind, small, to_small
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.replay.terms import Cause, Checkpoint
from ttd.replay.words import EventWords, line

MADE = ("date", "command", "ttd", "host", "platform", "python", "unicorn")
"""What a recording says of how it was made; one of an earlier version does not."""


def summary(recording: Recording) -> dict[str, Any]:
    """The facts of `ttd info`.

    `steps` counts retired instructions and exception entries, `instructions` the former only.
    """
    status = recording.status
    log = EventLog(recording)
    counts = log.counts()
    entries = counts[Kind.INTERRUPT] + counts[Kind.EXCEPTION]
    # A step in which nothing ran.
    account = small(Checkpoint.CLOCK_WARP_ACCOUNT)
    entries += sum(event.payload == account for _, event in log.select([Kind.CHECKPOINT]))
    # A lockup is a step in which nothing retires.
    entries += sum(
        to_small(event.payload) == Cause.GUEST_PANIC for _, event in log.select([Kind.SHUTDOWN])
    )
    if status.complete:
        end = status.reason
    else:
        going = is_claimed(recording.path)
        end = f"{'being recorded' if going else 'cut off'} at step {status.steps}"
    begin = recording.file.begin.step
    bits = recording.config.options.get(PRIORITY_BITS)
    images = recording.file.images()
    branches = recording.file.branches
    return {
        "board": recording.config.board,
        "cpu": recording.config.cpu_model,
        "steps": status.steps,
        "instructions": status.steps - begin - entries,
        **({"first_step": begin} if begin else {}),
        "complete": status.complete,
        "end": end,
        "exit_code": status.exit_code,
        "snapshots": len(recording.snapshots),
        "events": {kind.name.lower(): counts[kind] for kind in Kind if counts[kind]},
        "event_bytes": recording.event_bytes(),
        "bytes": os.path.getsize(recording.path),
        "virtual_ns": status.virtual_ns,
        "clock_ns": recording.config.clock_ns,
        "images": sorted(recording.config.images),
        "loads": recording.config.options.get("loads"),
        **{name: recording.file.made.get(name) for name in MADE},
        "build_ids": _said_by(images, build_id),
        "git": _said_by(images, commit),
        **({} if bits is None else {"priority_bits": bits}),
        "bookmarks": {
            name: {"branch": branches[mark.branch].name, "step": mark.step, "note": mark.note}
            for name, mark in recording.file.remarks.bookmarks().items()
            if mark.branch in branches
        },
        "branches": [
            {
                "name": branch.name,
                "from": None if branch.fork is None else branches[branch.fork.parent].name,
                "fork": 0 if branch.fork is None else branch.fork.step,
                "steps": branch.status.steps,
                "reason": branch.reason,
            }
            for branch in branches.values()
        ],
        "notes": [{"date": date, "text": text} for date, text in recording.file.remarks.notes()],
    }


def _said_by(images: Mapping[str, bytes], say: Callable[[bytes], str | None]) -> dict[str, str]:
    """What images say of themselves, by their names; those that say nothing are left out."""
    found = {name: say(data) for name, data in sorted(images.items())}
    return {name: text for name, text in found.items() if text is not None}


def event_words(recording: Recording) -> EventWords:
    """What tells the events of a recording, without a machine of it.

    One of a board that there is not, or not any more, has its exceptions by number.
    """
    # What a machine is made of takes longer to import than most recordings to be told.
    from ttd.boards.extras import exception_words  # noqa: PLC0415
    from ttd.recorded import extras_of  # noqa: PLC0415

    words = EventWords(recording.file.devices)
    with suppress(UserError):
        board = make_board(recording.config.board, recording.config.options)
        name = exception_words(board, extras_of(recording.config))
        words = EventWords(recording.file.devices, name)
    return words


def event_rows(
    log: EventLog,
    words: EventWords,
    kind: str | None = None,
    low: int = 0,
    high: int | None = None,
) -> Iterator[dict[str, Any]]:
    """One row for each event of `kind` (None: all) with low <= step <= high.

    `device`, `name` and `data` are None where the event has none.
    """
    kinds = None if kind is None else [Kind[kind.upper()]]
    for number, event in log.select(kinds, low, high):
        told = words.tell(event)
        yield {
            "number": number,
            "step": event.step,
            "kind": event.kind.name.lower(),
            "payload": event.payload.hex(),
            "device": told.device or None,
            "name": told.name or None,
            "data": told.data,
            "text": line(event.kind, told),
        }


class LoggedEvents:
    """What a debugger asks of the events of a recording."""

    def __init__(self, log: Callable[[], EventLog], words: EventWords) -> None:
        self._log = log
        self._words = words

    @property
    def kinds(self) -> list[str]:
        """The names of the kinds that the recording has."""
        counts = self._log().counts()
        return [kind.name.lower() for kind in Kind if counts[kind]]

    def lines(self, step: int, count: int, kind: str | None = None) -> list[str]:
        """Up to `count` events, one line each, from the last one at or before `step` on."""
        kinds = tuple(Kind) if kind is None else (Kind[kind.upper()],)
        last = self._log().last_of(kinds, self._log().first_at(step + 1))
        first = 0 if last is None else last[1].step
        rows = self._log().select(kinds, first)
        if last is not None:
            rows = dropwhile(lambda row: row[0] < last[0], rows)
        text = self._words.text
        return [f"{event.step:>14}  {text(event)}" for _, event in islice(rows, count)]

    def nth(self, kind: str, number: int) -> int | None:
        """The step of event `number` of a kind, counted from 1."""
        if number > self._log().counts()[Kind[kind.upper()]]:
            return None
        rows = self._log().select([Kind[kind.upper()]])
        return next((event.step for _, event in islice(rows, number - 1, None)), None)

    def edit(self, text: str) -> Edit:
        """As `ttd.edits.edit`."""
        return edit(self._log(), self._words, text)

    def last_before(self, kind: str, step: int) -> int | None:
        """The step of the last event of a kind before `step`."""
        found = self._log().last_of([Kind[kind.upper()]], self._log().first_at(step))
        return None if found is None else found[1].step
