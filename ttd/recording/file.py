"""The file of a recording: what all of its branches share, and which there are."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from ttd.recording import schema
from ttd.recording.blob import MAX_RAW, digest, expand, seal, shrink, unpack, unseal
from ttd.recording.claim import Claim
from ttd.recording.config import MachineConfig
from ttd.recording.errors import RecordingError
from ttd.recording.formats import FORMAT_VERSION, bring_up_to_date
from ttd.recording.index import Begin, Branch, Fork, Status
from ttd.recording.remarks import Remarks
from ttd.recording.rows import (
    context,
    delete_branch,
    is_count,
    is_digest,
    put_branch,
    put_meta,
    put_row,
)
from ttd.recording.store import Store
from ttd.recording.writer import Job
from ttd.text import is_line, printable

MAX_PAGE = 1 << 16
"""Largest page in bytes."""
MAX_BRANCHES = 10_000
FIRST_OVER = 1 << 20
"""Number of the first branch that is not in the file, but in the overlay."""
MAX_DEPTH = 200
"""Branches that come from each other."""
MOST_NAME = 100
"""Characters of the name of a branch."""
_NO_NAME = re.compile(r"[\s:%]|^[-+]")
"""What a place as people type it would be taken apart by."""
_MAX_META = 1 << 20
_MAX_IMAGES = 256 << 20
"""Bytes of all images together."""
_ROW_BYTES = 64
"""What a row counts for besides its data."""
_GROUP = 256
"""Pages that are asked for at a time."""


class RecordingFile:
    """A recording with all of its branches, each of which is a `Recording`.

    One that is made (`create`) grows until every branch that grows is finished; one that is read
    (`open`) begins to grow again with a new branch: in the file (`begin_growing`), or, where that
    is not wanted or cannot be, in a temporary database, an *overlay* (`begin_overlay`).
    """

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.config = MachineConfig("", "", 1)
        self.created_by = ""
        self.made: dict[str, str] = {}
        """When, where and how, for people: no part of the run."""
        self.devices: list[str] = []
        self.begin = Begin()
        self.branches: dict[int, Branch] = {}
        """By number, as they were last committed."""
        self.page_bytes = 0
        """Of pages that have been written to the file, compressed; those that wait do not count."""
        self._store = Store(path, connection)
        self._overlay: Store | None = None
        self._claim: Claim | None = None
        self._growing: set[int] = set()
        self._last_numbers: dict[bool, int] = {}
        """The last that was given; temporary ones have their own. None is given twice."""
        self._said: dict[int, tuple[Branch, bytes]] = {}
        """Of those that have grown: what was committed last, and the hash of its events."""
        self.moved: dict[int, int] = {}
        """Temporary branches that have got into the file: their numbers there."""

    # --- making and opening

    @classmethod
    def create(
        cls,
        path: str | None,
        config: MachineConfig,
        images: Mapping[str, bytes],
        created_by: str,
        existing: schema.Existing,
        made: Mapping[str, str],
        begin: Begin = Begin(),  # noqa: B008 - a value
    ) -> Self:
        """Begin a recording at `path`, with one branch that grows; None: a temporary one.

        `images`: the firmware files by name; their hashes are put into the configuration.
        """
        hashes = {name: digest(data) for name, data in images.items()}
        config = replace(config, images=hashes)
        lines = dict(made)
        name = "a temporary recording" if path is None else path
        if path is not None:
            schema.check_replaceable(path, existing)
        branch = Branch()

        def fill(db: sqlite3.Connection) -> None:
            about = {"config": config.to_data(), "created_by": created_by, "made": lines}
            put_meta(db, "about", about | ({"begin": begin} if begin.sequence else {}))
            put_meta(db, "devices", [])
            put_branch(db, branch, config.digest)
            for image, data in images.items():
                blob = seal(data, context("image", image))
                db.execute("INSERT INTO images VALUES (?, ?)", (image, blob))

        with schema.one_sentence(name):
            taken, connection, claim = schema.make(path, fill, existing)
        file = cls(taken or name, connection)
        file._claim = claim
        file.config = config
        file.created_by = created_by
        file.made = lines
        file.begin = begin
        file.branches[branch.id] = branch
        file._growing.add(branch.id)
        file._store.begin_writing()
        return file

    @classmethod
    def open(cls, path: str) -> Self:
        """Open a recording to read it. One whose recorder was killed opens at its last commit."""
        file = cls(path, schema.open_existing(path))
        try:
            file._store.hold_still()
            file._read_about()
            file._read_branches()
        except BaseException:
            file.close()
            raise
        return file

    def _read_about(self) -> None:
        about = self._meta("about", dict)
        config, created_by = about.get("config"), about.get("created_by")
        if not isinstance(config, dict) or not isinstance(created_by, str):
            raise self.damaged("it does not say which machine it is of")
        self.config = MachineConfig.from_data(config)
        self.created_by = created_by
        self.made = about.get("made", {})  # those of earlier versions do not say it
        if not isinstance(self.made, dict) or not all(
            is_line(text) for entry in self.made.items() for text in entry
        ):
            raise self.damaged("it does not say when and how it was made")
        match about.get("begin", [0, 0]):  # one that was not cut does not say it
            case [step, sequence] if is_count(step) and is_count(sequence):
                self.begin = Begin(step, sequence)
            case _:
                raise self.damaged("it does not say where it begins")
        self.devices = self._meta("devices", list)
        if not all(map(is_line, self.devices)):
            raise self.damaged("its devices have no names")

    def _read_branches(self) -> None:
        """Learn which branches there are. A parent comes before its branches, so no two are each
        other's."""
        self.branches = {}
        if self._store.version == 1:
            self.branches[0] = Branch(status=self._status(self._meta("status", dict)))
            return
        for number, blob in self._store.each("SELECT id, data FROM branches ORDER BY id"):
            if not is_count(number) or number >= FIRST_OVER or len(self.branches) >= MAX_BRANCHES:
                raise self.damaged("a branch is not one")
            data = unpack(unseal(blob, context("branch", number), _MAX_META))
            self.branches[number] = self._branch(number, data)
        if 0 not in self.branches:
            raise self.damaged("it does not say how far it goes")

    def _branch(self, number: int, data: object) -> Branch:
        match data:
            case {"name": name, "reason": reason, "fork": fork, "status": dict(status)}:
                pass
            case _:
                raise self.damaged("a branch is not one")
        if not is_line(name) or not is_line(reason) or (fork is None) != (number == 0):
            raise self.damaged("a branch is not one")
        found = Branch(number, name, reason, None, self._status(status))
        if fork is None:
            return found
        try:
            place = Fork(*fork)
        except TypeError:
            raise self.damaged("a branch is not one") from None
        if not all(map(is_count, place)) or place.parent not in self.branches:
            raise self.damaged("a branch comes from nowhere")
        if self._depth(place.parent) >= MAX_DEPTH:
            raise self.damaged("too many branches come from each other")
        return replace(found, fork=place)

    def _status(self, data: dict[Any, Any]) -> Status:
        try:
            status = Status(**data)
        except TypeError:
            raise self.damaged("it does not say how far it goes") from None
        numbers = (status.steps, status.virtual_ns, status.warp_ns, status.events)
        plain = (
            all(map(is_count, numbers))
            and (status.snapshots is None or is_count(status.snapshots))
            and isinstance(status.complete, bool)
            and is_line(status.reason)
            and (status.exit_code is None or type(status.exit_code) is int)
            and (status.state_hash is None or is_digest(status.state_hash))
            and isinstance(status.seal, bytes)
        )
        if not plain:
            raise self.damaged("it does not say how far it goes")
        return status

    # --- what all branches share

    @property
    def remarks(self) -> Remarks:
        """What people have added."""
        return Remarks(self._store)

    def set_devices(self, names: list[str]) -> None:
        """Say which devices have a host side; the position is the number in events."""
        self.devices = list(names)
        self._store.put_first(lambda db: put_meta(db, "devices", names), _ROW_BYTES)

    def images(self) -> dict[str, bytes]:
        """The firmware files by name, checked against the configuration's hashes."""
        images: dict[str, bytes] = {}
        left = _MAX_IMAGES
        for name, blob in self._store.each("SELECT name, data FROM images ORDER BY rowid"):
            if name not in self.config.images or name in images:
                raise self.damaged("it has an image that the machine has not")
            data = images[name] = unseal(blob, context("image", name), min(left, MAX_RAW))
            left -= len(data)
            if digest(data) != self.config.images[name]:
                raise self.damaged("an image is not the recorded one")
        if len(images) != len(self.config.images):
            raise self.damaged("an image is missing")
        return images

    def put_pages(self, store: Store, pages: Sequence[tuple[bytes, bytes]]) -> None:
        """Store pages of at most `MAX_PAGE` bytes, with their hashes (`blob.digest`), once each."""

        def job(db: sqlite3.Connection) -> None:
            for name, data in pages:
                if db.execute("SELECT 1 FROM pages WHERE hash = ?", (name,)).fetchone() is None:
                    row = name, shrink(data)
                    db.execute("INSERT INTO pages (hash, data) VALUES (?, ?)", row)
                    self.page_bytes += len(row[1])

        store.put(job, sum(len(data) for _, data in pages))

    def pages(self, names: Iterable[bytes]) -> Iterator[bytes]:
        """The pages with these hashes, in their order."""
        names = list(names)
        for first in range(0, len(names), _GROUP):
            group = names[first : first + _GROUP]
            wanted = ", ".join("?" * len(group))
            query = f"SELECT hash, data FROM pages WHERE hash IN ({wanted})"
            rows = dict(self._store.each(query, *group))
            if self._overlay is not None and len(rows) < len(group):
                rows.update(self._overlay.each(query, *group))
            for name in group:
                yield self._page(name, rows.get(name))

    def _page(self, name: bytes, stored: bytes | None) -> bytes:
        if stored is None:
            raise self.damaged("a page is missing")
        data = expand(stored, MAX_PAGE)
        if digest(data) != name:
            raise self.damaged("a page is not what its hash says")
        return data

    # --- branches

    def grows(self, branch: int) -> bool:
        """True for a branch that can be added to."""
        return branch in self._growing

    def store_of(self, branch: int) -> Store:
        """Where the rows of a branch are."""
        if self._overlay is not None and branch >= FIRST_OVER:
            return self._overlay
        return self._store

    def begin_growing(self) -> None:
        """Make it possible to add branches to the file.

        `RecordingError` if it cannot be written, or somebody else is writing to it.
        """
        if self._store.writes:
            return
        if not _can_grow(self.path):
            raise RecordingError(f"{self.path} cannot be written")
        with schema.one_sentence(self.path):
            self._store.look_again()
            if self._claim is None:
                self._claim = Claim.waiting(self.path)
            connection = schema.open_to_grow(self.path)
            version = schema.version_of(connection)
            if version < FORMAT_VERSION:
                connection.execute("BEGIN IMMEDIATE")
                bring_up_to_date(connection, version)
                if version == 1:
                    put_row(connection, self.branches[0])
                connection.execute("COMMIT")
        self._store.begin_writing(connection)
        # Somebody may have added some since.
        over = {branch: info for branch, info in self.branches.items() if branch >= FIRST_OVER}
        self._read_branches()
        self.branches |= over

    def begin_overlay(self) -> None:
        """Make it possible to add branches that are in no file, and are gone when it is closed."""
        if self._overlay is None:
            _, connection, _ = schema.make(None, lambda db: None, schema.Existing.REFUSE)
            self._overlay = Store("the temporary branches", connection)
        if not self._overlay.writes:
            self._overlay.begin_writing()

    def add_branch(
        self, name: str, reason: str, fork: Fork, status: Status, *, temporary: bool = False
    ) -> Branch:
        """A new branch that grows, not committed yet: in the file, or in the overlay.

        `RecordingError` if there is one of that name, or there are too many.
        """
        name, reason = printable(name), printable(reason)
        self.check_name(name)
        if len(self.branches) >= MAX_BRANCHES:
            raise RecordingError(f"{self.path} has {MAX_BRANCHES} branches, and takes no more")
        if self._depth(fork.parent) >= MAX_DEPTH:
            raise RecordingError(f"{MAX_DEPTH} branches come from each other, and no more")
        branch = Branch(self._free_number(temporary), name, reason, fork, status)
        self.branches[branch.id] = branch
        self._growing.add(branch.id)
        return branch

    def _free_number(self, temporary: bool) -> int:
        begin, end = (FIRST_OVER, None) if temporary else (0, FIRST_OVER)
        taken = [n for n in self.branches if n >= begin and (end is None or n < end)]
        number = max([*taken, self._last_numbers.get(temporary, begin - 1)]) + 1
        self._last_numbers[temporary] = number
        return number

    def take_over(self, branch: int) -> Branch:
        """A branch of the overlay belongs to the file: its new number, and its name if that is
        taken there. Its rows are the caller's to move."""
        old = self.branches.pop(branch)
        self._growing.discard(branch)
        self._said.pop(branch, None)
        name = old.name
        while any(other.name == name for other in self.branches.values()):
            name += "'"
        now = replace(old, id=self._free_number(False), name=name)
        self.branches[now.id] = now
        self._growing.add(now.id)
        self.moved[branch] = now.id
        return now

    def give_back(self, branch: int, before: Branch) -> None:
        """Undo `take_over`, which has given `before` the number `branch`."""
        del self.branches[branch], self.moved[before.id]
        self._growing.discard(branch)
        self._said.pop(branch, None)
        self.branches[before.id] = before
        self._growing.add(before.id)

    def number(self, name: str) -> int:
        """The branch of that name, or number; `RecordingError` if there is none."""
        for branch in self.branches.values():
            if name in (branch.name, str(branch.id)):
                return branch.id
        known = ", ".join(branch.name for branch in self.branches.values())
        raise RecordingError(f"{self.path} has no branch {printable(name)}, only {known}")

    def check_name(self, name: str) -> None:
        """`RecordingError` if a branch cannot be called so."""
        plain = is_line(name) and len(name) <= MOST_NAME and not _NO_NAME.search(name)
        if not plain or not name or name.isdigit():
            raise RecordingError(f"'{printable(name)}' is no name for a branch, such as fix_1")
        if any(branch.name == name for branch in self.branches.values()):
            raise RecordingError(f"there is a branch {name} already")

    def put_status(self, branch: int, status: Status, log: bytes) -> None:
        """Commit how far a branch goes, for the snapshots that are stored by then, and seal it;
        `log` is the hash of its events."""
        now = self.branches[branch] = replace(self.branches[branch], status=status)
        self._said[branch] = now, log
        self._commit(self.store_of(branch), lambda db: put_branch(db, now, log))

    def _commit(self, store: Store, job: Job = lambda db: None) -> None:
        """Whoever commits shows what other branches have stored since: that is said of each."""
        said = dict(self._said)

        def all_of_it(db: sqlite3.Connection) -> None:
            for number in store.unsaid & said.keys():
                put_branch(db, *said[number])
            store.unsaid.clear()
            job(db)

        store.commit(all_of_it)

    def rename(self, branch: int, name: str) -> None:
        """Give a branch another name."""
        self.check_name(name)
        if branch < FIRST_OVER:
            self.begin_growing()
        now = self.branches[branch] = replace(self.branches[branch], name=name)
        store, said = self.store_of(branch), self._said.get(branch)
        if said is None:
            self._commit(store, lambda db: put_row(db, now))
        else:
            renamed = self._said[branch] = replace(said[0], name=name), said[1]
            self._commit(store, lambda db: put_branch(db, *renamed))
        self._rest(store)

    def explain(self, branch: int, reason: str) -> None:
        """Give another reason for a branch that grows; its next commit says so."""
        self.branches[branch] = replace(self.branches[branch], reason=printable(reason))

    def check_unused(self, branch: int) -> None:
        """`RecordingError` if other branches come from this one."""
        if any(b.fork is not None and b.fork.parent == branch for b in self.branches.values()):
            raise RecordingError(f"other branches come from {self.branches[branch].name}")

    def discard(self, branch: int) -> None:
        """Forget a branch that none other comes from, and the pages that no other one has."""
        self.check_unused(branch)
        if branch < FIRST_OVER:
            self.begin_growing()
        for name, place in self.remarks.bookmarks().items():
            if place.branch == branch:
                self.remarks.delete_bookmark(name)
        del self.branches[branch]
        self._growing.discard(branch)
        self._said.pop(branch, None)
        store = self.store_of(branch)
        # After the pages of snapshots that are not there yet.
        store.put(lambda db: delete_branch(db, branch), _ROW_BYTES)
        store.sync()
        self._commit(store)
        self._rest(store)

    def finished(self, branch: int) -> None:
        """Nothing will be added to a branch any more. After the last one the file is one file."""
        self._growing.discard(branch)
        self._rest(self.store_of(branch))

    def _rest(self, store: Store) -> None:
        """One file is left, until it grows again."""
        if not any(self.store_of(other) is store for other in self._growing):
            store.end_writing()

    def _depth(self, branch: int) -> int:
        """How many branches it comes from, one from the other."""
        depth = 0
        while (fork := self.branches[branch].fork) is not None:
            branch, depth = fork.parent, depth + 1
        return depth

    # --- inside

    def has_been_read(self) -> None:
        """What is needed of the rows is known: others may change a file that is complete."""
        if all(branch.status.complete for branch in self.branches.values()):
            # Otherwise the transaction stays: a file that grows is seen as it is now.
            self._store.look_again()

    def close(self) -> None:
        """Give the file back. What has not been committed is lost. Never raises."""
        for store in filter(None, (self._overlay, self._store)):
            store.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _meta(self, name: str, form: type) -> Any:
        row = self._store.row("SELECT data FROM meta WHERE name = ?", name)
        if row is None:
            raise self.damaged(f"it has no {name}")
        data = unpack(unseal(row[0], context("meta", name), _MAX_META))
        if not isinstance(data, form):
            raise self.damaged(f"its {name} is not readable")
        return data

    def damaged(self, why: str) -> RecordingError:
        """As `Store.damaged`."""
        return self._store.damaged(why)


def _can_grow(path: str) -> bool:
    folder = os.path.dirname(os.path.abspath(path))
    return os.access(path, os.W_OK) and os.access(folder, os.W_OK)
