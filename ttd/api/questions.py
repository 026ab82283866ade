"""What a run can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from ttd.history.named_place import Place
from ttd.history.place import Place as Position
from ttd.questions.diff import Difference, diff
from ttd.questions.irqs import Entry, irqs
from ttd.questions.output import Shown, output
from ttd.questions.past import Past, Stretch
from ttd.questions.profile import SAMPLES, Share, profile

Where = Place | int | str


class Questions:
    """Questions about the present branch of a run, which stays where it is.

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

    def irqs(
        self,
        line: str | int | None = None,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Entry]:
        """Interrupts that were taken, as the log has them. `line`: only those of this number, or
        with this in their name; exceptions, too (`"SVCall"`)."""
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

    def diff(self, one: Where, other: Where | None = None) -> list[Difference]:
        """Registers, memory and registers of devices that are different at `other`, or here. The
        places may be on different branches."""
        with self._asked() as (past, _):
            before = self._find(one, "one")
            after = past.timeline.place if other is None else self._find(other, "other")
            return diff(past, before, after)

    def profile(
        self,
        *,
        begin: Where | None = None,
        end: Where | None = None,
        samples: int = SAMPLES,
        limit: int | None = None,
    ) -> list[Share]:
        """In which functions virtual time was spent, the most first; from the function that runs
        at so many places."""
        with self._asked(begin, end, limit) as (past, stretch):
            return profile(past, stretch, samples)

    @contextmanager
    def _asked(
        self,
        begin: Where | None = None,
        end: Where | None = None,
        limit: int | None = None,
        backward: bool = False,
    ) -> Iterator[tuple[Past, Stretch]]:
        past = self._past()
        low = None if begin is None else self._find(begin, "begin").step
        high = None if end is None else self._find(end, "end").step
        stretch = past.stretch(low, high, backward=backward, limit=limit)
        with self._working():
            yield past, stretch
