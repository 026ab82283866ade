"""What GDB asks of the target itself: what it is, and what it has one of, or none.

Answers that follow from the timeline alone, whatever the session has been through. GDB manual,
appendix "Remote Protocol"; sections are cited at the handlers.
"""

from __future__ import annotations

from ttd.cpu.base import address_bits
from ttd.debugger.places import told
from ttd.debugger.session import Session
from ttd.debugger.threads import Thread
from ttd.errors import UserError
from ttd.rsp import requests as rq
from ttd.rsp.description import memory_map_xml, target_xml
from ttd.rsp.framing import escape
from ttd.rsp.packets import Packets

PACKET_SIZE = 0x20000
"""Longest packet taken, and what `PacketSize` says."""
MOST_ANSWERED = PACKET_SIZE // 2 - 16
"""Bytes in one answer: as hex digits, or each of them escaped, they fit a packet."""


class Target:
    """The machine as GDB is told of it."""

    packets = Packets()

    def __init__(self, session: Session) -> None:
        self._timeline = session.timeline
        self._threads = session.threads
        self.selected: int | None = None
        """The thread whose registers are read and written; None: the one that runs."""
        self.resumed: int | None = None
        """The thread that is meant by what resumes and names none."""

    def moved(self) -> None:
        """After a stop a client takes the thread that it is told of."""
        self.selected = None

    # -- descriptions: "General Query Packets" (`qXfer`) ------------------------------------------

    @packets.handles(rq.TransferFeatures, "qXfer:features:read+")
    def _features(self, request: rq.TransferFeatures) -> bytes:
        if request.annex != "target.xml":
            return b"E00"  # what the protocol has for an annex that is not there
        cpu = self._timeline.cpu
        return _window(target_xml(cpu.gdb_architecture, cpu.registers), request)

    @packets.handles(rq.TransferMemoryMap, "qXfer:memory-map:read+")
    def _memory_map(self, request: rq.TransferMemoryMap) -> bytes:
        bits = address_bits(self._timeline.cpu.registers)
        return _window(memory_map_xml(self._timeline.probe.memory_map(), bits), request)

    # -- processes and threads: "General Query Packets", "Packets" (`H`, `T`) ---------------------

    @packets.handles(rq.Attached)
    def _attached(self, request: rq.Attached) -> bytes:
        return b"1"

    @packets.handles(rq.CurrentThread)
    def _current_thread(self, request: rq.CurrentThread) -> bytes:
        return b"QC%x" % self._threads.running

    @packets.handles(rq.Threads)
    def _list(self, request: rq.Threads) -> bytes:
        numbers = ",".join(f"{number:x}" for number in self._threads.all())
        return f"m{numbers}".encode() if request.first else b"l"

    @packets.handles(rq.TransferThreads, "qXfer:threads:read+")
    def _descriptions(self, request: rq.TransferThreads) -> bytes:
        rows = "".join(
            f'<thread id="{thread.number:x}"{_as_name(thread.name)}>'
            f"{_escaped(self._text(thread))}</thread>\n"
            for thread in self._threads.all().values()
        )
        return _window(f'<?xml version="1.0"?>\n<threads>\n{rows}</threads>\n', request)

    @packets.handles(rq.ThreadText)
    def _thread_text(self, request: rq.ThreadText) -> bytes:
        thread = self._threads.all().get(request.thread)
        if thread is None:
            return b"E01"
        name = f"{thread.name}: " if thread.name else ""
        return (name + self._text(thread)).encode().hex().encode()

    def _text(self, thread: Thread) -> str:
        """Of the thread that runs, where the machine is, for front ends that list threads."""
        here = thread.number == self._threads.running
        words = [thread.state] if thread.state else []
        if here:
            words.append(f"step {told(self._timeline, self._timeline.position)}")
        return ", ".join(words)

    @packets.handles(rq.SelectThread)
    def _select_thread(self, request: rq.SelectThread) -> bytes:
        # 0 is any, and -1 all.
        number = request.thread if request.thread > 0 else None
        if number is not None and not self._alive(number):
            return b"E01"
        if request.to_resume:
            self.resumed = number
        else:
            self.selected = number
        return b"OK"

    @packets.handles(rq.ThreadAlive)
    def _thread_alive(self, request: rq.ThreadAlive) -> bytes:
        return b"OK" if self._alive(request.thread) else b"E01"

    def _alive(self, number: int) -> bool:
        return number == self._threads.running or number in self._threads.all()

    # -- tracepoints, of which there are none: "Tracepoint Packets" -------------------------------

    @packets.handles(rq.TraceStatus)
    def _trace_status(self, request: rq.TraceStatus) -> bytes:
        return b"T0;tnotrun:0"

    @packets.handles(rq.TraceList)
    def _trace_list(self, request: rq.TraceList) -> bytes:
        return b"l"

    @packets.handles(rq.TraceStart)
    def _trace_start(self, request: rq.TraceStart) -> bytes:
        raise UserError(
            "ttd has no tracepoints: all steps are trace frames already, 'tfind N' looks at one."
        )


def _as_name(name: str) -> str:
    return f' name="{_escaped(name)}"' if name else ""


def _escaped(text: str) -> str:
    """For XML, within quotes and without."""
    for character, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(character, f"&{entity};")
    return text


def _window(text: str, request: rq.Transfer) -> bytes:
    """Section "General Query Packets", `qXfer`: `m` when there is more, `l` for the last."""
    data = text.encode()
    length = min(request.length, MOST_ANSWERED)
    part = data[request.offset : request.offset + length]
    more = request.offset + length < len(data)
    return (b"m" if more else b"l") + escape(part)
