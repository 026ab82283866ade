"""What a debugger front end may ask of a timeline, and what it is told where that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ttd.cpu.base import Cpu
from ttd.history.place import Place
from ttd.history.trials import Trial
from ttd.printed import Line
from ttd.probe_api import ProbeApi
from ttd.recording.index import Branch
from ttd.recording.remarks import Bookmark
from ttd.replay.again import Change
from ttd.stops import Stop, Stops

OnProgress = Callable[[float, str], None]
"""Called now and then during long work: fraction done (0..1) and a few words."""


class BranchesApi(Protocol):
    """The lines of history that there are."""

    @property
    def present(self) -> Branch:
        """The one on which the machine is."""
        ...

    @property
    def all(self) -> list[Branch]:
        """All, in the order in which they were made; a parent comes before its branches."""
        ...

    def grows(self, number: int) -> bool:
        """It goes on being recorded where it ends."""
        ...

    def named(self, name: str) -> Branch:
        """By name or number; a `UserError` if there is none."""
        ...

    def now(self, place: Place) -> Place | None:
        """The same place, if its branch has got another number since; None if that is gone."""
        ...

    def explain(self, reason: str) -> None:
        """Say why there is the present one."""
        ...

    def rename(self, number: int, name: str) -> None:
        """A `UserError` if that is no name, or taken."""
        ...

    def discard(self, number: int) -> None:
        """Forget a branch on which the machine is not; a `UserError` if others come from it."""
        ...


class BookmarksApi(Protocol):
    """Names for places, kept in the recording."""

    @property
    def all(self) -> dict[str, Bookmark]:
        """By name."""
        ...

    def set(self, name: str, place: Place, note: str = "") -> None:
        """Call a place by a name; a `UserError` if that cannot be."""
        ...

    def delete(self, name: str) -> None:
        """Forget one; a `UserError` if there is none of that name."""
        ...


class TrialsApi(Protocol):
    """What has been written, and is a branch in no file until it is known what it was for."""

    @property
    def present(self) -> Trial | None:
        """What is on trial; nothing from outside enters meanwhile."""
        ...

    def keep(self, reason: str = "") -> None:
        """If something is on trial, it is meant: a branch, which `notes` speaks of and for which
        there may be a better `reason`; or, where the recording goes on and nothing has run since,
        a part of that."""
        ...

    def drop(self, kept: int = 0) -> None:
        """Be where the trial began, as if nothing had been but the first so many of its writes,
        which are on trial then."""
        ...

    def tries_nothing(self) -> bool:
        """What is on trial is as it was before: nothing has run, and nothing is changed."""
        ...


class OutputApi(Protocol):
    """What the guest has printed."""

    def lines(self, text: str, count: int) -> list[Line]:
        """The latest lines with `text` in them that have been printed by now, the latest first.

        If there are none, those that are printed later; the latest first, too. `TimelineError` if
        `interrupt` ends the search.
        """
        ...


class TimelineApi(Protocol):
    """What a debugger front end may ask for. All positions are steps.

    Everything but `interrupt` is called on one thread.
    """

    @property
    def position(self) -> int: ...
    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int:
        """Last position of the history known so far; it grows while a live machine records."""
        ...

    @property
    def live(self) -> bool:
        """True when running forward at the end of history goes on recording."""
        ...

    @property
    def cpu(self) -> Cpu: ...
    @property
    def virtual_ns(self) -> int: ...

    progress: OnProgress | None
    notes: list[str]
    """Sentences that the user is to be shown; who shows them takes them out."""

    @property
    def place(self) -> Place:
        """The position, and the branch on which it is."""
        ...

    @property
    def branches(self) -> BranchesApi: ...
    @property
    def bookmarks(self) -> BookmarksApi: ...
    @property
    def trials(self) -> TrialsApi: ...
    @property
    def probe(self) -> ProbeApi:
        """The machine where it stands."""
        ...

    @property
    def output(self) -> OutputApi: ...
    def go_to(self, place: Place) -> Stop:
        """As `seek`, on whatever branch."""
        ...

    def branch_off(
        self, reason: str, name: str = "", changes: Mapping[int, Change] | None = None
    ) -> Branch:
        """Go on from here as a new branch, which is recorded; what was to come stays on this one.
        What came from outside comes again, but for `changes` to some of it, by the numbers of its
        events.

        A `UserError` where that cannot be.
        """
        ...

    def seek(self, step: int) -> Stop: ...
    def step_forward(self, count: int = 1) -> Stop: ...
    def step_backward(self, count: int = 1) -> Stop: ...
    def step_backward_within(self, code: range, stops: Stops) -> Stop:
        """A step backward, and on for as long as PC stays in `code`, in which it is, and none of
        the watchpoints of `stops` hits; breakpoints in `code` do not count."""
        ...

    def run_forward(self, stops: Stops, until: int | None = None, *, here: bool = False) -> Stop:
        """To the next hit strictly after the present; `here`: or to one at the present."""
        ...

    def run_backward(self, stops: Stops, until: int | None = None) -> Stop:
        """To the latest hit strictly before the present."""
        ...

    def range_step(self, start: int, end: int, stops: Stops) -> Stop:
        """Step forward while PC is in [start, end)."""
        ...

    def find_pc(self, address: int) -> Stop:
        """Go to the next position of the known history at which PC is `address`: BREAKPOINT.

        HISTORY_END if there is none, wherever the machine is then.
        """
        ...

    def interrupt(self) -> None:
        """End the movement that is under way, soon; from any thread."""
        ...

    def back_to_printed(self, text: str) -> Stop:
        """Go to the step before the present that printed the last character of `text` last.

        STEPS, with a note, if there is none.
        """
        ...

    def reset(self) -> Stop:
        """Go to the first position."""
        ...
