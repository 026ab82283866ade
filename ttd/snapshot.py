"""A whole machine as data and back; which snapshots there are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

import msgpack

from ttd.contents import PAGE, Contents
from ttd.engine import FRAME, Access, Context
from ttd.history.budget import Budget
from ttd.history.kept import Kept, Snapshot
from ttd.history.pages import Digest, Page, PageStore, PageTable
from ttd.history.stored_tables import MOST_CHANGES, StoredTables
from ttd.history.touched import EVERYWHERE, KINDS, Touched
from ttd.index import Index, Ticks
from ttd.index.index import REACHED
from ttd.index.rows import Sharing
from ttd.machine import Machine
from ttd.recording.errors import RecordingError
from ttd.recording.events import Kind
from ttd.recording.recording import Recording
from ttd.recording.varint import put_series
from ttd.replay.errors import Divergence
from ttd.replay.marks import HASH
from ttd.replay.replay import Mode

MEMORY = 512 << 20
"""Bytes that snapshots in memory may take, and what is kept of those in the recording."""
SNAPSHOT_COST = 60_000
"""Bytes that one takes beside its pages, about."""
PAGES_STORED = 512
"""Pages handed to the recording at a time."""


class Progress:
    """Record: how far the storing of snapshots on one line of history has come."""

    __slots__ = ("base", "changes", "executed", "inherited", "seen", "table", "touched")

    def __init__(self, table: PageTable) -> None:
        self.table = table
        """Of the last one that is stored."""
        self.base = 0
        """The last stored snapshot that says everything; then the changes since."""
        self.changes = 0
        self.touched = _no_pages()
        """Since the last one."""
        self.seen = _no_pages()
        """Page numbers as the guest used them, if it has page tables."""
        self.executed: Ticks | None = Ticks()
        """None: they were too many, or the machine has been elsewhere since."""
        self.inherited: bytes | None = None
        """At the beginning of a branch: what the interval in which it begins has touched, and maybe
        more; b"" if that is not known."""


class Snapshots:
    """All snapshots of one machine, and the way back to each.

    The machine's `SnapshotKeeper`. Memory contents are remembered by table: RAM differs from
    `_table` exactly in the pages that the engine calls written.
    """

    def __init__(
        self,
        machine: Machine,
        recording: Recording,
        clock: Callable[[], float],
        memory: int = MEMORY,
    ) -> None:
        self.machine = machine
        self.recording = recording
        self.budget = Budget(clock)
        self._pages = PageStore(recording.pages)
        engine = machine.engine
        self._zero = self._pages.page(bytes(FRAME))
        self._hole = self._pages.page(b"")
        self._empty = PageTable.filled(engine.frames, self._zero)
        self._contents: list[tuple[int, Contents]] = []
        """With the number of its first page in the tables, after those of RAM."""
        for contents in machine.contents():
            self._contents.append((self._empty.end, contents))
            self._empty = self._empty.extended(contents.pages, self._hole)
        # Once: each table that is made of it has its own changes to add up only.
        _ = self._empty.total
        self._table = self._empty
        self._progress = Progress(self._table)
        self._room = memory
        self._kept = Kept()
        self._infos = recording.snapshots
        self.index = Index(recording)
        """Of the line of history on which the machine is."""
        self.touched = Touched(machine, recording, self.index)
        self._sharing = Sharing()
        self._tables = StoredTables(recording, self._pages, self._empty, (self._zero, self._hole))
        self._unusable: set[int] = set()
        """Numbers of stored snapshots."""
        self._proven: set[int] = set()
        self.onlooker: Callable[[], None] | None = None
        """Called before the engine forgets what has been touched."""
        self.complaints: list[str] = []
        """Sentences for people that nobody has been told yet."""
        self.checked = 0
        """Marks passed, with the state that they say."""
        self._end_checked = False
        self._restored: int | None = None
        """Where the machine has been put from the recording: that is no comparison."""

    # -- taking --------------------------------------------------------------------------

    def capture(self) -> Snapshot:
        """The machine as it stands, not kept anywhere."""
        self._note_touched()
        machine = self.machine
        engine = machine.engine
        written = engine.frames_written()
        self._table = self._table.replace(
            self._changes_to(zip(written, engine.frames_data(written), strict=True))
        )
        for first, contents in self._contents:
            changed = contents.take_changed()
            self._table = self._table.replace(
                self._changes_to((first + number, data) for number, data in changed)
            )
        engine.new_interval()
        return Snapshot(engine.step, self._table, engine.save_state(), machine.save())

    def _changes_to(self, pages: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Page]]:
        """Of pages with their contents those that the present table does not have so."""
        table, make = self._table, self._pages.page
        for number, data in pages:
            if not table[number].holds(data):
                yield number, make(data)

    def remember(self) -> Snapshot:
        """Keep the machine as it stands in memory; what has not been used for long gives way."""
        found = self._kept.use(self.machine.engine.step)
        if found is not None:
            return found
        snapshot = self.capture()
        snapshot.context = Context(self.machine.engine)
        snapshot.context.save()
        self._kept.add(snapshot)
        self._make_room()
        return snapshot

    def _make_room(self) -> None:
        """Keep to the room there is. Contents that the file has too give way first, but not all:
        what a movement comes back to again and again would be read again and again."""
        if self._excess() > 0:
            self._pages.drop_stored(self._pages.stored_bytes - self._room // 2)
        while self._excess() > 0 and len(self._kept) > 1:
            if not self._tables.give_way():
                self._kept.forget_oldest()
        self._pages.drop_stored(self._excess())

    def _excess(self) -> int:
        """Bytes that are taken beyond the room there is."""
        return self._pages.bytes + SNAPSHOT_COST * len(self._kept) - self._room

    def forget(self, step: int) -> None:
        """Drop the snapshot in memory at `step`."""
        self._kept.forget(step)

    def forget_from(self, step: int) -> None:
        """Drop what is in memory at `step` and after it: the machine there has been changed."""
        self._kept.forget_from(step)

    def state_hash(self, snapshot: Snapshot) -> bytes:
        """16 bytes that identify the whole state: memory, registers, devices, position."""
        whole = [snapshot.step, snapshot.table.total.to_bytes(16, "little"), snapshot.registers]
        packed: bytes = msgpack.packb([*whole, snapshot.state])
        return hashlib.blake2b(packed, digest_size=16).digest()

    def take(self) -> None:
        """Record: take the snapshot that is due, and go on from it as it would be read back."""
        machine = self.machine
        self.budget.taking()
        machine.engine.note_when(self.budget.distance)
        # What no state says is lost in a stored snapshot, so the run loses it too.
        machine.engine.load_state(machine.engine.save_state())
        snapshot = self.capture()
        snapshot.hash = self.state_hash(snapshot)
        number = snapshot.interval = len(self._infos)
        sequence = machine.replay.sequence
        recording = self.recording
        progress = self._progress
        index = self._store_interval(number - 1) if number else b""
        machine.replay.snapshot_mark(snapshot.hash, index)
        changed = list(progress.table.differing(snapshot.table))
        pages = list({page: None for page in map(snapshot.table.__getitem__, changed)})
        for first in range(0, len(pages), PAGES_STORED):
            part = {page.digest: page for page in pages[first : first + PAGES_STORED]}
            # Those that have no contents are in the file.
            recording.put_pages([(n, page.data) for n, page in part.items() if page.in_memory])
        if recording.branch == 0:
            # Those of others are gone when the branch is, and what was before it may have them.
            self._pages.are_stored(pages)
        listed = changed
        progress.changes += len(changed)
        if progress.changes > snapshot.table.end // 2 or number - progress.base >= MOST_CHANGES:
            listed = list(self._empty.differing(snapshot.table))
            progress.base, progress.changes = number, 0
        recording.add_snapshot(
            snapshot.step,
            sequence,
            machine.virtual_ns,
            snapshot.hash,
            {"registers": snapshot.registers, "machine": snapshot.state, "base": progress.base},
            [(page, snapshot.table[page].digest) for page in listed],
        )
        if not number:
            # From here on the file is a recording, even if its maker is killed.
            recording.wait()
            machine.replay.commit()
        progress.touched = _no_pages()
        progress.seen = _no_pages()
        progress.executed = Ticks()
        progress.table = snapshot.table
        self._make_room()
        self.budget.taken(recording.file.page_bytes)

    def check(self) -> None:
        """Play: the recorder took a snapshot here; do as it did, and compare."""
        machine = self.machine
        machine.engine.load_state(machine.engine.save_state())
        snapshot = self.capture()
        found = self.state_hash(snapshot)
        machine.replay.check_snapshot(found)
        if self._restored != snapshot.step:
            self.checked += 1

    def check_end(self, *, again: bool = False) -> None:
        """Play: the recording ends here, so this must be how. Once is enough, unless `again`."""
        machine = self.machine
        if self._end_checked and not again:
            return
        ended = machine.ended
        how = (None, None) if ended is None else (ended.reason, ended.code)
        machine.replay.check_end(self.state_hash(self.capture()), how)
        self._end_checked = True

    # -- branches ------------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """Record: how far this line of history has come, for `turn_to` when it is gone on with."""
        self._note_touched()
        return self._progress

    def branch_off(self, recording: Recording) -> None:
        """The machine goes on from here as a new branch, which has what came before."""
        last = len(recording.snapshots) - 1
        touched = self.touched.interval(last)
        if touched is None:
            recorded = self.machine.replay.live and last == len(self._infos) - 1
            touched = self._pack_touched() if recorded else b""
        self._turn(recording, self.machine.engine.step)
        progress = self._progress = Progress(self._empty)
        progress.inherited = touched
        base = self.recording.snapshot_state(last)["base"]
        progress.table, progress.base = self._tables.table_from(last, base), base

    def turn_to(self, recording: Recording, progress: Progress | None, step: int) -> None:
        """Another line of history, which is the same until `step`; the machine has to be taken to a
        place before. `progress`: of one that was left, and is to grow again."""
        self._turn(recording, step)
        self._progress = progress or Progress(self._empty)

    def _turn(self, recording: Recording, step: int) -> None:
        """From `step` on, what is known belongs to another line of history."""
        shared = self._infos.in_common(recording.snapshots)
        self.forget_from(step)
        self._tables.turn(recording, shared)
        self._unusable = {number for number in self._unusable if number < shared}
        self._proven = {number for number in self._proven if number < shared}
        self.index.flush()
        self.recording = recording
        self.index, self._sharing = Index(recording), Sharing()
        self.touched = Touched(self.machine, recording, self.index)
        self._infos = recording.snapshots
        self._end_checked = False
        self._restored = None

    # -- going back ----------------------------------------------------------------------

    def restore(self, snapshot: Snapshot) -> None:
        """Become the machine of a snapshot."""
        self._note_touched()
        # On the way to where it goes on recording it executes what does not belong there.
        self._progress.executed = None
        self._restored = None if snapshot.interval is None else snapshot.step
        machine = self.machine
        engine = machine.engine
        table = snapshot.table
        changed = set(engine.frames_written())
        for first, contents in self._contents:
            changed.update(first + number for number in contents.changed)
        changed.update(self._table.differing(table))
        self._pages.fetch([table[page] for page in changed])
        found = {page: table[page].data for page in changed}
        for page, data in found.items():
            if len(data) != (FRAME if page < engine.frames else PAGE if data else 0):
                raise RecordingError("the recording is damaged: a page has another size")
        for first, contents in self._contents:
            for page in [p for p in changed if first <= p < first + contents.pages]:
                contents.restore(page - first, found[page])
        engine.restore_frames((page, data) for page, data in found.items() if page < engine.frames)
        engine.new_interval()
        self._table = table
        self._make_room()
        try:
            if snapshot.context is not None:
                snapshot.context.restore()
            else:
                engine.load_state(snapshot.registers)
            engine.step = snapshot.step
            machine.load_state(snapshot.state)
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
            # Its checksum is right, so it is not ours: another version's, or forged.
            raise RecordingError("a snapshot of the recording does not fit this machine") from error
        if snapshot.interval is not None and snapshot.interval not in self._proven:
            self._prove(snapshot)

    def _prove(self, snapshot: Snapshot) -> None:
        """The machine has just become what a stored snapshot says: is it that?"""
        assert snapshot.interval is not None
        found = self.state_hash(self.capture())
        if found != snapshot.hash:
            raise Divergence(snapshot.step, f"state {snapshot.hash.hex()}", f"state {found.hex()}")
        self._proven.add(snapshot.interval)

    def nearest_step(self, step: int) -> int | None:
        """Where the latest snapshot at or before `step` is that can be used."""
        number = self._usable(step)
        stored = None if number is None else self._infos[number].step
        kept = self._kept.last_before(step)
        return max((s for s in (stored, kept) if s is not None), default=None)

    def is_near(self, step: int, distance: int) -> bool:
        """One in memory is at most `distance` steps before `step`."""
        found = self._kept.last_before(step)
        return found is not None and step - found <= distance

    def nearest(self, step: int) -> Snapshot | None:
        """The latest snapshot at or before `step` that can be used."""
        found = self.nearest_step(step)
        if found is None:
            return None
        kept = self._kept.use(found)
        if kept is not None:
            return kept
        number = self._usable(step)
        assert number is not None
        return self.load_stored(number)

    def go_back(self, step: int) -> None:
        """Become the machine of the latest snapshot at or before `step`.

        A stored one that is damaged, or not the machine's state, is passed over, and told of in
        `complaints`. `RecordingError` if none is left.
        """
        while True:
            number = self._usable(step)
            try:
                snapshot = self.nearest(step)
                if snapshot is None:
                    break
                self.restore(snapshot)
                return
            except (RecordingError, Divergence) as error:
                if number is None or self.nearest_step(step) != self._infos[number].step:
                    raise
                self._unusable.add(number)
                complaint = f"A stored snapshot is not used: {error}."
                # A full disk has one reason for all of them.
                if complaint not in self.complaints:
                    self.complaints.append(complaint)
        raise RecordingError("the recording has no snapshot to go back to")

    def retreat(self) -> None:
        """The machine has gone astray: become what it was at the last stored snapshot before.

        What is in memory of the way from there is forgotten.
        """
        step = self.machine.engine.step
        number = self._usable(step - 1)
        good = 0 if number is None else self._infos[number].step
        self._kept.forget_from(good + 1, step + 1)
        self.go_back(good)

    def _usable(self, step: int) -> int | None:
        """The number of the latest stored snapshot at or before `step` that is good."""
        number = self.index.number_at(step)
        while number in self._unusable:
            number -= 1
        return None if number < 0 else number

    def steps_between(self, low: int, high: int) -> list[int]:
        """Steps of all snapshots with low <= step < high, ascending."""
        steps = set(self._kept.between(low, high))
        steps.update(step for step in self._stored_steps() if low <= step < high)
        return sorted(steps)

    def is_stored(self, step: int) -> bool:
        """True if the recording has a snapshot at exactly `step`."""
        return self._stored_before(step) == step

    def _stored_steps(self) -> list[int]:
        return self._infos.steps.tolist()

    def _stored_before(self, step: int) -> int | None:
        number = self.index.number_at(step)
        return None if number < 0 else self._infos[number].step

    def load_stored(self, number: int) -> Snapshot:
        """Stored snapshot `number`, read from the recording."""
        info = self._infos[number]
        mark = self.machine.replay.log.get(info.sequence)
        if mark is None or mark.kind is not Kind.SNAPSHOT or mark.payload[:HASH] != info.hash:
            raise RecordingError("the recording is damaged: a snapshot is not that of its events")
        stored = self.recording.snapshot_state(number)
        if stored.keys() != {"registers", "machine", "base"}:
            raise RecordingError("the recording is damaged: a snapshot is not one")
        registers, state, base = stored["registers"], stored["machine"], stored["base"]
        if not isinstance(base, int) or not number - MOST_CHANGES <= base <= number:
            raise RecordingError("the recording is damaged: a snapshot builds on none")
        snapshot = Snapshot(info.step, self._tables.table_from(number, base), registers, state)
        snapshot.hash = info.hash
        snapshot.interval = number
        found = self.state_hash(snapshot)
        if found != info.hash:
            raise Divergence(info.step, f"state {info.hash.hex()}", f"state {found.hex()}")
        return snapshot

    def stored_pages(self, number: int) -> Iterator[tuple[int, Digest]]:
        """Number and hash of every page of a stored snapshot that is not as at the beginning."""
        table = self.stored_table(number)
        for page in self._empty.differing(table):
            yield page, table[page].digest

    def stored_table(self, number: int) -> PageTable:
        """What memory held at a stored snapshot."""
        return self._tables.table(number)

    # -- the index of intervals ----------------------------------------------------------

    def _note_touched(self) -> None:
        """Before the engine forgets: add to what the present recorded interval has touched."""
        engine = self.machine.engine
        if self.onlooker is not None:
            self.onlooker()
        if self.machine.replay.mode is not Mode.RECORD:
            return
        for kind, pages in self._progress.touched.items():
            pages.update(engine.pages_touched(kind))
        if engine.moves_addresses:
            for kind, pages in self._progress.seen.items():
                found = engine.addresses_touched(kind)
                pages.update((EVERYWHERE,) if found is None else found)
        executed, reached = self._progress.executed, engine.code_reached()
        if executed is not None:
            more = None if reached is None else executed.joined(Ticks.of(reached))
            self._progress.executed = more

    def _store_interval(self, number: int) -> bytes:
        """What the interval that ends here has touched; returns its hash, b"" if that is not
        known."""
        progress = self._progress
        self._add_executed(number)
        inherited, progress.inherited = progress.inherited, None
        touched = self._pack_touched() if inherited is None else inherited
        return self.recording.add_interval(number, touched) if touched else b""

    def _add_executed(self, number: int) -> None:
        progress = self._progress
        if progress.executed is not None and progress.inherited is None:
            row = self._sharing.shrink(number, progress.executed.pack())
            self.recording.add_known(REACHED, row)

    def end(self) -> bytes:
        """Record: history ends here. The hash of this state."""
        found = self.state_hash(self.capture())
        self._add_executed(len(self._infos) - 1)
        return found

    def _pack_touched(self) -> bytes:
        out = bytearray()
        lists = [self._progress.touched[kind] for kind in KINDS]
        if self.machine.engine.moves_addresses:
            lists += [self._progress.seen[kind] for kind in KINDS]
        for pages in map(sorted, lists):
            put_series(out, [len(pages)])
            put_series(out, pages)
        return bytes(out)


def _no_pages() -> dict[Access, set[int]]:
    return {kind: set() for kind in KINDS}
