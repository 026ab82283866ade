"""Character devices at the border: serial lines, consoles."""

from __future__ import annotations

from collections.abc import Callable
from errno import EAGAIN
from threading import Condition
from typing import Protocol
from zlib import crc32

from ttd.recording.events import Kind, number, small, to_number, to_small
from ttd.replay.entrance import Entrance
from ttd.replay.errors import Divergence, NoInputYet, NotYet
from ttd.replay.host_reads import HostReads
from ttd.values import dataclass

QUEUE_BYTES = 1 << 16
"""Input waiting for the guest beyond which host threads are held up."""
_LENT_BYTES = 1 << 12
"""What of that waits at the device itself while the engine runs, at most."""
_READ_SECONDS = 0.05
"""How long a read waits before the machine looks at what else there is, such as its timers."""
_ROOM_SECONDS = 0.01
"""How long a write waits for room."""
_PLENTY = 1 << 20
"""Room where nobody is written to."""

Echo = Callable[[str, bytes], None]
"""Sees what the guest writes in play: the device, the data."""


@dataclass
class Ears:
    """Who hears what the guest writes in play."""

    echo: Echo | None = None
    exact: bool = False
    """In the very step in which it is written."""


class NativeInput(Protocol):
    """A device's receiving half, if that is native: while the engine runs, bytes enter it there."""

    def offer(self, data: bytes) -> int:
        """So many of these bytes wait here, and enter while the engine runs."""
        ...

    def rest(self) -> bytes:
        """Of those the ones that have not entered; they do not wait any more."""
        ...

    def is_known_as(self, device: int) -> None:
        """The device's number in the log."""
        ...


class CharBackend(Protocol):
    """The host side of a character device. `write` is called by the machine, and never waits for
    more than a moment; `read_all` on a thread that may wait."""

    def start(self, on_input: Callable[[bytes], None]) -> None:
        """Begin to read; `on_input` is called from a thread of the backend's."""
        ...

    def write(self, data: bytes) -> int:
        """Bytes taken (maybe fewer), or a negative errno; never raises."""
        ...

    def room(self) -> int:
        """How many bytes `put` may be given, from now on until this is asked again."""
        ...

    def put(self, data: bytes) -> None:
        """Take bytes, whatever has happened since `room` said so; what becomes of them, later
        writes tell."""
        ...

    def read_all(self, count: int) -> bytes:
        """Read up to `count` bytes, waiting for the first; raises `OSError`. `close` ends that."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class CharDriver:
    """The front end that a device holds; made by `Replay.register_char_driver`.

    QEMU: `replay_register_char_driver`, `replay_chr_be_write`, `replay_char_write_event_*`,
    `replay_char_read_all_*`.
    """

    def __init__(
        self, entrance: Entrance, name: str, backend: CharBackend | None, ears: Ears
    ) -> None:
        self.name = name
        self.backend = backend
        self._entrance = entrance
        self._at = entrance.at
        self._ears = ears
        self._receive: Callable[[bytes], None] | None = None
        self._can_receive: Callable[[], int] = lambda: 0
        self.native: NativeInput | None = None
        self._queue = bytearray()
        self._changed = Condition()
        self._closed = False
        self._written = 0
        self._crc = 0
        self._refusal: tuple[int, int] | None = None
        """Play: the next logged result of a write: its number in the log, where in the output."""
        self._reads = None if backend is None else HostReads(backend.read_all, entrance.wake)
        self._begun: tuple[int, bytes, int] | None = None
        """Record: the step and the data of a `write_all` that was interrupted, and how much of it
        the host has."""

    def connect(
        self,
        receive: Callable[[bytes], None],
        can_receive: Callable[[], int],
        native: NativeInput | None = None,
    ) -> None:
        """Say where input goes and how many bytes the device can take now.

        Both are called on the machine's thread, at checkpoints. Input that the device cannot
        take stays queued; in the recording it is at the step at which it was delivered. `native`
        is the same device, for what enters while the engine runs.
        """
        self.native = native
        self._receive = receive
        self._can_receive = can_receive

    # the guest's side: machine's thread

    def write(self, data: bytes) -> int:
        """Guest to host. Returns how many bytes the host took, or a negative errno.

        Record: the backend is written to, and a result other than `len(data)` is logged. Play:
        the logged result is returned and nothing is written, except to the echo if there is one.
        """
        backend = self.backend
        return self._log(data, lambda: len(data) if backend is None else backend.write(data))

    def write_all(self, data: bytes) -> int:
        """As `write`, but waits until the host has taken everything, or fails.

        Record: raises `NotYet` after a moment of waiting; called with the same data again, at the
        same step, it goes on. QEMU: `qemu_chr_fe_write_all`.
        """
        return self._log(data, lambda: self._put_all(data))

    def room(self) -> int:
        """How many bytes `put` may be given: so many writes are certain to be taken."""
        if not self._at.playing():
            return _PLENTY if self.backend is None else self.backend.room()
        if self._ears.exact:
            return 0
        cursor = self._at.cursor
        if self._refusal is None or self._refusal[0] < cursor:
            self._refusal = self._next_refusal(cursor)
        return max(0, self._refusal[1] - self._written)

    def _next_refusal(self, cursor: int) -> tuple[int, int]:
        mine, log = self._device(), self._at.log
        while (found := log.next_of((Kind.CHAR_WRITE,), cursor)) is not None:
            at, event = found
            if event.payload.startswith(mine):
                return at, to_number(event.payload[len(mine) :][:8])
            cursor = at + 1
        return len(log), self._written + _PLENTY

    def put(self, data: bytes) -> None:
        """Guest to host: no more than `room` has said, which may have been in earlier steps. It is
        the same as writes that are taken, of which nothing is logged."""
        if self._at.playing():
            if self._ears.echo is not None:
                self._ears.echo(self.name, data)
        elif self.backend is not None:
            self.backend.put(data)
        self._count(data)

    def _count(self, data: bytes) -> None:
        self._written += len(data)
        self._crc = crc32(data, self._crc)

    def _log(self, data: bytes, put_out: Callable[[], int]) -> int:
        if self._at.playing():
            result = self._take_back(data)
        else:
            result = put_out()
            if result != len(data):
                self._at.append(Kind.CHAR_WRITE, self._mark() + number(result))
        self._count(data)
        return result

    def _put_all(self, data: bytes) -> int:
        if self.backend is None:
            return len(data)
        begun, self._begun, here = self._begun, None, (self._at.step(), data)
        done = begun[2] if begun is not None and begun[:2] == here else 0
        while done < len(data):
            taken = self.backend.write(data[done:])
            if taken in (0, -EAGAIN):
                self._begun = (*here, done)
                with self._at.waiting():
                    self._entrance.wait(_ROOM_SECONDS)
                raise NotYet
            if taken < 0:
                return done or taken
            done += taken
        return done

    def _take_back(self, data: bytes) -> int:
        if self._ears.echo is not None:
            self._ears.echo(self.name, data)
        head, mark = self._at.here(Kind.CHAR_WRITE), self._mark()
        if head is None or not head.payload.startswith(mark):
            return len(data)
        self._at.advance()
        return to_number(head.payload[len(mark) :])

    def _mark(self) -> bytes:
        """How the event of a write begins: the device, and where in its output that is."""
        return self._device() + number(self._written)

    def _device(self) -> bytes:
        return self._at.devices.number(self.name)

    def read_all(self, count: int) -> bytes:
        """Read up to `count` bytes from the host, waiting for them; raises `OSError`.

        Data and errors come from the log in play. Record: raises `NotYet` after a while, and
        whenever something else wants the machine.
        """
        at, device = self._at, self._device()
        if not at.playing():
            try:
                data = self._read_now(count)
            except OSError as error:
                at.append(Kind.CHAR_READ_ALL_ERROR, device + small(error.errno or 0))
                raise
            at.append(Kind.CHAR_READ_ALL, device + data)
            return data
        event = at.take((Kind.CHAR_READ_ALL, Kind.CHAR_READ_ALL_ERROR), "a read")
        if not event.payload.startswith(device):
            raise Divergence(event.step, at.describe(event), f"a read from {self.name}")
        if event.kind is Kind.CHAR_READ_ALL_ERROR:
            errno = to_small(event.payload[1:])
            raise OSError(errno, "the recorded read failed")
        return event.payload[1:]

    def _read_now(self, count: int) -> bytes:
        again = None if self._at.again is None else self._at.again.read(self._device())
        if again is not None and again.kind is Kind.CHAR_READ_ALL_ERROR:
            raise OSError(to_small(again.payload[1:]), "the read failed in the other future")
        if again is not None:
            return again.payload[1:][:count]
        if self._reads is None:
            return b""
        data = self._reads.ask(count)
        if data is None:
            with self._at.waiting():
                self._entrance.wait(_READ_SECONDS)
            data = self._reads.ask(count)
        if data is None:
            raise NoInputYet
        return data

    # the host's side

    def start(self) -> None:
        """Let the backend read."""
        if self.backend is not None:
            self.backend.start(self.be_write)

    def be_write(self, data: bytes) -> None:
        """Host to guest, from any host thread; waits while the guest is far behind."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._queue) < QUEUE_BYTES or self._closed)
            if self._closed:
                return
            self._queue += data
        self._entrance.wake()

    @property
    def is_behind(self) -> bool:
        """`be_write` waits."""
        return len(self._queue) >= QUEUE_BYTES

    def take_back(self) -> bytes:
        """What is queued for the guest, which does not get it; from any thread."""
        with self._changed:
            data = bytes(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        return data

    def close(self) -> None:
        """Let go of host threads, drop what is queued and close the backend."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        if self.backend is not None:
            self.backend.close()

    # while the engine runs

    def lend(self) -> None:
        """Record: what is queued waits at the device, as much as there is room for."""
        assert self.native is not None
        if self._queue:
            with self._changed:
                del self._queue[: self.native.offer(bytes(self._queue[:_LENT_BYTES]))]

    def collect(self) -> None:
        """What has not entered is queued as before."""
        assert self.native is not None
        rest = self.native.rest()
        with self._changed:
            if not self._closed:
                self._queue[:0] = rest
            self._changed.notify_all()

    # `sources.Source`

    @property
    def waiting(self) -> bool:
        return bool(self._queue)

    def offers(self) -> bytes | None:
        room = self._can_receive() if self._queue else 0
        with self._changed:
            return bytes(self._queue[: max(0, room)]) or None

    def fits(self, payload: bytes) -> bytes | None:
        return payload[: max(0, self._can_receive())] or None

    def take(self, payload: bytes) -> bool:
        with self._changed:
            there = self._queue.startswith(payload)  # `take_back` may have come in between
            if there:
                del self._queue[: len(payload)]
            self._changed.notify_all()
        return there

    def deliver(self, payload: bytes) -> None:
        if self._receive is None:
            return
        room = self._can_receive()
        if room < len(payload):
            raise Divergence(
                self._at.step(),
                f"{len(payload)} bytes for {self.name}",
                f"room for {room}",
            )
        self._receive(payload)

    def save(self) -> list[int]:
        return [self._written, self._crc]

    def load(self, state: list[int]) -> None:
        self._written, self._crc = state
        self._refusal = None
