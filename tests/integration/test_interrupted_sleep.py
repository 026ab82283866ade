"""A recording that ends where a timer has just woken the guest, or an instant before or after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.border import recorder, replay_everywhere, run_to_end
from ttd.bus.clockwork import Clockwork

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("when", ["fire", "wake", "sleep"])
@pytest.mark.parametrize("which", [1, 4])
def test_interrupted_as_a_timer_fires(
    tmp_path: Path, when: str, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that the machine is told of each wait, and does not leave all of it to the native core.
    monkeypatch.setattr(Clockwork, "waits_matter", property(lambda clock: True))
    path = tmp_path / "run.ttd"
    live = recorder("irqs", path)
    machine = live.machine
    count = 0

    def interrupt() -> None:
        nonlocal count
        count += 1
        if count == which:
            machine.interrupt()

    expire, wake = machine.clock.agenda.expire, machine.cpu.wake

    def expire_asleep(now: int) -> None:
        expire(now)
        if machine.waiting:
            interrupt()

    def wake_up() -> bool:
        awake = wake()
        if awake == (when == "wake"):
            interrupt()
        return awake

    if when == "fire":
        machine.clock.agenda.expire = expire_asleep  # type: ignore[method-assign]
    else:
        machine.cpu.wake = wake_up  # type: ignore[method-assign]
    run_to_end(live)
    _, played = replay_everywhere(path)
    assert played.recording.status.reason == "it was interrupted"
