"""What is written into a machine, until it is known what for."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ttd.history.place import Place
from ttd.state import State
from ttd.stops import Stop, whole
from ttd.values import dataclass

if TYPE_CHECKING:  # a debugger's side knows what a trial is, and not what machines are made of
    from ttd.history.branches import Branches
    from ttd.machine import Machine
    from ttd.snapshot import Snapshots


class Write(NamedTuple):
    """What was written, into memory or a register."""

    where: int | str
    what: bytes | int


@dataclass(slots=True)
class Trial:
    """A branch that was begun by writes, and may be dropped again: where, and what was there."""

    origin: Place
    reason: str
    """Of its first write."""
    live: bool
    """There the recording goes on."""
    contents: object
    """Of memory and devices, to be compared."""
    registers: list[list[int]]
    """As they were, and after each write, in the order of `Cpu.registers`."""
    writes: list[Write] = field(default_factory=list)
    """Before anything has run."""
    has_run: bool = False


class Mover(Protocol):
    """What moves the machine (`Timeline`), as far as trials need it."""

    @property
    def place(self) -> Place: ...

    def go_to(self, place: Place) -> Stop: ...

    def begin_branch(self, reason: str) -> None:
        """Go on from here as a branch that is in no file."""
        ...

    def keep_branch(self, step: int) -> None:
        """Put it into the file, and say so; it began at `step`."""
        ...

    def changed(self) -> None:
        """The machine has another state at this very position."""
        ...


class Trials:
    """What is written in the past is the beginning of another future, and what a debugger writes
    before it calls a function is not meant to last."""

    def __init__(
        self, machine: Machine, snapshots: Snapshots, branches: Branches, mover: Mover
    ) -> None:
        self._machine = machine
        self._snapshots = snapshots
        self._branches = branches
        self._mover = mover
        self.present: Trial | None = None

    def write(self, write: Write, reason: str) -> None:
        """Write, on trial; `reason`: of the branch, if one begins with it."""
        trial = self.present
        if trial is None or (trial.has_run and not self._machine.records):
            trial = self._begin(reason)
        self._make(write)
        if not trial.has_run:
            trial.writes.append(write)
            trial.registers.append(self._registers())

    def changed(self) -> None:
        """The machine has another state at this very position, which nothing was written for."""
        self._mover.changed()

    def ran(self) -> None:
        """The machine has gone on from where it was written into."""
        if self.present is not None:
            self.present.has_run = True

    def tries_nothing(self) -> bool:
        """What is on trial is as it was before: nothing has run, and nothing is changed."""
        trial = self.present
        return (
            trial is not None
            and not trial.has_run
            and self._registers() == trial.registers[0]
            and self._contents() == trial.contents
        )

    def keep(self, reason: str = "") -> None:
        """If something is on trial, it is meant; `reason`: a better one for its branch."""
        trial = self._end()
        if trial is None:
            return
        if trial.live and not trial.has_run:
            self._return_from(trial)
            for write in trial.writes:
                self._make(write)
            return
        if reason:
            self._branches.explain(reason)
        self._mover.keep_branch(trial.origin.step)

    def drop(self, kept: int = 0) -> None:
        """Be where the trial began, with the first so many of its writes, which are on trial."""
        trial = self._end()
        if trial is None:
            return
        self._return_from(trial)
        for write in trial.writes[:kept]:
            self.write(write, trial.reason)

    def _make(self, write: Write) -> None:
        match write:
            case (int(address), bytes(data)):
                self._machine.write_memory(address, data)
            case (str(name), int(value)):
                self._machine.write_register(name, value)
        self._mover.changed()

    def _begin(self, reason: str) -> Trial:
        self.keep()
        mover, replay = self._mover, self._machine.replay
        trial = Trial(
            mover.place, reason, self._machine.records, self._contents(), [self._registers()]
        )
        replay.hold_input(True)
        try:
            mover.begin_branch(reason)
        except BaseException:
            replay.hold_input(False)
            raise
        self.present = trial
        return trial

    def _end(self) -> Trial | None:
        trial, self.present = self.present, None
        if trial is not None:
            self._machine.replay.hold_input(False)
        return trial

    def _return_from(self, trial: Trial) -> None:
        made = self._branches.present
        whole(lambda: self._mover.go_to(trial.origin))
        self._branches.discard(made.id)

    def _registers(self) -> list[int]:
        cpu = self._machine.cpu
        return cpu.read_registers(tuple(register.name for register in cpu.registers))

    def _contents(self) -> tuple[int, State]:
        """A sum over all memory, and the state of everything else but registers and the log."""
        snapshot = self._snapshots.capture()
        return snapshot.table.total, snapshot.state | {"replay": None}
