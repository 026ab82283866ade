"""The origin of a value: hop by hop, and as rows that people can read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import field

from ttd.errors import UserError
from ttd.origin.hops import Hops
from ttd.origin.parts import Hop, Memory, Part, Register
from ttd.origin.rows import Kind, Row
from ttd.origin.scene import CannotFollow, Interrupted, Scene
from ttd.values import dataclass

MOST_BYTES = 64
"""Of memory that is asked about."""
MOST_ROWS = 120
"""Of an answer."""
MOST_DEEP = 24
"""How far rows are indented."""
_SHOWN, _SHOWN_WIDE = 3, 6
"""Times that a value is shown going round a loop, with no operand from elsewhere, and with some:
then it is followed without."""
_MOST_ROUND, _MOST_SAVED = 240, 600
"""Hops that are made without being shown: round loops, and of a register that is saved."""

_Site = tuple[object, ...]
"""Where in the program a hop is made, of what: the same each time round a loop."""


@dataclass(frozen=True, slots=True)
class _Visit:
    """What has been at one place, on the way to a value."""

    rounds: int
    """Times."""
    source: int
    """Which of its sources was followed last."""
    wide: int
    """How many hops had several sources until then."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a value was come to."""

    visits: Mapping[_Site, _Visit] = field(default_factory=dict)
    wide: int = 0

    def on(self, site: _Site, source: int, wide: bool) -> _Way:
        """Behind that source of a hop, which has others (`wide`)."""
        known = self.visits.get(site)
        visit = _Visit(1 if known is None else known.rounds + 1, source, self.wide)
        return _Way({**self.visits, site: visit}, self.wide + wide)

    def is_second(self, site: _Site) -> bool:
        """It has been there once."""
        known = self.visits.get(site)
        return known is not None and known.rounds == 1

    def is_enough(self, site: _Site) -> bool:
        """It has been there often."""
        known = self.visits.get(site)
        if known is None:
            return False
        return known.rounds >= (_SHOWN_WIDE if self.wide > known.wide else _SHOWN)


class Finder:
    """Finds one origin; moves the machine, and who asks goes back (`Timeline.staying`)."""

    def __init__(self, scene: Scene, most: int | None = None, *, addresses: bool = False) -> None:
        """`most`: so many rows are wanted. `addresses`: what the addresses of loads and stores were
        made of is followed, too."""
        self._scene = scene
        self._most = most or sys.maxsize
        self._addresses = addresses
        self._hops = Hops(scene)
        self._rows: list[Row] = []
        self._seen: set[tuple[int, Kind, Part]] = set()
        self._full = False
        self._left, self._left_saved = _MOST_ROUND, _MOST_SAVED

    def register(self, name: str, step: int) -> tuple[Row, ...]:
        """Where the value came from that a register has at `step`; the first row is what made it.

        `Interrupted` if somebody wants it to end.
        """
        return self._found(self._hops.whole(name), step)

    def memory(self, address: int, size: int, step: int) -> tuple[Row, ...]:
        """The same of memory, or of what was written last to a device's register; if nothing was,
        of what it would be read as.

        `UserError` if that is too much.
        """
        if size > MOST_BYTES:
            raise UserError(
                f"{self._scene.data(address)} has {size} bytes; {MOST_BYTES} at most are followed:"
                " say which, by ADDRESS:BYTES."
            )
        return self._found(Memory(address, size), step)

    def _found(self, part: Part, step: int) -> tuple[Row, ...]:
        self._follow(part, step, 0, None, _Way())
        return tuple(self._rows)

    def _follow(
        self,
        part: Part,
        step: int,
        depth: int,
        of: int | None,
        way: _Way,
        role: str = "",
    ) -> None:
        if len(self._rows) >= self._most:
            return
        hop = self._hop(part, step, asked=of is None)
        site = _site(hop, part)
        if (hop.step, hop.kind, part) in self._seen:
            self._add(Kind.AGAIN, "as above", depth, of, hop.step)
            return
        self._seen.add((hop.step, hop.kind, part))
        counted = self._hops.counted(part, hop) if way.is_second(site) else None
        if counted is not None:
            self._add(Kind.AGAIN, _more(counted.times), depth, of, counted.before)
            self._follow(part, counted.before, depth, len(self._rows) - 1, _Way())
            return
        if way.is_enough(site) and hop.sources:
            self._around(part, step, depth, of, way)
            return
        number = self._show(hop, part, depth, of, role)
        if number is None:
            return
        wide = len(hop.ends) + len(hop.sources) > 1
        deeper = depth + wide
        for end in hop.ends:
            at = hop.step if end.step is None else end.step
            self._add(end.kind, end.text, deeper, number, at, end.value, end.event)
        if self._addresses and not role:
            self._of_address(hop, depth, number)
        if _goes_on(hop, part):
            self._counted(hop, part, depth, number, way.on(site, 0, wide))
            return
        if hop.kind is Kind.SAVED:
            self._saved(hop, depth, number, way.on(site, 0, wide))
            return
        for index, (source, at) in enumerate(hop.sources):
            self._follow(source, at, deeper, number, way.on(site, index, wide))

    def _of_address(self, hop: Hop, depth: int, of: int) -> None:
        """What the address of a load, or a store, was made of; addresses on that way are not."""
        self._addresses = False
        for register in list(self._hops.addressed(hop)):
            self._follow(register, hop.step, depth + 1, of, _Way(), role="address: ")
        self._addresses = True

    def _saved(self, hop: Hop, depth: int, of: int, way: _Way) -> None:
        """A register that is saved and restored, maybe very often, by a switch of tasks."""
        ((part, step),) = hop.sources
        again = 0
        while (hop := self._hop(part, step)).kind is Kind.SAVED and self._left_saved:
            ((part, step),) = hop.sources
            self._left_saved -= 1
            again += 1
        if hop.kind is Kind.SAVED:
            text = self._no_further(part, _more(again) if again else "")
            self._add(Kind.UNKNOWN, text, depth, of, step)
            return
        if again:
            self._add(Kind.AGAIN, _more(again), depth, of, step)
            of = len(self._rows) - 1
        self._follow(part, step, depth, of, way)

    def _counted(
        self,
        hop: Hop,
        part: Part,
        depth: int,
        of: int,
        way: _Way,
    ) -> None:
        """A counter: what it was before its own instruction ran the first of many times."""
        assert hop.pc is not None
        try:
            first = self._hops.of(part, hop.step, but=(hop.pc,))
            count = self._hops.times(hop, first.step, hop.step)
        except Interrupted:
            raise
        except CannotFollow as error:
            self._add(Kind.UNKNOWN, str(error), depth, of, hop.step)
            return
        if count:
            self._add(Kind.AGAIN, _more(count), depth, of, first.step)
            of = len(self._rows) - 1
        # From behind the instruction that began it.
        self._follow(part, first.step + 1, depth, of, way)

    def _around(
        self,
        part: Part,
        step: int,
        depth: int,
        of: int | None,
        way: _Way,
    ) -> None:
        """Round a loop, on the way that was taken before, to where that is left."""
        begun = _site(self._hop(part, step), part)
        rounds, others, walked = 0, False, list[tuple[Part, Hop]]()
        while self._left:
            self._left -= 1
            hop = self._hop(part, step)
            site = _site(hop, part)
            if site not in way.visits or not hop.sources:
                break
            rounds += site == begun
            others |= len(hop.sources) + len(hop.ends) > 1
            if rounds == 2 and site == begun and not others and isinstance(part, Register):
                back = self._hops.rounds.back(part, step, walked)
                if back is not None:
                    part, step, rounds = back.part, back.step, 1 + back.rounds
                    break
            walked.append((part, hop))
            index = min(way.visits[site].source, len(hop.sources) - 1)
            part, step = hop.sources[index]
        more = _more(rounds) + (", with operands that are not shown" if others else "")
        if not self._left:
            text = self._no_further(part, more if rounds else "")
            self._add(Kind.UNKNOWN, text, depth, of, step)
            return
        self._add(Kind.AGAIN, more, depth, of, step)
        self._follow(part, step, depth, len(self._rows) - 1, way)

    def _no_further(self, part: Part, more: str) -> str:
        """`more`: what was passed over before that, if something was."""
        text = f"t is followed no further: ask for {self._name(part)} there."
        return f"{more}; i{text}" if more else f"I{text}"

    def _name(self, part: Part) -> str:
        """As it can be asked for."""
        return part.name if isinstance(part, Register) else f"{part.address:#x}:{part.size}"

    def _hop(self, part: Part, step: int, *, asked: bool = False) -> Hop:
        try:
            if asked and isinstance(part, Memory):
                return self._hops.asked(part, step)
            return self._hops.of(part, step)
        except Interrupted:
            raise
        except CannotFollow as error:
            return Hop(step, Kind.UNKNOWN, str(error))

    def _show(self, hop: Hop, part: Part, depth: int, of: int | None, role: str) -> int | None:
        """The number of its row; None: there are enough."""
        if depth > MOST_DEEP:
            text = "It is followed no further here: it is made of too many."
            self._add(Kind.UNKNOWN, text, depth, of, hop.step)
            return None
        if len(self._rows) >= MOST_ROWS:
            text = f"There is more, which is not shown: an answer has {MOST_ROWS} rows."
            self._add(Kind.UNKNOWN, text, depth, of, hop.step)
            self._full = True
            return None
        address = part.address if isinstance(part, Memory) else None
        row = Row(
            hop.step,
            depth,
            of,
            hop.kind,
            role + hop.text,
            hop.value,
            hop.pc,
            hop.event,
            address,
            part.size,
        )
        self._rows.append(row)
        return len(self._rows) - 1

    def _add(
        self,
        kind: Kind,
        text: str,
        depth: int,
        of: int | None,
        step: int,
        value: int | None = None,
        event: int | None = None,
    ) -> None:
        if not self._full and len(self._rows) < self._most:
            self._rows.append(Row(step, depth, of, kind, text, value, event=event))


def _more(count: int) -> str:
    return "... again, once more" if count == 1 else f"... again, {count} times more"


def _site(hop: Hop, part: Part) -> _Site:
    if hop.kind is Kind.SAVED or hop.pc is None:
        return (hop.kind, part)
    return (hop.kind, hop.pc, part.name if isinstance(part, Register) else "")


def _goes_on(hop: Hop, part: Part) -> bool:
    """A register that an instruction makes of itself alone."""
    return (
        hop.kind is Kind.ARITHMETIC
        and not hop.ends
        and len(hop.sources) == 1
        and hop.sources[0][0] == part
    )
