"""What a debugger front end may ask of a timeline, and what it is told where that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Protocol

from ttd.cpu.base import Cpu
from ttd.devices.base import View
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.history.trials import Trial
from ttd.images import Image
from ttd.printed import Line
from ttd.recording.index import Branch
from ttd.recording.remarks import Bookmark
from ttd.replay.again import Change
from ttd.space import Span
from ttd.stops import Stop, Stops

OnProgress = Callable[[float, str], None]
"""Called now and then during long work: fraction done (0..1) and a few words."""


class SystemRequest(Enum):
    """What a debugger may ask of a machine that records."""

    RESET = "reset"
    SUSPEND = "suspend"
    WAKE_UP = "wake up"
    SHUTDOWN = "shutdown"


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

    @property
    def images(self) -> Sequence[Image]:
        """What was loaded into the machine."""
        ...

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

    @property
    def trial(self) -> Trial | None:
        """What has been written is on trial: a branch that is in no file yet, and that nothing from
        outside enters."""
        ...

    def keep_trial(self, reason: str = "") -> None:
        """If something is on trial, it is meant: a branch, which `notes` speaks of and for which
        there may be a better `reason`; or, where the recording goes on and nothing has run since,
        a part of that."""
        ...

    def drop_trial(self, kept: int = 0) -> None:
        """Be where the trial began, as if nothing had been but the first so many of its writes,
        which are on trial then."""
        ...

    def tries_nothing(self) -> bool:
        """What is on trial is as it was before: nothing has run, and nothing is changed."""
        ...

    def seek(self, step: int) -> Stop: ...
    def step_forward(self, count: int = 1) -> Stop: ...
    def step_backward(self, count: int = 1) -> Stop: ...
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

    def read_memory(self, address: int, size: int) -> bytes:
        """Guest memory and device registers (without side effects), as the CPU addresses them.

        Shorter than `size` if the rest is not there; raises `TimelineError` if nothing is.
        """
        ...

    def views(self) -> Sequence[View]:
        """Pictures of devices in text, of the present position."""
        ...

    def read_physical(self, address: int, size: int) -> bytes:
        """As `read_memory`, by physical addresses."""
        ...

    def write_memory(self, address: int, data: bytes) -> None:
        """An event of the recording; in the past it begins a branch."""
        ...

    def write_register(self, name: str, value: int) -> None: ...
    def request(self, what: SystemRequest) -> None:
        """Served by the next movement; `PastIsReadOnly` in the past."""
        ...

    def give_input(self, device: str, data: bytes) -> None:
        """Let a character device get this, as if somebody had typed it, or an input device
        `press KEY` or `release KEY`. `PastIsReadOnly` in the past; a `UserError` if there is no
        such device, or it has enough already."""
        ...

    def printed(self, text: str, count: int) -> list[Line]:
        """The latest lines with `text` in them that the guest has printed by now, the latest first.

        If there are none, those that it prints later; the latest first, too. `TimelineError` if
        `interrupt` ends the search.
        """
        ...

    def back_to_printed(self, text: str) -> Stop:
        """Go to the step before the present that printed the last character of `text` last.

        STEPS, with a note, if there is none.
        """
        ...

    def memory_map(self) -> list[tuple[str, int, int]]:
        """(kind, start, length), kind `ram` or `rom`, for GDB's memory map; empty: it is unknown.

        These are the CPU's addresses, which say nothing where software maps memory.
        """
        ...

    def span_at(self, address: int) -> Span:
        """What is at an address below 2^64 of the CPU's, and as far as the same is beside it."""
        ...

    def mapped(self) -> Iterator[Span]:
        """All that can be accessed, as `AddressSpace.mapped` has it."""
        ...

    def reset(self) -> Stop:
        """Go to the first position."""
        ...


class TimelineError(UserError):
    """A request that cannot be met; the text is one sentence for people."""


class PastIsReadOnly(TimelineError):
    """What only a machine that records can do was asked for elsewhere."""
