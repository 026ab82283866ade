"""`Z` and `z` packets <-> what a run stops at, and the words for why it did.

GDB manual, appendix "Remote Protocol", sections "Packets" (`z`, `Z`) and "Stop Reply Packets".
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ttd.engine.types import Access
from ttd.rsp import agent
from ttd.rsp.requests import InsertStop, Malformed, RemoveStop, StopKind
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why

log = logging.getLogger("ttd.rsp")

_WATCH_KINDS = {
    StopKind.WRITE: Access.WRITE,
    StopKind.READ: Access.READ,
    # An or-ed IntEnum is a plain int: the mask that `Watchpoint` wants.
    StopKind.ACCESS: Access.READ | Access.WRITE,
}
_WATCH_WORDS = {Access.WRITE: "watch", Access.READ: "rwatch"}


class StopTable:
    """The breakpoints and watchpoints of one client; inserting twice is the same as once."""

    def __init__(self, world: agent.World) -> None:
        self._world = world
        self._table: dict[tuple[StopKind, int, int], Breakpoint | Watchpoint] = {}

    def insert(self, request: InsertStop, *, changes_only: bool) -> None:
        """Insert, or replace: GDB sends a breakpoint again when its condition changes.

        `changes_only` is for write watchpoints: see `Watchpoint`.
        """
        condition = self._condition(request.conditions) if request.conditions else None
        stop: Breakpoint | Watchpoint
        if request.kind in _WATCH_KINDS:
            if not request.length:
                raise Malformed("a watchpoint of no length")
            stop = Watchpoint(
                request.address,
                request.length,
                _WATCH_KINDS[request.kind],  # type: ignore[arg-type]
                condition,
                changes_only=changes_only and request.kind is StopKind.WRITE,
            )
        else:
            stop = Breakpoint(request.address, condition)
        self._table[request.kind, request.address, request.length] = stop

    def remove(self, request: RemoveStop) -> None:
        self._table.pop((request.kind, request.address, request.length), None)

    def clear(self) -> None:
        self._table.clear()

    def stops(self) -> Stops:
        stops = self._table.values()
        return Stops(
            tuple(stop for stop in stops if isinstance(stop, Breakpoint)),
            tuple(stop for stop in stops if isinstance(stop, Watchpoint)),
        )

    def reason(self, stop: Stop) -> str:
        """The part of a stop reply that says why, up to and with its `;`."""
        match stop.why:
            case Why.BREAKPOINT:
                address = stop.breakpoint.address if stop.breakpoint is not None else stop.pc
                kinds = {kind for kind, at, _ in self._table if at == address}
                return "swbreak:;" if StopKind.SOFTWARE in kinds else "hwbreak:;"
            case Why.WATCHPOINT if stop.watch is not None:
                address, word = stop.watch.address, "awatch"
                if stop.watchpoint is not None:
                    address = max(address, stop.watchpoint.address)
                    word = _WATCH_WORDS.get(stop.watchpoint.kind, "awatch")
                return f"{word}:{address:x};"
            case Why.HISTORY_BEGIN:
                return "replaylog:begin;"
            case Why.HISTORY_END:
                return "replaylog:end;"
        return ""

    def _condition(self, expressions: tuple[bytes, ...]) -> Callable[[], bool]:
        def holds(code: bytes) -> bool:
            try:
                return agent.evaluate(code, self._world) != 0
            except agent.AgentError as e:
                # Stop rather than run past: GDB then evaluates the condition and reports why not.
                log.info("breakpoint condition: %s", e)
                return True

        return lambda: any(map(holds, expressions))
