"""A part of a recording as a recording of its own, which begins at a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ttd.errors import UserError
from ttd.index.index import REACHED
from ttd.index.rows import Sharing
from ttd.recorded import RecordedMachine
from ttd.recording.events import Event, Kind
from ttd.recording.index import Begin, SnapshotInfo
from ttd.recording.log import EventLog
from ttd.recording.recording import Recording
from ttd.recording.remarks import Bookmark
from ttd.recording.schema import Existing
from ttd.stops import Why

_PAGES = 256
"""Pages that are handed on at a time."""


class _End(NamedTuple):
    """How the part ends: after so many events, and as what."""

    events: int
    steps: int
    warp_ns: int
    reason: str
    exit_code: int | None
    state_hash: bytes | None


def cut_out(
    session: RecordedMachine,
    begin: int,
    end: int,
    path: str,
    *,
    existing: Existing,
    made: Mapping[str, str],
    report: Callable[[float], None] = lambda done: None,
) -> Begin:
    """Put the history from the last stored snapshot at or before step `begin` up to step `end`
    into a new recording at `path`; returns where that begins.

    Steps, events and virtual time keep their numbers. The machine of `session` is moved. `report`
    is told the fraction that is done. `UserError` if there is no such part.
    """
    recording, snapshots = session.recording, session.snapshots
    known = recording.status.steps
    if not session.timeline.begin <= begin <= end <= known:
        raise UserError(
            f"{recording.path} has steps {session.timeline.begin} to {known}, not from {begin}"
            f" to {end}"
        )
    first = max((info for info in recording.snapshots if info.step <= begin), key=_number)
    last = _end_at(session, end)
    kept = [
        info
        for info in recording.snapshots
        if info.id >= first.id and info.sequence < last.events and info.step <= end
    ]
    part = Recording.create(
        path,
        recording.config,
        recording.file.images(),
        existing=existing,
        made=made,
        begin=Begin(first.step, first.sequence),
    )
    try:
        part.file.set_devices(recording.file.devices)
        log = EventLog(part)
        for number in range(first.sequence, last.events):
            event = session.replay.log.get(number)
            assert event is not None
            log.append(event)
        state = recording.snapshot_state(first.id)
        digest = log.fold(
            state["machine"]["replay"]["sequence"]["digest"], first.sequence, last.events
        )
        sharing = Sharing()
        for at, info in enumerate(kept):
            listed = (
                list(snapshots.stored_pages(first.id))
                if info.id == first.id
                else recording.changed_pages(info.id)
            )
            _put_pages(recording, part, {name for _, name in listed})
            state = recording.snapshot_state(info.id)
            state["base"] = max(0, state["base"] - first.id)
            if at and (touched := recording.interval(info.id - 1)) is not None:
                part.add_interval(at - 1, touched)
            if at and (executed := snapshots.index.executed(info.id - 1)) is not None:
                part.add_known(REACHED, sharing.shrink(at - 1, executed.pack()))
            part.add_snapshot(*info[1:], state, listed)
            report((at + 1) / len(kept))
        log.append(Event(last.steps, Kind.END, last.reason.encode()))
        ns = last.steps * part.config.clock_ns + last.warp_ns
        part.commit(last.steps, ns, last.warp_ns, len(log), digest)
        part.finish(last.reason, last.exit_code, last.state_hash)
    finally:
        part.close()
    _copy_remarks(recording, Recording.open(part.path), first.step, end)
    return part.file.begin


def _copy_remarks(recording: Recording, part: Recording, begin: int, end: int) -> None:
    """What people have said of the part, and of all of it."""
    try:
        for name, mark in _marked(recording, begin, end):
            part.file.remarks.set_bookmark(name, mark.step, mark.note)
        for date, text in recording.file.remarks.notes():
            part.file.remarks.add_note(date, text)
    finally:
        part.close()


def _marked(recording: Recording, begin: int, end: int) -> Iterator[tuple[str, Bookmark]]:
    """The bookmarks in a part of a branch, which before its fork is a part of its parent."""
    branches, branch = recording.file.branches, recording.branch
    limits = {branch: end}
    while (fork := branches[branch].fork) is not None:
        limits[fork.parent] = min(limits[branch], fork.step)
        branch = fork.parent
    for name, mark in recording.file.remarks.bookmarks().items():
        if begin <= mark.step <= limits.get(mark.branch, -1):
            yield name, mark


def _number(info: SnapshotInfo) -> int:
    return info.id


def _end_at(session: RecordedMachine, end: int) -> _End:
    status = session.recording.status
    if end == status.steps and status.complete:
        events = status.events - 1  # the last one says that it is the end
        how = status.reason, status.exit_code, status.state_hash
        return _End(events, end, status.warp_ns, *how)
    if session.timeline.seek(end).why is Why.INTERRUPTED:
        raise UserError("interrupted; nothing was made")
    state = session.snapshots.state_hash(session.snapshots.capture())
    events, warp_ns = session.replay.sequence, session.machine.clock.warp_ns
    return _End(events, end, warp_ns, f"cut at step {end}", None, state)


def _put_pages(recording: Recording, part: Recording, names: set[bytes]) -> None:
    wanted = sorted(names)
    for first in range(0, len(wanted), _PAGES):
        group = wanted[first : first + _PAGES]
        part.put_pages(list(zip(group, recording.pages(group), strict=True)))
