"""Output to pipes, terminals and files, which may take their time: on threads."""

from __future__ import annotations

import atexit
import os
import select
import stat
import sys
import time
from collections.abc import Callable
from errno import EAGAIN, EINTR, ENXIO, EPIPE
from threading import Condition, Thread

QUEUE_BYTES = 1 << 16
"""Output that waits for its reader; what does not fit is refused."""
HOLD_SECONDS = 0.004
"""How long the guest is held up at most while there is no room. Each refusal is an event of the
recording: let there be few of them."""
PROOF_SECONDS = 0.02
"""How long the guest is held up at most to learn whether writing works at all."""
RETRY_SECONDS = 0.01
"""After an error writes fail so long without another attempt."""
PATIENCE_SECONDS = 5.0
"""How long the end waits for a reader that reads nothing."""
HURRIED_SECONDS = 0.5
"""The same when somebody has asked for the end."""
SETTLE_SECONDS = 0.1
"""How long a machine that has stopped lets a reader take what was written, so that what a debugger
prints comes after it."""
_PIPE_PART = 4096
"""A pipe that is said to be writable takes so many bytes at once."""
_FILE_PART = 1 << 16
_POLL_SECONDS = 0.05
_BATCH_SECONDS = 0.001


class Patience:
    """How long the end of a session waits for readers; shared by all its outputs."""

    def __init__(self) -> None:
        self._interrupts = 0
        self._since: float | None = None

    def interrupt(self) -> None:
        """Somebody wants an end: once, and wait less; twice, and wait no more. From any thread."""
        self._interrupts += 1

    @property
    def hurried(self) -> bool:
        """Somebody has asked for the end."""
        return self._interrupts > 0

    def is_over(self, last_progress: float) -> bool:
        """Whether to give a reader up that took something last at `last_progress`.

        That is on the clock `time.monotonic`. Waiting begins when this is first asked.
        """
        now = time.monotonic()
        if self._since is None:
            self._since = now
        if self._interrupts > 1:
            return True
        seconds = HURRIED_SECONDS if self.hurried else PATIENCE_SECONDS
        return now - max(self._since, last_progress) > seconds


class Writer:
    """Writes to a file descriptor on a thread of its own.

    `write` never waits for the reader longer than a moment. An error that comes late is the result
    of the next write; after one, writes are told how they went until one succeeds again.
    """

    def __init__(
        self,
        fd: int,
        name: str,
        patience: Patience,
        *,
        reopen: Callable[[], int] | None = None,
    ) -> None:
        """`name` is for people. `reopen` gives the descriptor later, if `fd` is -1; it raises
        `OSError` with ENXIO as long as nobody reads there."""
        self._fd = fd
        self._name = name
        self._patience = patience
        self._reopen = reopen
        self._changed = Condition()
        self._queue = bytearray()
        self._idle = False
        self._closing = False
        self._proven = False
        """The last thing that was tried went well."""
        self._error = 0
        """What nobody has been told yet."""
        self._failed = 0
        """How the last attempt failed."""
        self._retry_at = 0.0
        self._gone = False
        """Nobody will ever read any more."""
        self._progress = time.monotonic()
        self._thread: Thread | None = None
        self._end = b"\n"
        """The last that was written."""

    # -- the machine's thread ------------------------------------------------------------

    def room(self) -> int:
        """How many bytes `put` may be given: none where the next write may fail."""
        with self._changed:
            sure = self._proven and not (self._gone or self._error or self._failed)
            return max(0, QUEUE_BYTES - len(self._queue)) if sure else 0

    def put(self, data: bytes) -> None:
        """Take bytes that there was `room` for, whatever has happened since."""
        with self._changed:
            self._queue += data
            self._begin()

    def write(self, data: bytes) -> int:
        """How many bytes were taken, or a negative errno: EAGAIN while there is no room."""
        with self._changed:
            if self._gone:
                return -EPIPE
            if len(self._queue) >= QUEUE_BYTES:
                self._changed.wait_for(self._has_news, HOLD_SECONDS)
            if self._error:
                return -self._take_error()
            if self._failed and time.monotonic() < self._retry_at:
                return -self._failed
            part = data[: QUEUE_BYTES - len(self._queue)]
            if not part:
                return -EAGAIN if data else 0
            self._queue += part
            self._begin()
            if not self._proven:
                self._changed.wait_for(lambda: self._error or not self._queue, PROOF_SECONDS)
                if self._error:
                    return -self._take_error()
                # Whoever has not taken it by now is slow: to be held up each time helps nobody.
                self._proven = True
            return len(part)

    def write_all(self, data: bytes) -> int:
        """Write everything, waiting for the reader; 0, or an errno if it cannot be written.

        Not the rest, if the end has been asked for.
        """
        while data and not self._patience.hurried:
            taken = self.write(data)
            if taken < 0 and taken != -EAGAIN:
                return -taken
            data = data[max(0, taken) :]
        return 0

    def settle(self) -> None:
        """Give the reader a moment to take what is there."""
        with self._changed:
            if self._queue:
                self._changed.wait_for(lambda: self._gone or not self._queue, SETTLE_SECONDS)

    def close(self) -> str:
        """Let the reader have what is left, as long as there is patience.

        Returns a sentence if something is lost, else an empty string. That a reader has gone is
        nobody's loss.
        """
        with self._changed:
            while self._queue and not self._patience.is_over(self._progress):
                self._changed.wait(_POLL_SECONDS)
            lost, error = len(self._queue), self._take_error()
            self._closing = True
            self._queue.clear()
            self._changed.notify_all()
        if self._thread is not None:
            # It may be inside a write that never ends; the process then ends without it.
            self._thread.join(timeout=2 * _POLL_SECONDS)
        if lost:
            return f"{self._name} was not read: the last {lost} bytes of output are lost"
        if error and not self._gone:
            return f"{self._name} could not be written: {os.strerror(error)}"
        return ""

    def close_file(self) -> None:
        """After `close`: close the descriptor, too, unless the thread is still inside a write."""
        if self._fd >= 0 and (self._thread is None or not self._thread.is_alive()):
            os.close(self._fd)
            self._fd = -1

    def end_line(self) -> bool:
        """Whether the last line that was written has no end; it counts as ended from now on."""
        with self._changed:
            # Some end a line with CR LF, some with LF CR.
            begun = not self._end.rstrip(b"\r\0").endswith(b"\n")
            self._end = b"\n"
        return begun

    def _has_news(self) -> bool:
        return self._error != 0 or self._gone or len(self._queue) < QUEUE_BYTES

    def _take_error(self) -> int:
        error, self._error = self._error, 0
        return error

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="ttd-writer", daemon=True)
            self._thread.start()
        elif self._idle:
            self._changed.notify_all()

    # -- the thread ----------------------------------------------------------------------

    def _run(self) -> None:
        part = None
        while True:
            with self._changed:
                while not self._queue and not self._closing:
                    self._idle = True
                    self._changed.wait()
                self._idle = False
                if self._closing:
                    return
            if self._fd < 0:
                self._open()
                continue
            if part is None:
                regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
                part = _FILE_PART if regular else _PIPE_PART
            with self._changed:
                data = bytes(self._queue[:part])
            if self._try(data) and len(data) < part:
                # A guest that prints character by character is not written character by character.
                time.sleep(_BATCH_SECONDS)

    def _open(self) -> None:
        assert self._reopen is not None
        try:
            self._fd = self._reopen()
        except OSError as error:
            if error.errno != ENXIO:
                self._give_up(error)
                return
            with self._changed:
                self._changed.wait_for(lambda: self._closing, _POLL_SECONDS)

    def _try(self, data: bytes) -> bool:
        """Write what the reader takes; False if nothing could be written."""
        try:
            if not self._writable() or not data:
                return False
            count = os.write(self._fd, data)
        except OSError as error:
            if error.errno not in (EAGAIN, EINTR):
                self._give_up(error)
            return False
        with self._changed:
            self._end = (self._end + data[:count])[-4:]
            del self._queue[:count]
            self._proven = True
            self._failed = 0
            self._progress = time.monotonic()
            self._changed.notify_all()
        return True

    def _writable(self) -> bool:
        """Wait a little until the descriptor takes something."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        return bool(poll.poll(_POLL_SECONDS * 1000))

    def _give_up(self, error: OSError) -> None:
        with self._changed:
            self._queue.clear()
            self._proven = False
            self._error = self._failed = error.errno or EPIPE
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._gone = self._error == EPIPE
            self._changed.notify_all()


class Outputs:
    """The host outputs of one session."""

    def __init__(self, say: Callable[[str], None] = lambda text: None) -> None:
        """`say` is told in a sentence what is lost."""
        self.patience = Patience()
        self.lost = False
        """Something has been lost, and that was said."""
        self._say = say
        self._standard: Writer | None = None

    def standard(self) -> Writer:
        """Standard output, on which everything keeps its order, whoever writes."""
        if self._standard is None:
            fd = sys.__stdout__.fileno() if sys.__stdout__ is not None else 1
            self._standard = self.open(fd, "standard output")
            # However this process ends, the guest has written that.
            atexit.register(self.close, self._standard)
        return self._standard

    def settle(self) -> None:
        """The machine stops: what it has written to standard output should be seen by now."""
        if self._standard is not None:
            self._standard.settle()

    def end_line(self) -> bool:
        """`Writer.end_line` of standard output."""
        return self._standard is not None and self._standard.end_line()

    def open(self, fd: int, name: str, *, reopen: Callable[[], int] | None = None) -> Writer:
        """A writer; see there."""
        return Writer(fd, name, self.patience, reopen=reopen)

    def close(self, writer: Writer) -> None:
        """Close a writer, and say what is lost; once more, and nothing happens."""
        if sentence := writer.close():
            self.lost = True
            self._say(sentence)
