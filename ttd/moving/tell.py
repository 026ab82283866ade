"""What is said of a movement that has ended."""

from __future__ import annotations

from ttd.engine import Access
from ttd.engine.types import WatchHit
from ttd.history.branches import Branches
from ttd.history.unattended import Unattended
from ttd.moving.legs import Legs
from ttd.stops import Breakpoint, Stop, Watchpoint, Why

_AT_REST = (Why.INTERRUPTED, Why.ASLEEP)
_WAITS = "The guest waits for input that nobody gives; 'monitor input DEVICE TEXT' gives it."


class Teller:
    """Makes `Stop`s of where the machine stands."""

    def __init__(self, legs: Legs, branches: Branches) -> None:
        self._legs = legs
        self._branches = branches
        self._unattended = Unattended(legs.machine)

    def be_unattended(self) -> None:
        """Nobody gives the machine input: a movement ends where it waits for that."""
        self._legs.machine.onlooker = self._unattended

    def stop(
        self,
        why: Why,
        watch: WatchHit | None = None,
        watchpoint: Watchpoint | None = None,
        breakpoint_: Breakpoint | None = None,
        note: str = "",
    ) -> Stop:
        """A movement has ended here; an interruption that has ended it is answered."""
        legs = self._legs
        machine = legs.machine
        # In a live recording history reaches at least to here, input that comes later is later.
        machine.replay.note_position()
        if why is Why.INTERRUPTED:
            legs.interruption.answer()
            if self._unattended.take():
                why = Why.ASLEEP
        if why is Why.HISTORY_END:
            note = self.end_note if machine.ended is None else machine.ended.reason
        elif why is Why.ASLEEP and not machine.suspended:
            note = _WAITS
        elif why in _AT_REST and machine.suspended and machine.records:
            note = "The machine is suspended, until 'monitor system_wakeup'."
        elif watch is not None and watch.by:
            verb = "Read" if watch.kind is Access.READ else "Written"
            note = f"{verb} by {watch.by}."
        complaints = legs.snapshots.complaints
        if complaints:
            note = " ".join([*complaints, note]).strip()
            complaints.clear()
        return Stop(why, legs.position, machine.engine.pc, watch, watchpoint, breakpoint_, note)

    @property
    def end_note(self) -> str:
        """Why a history that is only read goes no further."""
        status = self._branches.recording.status
        if self._legs.machine.replay.live:
            return ""
        if status.complete:
            return status.reason
        return f"the recording was cut off here, at step {status.steps}"
