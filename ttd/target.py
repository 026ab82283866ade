"""What GDB asks of the target itself: what it is, and what it has one of, or none.

Answers that follow from the timeline alone, whatever the session has been through. GDB manual,
appendix "Remote Protocol"; sections are cited at the handlers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ttd.cpu.base import address_bits
from ttd.errors import UserError
from ttd.monitor import place
from ttd.rsp import requests as rq
from ttd.rsp.description import memory_map_xml, target_xml
from ttd.rsp.framing import escape
from ttd.timeline_api import TimelineApi

PACKET_SIZE = 0x20000
"""Longest packet taken, and what `PacketSize` says."""
MOST_ANSWERED = PACKET_SIZE // 2 - 16
"""Bytes in one answer: as hex digits, or each of them escaped, they fit a packet."""
THREAD = 1
"""The number of the one thread that there is."""
TARGET_FEATURES = ("qXfer:features:read+", "qXfer:memory-map:read+")
"""What `qSupported` says of these handlers."""


class Target:
    """The machine as GDB is told of it."""

    def __init__(self, timeline: TimelineApi) -> None:
        self._timeline = timeline

    def answer(self, request: rq.Request) -> bytes | None:
        """The reply to a request; None if it is not one of these. `UserError` if it is refused."""
        handler = _HANDLERS.get(type(request))
        return None if handler is None else handler(self, request)

    # -- descriptions: "General Query Packets" (`qXfer`) ------------------------------------------

    def _features(self, request: rq.TransferFeatures) -> bytes:
        if request.annex != "target.xml":
            return b"E00"  # what the protocol has for an annex that is not there
        cpu = self._timeline.cpu
        return _window(target_xml(cpu.gdb_architecture, cpu.registers), request)

    def _memory_map(self, request: rq.TransferMemoryMap) -> bytes:
        bits = address_bits(self._timeline.cpu.registers)
        return _window(memory_map_xml(self._timeline.memory_map(), bits), request)

    # -- processes and threads: "General Query Packets", "Packets" (`H`, `T`) ---------------------

    def _attached(self, request: rq.Attached) -> bytes:
        return b"1"

    def _current_thread(self, request: rq.CurrentThread) -> bytes:
        return b"QC%x" % THREAD

    def _threads(self, request: rq.Threads) -> bytes:
        return b"m%x" % THREAD if request.first else b"l"

    def _thread_text(self, request: rq.ThreadText) -> bytes:
        return f"step {place(self._timeline, self._timeline.position)}".encode().hex().encode()

    def _select_thread(self, request: rq.SelectThread) -> bytes:
        return b"OK" if request.thread in (-1, 0, THREAD) else b"E01"

    def _thread_alive(self, request: rq.ThreadAlive) -> bytes:
        return b"OK" if request.thread == THREAD else b"E01"

    # -- tracepoints, of which there are none: "Tracepoint Packets" -------------------------------

    def _trace_status(self, request: rq.TraceStatus) -> bytes:
        return b"T0;tnotrun:0"

    def _trace_list(self, request: rq.TraceList) -> bytes:
        return b"l"

    def _trace_start(self, request: rq.TraceStart) -> bytes:
        raise UserError(
            "ttd has no tracepoints: all steps are trace frames already, 'tfind N' looks at one."
        )


def _window(text: str, request: rq.Transfer) -> bytes:
    """Section "General Query Packets", `qXfer`: `m` when there is more, `l` for the last."""
    data = text.encode()
    length = min(request.length, MOST_ANSWERED)
    part = data[request.offset : request.offset + length]
    more = request.offset + length < len(data)
    return (b"m" if more else b"l") + escape(part)


_HANDLERS: dict[type[rq.Request], Callable[[Target, Any], bytes]] = {
    rq.TransferFeatures: Target._features,
    rq.TransferMemoryMap: Target._memory_map,
    rq.Attached: Target._attached,
    rq.CurrentThread: Target._current_thread,
    rq.Threads: Target._threads,
    rq.ThreadText: Target._thread_text,
    rq.SelectThread: Target._select_thread,
    rq.ThreadAlive: Target._thread_alive,
    rq.TraceStatus: Target._trace_status,
    rq.TraceList: Target._trace_list,
    rq.TraceStart: Target._trace_start,
}
