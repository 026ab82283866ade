"""A UART's output is the same whether its bytes are sent as declared or offered one by one."""

from __future__ import annotations

import random

import pytest

from tests.unit.device_doubles import HandClock, HandFront, Trace, advance
from tests.unit.test_devices_state import FACTORIES


class Asking(HandFront):
    """Is not sure of anything."""

    def room(self) -> int:
        return 0


def states(kind: str, seed: int, front: HandFront) -> list[object]:
    dice, clock, found = random.Random(seed), HandClock(), []
    trace = Trace(clock)
    device = FACTORIES[kind](clock, trace)
    mine = device.front  # type: ignore[attr-defined]
    front.receive, front.can_receive = mine.receive, mine.can_receive
    device.front = front  # type: ignore[attr-defined]
    device.send_to(front)  # type: ignore[attr-defined]
    for _ in range(600):
        at = dice.randrange(0, 0x50 if device.unit == 4 else 8, device.unit)
        value = dice.choice((dice.randrange(256), 0x301, dice.getrandbits(32)))
        seen: object = None
        match dice.randrange(5):
            case 0 | 1:
                device.write(at, device.unit, value)
            case 2 | 3:
                seen = device.peek(at, device.unit), device.read(at, device.unit)
            case _ if front.can_receive():
                front.receive(b"x")
        if dice.random() < 0.2:
            advance(device, clock, clock.ns + dice.randrange(200_000))
        found.append((seen, device.save(), front.taken, list(trace.events)))
    return found


@pytest.mark.parametrize("kind", ["uart", "pl011", "ns16550", "nrf51-uart"])
@pytest.mark.parametrize("n", range(5))
def test_sent_is_offered(kind: str, n: int) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    sure = states(kind, seed, HandFront())
    for one, other in zip(sure, states(kind, seed, Asking()), strict=True):
        assert one == other
