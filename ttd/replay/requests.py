"""What people ask for: shutdown, reset, suspension, changes by the debugger."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ttd.recording.events import Kind, small, to_small
from ttd.replay.entrance import Entrance
from ttd.replay.errors import Divergence, ReplayError
from ttd.replay.sources import Stateless, Unrepeated
from ttd.replay.terms import Cause, Mode


class Requests(Unrepeated):
    """Requests for shutdown, reset or suspend: they are served at the next checkpoint.

    Those of the guest follow from what it does, so in play they are made again, and have to be
    what the log says.
    """

    def __init__(self, kind: Kind, entrance: Entrance) -> None:
        self._kind = kind
        self._entrance = entrance
        self._of_host: deque[int] = deque()
        self._of_guest: deque[int] = deque()
        self.on_request: Callable[[Kind, int], None] | None = None

    def ask(self, cause: Cause) -> None:
        """Ask; from any thread, unless it is the guest who asks."""
        at = self._entrance.at
        if cause.by_guest:
            self._of_guest.append(cause)
        elif at.live or at.mode is not Mode.PLAY:
            # In the past of a live recording it waits until the machine has caught up.
            self._of_host.append(cause)
        self._entrance.wake()

    def ask_now(self, cause: Cause) -> None:
        """Ask for what is done at once; raises `ReplayError` in play."""
        _check_present(self._entrance)
        self._entrance.change(self._kind, small(cause))

    @property
    def waiting(self) -> bool:
        return bool(self._of_guest or self._of_host)

    def offers(self) -> bytes | None:
        queue = self._of_guest or self._of_host
        return small(queue[0]) if queue else None

    def take(self, payload: bytes) -> bool:
        if not self._of_guest:
            self._of_host.popleft()
        return True

    def deliver(self, payload: bytes) -> None:
        cause = to_small(payload)
        if cause in (Cause.GUEST, Cause.GUEST_PANIC):
            if not self._of_guest or self._of_guest[0] != cause:
                at, name = self._entrance.at, self._kind.name.lower()
                found = self._of_guest[0] if self._of_guest else "none"
                raise Divergence(at.step(), f"{name} {cause} of the guest", f"{name} {found}")
            self._of_guest.popleft()
        if self.on_request is not None:
            self.on_request(self._kind, cause)

    def save(self) -> list[int]:
        """Of the guest's: the host's are not part of the machine."""
        return list(map(int, self._of_guest))

    def load(self, state: list[int]) -> None:
        self._of_guest = deque(state)


class DebugWrites(Stateless):
    """Changes made by the debugger: they enter when they are made, not at a checkpoint."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.on_write: Callable[[bytes], None] | None = None

    def write(self, payload: bytes) -> None:
        """Log a change and make it; raises `ReplayError` in play."""
        _check_present(self._entrance)
        self._entrance.change(Kind.DEBUG_WRITE, payload)

    @property
    def waiting(self) -> bool:
        return False

    def offers(self) -> bytes | None:
        return None

    def take(self, payload: bytes) -> bool:
        return True  # it was never queued

    def deliver(self, payload: bytes) -> None:
        if self.on_write is None:
            raise ReplayError("this machine cannot be written to by a debugger")
        self.on_write(payload)


def _check_present(entrance: Entrance) -> None:
    if entrance.at.playing():
        raise ReplayError("the past cannot be changed: go to the end of the live recording")
