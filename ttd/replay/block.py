"""Disks at the border: requests that complete on the host's time, contents that are machine state.

QEMU: `block/blkreplay.c` and `replay_block_event`. There the log has the order of completions and
the image must be the same; here it also has what was read, unless the user does not want that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from errno import EIO
from threading import Lock
from typing import Any, NamedTuple, Protocol

from ttd.contents import PAGE, Contents
from ttd.recording.errors import RecordingError
from ttd.recording.varint import Reader, put_varint
from ttd.replay.entrance import Entrance
from ttd.replay.errors import Divergence, ReplayError
from ttd.replay.sources import Unrepeated

MOST_PAGES = 256
"""Pages in one event of a recording; a request that read more is completed by the last of some."""
Done = Callable[[list[bytes], int], None]
"""(what was read of each span, errno or 0)."""


class BlockBackend(Protocol):
    """The host side of a disk: an image that is only read, but for `write`."""

    def submit(self, spans: Sequence[tuple[int, int]], done: Done) -> None:
        """Read (offset, length) spans, on another thread, and then call `done` there."""
        ...

    def read(self, offset: int, count: int) -> bytes:
        """Read now; fewer bytes where the image ends; raises `OSError`."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Change the image; raises `OSError`."""
        ...

    def flush(self) -> None:
        """Make the changes last; raises `OSError`."""
        ...

    def close(self) -> None:
        """Give everything back; what is under way is not reported any more."""
        ...


class DiskOptions(NamedTuple):
    """A disk of `size` bytes. `backend` is its image: None in play, if the recording has what was
    read (`embed`)."""

    name: str
    size: int
    backend: BlockBackend | None
    embed: bool


class BlockDriver(Unrepeated):
    """The front end that a disk controller holds; made by `Replay.register_block_driver`.

    A request is a number (`Replay.blkreplay_next_id`) and the pages it needs. In record the host
    reads those that are not known yet; its completion enters at a checkpoint. In play the
    completion comes from the log, with its pages, or they are read from the same image.
    """

    def __init__(
        self,
        entrance: Entrance,
        options: DiskOptions,
        next_id: Callable[[], int],
        done: Callable[[], None],
    ) -> None:
        """`next_id` gives the number of a request; `done` is called, from any thread, when the
        host has done one."""
        self.name = options.name
        self.disk = Contents(options.size)
        self.backend = options.backend
        self._embed = options.embed
        self._at = entrance.at
        self._next_id = next_id
        self._on_done = done
        self._complete: Callable[[int, int], None] = lambda number, errno: None
        self.say: Callable[[str], None] = lambda sentence: None
        """Told, once, that the guest reads what nobody has."""
        self._told = False
        self._pending: list[list[Any]] = []
        self._asked: set[int] = set()
        self._done: deque[tuple[int, list[int], list[bytes], int]] = deque()
        self._lock = Lock()
        entrance.before_input.append(self._catch_up)

    @property
    def size(self) -> int:
        """Bytes of the disk."""
        return self.disk.size

    def connect(self, complete: Callable[[int, int], None]) -> None:
        """Say what is called at the completion of a request, with its number and errno or 0."""
        self._complete = complete

    # the guest's side: machine's thread

    def submit(self, offset: int, count: int, writes: bool) -> int:
        """Begin a request on [offset, offset + count); returns its number.

        The data are moved by `read` and `write` when it completes.
        """
        number = self._next_id()
        wanted: list[list[int]] = []
        if count and not writes:
            wanted = [[offset // PAGE, (offset + count - 1) // PAGE + 1]]
        elif count:
            # Of a page that is written in part, the rest comes from the image.
            ends = {at // PAGE for at in (offset, offset + count) if at % PAGE}
            wanted = [[page, page + 1] for page in sorted(ends)]
        self._pending.append([number, wanted])
        if not self._at.playing():
            self._ask(number, self._missing(wanted))
        return number

    def _missing(self, spans: Sequence[Sequence[int]]) -> list[int]:
        return self.disk.missing([page for low, high in spans for page in range(low, high)])

    def read(self, offset: int, count: int) -> bytes:
        """The contents, for a request that completes."""
        return self.disk.read(offset, count)

    def write(self, offset: int, data: bytes) -> None:
        """Change the contents, for a request that completes."""
        self.disk.write(offset, data)

    # the host's side

    def _ask(self, number: int, pages: list[int]) -> None:
        self._asked.add(number)

        def done(parts: list[bytes], errno: int) -> None:
            for page, part in zip(pages, parts, strict=False):
                if len(part) < min(PAGE, self.size - page * PAGE):
                    errno = errno or EIO
            with self._lock:
                self._done.append((number, pages, parts, errno))
            self._on_done()

        if self.backend is None:
            # What the other future has read is known.
            again, device = self._at.again, self._at.devices.number(self.name)
            parts = [b"" if again is None else again.page(device, p) or b"" for p in pages]
            self._tell([page for page, part in zip(pages, parts, strict=True) if not part])
            done(parts, 0)
        else:
            self.backend.submit([(p * PAGE, min(PAGE, self.size - p * PAGE)) for p in pages], done)

    def _tell(self, nowhere: list[int]) -> None:
        """Of these pages the guest gets an error."""
        if nowhere and not self._told:
            self._told = True
            self.say(
                f"At step {self._at.step()} the guest asks for what is at {nowhere[0] * PAGE:#x} of"
                f" {self.name}, which the recording does not have: it gets an error. With"
                f" --drive file=IMAGE,id={self.name} a branch has all of the image."
            )

    def _catch_up(self) -> None:
        """Record: what was asked for in the past of a live recording is asked of the host; what
        the host has done for requests that nobody waits for any more is forgotten."""
        known = {number for number, _ in self._pending}
        with self._lock:
            self._done = deque(done for done in self._done if done[0] in known)
        for number, spans in self._pending:
            if number not in self._asked:
                self._ask(number, self._missing(spans))

    def commit(self) -> None:
        """Put what the guest has written into the image."""
        if self.backend is None:
            return
        try:
            for number, data in self.disk.contents():
                data = data[: self.size - number * PAGE]
                if self.backend.read(number * PAGE, len(data)) != data:
                    self.backend.write(number * PAGE, data)
            self.backend.flush()
        except OSError as error:
            raise ReplayError(
                f"the image of {self.name} cannot be written: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        """Close the image."""
        if self.backend is not None:
            self.backend.close()

    # `sources.Source`

    @property
    def waiting(self) -> bool:
        return bool(self._done)

    def offers(self) -> bytes | None:
        found = self._first_done()
        return None if found is None else self._payload(*found)

    def _first_done(self) -> tuple[int, list[int], list[bytes], int] | None:
        """The first completion of a request that is still under way."""
        known = {number for number, _ in self._pending}
        with self._lock:
            return next((done for done in self._done if done[0] in known), None)

    def take(self, payload: bytes) -> bool:
        found = self._first_done()
        assert found is not None
        number, pages, parts, errno = found
        if self._embed and not errno and len(self.disk.missing(pages)) > MOST_PAGES:
            return True  # the rest is offered again
        with self._lock:
            self._done.remove(found)
        self._asked.discard(number)
        if not errno and not self._embed:
            self.disk.put(zip(pages, parts, strict=True))
        return True

    def _payload(self, number: int, pages: list[int], parts: list[bytes], errno: int) -> bytes:
        """What the recording is told; nothing is changed."""
        out = bytearray()
        put_varint(out, number)
        put_varint(out, errno)
        if errno:
            return bytes(out)
        missing = set(self.disk.missing(pages)[: MOST_PAGES if self._embed else None])
        for page, part in zip(pages, parts, strict=True):
            if page not in missing:
                continue
            put_varint(out, page)
            if self._embed:
                put_varint(out, len(part))
                out += part
            else:
                put_varint(out, 0)
        return bytes(out)

    def deliver(self, payload: bytes) -> None:
        reader = Reader(payload)
        number, errno = reader.varint(), reader.varint()
        wanted = next((spans for known, spans in self._pending if known == number), None)
        if wanted is None:
            raise Divergence(
                self._at.step(),
                f"the completion of disk request {number} of {self.name}",
                "that it is not under way",
            )
        pages = reader.pieces()
        if any(page >= self.disk.pages or len(data) > PAGE for page, data in pages):
            raise RecordingError("the recording is damaged: a disk request is too large")
        self.disk.put((page, data or self._fetch(page)) for page, data in pages)
        if errno or not self._missing(wanted):
            self._pending = [entry for entry in self._pending if entry[0] != number]
            self._complete(number, errno)

    def _fetch(self, page: int) -> bytes:
        """A page that is not in the recording."""
        if not self.disk.missing([page]):
            return b""
        if self.backend is None:
            raise RecordingError(
                f"the recording does not hold the contents of {self.name}: give its image"
            )
        try:
            return self.backend.read(page * PAGE, PAGE)
        except OSError as error:
            raise RecordingError(
                f"the image of {self.name} cannot be read: {error.strerror or error}"
            ) from error

    def save(self) -> list[list[Any]]:
        return [[number, [list(span) for span in spans]] for number, spans in self._pending]

    def load(self, state: list[list[Any]]) -> None:
        self._pending = [[number, [list(span) for span in spans]] for number, spans in state]
