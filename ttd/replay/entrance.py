"""Where input enters the machine: at checkpoints, on the machine's own thread, at an exact step."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable

from ttd.recording.errors import RecordingError
from ttd.recording.events import Kind, to_number
from ttd.replay.again import INPUT, Again
from ttd.replay.devices import WITH_DEVICE
from ttd.replay.errors import Divergence, ReplayError
from ttd.replay.log_cursor import ASYNC, REQUESTS, LogCursor
from ttd.replay.sources import Source
from ttd.state import State

_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, struct.error)
"""What comes of a payload that has another form than those that are recorded."""


class Entrance:
    """All sources of input. `wake` may be called from any thread, the rest from the machine's."""

    def __init__(self, at: LogCursor) -> None:
        self.at = at
        self.enabled = False
        """Whether events are let in."""
        self.on_wake: Callable[[], None] | None = None
        """Called when there is input."""
        self.before_input: list[Callable[[], None]] = []
        """Record: called before the sources are asked."""
        self.on_entered: Callable[[], None] = lambda: None
        """Called after each thing that has entered, so that it does not matter which of those of
        a step entered together."""
        self.lets_in: Callable[[], bool] = lambda: True
        """Record: false where no input may enter, but requests."""
        self._sources: dict[tuple[Kind, str], Source] = {}
        self._wake = threading.Event()
        self._input = False
        self._delivering = False

    # --- the sources

    def add(self, kind: Kind, source: Source, name: str = "") -> None:
        """An origin of events of `kind`, for the device `name` if they belong to one."""
        if (kind, name) in self._sources:
            raise ReplayError(f"the device {name} is registered twice")
        if kind in WITH_DEVICE:
            self.at.devices.add(name)
        self._sources[kind, name] = source

    def save(self) -> State:
        """The devices' part of the machine's state."""
        return {
            f"{kind.name} {name}": source.save()
            for (kind, name), source in self._sources.items()
            if name
        }

    def load(self, state: State) -> None:
        """Inverse of `save`."""
        self._input = True
        for (kind, name), source in self._sources.items():
            if name:
                source.load(state[f"{kind.name} {name}"])

    @property
    def holds_input(self) -> bool:
        """Record: there is input that could not enter at the last checkpoint, or has come since."""
        return self._input and not self.at.playing()

    # --- waiting

    def wake(self) -> None:
        """There is input: end a `wait` that is under way."""
        self._input = True
        self._wake.set()
        self.call()

    def call(self) -> None:
        """A machine that runs is wanted at a checkpoint soon; a `wait` goes on. Any thread."""
        if self.on_wake is not None:
            self.on_wake()

    def come_back(self) -> None:
        """There is input, made by the machine itself, which is not in a `wait` now."""
        self._input = True
        self.call()

    def wait(self, timeout: float) -> bool:
        """Sleep until `wake` is called, `timeout` seconds at most; True if woken."""
        return self._wake.wait(timeout)

    # --- letting in

    def flush(self, *, known: bool = False) -> None:
        """Let in what can enter here: what the host has in record, what the log has in play.

        `known`: in play only what the log has, also where a live recording catches up.
        """
        if not self.enabled or self._delivering:
            return
        self._delivering = True
        at = self.at
        try:
            if at.playing():
                # With the last of it a live recording has caught up, at a position that somebody
                # has seen: more enters when the machine goes on from there.
                more = at.head is None and not known
                step = at.step()
                at.check_passed(step)
                self._deliver_logged(step)
                at.settled()
                if not more or at.playing():
                    return
            if self._input:
                self._drain()
            if at.again is not None and not at.held:
                self._take_again(at.again)
        finally:
            self._delivering = False

    def _take_again(self, again: Again) -> None:
        """Record, on a branch: let in what came in the other future by now, as far as its devices
        can take it; of each in its order."""
        at = self.at
        full = set()
        for event in again.due(at.step(), at.warp_ns()):
            name, payload = at.devices.split(event)
            source, device = self._sources[event.kind, name], at.devices.number(name)
            rest: bytes | None = payload
            while rest is not None and name not in full:
                part = source.fits(rest) if self.lets_in() else None
                if part is None:
                    full.add(name)
                    self._input = True
                    break
                at.append_input(event.kind, device + part)
                self._deliver(source, part)
                rest = rest[len(part) :] or None
            again.taken(event, None if rest is None else device + rest)

    def hurry(self) -> bool:
        """Record: nothing will happen until there is input. On a branch: let the next come that
        came later in the other future; False if there is none."""
        found = self.at.again is not None and not self.at.held and self.at.again.hurry()
        self._input |= found
        return found

    def hold(self, held: bool) -> None:
        """Record: let nothing in from outside for now; it waits. Or go on with it."""
        self.at.held = held
        self._input = True

    def enter(self, kind: Kind, payload: bytes, name: str = "") -> None:
        """Record: log an event, here, and let it in."""
        source = self._sources[kind, name]
        if not source.take(payload):
            return
        logged = self.at.devices.number(name) + payload if name else payload
        self.at.append_input(kind, logged)
        self._deliver(source, payload)

    def change(self, kind: Kind, payload: bytes) -> None:
        """As `enter`, but also the position itself becomes another, for those who have seen it."""
        self.at.append(kind, payload)
        self._deliver(self._sources[kind, ""], payload)

    def _deliver(self, source: Source, payload: bytes) -> None:
        source.deliver(payload)
        self.on_entered()

    def _drain(self) -> None:
        """Record: let in everything that the host has and the devices can take."""
        self._wake.clear()
        self._input = False
        for prepare in self.before_input:
            prepare()
        all_of_it = self.lets_in()
        entered = True
        while entered:
            # Again, because one delivery may make room for another: the end of a group of input
            # events lets in the next group.
            entered = False
            for (kind, name), source in self._sources.items():
                if not all_of_it and kind not in REQUESTS:
                    continue
                if self.at.held and kind in INPUT:
                    continue
                while (payload := source.offers()) is not None:
                    self.enter(kind, payload, name)
                    entered = True
        for source in self._sources.values():
            if source.waiting:
                self._input = True

    def _deliver_logged(self, step: int) -> None:
        """Play: let in what the log has at this step."""
        at = self.at
        while (head := at.head) is not None and head.step == step:
            kind = head.kind
            if kind is Kind.WARP:
                target, warp = to_number(head.payload), at.warp_ns()
                if warp > target:
                    raise Divergence(step, f"an idle warp to {target} ns", f"{warp} ns")
                if warp < target:
                    return
                at.advance()
                continue
            if kind not in ASYNC:
                return
            name, payload = at.devices.split(head)
            source = self._sources.get((kind, name))
            if source is None:
                raise RecordingError(f"the recording has {at.describe(head)}, for no device")
            if kind is Kind.BH and source.offers() != payload:
                raise Divergence(step, at.describe(head), "that it is not pending")
            at.advance()
            try:
                self._deliver(source, payload)
            except _UNREADABLE as error:
                what = at.describe(head)
                raise RecordingError(f"the recording is damaged: {what} says nothing") from error
