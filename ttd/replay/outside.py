"""What the guest asks of the outside world and gets at once."""

from __future__ import annotations

from collections.abc import Callable

from ttd.recording.events import Kind, number, to_number
from ttd.replay.errors import Divergence, ReplayError
from ttd.replay.log_cursor import LogCursor
from ttd.replay.terms import Clock, Mode
from ttd.state import State


class Clocks:
    """The host's clocks as the guest sees them. Within one step they stand still, as long as the
    machine does not sleep there."""

    def __init__(self, at: LogCursor) -> None:
        self._at = at
        self._last: dict[Clock, tuple[int | None, int, int]] = {
            clock: (None, -1, 0) for clock in Clock
        }
        """The value last read, and at which step and sum of idle warps."""

    def read(self, kind: Clock, read: Callable[[], int]) -> int:
        """`read` asks the host (record only).

        Only values that differ from the last one are logged; in play the last one holds until
        then.
        """
        at = self._at
        if at.mode is Mode.NONE:
            return read()
        now = at.step(), at.warp_ns()
        value, *when = self._last[kind]
        if value is not None and tuple(when) == now:
            return value
        log_kind = Kind(kind)
        if at.playing():
            head = at.here(log_kind)
            if head is not None:
                at.advance()
                value = to_number(head.payload)
            elif value is None:
                at.diverged(f"a first read of the {kind.name} clock")
        else:
            new = read()
            if new != value:
                # After a sleep: in play a read before it must not take it for its own.
                at.mark_warp()
                at.append(log_kind, number(new))
            value = new
        self._last[kind] = (value, *now)
        return value

    def last(self, kind: Clock) -> int | None:
        """The value last read."""
        return self._last[kind][0]

    def save(self) -> State:
        return {clock.name: list(self._last[clock]) for clock in Clock}

    def load(self, state: State) -> None:
        for clock in Clock:
            value, step, warp = state[clock.name]
            self._last[clock] = (value, step, warp)


class HostCalls:
    """What the host does for the guest, such as semihosting."""

    def __init__(self, at: LogCursor) -> None:
        self._at = at

    def call(self, tag: str, call: Callable[[], bytes]) -> bytes:
        """Record: `call` runs and its result is logged. Play: the logged result.

        `Divergence` if the log has none with this tag here.
        """
        at = self._at
        name = tag.encode()
        head = bytes((len(name),)) + name
        if not at.playing():
            with at.waiting():
                result = call()
            at.append(Kind.HOST_CALL, head + result)
            return result
        event = at.take(Kind.HOST_CALL, f"host call {tag}")
        if not event.payload.startswith(head):
            size = next(iter(event.payload), 0)
            recorded = event.payload[1 : 1 + size].decode(errors="replace")
            raise Divergence(event.step, f"host call {recorded}", f"host call {tag}")
        return event.payload[len(head) :]


class RandomBytes:
    """Random bytes of the host."""

    def __init__(self, at: LogCursor) -> None:
        self._at = at
        self.source: Callable[[int], bytes] | None = None

    def read(self, count: int) -> bytes:
        """`count` bytes, from the log in play."""
        at = self._at
        if not at.playing():
            data = None if at.again is None else at.again.random(count)
            if data is None:
                if self.source is None:
                    raise ReplayError("no source of random bytes was configured")
                data = self.source(count)
            at.append(Kind.RANDOM, data)
            return data
        event = at.take(Kind.RANDOM, f"a read of {count} random bytes")
        if len(event.payload) != count:
            raise Divergence(event.step, f"{len(event.payload)} random bytes", f"a read of {count}")
        return event.payload
