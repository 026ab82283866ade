"""Sleeps in real time keep to the host's clock, however late the host wakes up."""

from __future__ import annotations

from ttd.bus.pace import MOST_BEHIND_NS, Pace

MS = 1_000_000


class Host:
    """A clock that only waits move, each by `late` ns too much."""

    def __init__(self, late: int) -> None:
        self.ns = 0
        self.late = late

    def now(self) -> int:
        return self.ns

    def wait(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9) + self.late


def test_what_is_lost_in_one_sleep_is_caught_up_in_the_next() -> None:
    host, pace, virtual = Host(late=300_000), Pace(), 0
    for _ in range(1000):
        virtual += pace.sleep(MS, virtual, host.now, host.wait)
        host.ns += 100_000  # the guest runs, for 20 us of virtual time
        virtual += 20_000
    assert virtual == 1020 * MS
    assert abs(host.ns - virtual) < 2 * MS


def test_a_guest_that_runs_fast_still_sleeps() -> None:
    host, pace, virtual = Host(late=0), Pace(), 0
    for _ in range(10):
        virtual += pace.sleep(MS, virtual, host.now, host.wait)
        virtual += 50 * MS
    assert host.ns == 10 * MS


def test_a_long_halt_is_not_caught_up() -> None:
    host, pace = Host(late=0), Pace()
    pace.sleep(MS, 0, host.now, host.wait)
    host.ns += 3_600_000 * MS
    before = host.ns
    assert pace.sleep(1000 * MS, MS, host.now, host.wait) == 1000 * MS
    assert host.ns - before == 1000 * MS - MOST_BEHIND_NS


def test_input_ends_a_sleep() -> None:
    host, pace = Host(late=0), Pace()
    assert pace.sleep(10 * MS, 0, host.now, lambda seconds: host.wait(0.004)) == 4 * MS
