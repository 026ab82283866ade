"""What a run can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from ttd.debugger.places import step_here
from ttd.history.named_place import Place
from ttd.history.place import Place as Position
from ttd.questions.accesses import Access, following, last, reads, writes
from ttd.questions.calls import Call, calls
from ttd.questions.coverage import Covered, coverage
from ttd.questions.diff import Difference, diff
from ttd.questions.executed import Ran, executed
from ttd.questions.find import Found, find
from ttd.questions.irqs import Entry, irqs
from ttd.questions.origin import Origin, origin
from ttd.questions.output import Shown, output
from ttd.questions.past import Past, Stretch
from ttd.questions.profile import SAMPLES, Share, profile
from ttd.questions.stack_depth import Depth, stack_depth
from ttd.questions.values import Value, values

Where = Place | int | str


class Questions:
    """Questions about the present branch of a run, which stays where it is; a place on another one
    is a `UserError`, but for `diff`.

    Where a question takes `begin` and `end`, its rows are of steps from one to before the other:
    of all that is known of the branch, unless said otherwise. `limit`: so many rows at most;
    `backward`: the latest first. A row's `place` is just before what it tells of, and its text
    begins with that.
    """

    def __init__(
        self,
        past: Callable[[], Past],
        find: Callable[[Where, str], Position],
        working: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`find`: which place is meant, for the argument of that name; `working`: around what takes
        its time."""
        self._past = past
        self._find = find
        self._working = working

    def last(
        self, what: str | int, *, at: Where | None = None, changes: bool = False
    ) -> Access | None:
        """The last write of it before the present place, or before `at`; None if there was none.
        Of a register the last change.

        `what`: an expression of C (`"counter"`, `"p->next"`, `"*pointer"`), an address (of a word),
        `"0x20000000:16"`, `"phys:0x80001000"`, a register (`"$r0"`, `"xpsr.Z"`), or one of a device
        (`"UART0.STATE"`), or some bits (`"$r0[7:4]"`). `changes`: only writes of another value than
        what was there.
        """
        with self._asked(at=at) as (past, stretch):
            return next(iter(last(past, stretch, _text(what), changes=changes)), None)

    def next(
        self, what: str | int, *, at: Where | None = None, changes: bool = False
    ) -> Access | None:
        """As `last`, the other way."""
        with self._asked(at=at) as (past, stretch):
            return next(iter(following(past, stretch, _text(what), changes=changes)), None)

    def writes(
        self,
        what: str | int,
        *,
        changes: bool = False,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Access]:
        """All writes of it, in order; of a register all changes."""
        with self._asked(begin, end, limit, backward) as (past, stretch):
            return writes(past, stretch, _text(what), changes=changes)

    def reads(
        self,
        what: str | int,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Access]:
        """All reads of it, in order."""
        with self._asked(begin, end, limit, backward) as (past, stretch):
            return reads(past, stretch, _text(what))

    def executed(
        self,
        where: str | int,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Ran]:
        """When the first instruction of a function, or of a line (`"main.c:12"`), or the one at an
        address, or any of those in a range `"0x100-0x200"` ran."""
        with self._asked(begin, end, limit, backward) as (past, stretch):
            return executed(past, stretch, _text(where))

    def calls(
        self,
        function: str | int,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Call]:
        """Calls of a function: arguments, caller, depth, the task or interrupt it ran in, and what
        it returned. Of a static function `file.c::name` says which one; a number is its address."""
        with self._asked(begin, end, limit, backward) as (past, stretch):
            return calls(past, stretch, _text(function))

    def values(
        self,
        what: str | int,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Value]:
        """What it held at the beginning, and each change."""
        with self._asked(begin, end, limit, backward) as (past, stretch):
            return values(past, stretch, _text(what))

    def find(
        self,
        value: str | int | bytes,
        *,
        size: int | None = None,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
    ) -> list[Found]:
        """When bytes first appeared in memory, and where: a number of `size` bytes (4, or 8 if it
        needs them), text, or bytes. Each address is told once; what is overwritten at once is
        found, too."""
        text = f"hex:{value.hex()}" if isinstance(value, bytes) else _text(value)
        with self._asked(begin, end, limit) as (past, stretch):
            return find(past, stretch, text, size=size)

    def irqs(
        self,
        line: str | int | None = None,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Entry]:
        """Interrupts that were taken, as the log has them. `line`: only those of this line (8 is
        IRQ 8), or with this in their name; exceptions, too (`"SVCall"`, `"exception 24"`)."""
        with self._asked(begin, end, limit, backward) as (past, stretch):
            return irqs(past, stretch, None if line is None else str(line))

    def output(
        self,
        text: str,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Shown]:
        """Lines with `text` in them; the `place` is where its last character was printed."""
        with self._asked(begin, end, limit, backward) as (past, stretch):
            return output(past, stretch, text)

    def origin(
        self,
        what: str | int,
        *,
        at: Where | None = None,
        limit: int | None = None,
        addresses: bool = False,
    ) -> list[Origin]:
        """Where the value came from that it has at the present place, or at `at`: the first row is
        what made that value; `of` is the number of the row that a row is a source of. `what` as in
        `last`, and of 64 bytes at most. `addresses`: and what the addresses of loads and stores
        were made of."""
        with self._asked(at=at) as (past, stretch):
            text = _text(what)
            return origin(past, text, stretch.here, limit=limit, addresses=addresses)

    def diff(self, one: Where, other: Where | None = None) -> list[Difference]:
        """Registers, memory and registers of devices that are different at `other`, or here. The
        places may be on different branches."""
        with self._asked() as (past, _):
            before = self._find(one, "one")
            after = past.timeline.place if other is None else self._find(other, "other")
            return diff(past, before, after)

    def stack_depth(
        self,
        task: str | None = None,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
    ) -> list[Depth]:
        """How much of each stack has been used, the most first; `task`: of those with that in
        their name."""
        with self._asked(begin, end, limit) as (past, stretch):
            return stack_depth(past, stretch, task)

    def coverage(self, *, begin: Where | None = None, end: Where | None = None) -> list[Covered]:
        """Which lines of each source were executed."""
        with self._asked(begin, end) as (past, stretch):
            return coverage(past, stretch)

    def profile(
        self,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        samples: int = SAMPLES,
        stacks: bool = False,
        limit: int | None = None,
    ) -> list[Share]:
        """In which functions virtual time was spent, the most first; from the function that runs
        at so many places. `stacks`: with what has called it."""
        with self._asked(begin, end, limit) as (past, stretch):
            return profile(past, stretch, samples, stacks=stacks)

    @contextmanager
    def _asked(
        self,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
        at: Where | None = None,
    ) -> Iterator[tuple[Past, Stretch]]:
        past = self._past()
        given = {"at": at, "begin": begin, "end": end}
        steps = {
            name: step_here(past.timeline, self._find(where, name), name)
            for name, where in given.items()
            if where is not None
        }
        stretch = past.stretch(
            steps.get("begin"), steps.get("end"), steps.get("at"), backward=backward, limit=limit
        )
        with self._working():
            yield past, stretch


def _text(what: str | int) -> str:
    return what if isinstance(what, str) else f"{what:#x}"
