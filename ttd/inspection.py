"""What a recording holds, as rows and numbers for people and programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ttd.replay.events import Kind, describe, to_small
from ttd.replay.log import EventLog
from ttd.replay.recording import Recording
from ttd.replay.replay import Cause


def summary(recording: Recording) -> dict[str, Any]:
    """The facts of `ttd info`.

    `steps` counts retired instructions and exception entries, `instructions` the former only.
    """
    status = recording.status
    log = EventLog(recording)
    counts = log.counts()
    entries = counts[Kind.INTERRUPT] + counts[Kind.EXCEPTION]
    # A lockup is a step in which nothing retires.
    entries += sum(
        to_small(event.payload) == Cause.GUEST_PANIC for _, event in log.select([Kind.SHUTDOWN])
    )
    end = status.reason if status.complete else f"cut off at step {status.steps}"
    return {
        "board": recording.config.board,
        "steps": status.steps,
        "instructions": status.steps - entries,
        "complete": status.complete,
        "end": end,
        "exit_code": status.exit_code,
        "snapshots": len(recording.snapshots),
        "events": {kind.name.lower(): counts[kind] for kind in Kind if counts[kind]},
        "bytes": os.path.getsize(recording.path),
        "virtual_ns": status.virtual_ns,
        "clock_ns": recording.config.clock_ns,
        "images": sorted(recording.config.images),
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
            "text": describe(event),
        }


def lines_around(log: EventLog, step: int, count: int) -> list[str]:
    """Up to `count` events, one line each, from the last one at or before `step` on."""
    first = max(0, log.first_at(step + 1) - 1)
    lines = []
    for number in range(first, min(len(log), first + count)):
        event = log.get(number)
        if event is not None:
            lines.append(f"{event.step:>14}  {describe(event)}")
    return lines
