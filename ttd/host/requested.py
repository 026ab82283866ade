"""What is to be recorded, as the command line or a program asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ttd.boards.base import Board
from ttd.errors import UserError
from ttd.host.additions import Additions
from ttd.host.net import open_networks
from ttd.images import Load
from ttd.recorded import RecordOptions
from ttd.values import dataclass


def program_name(loads: Sequence[Load]) -> str:
    """The name of the file that stands for the guest."""
    programs = [load for load in loads if load.role in ("image", "kernel", "load")]
    return Path((programs or loads)[0].image.path).name


@dataclass(frozen=True, slots=True)
class Requested:
    """A machine, what is added to it, and how it is to run."""

    board: Board
    loads: Sequence[Load]
    added: Additions
    made: Mapping[str, str]
    """How, by whom and when, for the recording."""
    clock: int | None = None
    semihosting: bool = False
    netdevs: Sequence[str] = ()
    nic: str | None = None
    realtime: bool = False
    exact_interrupts: bool = False

    def options(self, say: Callable[[str], None]) -> RecordOptions:
        """For `RecordedMachine.record`; the networks are open then, and among what is added.

        `say` is told what a person must know to connect. A `UserError` says what cannot be.
        """
        added = self.added
        networks, added.nets = open_networks(
            self.board, self.netdevs, self.nic, added.taken, say=say
        )
        options = RecordOptions(
            self.board,
            self.loads,
            self.clock or self.board.ns_per_step,
            self.semihosting,
            program_name(self.loads),
            extras=added.extras,
            drives=added.drives,
            networks=networks,
            realtime=self.realtime,
            exact_interrupts=self.exact_interrupts,
            made=self.made,
        )
        try:
            options.check()
        except UserError:
            for backend in added.nets.values():
                backend.close()
            raise
        return options
