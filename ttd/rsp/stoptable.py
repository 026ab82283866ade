"""`Z` and `z` packets <-> what a run stops at, and the words for why it did.

GDB manual, appendix "Remote Protocol", sections "Packets" (`z`, `Z`) and "Stop Reply Packets".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ttd.engine.types import Access
from ttd.errors import UserError
from ttd.rsp.coded import AgentCondition
from ttd.rsp.requests import InsertStop, RemoveStop, StopKind
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why

_WATCH_KINDS = {
    StopKind.WRITE: Access.WRITE,
    StopKind.READ: Access.READ,
    # An or-ed IntEnum is a plain int: the mask that `Watchpoint` wants.
    StopKind.ACCESS: Access.READ | Access.WRITE,
}
_WATCH_WORDS = {Access.WRITE: "watch", Access.READ: "rwatch"}
MOST_STOPS = 10_000
"""Breakpoints and watchpoints of one client; each costs time wherever one of them might hit."""


LONGEST_WATCH = 1 << 24
"""Bytes of one watchpoint: each of its pages may have to be looked at."""
MOST_CODE = 1 << 22
"""Bytes of all conditions together."""


class Refused(UserError):
    """A breakpoint or watchpoint that cannot be; the text is one sentence."""


_Key = tuple[StopKind, int, int]


def _key(request: InsertStop | RemoveStop) -> _Key:
    """What a removal has to have in common with the insertion: of a breakpoint, not the length.

    That of a breakpoint is its kind (section "Architecture-Specific Protocol Details"), which
    LLDB sends as 2 to insert one in Thumb code, and as 4 to remove it.
    """
    breakpoint_ = request.kind in (StopKind.SOFTWARE, StopKind.HARDWARE)
    return request.kind, request.address, 0 if breakpoint_ else request.length


class StopTable:
    """The breakpoints and watchpoints of one client; inserting twice is the same as once."""

    def __init__(self, byte_order: Literal["little", "big"], registers: Mapping[int, str]) -> None:
        """`registers`: their names by GDB's numbers."""
        self._byte_order = byte_order
        self._registers = tuple(registers.items())
        self._table: dict[_Key, Breakpoint | Watchpoint] = {}
        self._code: dict[_Key, int] = {}
        """Bytes of the conditions of those that have any."""
        self._had: set[int] = set()
        """Where breakpoints have been."""

    def insert(self, request: InsertStop, *, changes_only: bool, top: int) -> None:
        """Insert, or replace: GDB sends a breakpoint again when its condition changes.

        `changes_only` is for write watchpoints: see `Watchpoint`. Addresses end before `top`, as
        does a watchpoint that would reach further. Raises `Refused`.
        """
        key = _key(request)
        if request.address >= top:
            raise Refused(f"This machine has no address {request.address:#x}.")
        if len(self._table) >= MOST_STOPS and key not in self._table:
            raise Refused(f"There cannot be more than {MOST_STOPS} breakpoints and watchpoints.")
        code = sum(map(len, request.conditions))
        if sum(self._code.values()) - self._code.get(key, 0) + code > MOST_CODE:
            raise Refused(f"The conditions of all breakpoints have at most {MOST_CODE} bytes.")
        condition = None
        if request.conditions:
            condition = AgentCondition(request.conditions, self._byte_order, self._registers)
        stop: Breakpoint | Watchpoint
        if request.kind in _WATCH_KINDS:
            if not request.length:
                raise Refused("A watchpoint needs a length of one byte or more.")
            if request.length > LONGEST_WATCH:
                raise Refused(f"A watchpoint is at most {LONGEST_WATCH} bytes long.")
            stop = Watchpoint(
                request.address,
                min(request.length, top - request.address),
                _WATCH_KINDS[request.kind],  # type: ignore[arg-type]
                condition,
                changes_only=changes_only and request.kind is StopKind.WRITE,
            )
        else:
            stop = Breakpoint(request.address, condition)
            if len(self._had) < MOST_STOPS:
                self._had.add(request.address)
        self._table[key] = stop
        self._code.pop(key, None)
        if code:
            self._code[key] = code

    def remove(self, request: RemoveStop) -> None:
        key = _key(request)
        self._table.pop(key, None)
        self._code.pop(key, None)

    def clear(self) -> None:
        self._had.clear()
        self._table.clear()
        self._code.clear()

    def had(self, address: int) -> bool:
        """The client has had a breakpoint here, and has none now: it may be stepping over it."""
        return address in self._had and not any(
            stop.address == address for stop in self.stops().breakpoints
        )

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
