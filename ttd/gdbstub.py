"""A GDB session: what each request does to a timeline, and what is answered.

`Session` knows no sockets: `ttd.gdbserver` feeds it events and sends what it hands back. It knows
no architecture either: registers come from `Cpu.registers`. GDB manual, appendix "Remote
Protocol"; sections are cited at the handlers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from ttd.calls import Calls
from ttd.cpu.base import Cpu, Register, address_bits
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.lldb import Lldb
from ttd.monitor import Armed, Events, Marks, Monitor, Question, place
from ttd.rsp import requests as rq
from ttd.rsp.framing import Ack, Event, Interrupt, Junk, Nack, Packet, escape
from ttd.rsp.interrupts import Interrupts
from ttd.rsp.link import ClientGone, Link
from ttd.rsp.stoptable import StopTable
from ttd.stops import Stop, Stops, Why, whole
from ttd.target import MOST_ANSWERED, PACKET_SIZE, TARGET_FEATURES, Target
from ttd.text import printable
from ttd.threads import Threads
from ttd.timeline_api import PastIsReadOnly, TimelineApi

log = logging.getLogger("ttd.rsp")

ByteOrder = Literal["little", "big"]

_PROGRESS_EVERY = 2.0
"""Seconds between two words of progress; work that takes less prints none."""
_PROGRESS_PERCENT = 5
"""By how much it must have grown."""

_SOON = 0.5
"""Seconds in which a monitor command is expected to be done."""
_IN_CALL = "This is in a function that was called: all that it does is gone when it returns.\n"
_NOT_RUNNING = "Registers of a task that does not run cannot be written: they are on its stack."
_MOST_NOTES = 20
"""Sentences that wait for a console; of more the last ones count."""

_Handler = Callable[["Session", Any], bytes | None]
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
) -> Callable[[Callable[[Session, _R], bytes | None]], Callable[[Session, _R], bytes | None]]:
    def register(
        handler: Callable[[Session, _R], bytes | None],
    ) -> Callable[[Session, _R], bytes | None]:
        _HANDLERS[kind] = handler
        FEATURES.extend(features)
        return handler

    return register


class Session:
    """One client, from its first packet until it detaches, kills or goes away.

    All methods run on one thread; only `interrupts` is shared with the one that reads. Setting
    `stop` makes the next interruption of the timeline end its movement for good.
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
        self.over = False
        self.interrupts = Interrupts(timeline.interrupt, stop or threading.Event())
        self.byte_order: ByteOrder = byte_order
        self._timeline = timeline
        self._registers = {register.regnum: register for register in timeline.cpu.registers}
        told = [register for register in timeline.cpu.registers if register.in_stop_reply]
        self._told = tuple(register.name for register in told)
        # LLDB knows them as registers by their two digits.
        self._told_as = [(f"{register.regnum:02x}:", _size(register)) for register in told]
        self._link = Link(send)
        self._clock = clock
        self._marks = marks if marks is not None else Marks()
        self._monitor = Monitor(timeline, self._marks, events, questions)
        self._monitor.place = self._home
        self._complained = False
        self._greeted = b""
        self._extended = False
        self._threads = Threads(timeline)
        self._target = Target(timeline, self._threads)
        self._lldb = Lldb(timeline, self._threads, byte_order)
        self._last_stop = (5, "")
        """Signal and reason of the last stop reply."""
        self._told_thread: int | None = None
        """The thread in it."""
        self._stops = StopTable(
            byte_order, {number: register.name for number, register in self._registers.items()}
        )
        self._asked_at: float | None = None
        """When the monitor command that is being executed began."""
        self._given_up = False
        """Its client does not wait for its end."""
        self._frame_home: Place | None = None
        """While a trace frame is selected: where the target really is."""
        self._notes: list[str] = []
        """Sentences that could not be shown yet: a console exists only while running."""
        self._console_open = False
        self._calls = Calls(timeline, self._stops, lambda: self.byte_order, kept=keep_calls)
        self._next_progress = 0.0
        self._told_progress = "", 0
        """What has been said on the line that is not ended yet."""
        self._watch_from: Place | None = None
        """After a watchpoint stop: where that run began; GDB itself takes the last step of it."""
        timeline.progress = self._progress

    @property
    def _cpu(self) -> Cpu:
        return self._timeline.cpu

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
            self._calls.leave()
            self._leave_frame()
        except Exception as e:  # the next client, and the recording, outlive it
            log.error("leaving: %s", _sentence(e))

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
            if handler is not None:
                reply = handler(self, request)
            else:
                reply = self._target.answer(request) or self._lldb.answer(request) or b""
        except ClientGone:
            raise
        except rq.Malformed as e:
            self._complain(f"malformed packet {payload[:40]!r}: {e}")
            reply = self._error(payload, str(e))
        except Exception as e:  # a bug must not cost a recording
            reply = self._error(payload, _sentence(e))
        if reply is not None:
            self._link.send(reply)

    def _error(self, payload: bytes, text: str) -> bytes:
        """The reply that says what is wrong, or a note of it for when it can be said."""
        kind = payload[:1]
        if kind in _UNSAID:
            self._notes = [*self._notes[-_MOST_NOTES:], text]
        # GDB takes whatever a read of memory brings for memory, but knows what an error is else.
        return self._link.error(text, quoted=not self._lldb.spoken and kind not in _READS)

    def _complain(self, text: str) -> None:
        log.log(logging.DEBUG if self._complained else logging.WARNING, "client: %s", text)
        self._complained = True

    def _take_notes(self, before: str = "") -> list[str]:
        said = self._timeline.notes
        notes, self._notes = [f"Earlier: {note}" for note in dict.fromkeys(self._notes)], []
        notes += [before + note for note in said]
        said.clear()
        return notes

    def _show_notes(self) -> None:
        for note in self._take_notes():
            self._link.console(f"{note}\n")

    def _progress(self, fraction: float, text: str) -> None:
        """All of a movement's stays on one line, which grows: consoles that go back to the
        beginning of a line are few."""
        if not self._console_open or fraction >= 1 or self._clock() < self._next_progress:
            return
        percent, (told, last) = int(100 * fraction), self._told_progress
        if text != told:
            self._end_progress()
            self._link.console(f"{text}: {percent}%")
        elif percent >= last + _PROGRESS_PERCENT:
            self._link.console(f" {percent}%")
        else:
            return
        self._told_progress = text, percent
        self._next_progress = self._clock() + _PROGRESS_EVERY

    def _end_progress(self) -> None:
        """What comes next begins a line."""
        if self._told_progress[0]:
            self._told_progress = "", 0
            self._link.console("\n")

    # -- getting to know each other: "General Query Packets", "Packets" -------------------------

    @_handles(rq.Supported, f"PacketSize={PACKET_SIZE:x}", "error-message+", *TARGET_FEATURES)
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

    # -- registers and memory: "Packets" ---------------------------------------------------------

    def _read_bytes(self, register: Register) -> bytes:
        return self._cpu.read_register(register.name).to_bytes(_size(register), self.byte_order)

    def _saved(self, thread: int | None) -> Mapping[str, int] | None:
        """Registers of the thread that is named or selected; None: it runs, they are the CPU's."""
        number = (thread if thread and thread > 0 else None) or self._target.selected
        if number is None:
            return None
        try:
            return self._threads.registers(number)
        except LookupError as e:
            raise rq.Malformed(str(e)) from e

    def _told_of(self, register: Register, saved: Mapping[str, int]) -> str:
        """Digits of a register of a thread that does not run; what is not known is `x`."""
        if register.name in saved:
            value = saved[register.name] & (1 << register.bits) - 1
            return value.to_bytes(_size(register), self.byte_order).hex()
        return "xx" * _size(register)

    def _refuse_saved(self, thread: int | None) -> None:
        if self._saved(thread) is not None:
            raise UserError(_NOT_RUNNING)

    def _by_number(self, regnum: int) -> Register:
        if regnum not in self._registers:
            raise rq.Malformed(f"there is no register {regnum}")
        return self._registers[regnum]

    @_handles(rq.ReadRegisters)
    def _read_registers(self, request: rq.ReadRegisters) -> bytes:
        registers, saved = self._cpu.registers, self._saved(request.thread)
        if saved is not None:
            return "".join(self._told_of(register, saved) for register in registers).encode()
        values = self._cpu.read_registers(tuple(register.name for register in registers))
        data = [
            value.to_bytes(_size(register), self.byte_order)
            for register, value in zip(registers, values, strict=True)
        ]
        return b"".join(data).hex().encode()

    @_handles(rq.WriteRegisters)
    def _write_registers(self, request: rq.WriteRegisters) -> bytes:
        if len(request.data) != sum(map(_size, self._cpu.registers)):
            raise rq.Malformed("not the size of all registers")
        self._refuse_saved(request.thread)
        at = 0
        for register in self._cpu.registers:
            self._write_changed(register, request.data[at : at + _size(register)])
            at += _size(register)
        return b"OK"

    @_handles(rq.ReadRegister)
    def _read_register(self, request: rq.ReadRegister) -> bytes:
        register, saved = self._by_number(request.regnum), self._saved(request.thread)
        if saved is not None:
            return self._told_of(register, saved).encode()
        return self._read_bytes(register).hex().encode()

    @_handles(rq.WriteRegister)
    def _write_register(self, request: rq.WriteRegister) -> bytes:
        register = self._by_number(request.regnum)
        if len(request.data) != _size(register):
            raise rq.Malformed("not the size of the register")
        self._refuse_saved(request.thread)
        self._write_changed(register, request.data)
        return b"OK"

    def _write_changed(self, register: Register, data: bytes) -> None:
        """GDB also writes back what it has read; that is no change and allowed everywhere."""
        if data != self._read_bytes(register):
            self._refuse_in_frame()
            value = int.from_bytes(data, self.byte_order)
            self._timeline.write_register(register.name, value)
            self._calls.put_back()
            self._threads.written()

    def _refuse_in_frame(self) -> None:
        if self._frame_home is not None:
            raise PastIsReadOnly("A trace frame is read-only; 'tfind none' leaves it.")

    @_handles(rq.ReadMemory)
    def _read_memory(self, request: rq.ReadMemory) -> bytes:
        length = min(request.length, MOST_ANSWERED)
        data = self._timeline.read_memory(request.address, length) if length else b""
        return data.hex().encode()

    @_handles(rq.ReadMemoryBinary, "binary-upload+")
    def _read_memory_binary(self, request: rq.ReadMemoryBinary) -> bytes:
        length = min(request.length, MOST_ANSWERED)
        data = self._timeline.read_memory(request.address, length) if length else b""
        return b"b" + escape(data)

    @_handles(rq.WriteMemory)
    def _write_memory(self, request: rq.WriteMemory) -> bytes:
        if request.data:  # GDB probes for `X` with an empty write
            self._refuse_in_frame()
            self._timeline.write_memory(request.address, request.data)
            self._threads.written()
        return b"OK"

    # -- breakpoints: "Packets" (`Z`), "Stop Reply Packets" --------------------------------------

    @_handles(rq.InsertStop, "ConditionalBreakpoints+")
    def _insert_stop(self, request: rq.InsertStop) -> bytes:
        # GDB resumes by itself when a watched value did not change; LLDB wants every write.
        top = 1 << address_bits(self._cpu.registers)
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
                until = self._monitor.continue_until(forward=True)
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
        until = self._monitor.continue_until(forward=False)
        return self._travel(lambda: timeline.run_backward(stops, until), forward=False, far=True)

    def _stepped(self, thread: int | None) -> int | None:
        """The thread that a client means to step, which is not always the one that runs."""
        return (
            (thread if thread and thread > 0 else None) or self._target.resumed or self._told_thread
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
        """Run a movement, or the armed seek in its place, and return the stop reply.

        `stepped`: the thread in which this is one step; `alone`: in which it has to end.
        """
        armed = self._monitor.take_armed()
        self._calls.settle()
        start = self._home()
        before = self._told_thread
        self._open_console()
        try:
            self._leave_frame()
            if armed is not None:
                stop = self._move(partial(self._jump, armed))
            else:
                stop = self._move(go)
                stop = self._past_access(stop, forward)
            self._end_progress()
        except ClientGone:
            raise
        except Exception as e:  # a bug must not cost a recording
            self._end_progress()
            self._link.console(f"{_sentence(e)}\n")
            self._recover(start)
            told = (5, "") if not self._lldb.spoken else self._lldb.because(_sentence(e))
            return self._stop_reply(*told)
        finally:
            self._console_open = False
        self._note_move(start, stop, armed, far)
        if self._calls.is_inside(stop.pc):
            self._link.console(_IN_CALL)
        if stop.note:
            self._link.console(f"{printable(stop.note)}\n")
        at_break = far and stop.why is Why.STEPS
        if armed is not None or at_break or stop.why is Why.INTERRUPTED:
            self._link.console(f"Step: {place(self._timeline, stop.step)}\n")
        if stop.why is Why.INTERRUPTED:
            self.interrupts.answered()
        told = (2 if stop.why is Why.INTERRUPTED else 5, self._stops.reason(stop))
        if step and stop.why is Why.HISTORY_END and self._stops.had(stop.pc):
            # GDB (13 to 18) that hears of the end in a step over a breakpoint never resumes again.
            told = (0, "")
        if stop.why is Why.ASLEEP:
            # A step by lines ends, too.
            told = (0, "")
        if self._lldb.spoken:
            told = self._lldb.told(stop, told[1], armed is not None or at_break)
        elif stepped is not None and stepped != self._threads.running:
            # The step ended in another thread, as where a kernel switches tasks.
            if alone and stepped == before:
                # A step over a breakpoint: GDB dies of an answer from another one.
                if armed is None:
                    self._threads.stay(stepped)
                else:
                    self._threads.swap(stepped)
            elif told == (5, ""):
                # GDB takes SIGTRAP for a signal which that thread has got; without a signal it has
                # just stopped.
                told = (0, "")
        return self._stop_reply(*told)

    def _jump(self, armed: Armed) -> Stop:
        if armed.text is not None:
            return self._timeline.back_to_printed(armed.text)
        stop = self._timeline.go_to(armed.place)
        if armed.edit is not None and stop.why is not Why.INTERRUPTED:
            self._timeline.branch_off(armed.edit.reason, changes=armed.edit.changes)
        return stop

    def _recover(self, start: Place) -> None:
        """A movement has failed on its way: go back to where it began, a place known to be good.

        Not from the end of what is being recorded, where the user wants to look at it.
        """
        timeline = self._timeline
        try:
            recording = timeline.live and timeline.position == timeline.end
            if timeline.place != start and not recording:
                self._return_to(start)
        except Exception as e:  # there is nothing left to try
            log.error("going back to step %d: %s", start.step, _sentence(e))

    def _note_move(self, start: Place, stop: Stop, armed: Armed | None, far: bool) -> None:
        """Keep the trail that `back` and `forward` walk: of runs and jumps, not of single steps."""
        jump = far or armed is not None
        origin, self._watch_from = self._watch_from, None
        came = Place(self._timeline.place.branch, stop.step)
        if armed is not None and armed.index is not None and came == armed.place:
            self._marks.walked(start, armed.index)
            return
        if origin is not None:
            self._marks.moved(origin, start if jump else came)
        if jump and stop.why is Why.WATCHPOINT and not self._watch_after:
            self._watch_from = start
        elif jump:
            self._marks.moved(start, came)

    def _open_console(self) -> None:
        self._show_notes()
        self._next_progress = self._clock() + _PROGRESS_EVERY
        self._console_open = True

    def _move(self, go: Callable[[], Stop]) -> Stop:
        """Run `go`, ended early by a Ctrl-C that nobody has answered yet, and by nothing else."""
        while True:
            with self.interrupts.moving():
                if self.interrupts.pending:
                    return Stop(Why.INTERRUPTED, self._timeline.position, pc=0)
                stop = go()
            if stop.why is not Why.INTERRUPTED or self.interrupts.pending:
                return stop

    @property
    def _watch_after(self) -> bool:
        """The client expects watchpoint stops after the access, or in reverse before it: LLDB
        always, GDB on some architectures. Of others GDB itself takes that step."""
        return self._lldb.spoken or self._cpu.watch_after

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
        values = self._cpu.read_registers(self._told)
        registers = "".join(
            f"{number}{value.to_bytes(size, self.byte_order).hex()};"
            for (number, size), value in zip(self._told_as, values, strict=True)
        )
        self._target.moved()
        self._told_thread = self._threads.running
        threads = self._lldb.threads()
        return f"T{signal:02x}{reason}thread:{self._told_thread:x};{threads}{registers}".encode()

    @_handles(rq.CtrlC)
    def _ctrl_c(self, request: rq.CtrlC) -> bytes:
        """As 0x03, which the reader has seen to by now; section "Packets", `vCtrlC`."""
        return b"OK"

    # -- looking at another time: "Tracepoint Packets" --------------------------------------------

    def _home(self) -> Place:
        return self._timeline.place if self._frame_home is None else self._frame_home

    def _leave_frame(self) -> None:
        if self._frame_home is not None:
            home, self._frame_home = self._frame_home, None
            self._return_to(home)
            self._keep_thread()

    def _keep_thread(self) -> None:
        """Nobody tells a client which thread runs in a trace frame: it is the one that it knows."""
        if self._told_thread is not None:
            self._threads.swap(self._told_thread)

    def _return_to(self, place: Place) -> None:
        """A seek that nothing ends early, not even a Ctrl-C that was meant for what came before."""
        whole(lambda: self._timeline.go_to(place))

    @_handles(rq.SelectFrame)
    def _select_frame(self, request: rq.SelectFrame) -> bytes:
        """`tfind N` looks at step N; `tfind pc A` at the next step at which PC is A."""
        timeline, number = self._timeline, request.value
        if number is None:
            self._leave_frame()
            return b"F-1"
        self._calls.settle()
        before, home = timeline.place, self._home()
        if request.by is rq.Nav.PC:
            stop = self._move(lambda: timeline.find_pc(number))
            found = stop.why is Why.BREAKPOINT
        else:
            found = timeline.begin <= number <= timeline.end
            if found:
                stop = self._move(lambda: timeline.seek(number))
                found = stop.why is not Why.INTERRUPTED
        if self.interrupts.pending:
            self.interrupts.answered()
        if not found:
            self._return_to(before)
            self._keep_thread()
            return b"F-1"
        self._frame_home = home
        self._keep_thread()
        return b"F%xT0" % timeline.position

    # -- monitor, and the ends of a session: "Packets" --------------------------------------------

    @_handles(rq.Monitor)
    def _monitor_command(self, request: rq.Monitor) -> bytes | None:
        # Then there is a branch to speak of, and a console to say so.
        self._calls.settle()
        if request.in_reply:
            text = self._execute(request.text)
            if text is None:
                return None
            # Scripts look at how an answer begins.
            text += "".join(f"{note}\n" for note in self._take_notes("Earlier: "))
            return text.encode()[:MOST_ANSWERED].hex().encode()
        self._show_notes()
        # GDB can give up waiting, and takes what comes later for the answer to something else.
        self._console_open = self._lldb.spoken
        self._next_progress = self._clock() + _PROGRESS_EVERY
        try:
            text = self._execute(request.text)
            self._end_progress()
        finally:
            self._console_open = False
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
        self._restart(rq.Restart())
        return self._stop_reply(5)

    @_handles(rq.Restart)
    def _restart(self, request: rq.Restart) -> None:
        self._calls.settle()
        self._frame_home = None
        self._monitor.take_armed()
        start = self._timeline.place
        whole(self._timeline.reset)
        self._marks.moved(start, self._timeline.place)

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
        self._leave_frame()
        self.over = not self._extended
        return b"OK"


def _sentence(error: Exception) -> str:
    """What has happened, for people. What should not have happened is also logged, in one line."""
    if isinstance(error, UserError):
        return printable(str(error))
    where, trace = "", error.__traceback__
    while trace is not None:
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    text = printable(f"an error in ttd itself: {type(error).__name__}: {error} ({where})")
    log.error("%s", text)
    return f"This could not be done: {text}"


def _size(register: Register) -> int:
    return (register.bits + 7) // 8
