"""Tables of page contents: what identifies them, what differs, what they take."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ttd.history.pages
from ttd.history.pages import DIRECTORY, PageStore, PageTable
from ttd.recording.blob import digest, digests

PAGES = 2 * DIRECTORY + 3
NUMBERS = st.sampled_from([0, 1, DIRECTORY - 1, DIRECTORY, PAGES - 1])
WRITES = st.lists(
    st.tuples(st.lists(st.tuples(NUMBERS, st.sampled_from([b"", b"a", b"b"]))), st.booleans())
)


def no_recording(names: Sequence[bytes]) -> Iterable[bytes]:
    assert not names
    return []


class Memory:
    """Tables of successive contents beside the contents themselves."""

    def __init__(self) -> None:
        self.store = PageStore(no_recording)
        self.table = PageTable.filled(PAGES, self.store.page(b"")).extended(1, self.store.page(b""))
        self.contents: dict[int, bytes] = {}

    def write(self, changes: Sequence[tuple[int, bytes]]) -> None:
        self.table = self.table.replace((n, self.store.page(data)) for n, data in changes)
        self.contents.update(changes)

    def differs_from(self, other: Memory) -> set[int]:
        numbers = self.contents.keys() | other.contents.keys()
        return {n for n in numbers if self.contents.get(n, b"") != other.contents.get(n, b"")}


@given(WRITES, WRITES)
def test_the_total_says_what_is_held_and_not_how_it_came_there(
    first: list[tuple[list[tuple[int, bytes]], bool]],
    second: list[tuple[list[tuple[int, bytes]], bool]],
) -> None:
    one, other = Memory(), Memory()
    for memory, history in ((one, first), (other, second)):
        for changes, asked in history:
            memory.write(changes)
            if asked:
                _ = memory.table.total
    different = one.differs_from(other)
    assert different <= set(one.table.differing(other.table))
    assert (one.table.total == other.table.total) == (not different)
    # Every name is known now.
    assert set(one.table.differing(other.table)) == different
    for number in (0, 1, 2, DIRECTORY - 1, DIRECTORY, PAGES - 1):
        assert one.table[number].data == one.contents.get(number, b"")


def test_holes_after_the_memory_do_not_count() -> None:
    store = PageStore(no_recording)
    table = PageTable.filled(DIRECTORY, store.page(b"a"))
    assert table.total == table.extended(5, store.page(b"")).total
    assert table.end == DIRECTORY and table.extended(5, store.page(b"")).end == 2 * DIRECTORY


def test_a_table_keeps_what_it_held_and_shares_what_has_not_changed() -> None:
    memory = Memory()
    memory.write([(0, b"a")])
    old = memory.table
    memory.write([(DIRECTORY, b"b")])
    assert old[DIRECTORY].data == b"" and memory.table[DIRECTORY].data == b"b"
    assert old.directories[0] is memory.table.directories[0]
    assert memory.table.replace([]) is memory.table


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 65])
def test_many_are_hashed_as_one_is(count: int) -> None:
    """Whatever their sizes are: those of some blocks go eight at a time."""
    dice = random.Random(count)
    for sizes in ((4096,), (128,), (1024, 4096), (0, 4096), (100,)):
        parts = [dice.randbytes(dice.choice(sizes)) for _ in range(count)]
        assert digests(parts) == [blake2b(part, digest_size=16).digest() for part in parts]


def test_contents_are_hashed_when_somebody_asks_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []

    def counted(data: Sequence[bytes]) -> list[bytes]:
        hashed.extend(data)
        return digests(data)

    memory = Memory()
    memory.write([(0, b"a")])
    before = memory.table.total
    monkeypatch.setattr(ttd.history.pages, "digests", counted)
    for step in range(5):
        memory.write([(number, b"%d" % step) for number in range(DIRECTORY)])
    assert not hashed
    assert memory.table.total != before and len(hashed) == DIRECTORY
    assert set(hashed) == {b"4"}
    _ = memory.table.total, memory.table[0].digest
    assert len(hashed) == DIRECTORY


def test_contents_are_read_when_they_are_wanted_and_all_at_once() -> None:
    asked: list[Sequence[bytes]] = []
    stored = {digest(data): data for data in (b"a", b"bb", b"ccc")}

    def load(names: Sequence[bytes]) -> Iterable[bytes]:
        asked.append(names)
        return [stored[name] for name in names]

    store = PageStore(load)
    pages = [store.stored(name) for name in stored]
    assert not any(page.in_memory or page.holds(b"a") for page in pages)
    held = store.bytes
    store.fetch(pages[:2] + pages[:1])
    assert sorted(asked[0]) == sorted(list(stored)[:2]) and len(asked) == 1
    assert store.bytes == held + 3
    assert [page.data for page in pages] == [b"a", b"bb", b"ccc"] and len(asked) == 2
    assert pages[0].is_like(store.stored(digest(b"a"))) and not pages[0].is_like(pages[1])


@pytest.mark.parametrize("size", [0, 4096, pytest.param(1, marks=pytest.mark.slow)])
def test_what_pages_take_is_known_and_given_back(size: int) -> None:
    store = PageStore(no_recording)
    table: PageTable | None = PageTable.filled(PAGES, store.page(bytes(size)))
    one = store.bytes
    assert one >= size
    assert table is not None
    table = table.replace((n, store.page(bytes(size))) for n in range(DIRECTORY))
    assert store.bytes == one * (DIRECTORY + 1)
    table = None
    gc.collect()
    assert store.bytes == 0


def test_a_page_that_is_everywhere_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the memory of a machine before it starts: 4 096 times in 16 MiB."""
    parts: list[int] = []

    def counted(some: Sequence[bytes]) -> list[bytes]:
        parts.append(len(some))
        return digests(some)

    monkeypatch.setattr(ttd.history.pages, "digests", counted)
    store = PageStore(lambda names: [])
    table = PageTable.filled(4096, store.page(bytes(4096)))
    assert table.total
    assert sum(parts) == 1


def test_contents_that_the_recording_has_are_dropped_and_read_again() -> None:
    stored = {digest(data): data for data in (b"a" * 10, b"b" * 10)}
    read: list[bytes] = []

    def load(names: Sequence[bytes]) -> Iterable[bytes]:
        read.extend(names)
        return [stored[name] for name in names]

    store = PageStore(load)
    pages = [store.page(data) for data in (*stored.values(), b"only here")]
    _ = [page.digest for page in pages]
    full = store.bytes
    store.are_stored(pages[:2])
    store.drop_stored(11)
    assert [page.in_memory for page in pages] == [False, False, True]
    assert (store.bytes, store.stored_bytes) == (full - 20, 0)
    assert [page.data for page in pages[:2]] == [*stored.values()]
    assert read == [*stored]
    assert (store.bytes, store.stored_bytes) == (full, 20)
    del pages[0]
    gc.collect()
    assert store.stored_bytes == 10
    store.drop_stored(1)
    assert store.stored_bytes == 0
