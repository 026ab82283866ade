"""A GDB client: what each request does to a debugger's session, and what is answered.

`GdbSession` knows no sockets: `ttd.gdbserver` feeds it events and sends what it hands back. GDB
manual, appendix "Remote Protocol"; sections are cited at the handlers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from ttd.cpu.base import address_bits
from ttd.debugger.failures import sentence
from ttd.debugger.marks import Marks
from ttd.debugger.session import Session
from ttd.gdb_console import Console
from ttd.lldb import Lldb
from ttd.monitor import Events, Monitor, Question
from ttd.rsp import requests as rq
from ttd.rsp.framing import Ack, Event, Interrupt, Junk, Nack, Packet
from ttd.rsp.link import ClientGone, Link
from ttd.rsp.packets import Packets
from ttd.rsp.stoptable import StopTable
from ttd.target import MOST_ANSWERED, PACKET_SIZE, Target
from ttd.target_contents import TargetContents
from ttd.target_moving import TargetMoving
from ttd.timeline_api import TimelineApi

log = logging.getLogger("ttd.rsp")

ByteOrder = Literal["little", "big"]

_SOON = 0.5
"""Seconds in which a monitor command is expected to be done."""
_UNKNOWN = b""
"""The answer to a packet that nobody here knows; section "Overview"."""
_READS = (b"m", b"x", b"g", b"p")
"""Packets for what GDB reads all the time, wherever a pointer points to."""
_UNSAID = (b"M", b"X", b"Z", b"z")
"""Packets of which no client shows what an error says."""


class Part(Protocol):
    """What answers some of a client's packets."""

    @property
    def packets(self) -> Packets:
        """Which."""
        ...


class GdbSession:
    """One client, from its first packet until it detaches, kills or goes away.

    All methods run on one thread; only `interrupts` is shared with the one that reads.
    """

    packets = Packets()

    def __init__(
        self,
        timeline: TimelineApi,
        send: Callable[[bytes], None],
        *,
        marks: Marks | None = None,
        events: Events | None = None,
        questions: Sequence[Question] = (),
        byte_order: ByteOrder = "little",
        stop: threading.Event | None = None,
        keep_calls: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`marks`, `stop`, `keep_calls`: see `ttd.debugger.session.Session`."""
        self.over = False
        registers = timeline.cpu.registers
        self._timeline = timeline
        self._stops = StopTable(byte_order, {r.regnum: r.name for r in registers})
        self._session = Session(
            timeline, marks, stops=self._stops.stops, stop=stop, keep_calls=keep_calls
        )
        self.interrupts = self._session.interrupts
        self._link = Link(send)
        self._clock = clock
        self._console = Console(self._link, timeline.notes, clock)
        self._monitor = Monitor(self._session, events, questions)
        self._complained = False
        self._greeted = b""
        self._extended = False
        self._lldb = Lldb(self._session, byte_order)
        target = Target(self._session)
        self._parts: tuple[Part, ...] = (
            TargetMoving(self._session, self._stops, target, self._lldb, self._console, byte_order),
            TargetContents(self._session, target, byte_order),
            target,
            self._lldb,
        )
        self._asked_at: float | None = None
        """When the monitor command that is being executed began."""
        self._given_up = False
        """Its client does not wait for its end."""
        timeline.progress = self._console.progress

    # -- the stream ---------------------------------------------------------------------------

    @property
    def sent(self) -> int:
        """How often something was sent to the client; from any thread, for `handle`."""
        return self._link.sent

    def handle(self, event: Event, heard: int | None = None) -> None:
        """Deal with one event from the client. Section "Packet Acknowledgment".

        `heard`: what `sent` was when it was read. Raises `ClientGone`, and nothing else: whatever
        goes wrong is an answer.
        """
        heard = self.sent if heard is None else heard
        match event:
            case Packet(payload, intact):
                if self._link.accept(payload, intact, heard) and not self._is_repeated(payload):
                    self._packet(payload)
            case Ack():
                self._link.arrived()
            case Nack():
                self._link.repeat(heard)
            case Junk(count):
                self._complain(f"{count} bytes that are not a packet were dropped")
            case Interrupt():
                self.interrupts.seen()

    def close(self) -> None:
        """The client is gone: leave the timeline without its breakpoints."""
        self.over = True
        self._stops.clear()
        self._timeline.progress = None
        try:
            self._session.close()
        except Exception as e:  # the next client, and the recording, outlive it
            log.error("leaving: %s", sentence(e))

    def _is_repeated(self, payload: bytes) -> bool:
        """GDB says hello again if nobody answers for two seconds, as when this process has only
        just been started on a busy machine; a second answer would be taken for that of the next
        packet."""
        last, self._greeted = self._greeted, payload if payload.startswith(b"qSupported") else b""
        return payload == last != b""

    def _packet(self, payload: bytes) -> None:
        try:
            request = rq.parse(payload)
            handlers = (part.packets.handler(part, request) for part in (self, *self._parts))
            handler = next(filter(None, handlers), None)
            reply = handler(request) if handler is not None else _UNKNOWN
        except ClientGone:
            raise
        except rq.Malformed as e:
            self._complain(f"malformed packet {payload[:40]!r}: {e}")
            reply = self._error(payload, str(e))
        except Exception as e:  # a bug must not cost a recording
            reply = self._error(payload, sentence(e))
        if reply is not None:
            self._link.send(reply)

    def _error(self, payload: bytes, text: str) -> bytes:
        """The reply that says what is wrong, or a note of it for when it can be said."""
        kind = payload[:1]
        if kind in _UNSAID:
            self._console.note(text)
        # GDB takes whatever a read of memory brings for memory, but knows what an error is else.
        return self._link.error(text, quoted=not self._lldb.spoken and kind not in _READS)

    def _complain(self, text: str) -> None:
        log.log(logging.DEBUG if self._complained else logging.WARNING, "client: %s", text)
        self._complained = True

    # -- getting to know each other: "General Query Packets", "Packets" -------------------------

    @packets.handles(rq.Supported, f"PacketSize={PACKET_SIZE:x}", "error-message+")
    def _supported(self, request: rq.Supported) -> bytes:
        self._link.error_messages = "error-message+" in request.features
        return ";".join(f for part in (self, *self._parts) for f in part.packets.features).encode()

    @packets.handles(rq.StartNoAck, "QStartNoAckMode+")
    def _start_no_ack(self, request: rq.StartNoAck) -> bytes:
        self._link.acks = False
        return b"OK"

    @packets.handles(rq.ErrorStrings)
    def _enable_error_strings(self, request: rq.ErrorStrings) -> bytes:
        self._link.error_strings = True
        return b"OK"

    @packets.handles(rq.Extended)
    def _extended_mode(self, request: rq.Extended) -> bytes:
        self._extended = True
        return b"OK"

    # -- breakpoints: "Packets" (`Z`), "Stop Reply Packets" --------------------------------------

    @packets.handles(rq.InsertStop, "ConditionalBreakpoints+")
    def _insert_stop(self, request: rq.InsertStop) -> bytes:
        # GDB resumes by itself when a watched value did not change; LLDB wants every write.
        top = 1 << address_bits(self._timeline.cpu.registers)
        self._stops.insert(request, changes_only=not self._lldb.spoken, top=top)
        return b"OK"

    @packets.handles(rq.RemoveStop)
    def _remove_stop(self, request: rq.RemoveStop) -> bytes:
        self._stops.remove(request)
        return b"OK"

    # -- monitor, and the ends of a session: "Packets" --------------------------------------------

    @packets.handles(rq.Monitor)
    def _monitor_command(self, request: rq.Monitor) -> bytes | None:
        # Then there is a branch to speak of, and a console to say so.
        self._session.settle()
        if request.in_reply:
            text = self._execute(request.text)
            if text is None:
                return None
            # Scripts look at how an answer begins.
            text += "".join(f"{note}\n" for note in self._console.take_notes("Earlier: "))
            return text.encode()[:MOST_ANSWERED].hex().encode()
        # GDB can give up waiting, and takes what comes later for the answer to something else.
        self._console.open(shown=self._lldb.spoken)
        try:
            text = self._execute(request.text)
        finally:
            self._console.close()
        if text is None:
            return None
        self._link.console(text)
        return b"OK"

    def _execute(self, command: str) -> str | None:
        """What a monitor command prints; None if the client does not wait for it any more."""
        self._given_up = False
        self._asked_at = self._clock()
        try:
            with self.interrupts.moving():
                text = self._monitor.execute(command)
        finally:
            self._asked_at = None
        if self._given_up:
            self.interrupts.answered()
            return None
        return text

    def overtaken(self) -> None:
        """Called by the reader for a packet: who sends one does not wait for a command's answer.

        That is what is left of a Ctrl-C that ends a `monitor` command in GDB. Of a short one the
        answer may be on its way.
        """
        asked_at = self._asked_at
        if asked_at is not None and self._clock() > asked_at + _SOON:
            self._given_up = True
            self.interrupts.seen()

    @packets.handles(rq.KillProcess)
    def _kill_process(self, request: rq.KillProcess) -> bytes:
        """There is no process to end; `run` goes back to the first step."""
        self._stops.clear()
        return b"OK"

    @packets.handles(rq.Kill)
    def _kill(self, request: rq.Kill) -> None:
        self._stops.clear()
        self.over = not self._extended

    @packets.handles(rq.Detach)
    def _detach(self, request: rq.Detach) -> bytes:
        self._stops.clear()
        self._session.leave()
        self.over = not self._extended
        return b"OK"
