"""When the next snapshot is due, by a clock that the test turns."""

from __future__ import annotations

import pytest

from ttd.history.budget import Budget

SPEED = 100_000_000
"""Steps a second."""


class Recorder:
    """A guest of constant speed whose snapshots cost `cost` seconds and `size` bytes each."""

    def __init__(self, cost: float, size: int, speed: int = SPEED) -> None:
        self.now = 0.0
        self.budget = Budget(lambda: self.now)
        self.cost, self.size, self.speed = cost, size, speed
        self.step = self.stored = 0
        self.due = 0

    def take(self) -> None:
        self.budget.taking()
        self.due = self.budget(self.step)
        self.now += self.cost
        self.stored += self.size
        self.budget.taken(self.stored)

    def seconds_to_next(self) -> float:
        """Run to the next snapshot, take it; how long the way was."""
        steps = self.due - self.step
        assert steps > 0
        self.step += steps
        self.now += steps / self.speed
        self.take()
        return steps / self.speed


@pytest.mark.parametrize(
    ("cost", "seconds"),
    [
        (0.0001, Budget.FLOOR),
        (0.003, 0.003 / Budget.SHARE),
        (0.03, Budget.MOST),
        (0.3, 0.6),
    ],
)
def test_snapshots_are_as_far_apart_as_their_cost_allows(cost: float, seconds: float) -> None:
    recorder = Recorder(cost, 0)
    recorder.take()
    assert recorder.due == Budget.FIRST
    recorder.seconds_to_next()
    for _ in range(5):
        assert recorder.seconds_to_next() == pytest.approx(seconds, rel=0.01)


def test_only_when_the_file_is_large_its_growth_is_bounded() -> None:
    recorder = Recorder(0.03, 64 << 20)
    recorder.take()
    recorder.seconds_to_next()
    while recorder.stored <= Budget.ROOM:
        assert recorder.seconds_to_next() <= Budget.MOST * 1.01
    recorder.seconds_to_next()  # it was chosen before the last one had been written
    for _ in range(5):
        assert recorder.seconds_to_next() * Budget.RATE * 1.01 >= 64 << 20


def test_a_guest_that_becomes_slow_is_noticed_at_the_next_look() -> None:
    recorder = Recorder(0.001, 0)
    recorder.take()
    assert not recorder.budget.spent()  # nobody knows how fast it is, and the first comes soon
    recorder.seconds_to_next()
    recorder.now += Budget.MOST / 2
    assert not recorder.budget.spent()
    recorder.now += Budget.MOST / 2
    assert recorder.budget.spent()
