"""Backtraces through traps of RISC-V, whose handlers are assembly that no table describes: what was
interrupted is looked up where that happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ttd.program.frames import Frame, Sort
from ttd.program.location import Moment
from ttd.questions.past import Past
from ttd.questions.search import rows
from ttd.recording.events import Kind
from ttd.search import What
from ttd.values import dataclass

_FAR = 20_000_000
"""Steps before a place: a trap that was taken earlier is not looked for."""


@dataclass(frozen=True, slots=True)
class Trap:
    """One that was taken, and has not been returned from."""

    step: int
    """Of the entry."""
    handler: int
    """Where that led."""


def open_traps(past: Past, steps: Iterable[int]) -> dict[int, tuple[Trap, ...]]:
    """Those in which the machine is at each of some steps, the innermost first. None where the
    processor pushes what it interrupts, which a backtrace finds by itself."""
    waiting = sorted(set(steps), reverse=True)
    if past.program.registers.family != "riscv" or not waiting:
        return dict.fromkeys(waiting, ())
    found = dict[int, tuple[Trap, ...]]()
    end = waiting[0]
    begin = max(past.timeline.begin, waiting[-1] - _FAR)
    resets = [event.step for _, event in past.log.select((Kind.RESET,), begin, end)]
    inside = list[Trap]()

    def reach(step: int) -> None:
        """All that happens before it has been looked at."""
        while waiting and waiting[-1] <= step:
            found[waiting.pop()] = tuple(reversed(inside))

    for row in rows(past, past.stretch(begin, end), What.HANDLERS):
        while resets and resets[0] <= row.step:
            reach(resets.pop(0))
            inside.clear()
        reach(row.step)
        if row.kind is What.ENTERED:
            inside.append(Trap(row.step, row.address))
        elif row.new == 0:
            inside.clear()
        elif inside:
            inside.pop()
    reach(end)
    return found


class Traced:
    """Backtraces at places of one branch."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._entered: dict[int, _Then] = {}

    def frames(self, traps: Sequence[Trap]) -> Iterator[Frame]:
        """Where the machine is, in those traps: the function that runs, what called it, and so on,
        and the same of what each trap has interrupted. To be read before it moves."""
        past = self._past
        thens = [self._then(trap) for trap in traps]
        now: Moment = past.moment
        for trap, then in zip(traps, thens, strict=True):
            handler = past.function(trap.handler)
            for frame in past.program.backtrace(now):
                yield frame
                if past.function(frame.inside) == handler:
                    break
            pc = then.register(past.program.registers.pc)
            yield Frame(past.program, then, pc, sort=Sort.EXCEPTION)
            now = then
        yield from past.program.backtrace(now)

    def _then(self, trap: Trap) -> _Then:
        """The registers at its entry."""
        if trap.step not in self._entered:
            past = self._past
            with past.staying():
                past.go(trap.step)
                cpu = past.timeline.cpu
                names = tuple(register.name for register in cpu.registers)
                held = dict(zip(names, cpu.read_registers(names), strict=True))
            self._entered[trap.step] = _Then(past, held)
        return self._entered[trap.step]


def backtrace(past: Past) -> Iterator[Frame]:
    """Where the machine is."""
    here = past.timeline.position
    return Traced(past).frames(open_traps(past, [here])[here])


class _Then:
    """A moment with registers of one time, and the memory of the present."""

    def __init__(self, past: Past, registers: dict[str, int]) -> None:
        self._past, self._registers = past, registers

    def register(self, name: str) -> int:
        return self._registers[name]

    def memory(self, address: int, size: int) -> bytes:
        return self._past.moment.memory(address, size)

    def physical(self, address: int, size: int) -> bytes:
        return self._past.moment.physical(address, size)
