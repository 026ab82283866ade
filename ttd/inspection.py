"""What a recording holds, as rows and numbers for people and programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import dropwhile, islice
from typing import Any

from ttd.boards import PRIORITY_BITS
from ttd.recording.events import Event, Kind, describe, small, to_small
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.replay.replay import Cause, Checkpoint


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
    end = status.reason if status.complete else f"cut off at step {status.steps}"
    bits = recording.config.options.get(PRIORITY_BITS)
    return {
        "board": recording.config.board,
        "cpu": recording.config.cpu_model,
        "steps": status.steps,
        "instructions": status.steps - entries,
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
        **({} if bits is None else {"priority_bits": bits}),
    }


def event_rows(
    log: EventLog, kind: str | None = None, low: int = 0, high: int | None = None
) -> Iterator[dict[str, Any]]:
    """One row for each event of `kind` (None: all) with low <= step <= high."""
    kinds = None if kind is None else [Kind[kind.upper()]]
    for number, event in log.select(kinds, low, high):
        yield {
            "number": number,
            "step": event.step,
            "kind": event.kind.name.lower(),
            "payload": event.payload.hex(),
            "text": _what(event),
        }


class LoggedEvents:
    """What a debugger asks of the events of a recording."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    @property
    def kinds(self) -> list[str]:
        """The names of the kinds that the recording has."""
        counts = self._log.counts()
        return [kind.name.lower() for kind in Kind if counts[kind]]

    def lines(self, step: int, count: int, kind: str | None = None) -> list[str]:
        """Up to `count` events, one line each, from the last one at or before `step` on."""
        kinds = tuple(Kind) if kind is None else (Kind[kind.upper()],)
        last = self._log.last_of(kinds, self._log.first_at(step + 1))
        first = 0 if last is None else last[1].step
        rows = self._log.select(kinds, first)
        if last is not None:
            rows = dropwhile(lambda row: row[0] < last[0], rows)
        return [f"{event.step:>14}  {_what(event)}" for _, event in islice(rows, count)]

    def nth(self, kind: str, number: int) -> int | None:
        """The step of event `number` of a kind, counted from 1."""
        if number > self._log.counts()[Kind[kind.upper()]]:
            return None
        rows = self._log.select([Kind[kind.upper()]])
        return next((event.step for _, event in islice(rows, number - 1, None)), None)

    def last_before(self, kind: str, step: int) -> int | None:
        """The step of the last event of a kind before `step`."""
        found = self._log.last_of([Kind[kind.upper()]], self._log.first_at(step))
        return None if found is None else found[1].step


def _what(event: Event) -> str:
    """The event in a few words, for a row that shows its step already."""
    return describe(event).removesuffix(f" at step {event.step}")
