"""How far a recording has come: what is committed when, so that a killed recorder loses little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event as Flag
from threading import Lock, Thread

from ttd.recording.errors import RecordingError
from ttd.recording.events import Event, Kind
from ttd.recording.index import Status
from ttd.recording.recording import Recording
from ttd.replay.errors import Divergence
from ttd.replay.log_cursor import LogCursor
from ttd.text import printable

COMMIT_SECONDS = 0.1
"""Between two commits, while there is something new."""


class Commits:
    """The recording behind a log, if there is one, and the clock that says when to commit.

    A commit is a *cut*: so many events, and the position up to which they are the whole history.
    Only the machine's thread can name one. While it works, the clock asks it to come by
    (`wanted`); while it *rests* at a position, waiting for somebody, the clock commits by itself.
    """

    def __init__(self, at: LogCursor) -> None:
        self._at = at
        self.recording: Recording | None = None
        self.wanted = False
        """A commit is due, and the machine's thread has to make it."""
        self._lock = Lock()
        self._resting = False
        self._cut = (-1, 0, 0, b"")
        """Events, step, sum of idle warps, and a hash of the events."""
        self._committed = self._cut
        self._over = Flag()
        self._thread: Thread | None = None

    def start(self, on_due: Callable[[], None]) -> None:
        """Begin to commit in time. `on_due` is called from a thread: a running machine is wanted
        at a checkpoint soon."""
        self._over.clear()
        if self._thread is None and self.recording is not None and self._at.live:
            self._thread = Thread(
                target=self._watch, args=(on_due,), name="ttd-commits", daemon=True
            )
            self._thread.start()

    def turn_to(self, recording: Recording) -> None:
        """From now on commit to this one, on whose line of history the machine is; all there is
        of the other one's has been committed."""
        with self._lock:
            self.recording = recording
            self._cut = self._committed = (-1, 0, 0, b"")

    def stop(self) -> None:
        """Commit only when asked to from here on."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._over.set()
            thread.join()

    def _watch(self, on_due: Callable[[], None]) -> None:
        while not self._over.wait(COMMIT_SECONDS):
            with self._lock:
                resting = self._resting
                if resting:
                    # What cannot be written is said by the next use of the recording.
                    with suppress(RecordingError):
                        self._commit_cut()
                else:
                    self.wanted = True
            if not resting:
                on_due()

    def commit(self) -> None:
        """Commit everything recorded so far, and how far that is."""
        self.wanted = False
        if self.recording is not None and self._at.live:
            self._take_cut()
            self._commit_cut()

    def rest(self) -> None:
        """The machine's thread is at a position, and does nothing for a while."""
        if self._thread is not None and self._at.live:
            self._take_cut()
            with self._lock:
                self._resting = True

    def stir(self) -> None:
        """It goes on."""
        if self._thread is not None:
            with self._lock:
                self._resting = False

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Inside, the machine's thread waits for the host, in the middle of a step.

        In one step it may do so again: what the log has got since the first time is not history
        that can be cut off there.
        """
        if self._thread is not None and self._at.live:
            if self._cut[1] != self._at.step():
                self._take_cut()
            with self._lock:
                self._resting = True
        try:
            yield
        finally:
            self.stir()

    def _take_cut(self) -> None:
        at = self._at
        at.note_frontier()
        self._cut = (len(at.log), *at.frontier, at.recorded)

    def _commit_cut(self) -> None:
        recording = self.recording
        if recording is None or self._cut == self._committed:
            return
        self._committed = self._cut
        events, step, warp, log = self._cut
        recording.commit(step, step * recording.config.clock_ns + warp, warp, events, log)

    def finish(self, reason: str, exit_code: int | None, state_hash: bytes | None) -> None:
        """End a recording that is being made."""
        self.stop()
        at = self._at
        if self.recording is not None and at.live:
            at.note_frontier()
            reason = printable(reason)
            at.log.append(Event(at.frontier[0], Kind.END, reason.encode()))
            self.commit()
            self.recording.finish(reason, exit_code, state_hash)

    def check_end(self, state_hash: bytes, ended: tuple[str | None, int | None] | None) -> None:
        """Play: `Divergence` unless the end is the recorded one: the mark, the state, and why; and
        all events. Of a recording that was cut off only these are known."""
        if self.recording is None or self._at.live:
            return
        status = self.recording.status
        if status.complete:
            self._check_said(status, state_hash, ended)
        self._check_seal(status)

    def _check_said(
        self, status: Status, state_hash: bytes, ended: tuple[str | None, int | None] | None
    ) -> None:
        at = self._at
        step, recorded = at.step(), status.state_hash
        if recorded is not None and recorded != state_hash:
            raise Divergence(step, f"final state {recorded.hex()}", f"state {state_hash.hex()}")
        said = f"the end ({status.reason}, exit code {status.exit_code})"
        end = at.here(Kind.END)
        if end is None or end.payload != status.reason.encode():
            text = "no end" if end is None else end.payload.decode(errors="replace")
            raise Divergence(step, said, f"{text} in the log")
        if ended is None:
            return
        if ended[0] is None:
            ended = (status.reason, None)
        if ended != (status.reason, status.exit_code):
            raise Divergence(step, said, f"the end ({ended[0]}, exit code {ended[1]})")

    def _check_seal(self, status: Status) -> None:
        """`Divergence` unless the events, and what is said of the end, are those that were
        recorded."""
        at = self._at
        log = at.digest
        if not status.complete:
            # A recorder that was killed may have begun the next step.
            log = at.log.fold(log, at.cursor, len(at.log))
        if status.seal != status.sealed(log):
            raise Divergence(at.step(), "the events and the end that were recorded", "others")
