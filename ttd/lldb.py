"""What LLDB asks beyond GDB's packets, and what it has to be told otherwise.

LLDB's documentation, "LLDB GDB Remote Protocol Extensions" (`docs/resources/lldbgdbremote.md`);
packets are named at the handlers.
"""

from __future__ import annotations

from typing import Any, Literal

from ttd.cpu.base import Register, address_bits
from ttd.debugger.places import told
from ttd.debugger.session import Session
from ttd.engine.types import Access
from ttd.rsp import requests as rq
from ttd.rsp.framing import escape
from ttd.rsp.packets import Packets
from ttd.stops import Stop, Why
from ttd.text import printable

_TRAP, _INTERRUPT = 5, 2
_PID = 1
_LAST = (1 << 64) - 1
"""LLDB's end of all addresses: it asks for region after region until one ends there."""
_RIGHTS = ((Access.READ, "r"), (Access.WRITE, "w"), (Access.FETCH, "x"))
_BOUNDARIES = {Why.HISTORY_BEGIN: "beginning", Why.HISTORY_END: "end"}


class Lldb:
    """The part of a session that is for LLDB only."""

    packets = Packets()

    def __init__(self, session: Session, byte_order: Literal["little", "big"]) -> None:
        self.spoken = False
        """The client has shown that it is LLDB."""
        self._timeline = session.timeline
        self._threads = session.threads
        self._byte_order = byte_order
        self._bits = address_bits(session.timeline.cpu.registers)
        self._lists_threads = False
        self._stop: dict[str, Any] = {"signal": _TRAP}

    # -- stops -----------------------------------------------------------------------------------

    def because(self, text: str) -> tuple[int, str]:
        """Signal and reason of a stop that no plan of LLDB's expects, for the stop reply.

        A plan that steps over a line or runs to a return goes on as long as it finds itself inside
        its range, from an end of history (`replaylog`) as after any step, and for ever. What ends
        all plans is a signal or an exception; batch mode takes each of them for a crash but for
        two signals, this one among them. LLDB shows the description in place of its name.
        """
        self._stop = {"signal": _INTERRUPT, "description": text}
        return _INTERRUPT, f"description:{text.encode().hex()};"

    def told(self, stop: Stop, reason: str, jumped: bool) -> tuple[int, str]:
        """The same of any stop. `reason`: what GDB is told; `jumped`: nothing but its place says
        why it is a stop."""
        note = printable(stop.note)
        if stop.why in _BOUNDARIES:
            text = f"history boundary: {_BOUNDARIES[stop.why]} of the recording"
            return self.because(f"{text}, {note}" if note else text)
        if stop.why in (Why.DIVERGED, Why.ASLEEP):
            return self.because(note)
        if jumped:
            return self.because(f"step {told(self._timeline, stop.step)}")
        signal = _INTERRUPT if stop.why is Why.INTERRUPTED else _TRAP
        self._stop = {"signal": signal}
        if stop.why is Why.WATCHPOINT:
            # Its address, which of the hardware's it is, and where the access was.
            address = reason.rpartition(":")[2].rstrip(";")
            at = int(address, 16)
            self._stop |= {"reason": "watchpoint", "description": f"{at} 0 {at}"}
        return signal, reason

    def threads(self) -> str:
        """What a stop reply says of threads, if LLDB wants that: which there are."""
        if not self._lists_threads:
            return ""
        return f"threads:{','.join(f'{number:x}' for number in self._threads.all())};"

    # -- questions -------------------------------------------------------------------------------

    @packets.handles(rq.ThreadSuffix)
    def _thread_suffix(self, request: rq.ThreadSuffix) -> bytes:
        self.spoken = True
        return b"OK"

    @packets.handles(rq.ListThreads)
    def _list_threads(self, request: rq.ListThreads) -> bytes:
        self.spoken = self._lists_threads = True
        return b"OK"

    @packets.handles(rq.HostInfo)
    def _host_info(self, request: rq.HostInfo) -> bytes:
        self.spoken = True
        return f"{self._machine()}watchpoint_exceptions_received:after;".encode()

    @packets.handles(rq.ProcessInfo)
    def _process_info(self, request: rq.ProcessInfo) -> bytes:
        return f"pid:{_PID:x};{self._machine()}".encode()

    def _machine(self) -> str:
        triple = self._timeline.cpu.triple.encode().hex()
        return f"triple:{triple};ptrsize:{self._bits // 8};endian:{self._byte_order};"

    @packets.handles(rq.MemoryRegion)
    def _memory_region(self, request: rq.MemoryRegion) -> bytes:
        span = self._timeline.probe.span_at(request.address)
        size = min(span.end, _LAST) - span.start
        text = f"start:{span.start:x};size:{size:x};"
        if span.name:
            rights = "".join(letter for right, letter in _RIGHTS if span.rights & right)
            text += f"permissions:{rights};name:{span.name.encode().hex()};"
        return text.encode()

    @packets.handles(rq.ThreadsInfo)
    def _threads_info(self, request: rq.ThreadsInfo) -> bytes:
        cpu = self._timeline.cpu
        registers = [register for register in cpu.registers if register.in_stop_reply]
        values = cpu.read_registers(tuple(register.name for register in registers))
        machine = dict(zip((register.name for register in registers), values, strict=True))
        rows = [
            {
                "tid": thread.number,
                **({"name": thread.name} if thread.name else {}),
                "registers": {
                    str(register.regnum): self._hex(register, known[register.name])
                    for register in registers
                    if register.name in known
                },
                **(self._stop if saved is None else {}),
            }
            for thread in self._threads.all().values()
            for saved in (self._threads.registers(thread.number),)
            for known in (machine if saved is None else saved,)
        ]
        import json  # noqa: PLC0415

        return escape(json.dumps(rows, separators=(",", ":")).encode())

    def _hex(self, register: Register, value: int) -> str:
        return value.to_bytes(register.size, self._byte_order).hex()
