"""A GDB client: what each request does to a debugger's session, and what is answered.

`GdbSession` knows no sockets: `ttd.gdbserver` feeds it events and sends what it hands back. GDB
manual, appendix "Remote Protocol"; sections are cited at the handlers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from ttd.cpu.base import address_bits
from ttd.debugger.failures import sentence
from ttd.debugger.marks import Marks
from ttd.debugger.places import told
from ttd.debugger.session import Found, Session
from ttd.gdb_console import Console
from ttd.lldb import Lldb
from ttd.monitor import Events, Monitor, Question
from ttd.rsp import requests as rq
from ttd.rsp.framing import Ack, Event, Interrupt, Junk, Nack, Packet
from ttd.rsp.link import ClientGone, Link
from ttd.rsp.stoptable import StopTable
from ttd.stops import Stop, Stops, Why, whole
from ttd.target import MOST_ANSWERED, PACKET_SIZE, TARGET_FEATURES, Target
from ttd.target_contents import CONTENTS_FEATURES, TargetContents
from ttd.text import printable
from ttd.timeline_api import TimelineApi

log = logging.getLogger("ttd.rsp")

ByteOrder = Literal["little", "big"]

_SOON = 0.5
"""Seconds in which a monitor command is expected to be done."""
_IN_CALL = "This is in a function that was called: all that it does is gone when it returns."

_Handler = Callable[["GdbSession", Any], bytes | None]
_HANDLERS: dict[type[rq.Request], _Handler] = {}
FEATURES: list[str] = []
"""What `qSupported` answers: each handler adds what it makes true."""

_READS = (b"m", b"x", b"g", b"p")
"""Packets for what GDB reads all the time, wherever a pointer points to."""
_UNSAID = (b"M", b"X", b"Z", b"z")
"""Packets of which no client shows what an error says."""

_R = TypeVar("_R", bound=rq.Request)


def _handles(
    kind: type[_R], *features: str
) -> Callable[[Callable[[GdbSession, _R], bytes | None]], Callable[[GdbSession, _R], bytes | None]]:
    def register(
        handler: Callable[[GdbSession, _R], bytes | None],
    ) -> Callable[[GdbSession, _R], bytes | None]:
        _HANDLERS[kind] = handler
        FEATURES.extend(features)
        return handler

    return register


class GdbSession:
    """One client, from its first packet until it detaches, kills or goes away.

    All methods run on one thread; only `interrupts` is shared with the one that reads.
    """

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
        self._threads = self._session.threads
        self._byte_order: ByteOrder = byte_order
        self._told = [register for register in registers if register.in_stop_reply]
        """What a stop reply has: LLDB knows them as registers by their two digits."""
        self._link = Link(send)
        self._clock = clock
        self._console = Console(self._link, timeline.notes, clock)
        self._monitor = Monitor(self._session, events, questions)
        self._complained = False
        self._greeted = b""
        self._extended = False
        self._target = Target(timeline, self._threads)
        self._contents = TargetContents(self._session, self._target, byte_order)
        self._lldb = Lldb(timeline, self._threads, byte_order)
        self._last_stop = (5, "")
        """Signal and reason of the last stop reply."""
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
            handler = _HANDLERS.get(type(request))
            reply = handler(self, request) if handler is not None else self._answer(request)
        except ClientGone:
            raise
        except rq.Malformed as e:
            self._complain(f"malformed packet {payload[:40]!r}: {e}")
            reply = self._error(payload, str(e))
        except Exception as e:  # a bug must not cost a recording
            reply = self._error(payload, sentence(e))
        if reply is not None:
            self._link.send(reply)

    def _answer(self, request: rq.Request) -> bytes:
        """The reply to what changes nothing of the session; an empty one to what nobody knows."""
        for part in (self._target, self._contents, self._lldb):
            reply = part.answer(request)
            if reply is not None:
                return reply
        return b""

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

    @_handles(
        rq.Supported,
        f"PacketSize={PACKET_SIZE:x}",
        "error-message+",
        *TARGET_FEATURES,
        *CONTENTS_FEATURES,
    )
    def _supported(self, request: rq.Supported) -> bytes:
        self._link.error_messages = "error-message+" in request.features
        return ";".join(FEATURES).encode()

    @_handles(rq.StartNoAck, "QStartNoAckMode+")
    def _start_no_ack(self, request: rq.StartNoAck) -> bytes:
        self._link.acks = False
        return b"OK"

    @_handles(rq.ErrorStrings)
    def _enable_error_strings(self, request: rq.ErrorStrings) -> bytes:
        self._link.error_strings = True
        return b"OK"

    @_handles(rq.Extended)
    def _extended_mode(self, request: rq.Extended) -> bytes:
        self._extended = True
        return b"OK"

    # -- breakpoints: "Packets" (`Z`), "Stop Reply Packets" --------------------------------------

    @_handles(rq.InsertStop, "ConditionalBreakpoints+")
    def _insert_stop(self, request: rq.InsertStop) -> bytes:
        # GDB resumes by itself when a watched value did not change; LLDB wants every write.
        top = 1 << address_bits(self._timeline.cpu.registers)
        self._stops.insert(request, changes_only=not self._lldb.spoken, top=top)
        return b"OK"

    @_handles(rq.RemoveStop)
    def _remove_stop(self, request: rq.RemoveStop) -> bytes:
        self._stops.remove(request)
        return b"OK"

    # -- moving: "Packets" (`vCont`, `bc`, `bs`), "Stop Reply Packets", "Interrupts" --------------

    @_handles(rq.ResumeKinds, "vContSupported+")
    def _resume_kinds(self, request: rq.ResumeKinds) -> bytes:
        return b"vCont;c;C;s;S;t;r"

    @_handles(rq.StopReason, "swbreak+", "hwbreak+")
    def _stop_reason(self, request: rq.StopReason) -> bytes:
        return self._stop_reply(5)

    @_handles(rq.ThreadStop)
    def _thread_stop(self, request: rq.ThreadStop) -> bytes:
        if request.thread == self._threads.running:
            return self._stop_reply(*self._last_stop)
        return (
            b"T00thread:%x;" % request.thread if request.thread in self._threads.all() else b"E01"
        )

    @_handles(rq.Resume)
    def _resume(self, request: rq.Resume) -> bytes:
        timeline, stops = self._timeline, self._stops.stops()
        match request.how:
            case rq.How.STEP:
                return self._step(1, stops, request.thread, request.alone)
            case rq.How.RANGE:
                return self._travel(
                    lambda: timeline.range_step(request.start, request.end, stops),
                    forward=True,
                    stepped=self._stepped(request.thread),
                    alone=request.alone,
                )
            case rq.How.CONTINUE:
                until = self._session.run_limit(forward=True)
                return self._travel(
                    lambda: timeline.run_forward(stops, until, here=True), forward=True, far=True
                )
        return self._stop_reply(0)

    @_handles(rq.BackStep, "ReverseStep+")
    def _back_step(self, request: rq.BackStep) -> bytes:
        # To make the step of a watchpoint's GDB lets go of it, as of a breakpoint in `_resume`.
        over = "watch" in self._last_stop[1]
        return self._step(-1, self._stops.stops(), alone=over)

    @_handles(rq.BackContinue, "ReverseContinue+")
    def _back_continue(self, request: rq.BackContinue) -> bytes:
        timeline, stops = self._timeline, self._stops.stops()
        until = self._session.run_limit(forward=False)
        return self._travel(lambda: timeline.run_backward(stops, until), forward=False, far=True)

    def _stepped(self, thread: int | None) -> int | None:
        """The thread that a client means to step, which is not always the one that runs."""
        return (
            (thread if thread and thread > 0 else None)
            or self._target.resumed
            or self._threads.told
        )

    def _step(
        self, direction: int, stops: Stops, thread: int | None = None, alone: bool = False
    ) -> bytes:
        """One step, which watchpoints may stop, but breakpoints may not."""
        timeline = self._timeline
        watches = replace(stops, breakpoints=())

        def go() -> Stop:
            if not stops.watchpoints:
                return timeline.step_forward() if direction > 0 else timeline.step_backward()
            until = timeline.position + direction
            if direction > 0:
                return timeline.run_forward(watches, until, here=True)
            stop = timeline.run_backward(watches, until)
            # The first position is the beginning of history, but to get there was a step.
            return replace(stop, why=Why.STEPS) if stop.step == until == timeline.begin else stop

        return self._travel(
            go, forward=direction > 0, step=True, stepped=self._stepped(thread), alone=alone
        )

    def _travel(
        self,
        go: Callable[[], Stop],
        *,
        forward: bool,
        far: bool = False,
        step: bool = False,
        stepped: int | None = None,
        alone: bool = False,
    ) -> bytes:
        """Run a movement, or what is armed in its place, and return the stop reply.

        `stepped`: the thread in which this is one step; `alone`: in which it has to end.
        """
        before = self._threads.told
        self._session.settle()  # then there may be a branch to speak of
        self._console.open()
        try:
            found = self._session.move(
                go,
                far=far,
                arrive=lambda stop: self._past_access(stop, forward),
                unfinished=not self._watch_after,
            )
        except ClientGone:
            raise
        except Exception as e:  # a bug must not cost a recording
            text = sentence(e)
            self._console.close()
            self._console.say(text)
            return self._stop_reply(
                *((5, "") if not self._lldb.spoken else self._lldb.because(text))
            )
        self._console.close()
        stop, jumped = found.stop, found.armed is not None
        at_break = far and stop.why is Why.STEPS
        self._say(found, placed=jumped or at_break or stop.why is Why.INTERRUPTED)
        answer = (2 if stop.why is Why.INTERRUPTED else 5, self._stops.reason(stop))
        if step and stop.why is Why.HISTORY_END and self._stops.had(stop.pc):
            # GDB (13 to 18) that hears of the end in a step over a breakpoint never resumes again.
            answer = (0, "")
        if stop.why is Why.ASLEEP:
            # A step by lines ends, too.
            answer = (0, "")
        if self._lldb.spoken:
            answer = self._lldb.told(stop, answer[1], jumped or at_break)
        elif stepped is not None and stepped != self._threads.running:
            # The step ended in another thread, as where a kernel switches tasks.
            if alone and stepped == before:
                # A step over a breakpoint: GDB dies of an answer from another one.
                if jumped:
                    self._threads.swap(stepped)
                else:
                    self._threads.stay(stepped)
            elif answer == (5, ""):
                # GDB takes SIGTRAP for a signal which that thread has got; without a signal it has
                # just stopped.
                answer = (0, "")
        return self._stop_reply(*answer)

    def _say(self, found: Found, *, placed: bool) -> None:
        """What a movement has found, as far as no stop reply says it; `placed`: where, too."""
        if found.in_call:
            self._console.say(_IN_CALL)
        if found.stop.note:
            self._console.say(printable(found.stop.note))
        if placed:
            self._console.say(f"Step: {told(self._timeline, found.stop.step)}")

    @property
    def _watch_after(self) -> bool:
        """The client expects watchpoint stops after the access, or in reverse before it: LLDB
        always, GDB on some architectures. Of others GDB itself takes that step."""
        return self._lldb.spoken or self._timeline.cpu.watch_after

    def _past_access(self, stop: Stop, forward: bool) -> Stop:
        """From before an access, which is where a timeline stops, to where the client expects that
        it is told of it: behind it, or in reverse before it; who makes that step itself is told of
        it on the other side each time."""
        if stop.why is Why.WATCHPOINT and self._watch_after == forward:
            after = whole(self._timeline.step_forward)
            return replace(stop, step=after.step, pc=after.pc)
        return stop

    def _stop_reply(self, signal: int, reason: str = "") -> bytes:
        self._last_stop = signal, reason
        values = self._timeline.cpu.read_registers(tuple(register.name for register in self._told))
        registers = "".join(
            f"{register.regnum:02x}:{value.to_bytes(register.size, self._byte_order).hex()};"
            for register, value in zip(self._told, values, strict=True)
        )
        self._target.moved()
        thread = self._threads.tell()
        threads = self._lldb.threads()
        return f"T{signal:02x}{reason}thread:{thread:x};{threads}{registers}".encode()

    @_handles(rq.CtrlC)
    def _ctrl_c(self, request: rq.CtrlC) -> bytes:
        """As 0x03, which the reader has seen to by now; section "Packets", `vCtrlC`."""
        return b"OK"

    # -- looking at another time: "Tracepoint Packets" --------------------------------------------

    @_handles(rq.SelectFrame)
    def _select_frame(self, request: rq.SelectFrame) -> bytes:
        """`tfind N` looks at step N; `tfind pc A` at the next step at which PC is A."""
        timeline, number = self._timeline, request.value
        if number is None:
            self._session.leave()
            return b"F-1"
        if request.by is rq.Nav.PC:
            found = self._session.visit(lambda: timeline.find_pc(number), Why.BREAKPOINT)
        else:
            there = timeline.begin <= number <= timeline.end
            found = there and self._session.visit(lambda: timeline.seek(number), Why.STEPS)
        return b"F%xT0" % timeline.position if found else b"F-1"

    # -- monitor, and the ends of a session: "Packets" --------------------------------------------

    @_handles(rq.Monitor)
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

    @_handles(rq.Run)
    def _run(self, request: rq.Run) -> bytes:
        self._session.restart()
        return self._stop_reply(5)

    @_handles(rq.Restart)
    def _restart(self, request: rq.Restart) -> None:
        self._session.restart()

    @_handles(rq.KillProcess)
    def _kill_process(self, request: rq.KillProcess) -> bytes:
        """There is no process to end; `run` goes back to the first step."""
        self._stops.clear()
        return b"OK"

    @_handles(rq.Kill)
    def _kill(self, request: rq.Kill) -> None:
        self._stops.clear()
        self.over = not self._extended

    @_handles(rq.Detach)
    def _detach(self, request: rq.Detach) -> bytes:
        self._stops.clear()
        self._session.leave()
        self.over = not self._extended
        return b"OK"
