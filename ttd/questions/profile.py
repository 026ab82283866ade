"""`profile`: in which functions virtual time was spent."""

from __future__ import annotations

from collections import Counter

from ttd.questions.past import Past, Stretch
from ttd.questions.row import Sum
from ttd.values import dataclass

SAMPLES = 1000
IDLE = "[idle]"
"""Of time in which the processor waits."""


@dataclass(frozen=True, slots=True)
class Share(Sum):
    """What was spent in one function, called as it was by the others of its stack."""

    stack: tuple[str, ...]
    """Functions, the outermost first."""
    ns: int
    """Virtual time."""
    percent: float
    """Of all that was looked at."""
    samples: int

    @property
    def function(self) -> str:
        """The innermost one."""
        return self.stack[-1]

    @property
    def text(self) -> str:
        return f"{self.percent:6.2f} %  {self.ns:>14} ns  {';'.join(self.stack)}"


def profile(
    past: Past, stretch: Stretch, samples: int = SAMPLES, *, stacks: bool = False
) -> list[Share]:
    """The function that runs at so many places, evenly spread over the steps of a part of the run;
    the most first. Time in which the processor waits is known, and no matter of samples.

    `stacks`: with what has called it, as far as the program's debug information tells.
    """
    ns: Counter[tuple[str, ...]] = Counter()
    count: Counter[tuple[str, ...]] = Counter()
    machine = past.machine
    length = stretch.end - stretch.begin
    samples = min(samples, length)  # no step is looked at twice
    places = [stretch.begin + length * n // samples for n in range(samples)]
    with past.staying():
        past.go(stretch.begin)
        idle = machine.clock.warp_ns
        for at, step in enumerate(places):
            past.go(step)
            stack = past.stack() if stacks else (past.function(machine.engine.pc),)
            following = places[at + 1] if at + 1 < len(places) else stretch.end
            ns[stack] += (following - step) * machine.clock.clock_ns
            count[stack] += 1
            past.report(at / len(places))
        past.go(stretch.end)
        idle = machine.clock.warp_ns - idle
    if idle:
        ns[(IDLE,)] = idle
    total = sum(ns.values()) or 1
    return [
        Share(stack, spent, round(100 * spent / total, 2), count[stack])
        for stack, spent in ns.most_common(stretch.limit)
    ]


def folded(shares: list[Share]) -> list[str]:
    """Lines of Brendan Gregg's collapsed stacks: `main;loop 1200`, in nanoseconds."""
    return [f"{';'.join(share.stack)} {share.ns}" for share in shares]


def speedscope(shares: list[Share], name: str) -> dict[str, object]:
    """A file of https://www.speedscope.app, by its file-format-schema.json."""
    frames = list(dict.fromkeys(function for share in shares for function in share.stack))
    numbers = {function: number for number, function in enumerate(frames)}
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "shared": {"frames": [{"name": function} for function in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": "nanoseconds",
                "startValue": 0,
                "endValue": sum(share.ns for share in shares),
                "samples": [[numbers[function] for function in share.stack] for share in shares],
                "weights": [share.ns for share in shares],
            }
        ],
        "exporter": "ttd",
    }
