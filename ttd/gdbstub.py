"""A GDB session: what each request does to a timeline, and what is answered.

`Session` knows no sockets: `ttd.gdbserver` feeds it events and sends what it hands back. It knows
no architecture either: registers come from `Cpu.registers`. GDB manual, appendix "Remote
Protocol"; sections are cited at the handlers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal, TypeVar

from ttd.cpu.base import Register
from ttd.engine.types import Access
from ttd.monitor import Bookmarks, Events, Monitor, place
from ttd.rsp import agent
from ttd.rsp import requests as rq
from ttd.rsp.description import memory_map_xml, target_xml
from ttd.rsp.framing import Ack, Event, Interrupt, Junk, Nack, Packet, compress, encode, escape
from ttd.stops import Breakpoint, Stop, Stops, Watchpoint, Why
from ttd.timeline import PastIsReadOnly, TimelineApi, TimelineError

log = logging.getLogger("ttd.rsp")

ByteOrder = Literal["little", "big"]

PACKET_SIZE = 0x20000
"""Longest packet taken, and what `PacketSize` says."""
_MAX_READ = PACKET_SIZE // 2 - 16
"""Bytes of memory in one answer: as hex digits, or each of them escaped, they fit a packet."""
_CONSOLE_CHUNK = 4096
_PROGRESS_EVERY = 1.0
"""Seconds between lines of progress; work that takes less prints none."""

_THREAD = 1
_MALFORMED = b"E01"
_WATCH_KINDS = {
    rq.StopKind.WRITE: Access.WRITE,
    rq.StopKind.READ: Access.READ,
    rq.StopKind.ACCESS: Access.READ | Access.WRITE,
}
_WATCH_WORDS = {Access.WRITE: "watch", Access.READ: "rwatch"}


class Interrupts:
    """Ctrl-C on its way from the thread that reads to the movement under way.

    A 0x03 belongs to the resume packet before it. It may arrive before that movement has begun,
    while it runs, or after it has ended by itself; `pending` sorts that out by counting those
    that the reader has seen and those that the session has taken from the stream.
    """

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._idle = threading.Event()
        self._idle.set()
        self._seen = 0
        self._taken = 0

    @property
    def pending(self) -> bool:
        return self._seen > self._taken

    def arrived(self) -> None:
        """Called by the reader. Returns when nothing moves any more."""
        self._seen += 1
        # Again and again: a movement that is only just starting may clear an early request.
        while not self._idle.is_set():
            self._interrupt()
            self._idle.wait(0.01)

    def taken(self) -> None:
        """The session has come to the 0x03 in the stream."""
        self._taken += 1

    @contextmanager
    def moving(self) -> Iterator[None]:
        self._idle.clear()
        try:
            yield
        finally:
            self._idle.set()


_Handler = Callable[["Session", Any], bytes | None]
_HANDLERS: dict[type[rq.Request], _Handler] = {}
FEATURES: list[str] = []
"""What `qSupported` answers: each handler adds what it makes true."""

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

    All methods run on one thread, except `interrupts.arrived`.
    """

    def __init__(
        self,
        timeline: TimelineApi,
        send: Callable[[bytes], None],
        *,
        bookmarks: Bookmarks | None = None,
        events: Events | None = None,
        byte_order: ByteOrder = "little",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.over = False
        self.interrupts = Interrupts(timeline.interrupt)
        self.byte_order: ByteOrder = byte_order
        self._timeline = timeline
        self._cpu = timeline.cpu
        self._registers = {register.regnum: register for register in self._cpu.registers}
        self._send_bytes = send
        self._clock = clock
        self._bookmarks = bookmarks if bookmarks is not None else Bookmarks()
        self._monitor = Monitor(timeline, self._bookmarks, events)
        self._monitor.position = self._home
        self._acks = True
        self._last_frame = b""
        self._complained = False
        self._extended = False
        self._lldb = False
        self._error_messages = False
        self._error_strings = False
        self._stops: dict[tuple[rq.StopKind, int, int], Breakpoint | Watchpoint] = {}
        self._frame_home: int | None = None
        """While a trace frame is selected: where the target really is."""
        self._notes: list[str] = []
        """Sentences that could not be shown yet: a console exists only while running."""
        self._console_open = False
        self._next_progress = 0.0
        self._watch_stop = False
        timeline.progress = self._progress

    # -- the stream ---------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Deal with one event from the client. Section "Packet Acknowledgment"."""
        match event:
            case Packet(payload, intact):
                if self._acks:
                    self._send_bytes(b"+" if intact else b"-")
                if intact or not self._acks:
                    self._packet(payload)
            case Nack():
                if self._acks and self._last_frame:
                    self._send_bytes(self._last_frame)
            case Interrupt():
                self.interrupts.taken()
            case Junk(count):
                self._complain(f"{count} bytes that are not a packet were dropped")
            case Ack():
                pass

    def close(self) -> None:
        """The client is gone: leave the timeline without its breakpoints."""
        self.over = True
        self._stops.clear()
        self._timeline.progress = None
        if self._frame_home is not None:
            self._leave_frame()

    def _packet(self, payload: bytes) -> None:
        try:
            request = rq.parse(payload)
            handler = _HANDLERS.get(type(request))
            reply = handler(self, request) if handler is not None else b""
        except rq.Malformed as e:
            self._complain(f"malformed packet {payload[:40]!r}: {e}")
            reply = _MALFORMED
        except TimelineError as e:
            reply = self._error(str(e))
        if reply is not None:
            self._send(reply)

    def _send(self, payload: bytes) -> None:
        # A repeat count could split an escape, and escapes are rare outside of binary data.
        body = payload if b"}" in payload or b"*" in payload else compress(payload)
        self._last_frame = encode(body)
        self._send_bytes(self._last_frame)

    def _complain(self, text: str) -> None:
        log.log(logging.DEBUG if self._complained else logging.WARNING, "client: %s", text)
        self._complained = True

    def _error(self, text: str) -> bytes:
        """An error reply that carries `text`, in the way the client has said it understands."""
        if self._error_messages:
            return b"E." + escape(text.encode())
        if self._error_strings:
            return b"E0d;" + text.encode().hex().encode()
        self._notes.append(text)
        return b"E0d"

    def _console(self, text: str) -> None:
        """Section "Stop Reply Packets", `O`; only while running or in a monitor command."""
        data = text.encode()
        for at in range(0, len(data), _CONSOLE_CHUNK):
            self._send(b"O" + data[at : at + _CONSOLE_CHUNK].hex().encode())

    def _show_notes(self) -> None:
        notes, self._notes = self._notes, []
        for note in notes:
            self._console(f"Earlier: {note}\n")

    def _progress(self, fraction: float, text: str) -> None:
        if self._console_open and self._clock() >= self._next_progress:
            self._next_progress = self._clock() + _PROGRESS_EVERY
            self._console(f"{fraction:4.0%} {text}\n")

    # -- getting to know each other: "General Query Packets", "Packets" -------------------------

    @_handles(rq.Supported, f"PacketSize={PACKET_SIZE:x}", "error-message+")
    def _supported(self, request: rq.Supported) -> bytes:
        self._error_messages = "error-message+" in request.features
        return ";".join(FEATURES).encode()

    @_handles(rq.StartNoAck, "QStartNoAckMode+")
    def _start_no_ack(self, request: rq.StartNoAck) -> bytes:
        self._acks = False
        return b"OK"

    @_handles(rq.ThreadSuffix)
    def _thread_suffix(self, request: rq.ThreadSuffix) -> bytes:
        self._lldb = True
        return b"OK"

    @_handles(rq.ErrorStrings)
    def _enable_error_strings(self, request: rq.ErrorStrings) -> bytes:
        self._error_strings = True
        return b"OK"

    @_handles(rq.HostInfo)
    def _host_info(self, request: rq.HostInfo) -> bytes:
        """LLDB only; it takes the architecture from the target description."""
        self._lldb = True
        pointer = self._address_bits() // 8
        text = f"ptrsize:{pointer};endian:{self.byte_order};watchpoint_exceptions_received:after;"
        return text.encode()

    @_handles(rq.TransferFeatures, "qXfer:features:read+")
    def _transfer_features(self, request: rq.TransferFeatures) -> bytes:
        if request.annex != "target.xml":
            return b"E00"
        return _window(target_xml(self._cpu.gdb_architecture, self._cpu.registers), request)

    @_handles(rq.TransferMemoryMap, "qXfer:memory-map:read+")
    def _transfer_memory_map(self, request: rq.TransferMemoryMap) -> bytes:
        regions = self._timeline.memory_map()
        return _window(memory_map_xml(regions, self._address_bits()), request)

    @_handles(rq.Extended)
    def _extended_mode(self, request: rq.Extended) -> bytes:
        self._extended = True
        return b"OK"

    @_handles(rq.Attached)
    def _attached(self, request: rq.Attached) -> bytes:
        return b"1"

    @_handles(rq.CurrentThread)
    def _current_thread(self, request: rq.CurrentThread) -> bytes:
        return b"QC%x" % _THREAD

    @_handles(rq.Threads)
    def _threads(self, request: rq.Threads) -> bytes:
        return b"m%x" % _THREAD if request.first else b"l"

    @_handles(rq.ThreadText)
    def _thread_text(self, request: rq.ThreadText) -> bytes:
        return f"step {place(self._timeline, self._timeline.position)}".encode().hex().encode()

    @_handles(rq.SelectThread)
    def _select_thread(self, request: rq.SelectThread) -> bytes:
        return b"OK" if request.thread in (-1, 0, _THREAD) else b"E01"

    @_handles(rq.ThreadAlive)
    def _thread_alive(self, request: rq.ThreadAlive) -> bytes:
        return b"OK" if request.thread == _THREAD else b"E01"

    # -- registers and memory: "Packets" ---------------------------------------------------------

    def _address_bits(self) -> int:
        return max(r.bits for r in self._cpu.registers if r.type == "code_ptr")

    def _read_bytes(self, register: Register) -> bytes:
        return self._cpu.read_register(register.name).to_bytes(_size(register), self.byte_order)

    def _by_number(self, regnum: int) -> Register:
        if regnum not in self._registers:
            raise rq.Malformed(f"there is no register {regnum}")
        return self._registers[regnum]

    @_handles(rq.ReadRegisters)
    def _read_registers(self, request: rq.ReadRegisters) -> bytes:
        return b"".join(map(self._read_bytes, self._cpu.registers)).hex().encode()

    @_handles(rq.WriteRegisters)
    def _write_registers(self, request: rq.WriteRegisters) -> bytes:
        if len(request.data) != sum(map(_size, self._cpu.registers)):
            raise rq.Malformed("not the size of all registers")
        at = 0
        for register in self._cpu.registers:
            self._write_changed(register, request.data[at : at + _size(register)])
            at += _size(register)
        return b"OK"

    @_handles(rq.ReadRegister)
    def _read_register(self, request: rq.ReadRegister) -> bytes:
        return self._read_bytes(self._by_number(request.regnum)).hex().encode()

    @_handles(rq.WriteRegister)
    def _write_register(self, request: rq.WriteRegister) -> bytes:
        register = self._by_number(request.regnum)
        if len(request.data) != _size(register):
            raise rq.Malformed("not the size of the register")
        self._write_changed(register, request.data)
        return b"OK"

    def _write_changed(self, register: Register, data: bytes) -> None:
        """GDB also writes back what it has read; that is no change and allowed everywhere."""
        if data != self._read_bytes(register):
            self._refuse_in_frame()
            value = int.from_bytes(data, self.byte_order)
            self._timeline.write_register(register.name, value)

    def _refuse_in_frame(self) -> None:
        if self._frame_home is not None:
            raise PastIsReadOnly("A trace frame is read-only; 'tfind none' leaves it.")

    @_handles(rq.ReadMemory)
    def _read_memory(self, request: rq.ReadMemory) -> bytes:
        length = min(request.length, _MAX_READ)
        data = self._timeline.read_memory(request.address, length) if length else b""
        return data.hex().encode()

    @_handles(rq.ReadMemoryBinary, "binary-upload+")
    def _read_memory_binary(self, request: rq.ReadMemoryBinary) -> bytes:
        length = min(request.length, _MAX_READ)
        data = self._timeline.read_memory(request.address, length) if length else b""
        return b"b" + escape(data)

    @_handles(rq.WriteMemory)
    def _write_memory(self, request: rq.WriteMemory) -> bytes:
        if request.data:  # GDB probes for `X` with an empty write
            self._refuse_in_frame()
            self._timeline.write_memory(request.address, request.data)
        return b"OK"

    # -- breakpoints: "Packets" (`Z`), "Stop Reply Packets" --------------------------------------

    @_handles(rq.InsertStop, "ConditionalBreakpoints+")
    def _insert_stop(self, request: rq.InsertStop) -> bytes:
        condition = self._condition(request.conditions) if request.conditions else None
        stop: Breakpoint | Watchpoint
        if request.kind in _WATCH_KINDS:
            if not request.length:
                raise rq.Malformed("a watchpoint of no length")
            # GDB resumes by itself when a watched value did not change; LLDB wants every write.
            stop = Watchpoint(
                request.address,
                request.length,
                Access(_WATCH_KINDS[request.kind]),
                condition,
                changes_only=request.kind is rq.StopKind.WRITE and not self._lldb,
            )
        else:
            stop = Breakpoint(request.address, condition)
        self._stops[request.kind, request.address, request.length] = stop
        return b"OK"

    @_handles(rq.RemoveStop)
    def _remove_stop(self, request: rq.RemoveStop) -> bytes:
        self._stops.pop((request.kind, request.address, request.length), None)
        return b"OK"

    def _condition(self, expressions: tuple[bytes, ...]) -> Callable[[], bool]:
        def holds(code: bytes) -> bool:
            try:
                return agent.evaluate(code, self) != 0
            except (agent.AgentError, TimelineError) as e:
                # Stop rather than run past: GDB then evaluates the condition and reports why not.
                log.info("breakpoint condition: %s", e)
                return True

        return lambda: any(map(holds, expressions))

    def register(self, regnum: int) -> int:
        """For `agent.World`."""
        if regnum not in self._registers:
            raise LookupError(f"there is no register {regnum}")
        return self._cpu.read_register(self._registers[regnum].name)

    def memory(self, address: int, size: int) -> bytes:
        """For `agent.World`."""
        data = self._timeline.read_memory(address, size)
        if len(data) != size:
            raise LookupError(f"no memory at {address:#x}")
        return data

    def _armed_stops(self) -> Stops:
        stops = self._stops.values()
        return Stops(
            tuple(stop for stop in stops if isinstance(stop, Breakpoint)),
            tuple(stop for stop in stops if isinstance(stop, Watchpoint)),
        )

    # -- moving: "Packets" (`vCont`, `bc`, `bs`), "Stop Reply Packets", "Interrupts" --------------

    @_handles(rq.ResumeKinds, "vContSupported+")
    def _resume_kinds(self, request: rq.ResumeKinds) -> bytes:
        return b"vCont;c;C;s;S;t;r"

    @_handles(rq.StopReason, "swbreak+", "hwbreak+")
    def _stop_reason(self, request: rq.StopReason) -> bytes:
        return self._stop_reply(5)

    @_handles(rq.Resume)
    def _resume(self, request: rq.Resume) -> bytes:
        timeline, stops = self._timeline, self._armed_stops()
        match request.how:
            case rq.How.STEP:
                return self._step(1, stops)
            case rq.How.RANGE:
                return self._travel(
                    lambda: timeline.range_step(request.start, request.end, stops), forward=True
                )
            case rq.How.CONTINUE:
                return self._travel(lambda: timeline.run_forward(stops), forward=True, far=True)
        return self._stop_reply(0)

    @_handles(rq.BackStep, "ReverseStep+")
    def _back_step(self, request: rq.BackStep) -> bytes:
        return self._step(-1, self._armed_stops())

    @_handles(rq.BackContinue, "ReverseContinue+")
    def _back_continue(self, request: rq.BackContinue) -> bytes:
        timeline, stops = self._timeline, self._armed_stops()
        return self._travel(lambda: timeline.run_backward(stops), forward=False, far=True)

    def _step(self, direction: int, stops: Stops) -> bytes:
        """One step, which watchpoints may stop, but breakpoints may not."""
        timeline = self._timeline
        watches = replace(stops, breakpoints=())

        def go() -> Stop:
            if not stops.watchpoints:
                return timeline.step_forward() if direction > 0 else timeline.step_backward()
            until = timeline.position + direction
            if direction > 0:
                return timeline.run_forward(watches, until)
            return timeline.run_backward(watches, until)

        return self._travel(go, forward=direction > 0)

    def _travel(self, go: Callable[[], Stop], *, forward: bool, far: bool = False) -> bytes:
        """Run a movement, or the armed seek in its place, and return the stop reply."""
        self._leave_frame()
        start = self._timeline.position
        armed = self._monitor.take_armed()
        self._open_console()
        try:
            if armed is not None:
                stop = self._move(lambda: self._timeline.seek(armed))
            else:
                stop = self._move(go)
                stop = self._past_access(stop, forward)
        except TimelineError as e:
            self._console(f"{e}\n")
            return self._stop_reply(5)
        finally:
            self._console_open = False
        if far or armed is not None:
            self._bookmarks.moved(start, stop.step)
        elif self._watch_stop:
            self._bookmarks.settled(stop.step)
        self._watch_stop = stop.why is Why.WATCHPOINT
        if stop.note:
            self._console(f"{stop.note}\n")
        if armed is not None or stop.why is Why.INTERRUPTED:
            self._console(f"Step: {place(self._timeline, stop.step)}\n")
        return self._report(stop)

    def _open_console(self) -> None:
        self._show_notes()
        self._next_progress = self._clock() + _PROGRESS_EVERY
        self._console_open = True

    def _move(self, go: Callable[[], Stop]) -> Stop:
        """Run `go`, ended early by a Ctrl-C that belongs to it, and by no other."""
        while True:
            with self.interrupts.moving():
                if self.interrupts.pending:
                    return Stop(Why.INTERRUPTED, self._timeline.position, pc=0)
                stop = go()
            if stop.why is not Why.INTERRUPTED or self.interrupts.pending:
                return stop

    def _past_access(self, stop: Stop, forward: bool) -> Stop:
        """LLDB expects watchpoint stops after the access; the timeline may stop before it."""
        if stop.why is Why.WATCHPOINT and self._lldb and not self._cpu.watch_after:
            step = self._timeline.step_forward if forward else self._timeline.step_backward
            return replace(stop, step=step().step)
        return stop

    def _report(self, stop: Stop) -> bytes:
        match stop.why:
            case Why.BREAKPOINT:
                return self._stop_reply(5, self._breakpoint_word(stop) + ":;")
            case Why.WATCHPOINT if stop.watch is not None:
                address, word = stop.watch.address, "awatch"
                if stop.watchpoint is not None:
                    address = max(address, stop.watchpoint.address)
                    word = _WATCH_WORDS.get(stop.watchpoint.kind, "awatch")
                return self._stop_reply(5, f"{word}:{address:x};")
            case Why.HISTORY_BEGIN:
                return self._stop_reply(5, "replaylog:begin;")
            case Why.HISTORY_END:
                return self._stop_reply(5, "replaylog:end;")
            case Why.INTERRUPTED:
                return self._stop_reply(2)
        return self._stop_reply(5)

    def _breakpoint_word(self, stop: Stop) -> str:
        address = stop.breakpoint.address if stop.breakpoint is not None else stop.pc
        kinds = {kind for kind, at, _ in self._stops if at == address}
        return "swbreak" if rq.StopKind.SOFTWARE in kinds else "hwbreak"

    def _stop_reply(self, signal: int, reason: str = "") -> bytes:
        registers = "".join(
            f"{register.regnum:x}:{self._read_bytes(register).hex()};"
            for register in self._cpu.registers
            if register.in_stop_reply
        )
        return f"T{signal:02x}{reason}thread:{_THREAD:x};{registers}".encode()

    @_handles(rq.CtrlC)
    def _ctrl_c(self, request: rq.CtrlC) -> bytes:
        """The reader has interrupted what was moving; section "Packets", `vCtrlC`."""
        self.interrupts.taken()
        return b"OK"

    # -- looking at another time: "Tracepoint Packets" --------------------------------------------

    def _home(self) -> int:
        return self._timeline.position if self._frame_home is None else self._frame_home

    def _leave_frame(self) -> None:
        if self._frame_home is not None:
            home, self._frame_home = self._frame_home, None
            self._timeline.seek(home)

    @_handles(rq.TraceStatus)
    def _trace_status(self, request: rq.TraceStatus) -> bytes:
        return b"T0;tnotrun:0"

    @_handles(rq.TraceList)
    def _trace_list(self, request: rq.TraceList) -> bytes:
        return b"l"

    @_handles(rq.SelectFrame)
    def _select_frame(self, request: rq.SelectFrame) -> bytes:
        """`tfind N` looks at step N; `tfind pc A` at the next step at which PC is A."""
        timeline, number = self._timeline, request.value
        if number is None:
            self._leave_frame()
            return b"F-1"
        before, home = timeline.position, self._home()
        if request.by is rq.Nav.PC:
            stop = self._move(lambda: self._find_pc(number))
            found = stop.why is Why.BREAKPOINT
        else:
            found = timeline.begin <= number <= timeline.end
            if found:
                stop = self._move(lambda: timeline.seek(number))
                found = stop.why is not Why.INTERRUPTED
        if not found:
            timeline.seek(before)
            return b"F-1"
        self._frame_home = home
        return b"F%xT0" % timeline.position

    def _find_pc(self, address: int) -> Stop:
        """Within the history: looking must not record more of a live machine."""
        timeline = self._timeline
        stop = timeline.step_forward() if timeline.position < timeline.end else None
        if stop is None or stop.why is not Why.STEPS:
            return stop or Stop(Why.HISTORY_END, timeline.position, pc=0)
        return timeline.run_forward(Stops((Breakpoint(address),)), until=timeline.end)

    # -- monitor, and the ends of a session: "Packets" --------------------------------------------

    @_handles(rq.Monitor)
    def _monitor_command(self, request: rq.Monitor) -> bytes:
        self._open_console()
        try:
            self._console(self._monitor.execute(request.text))
        finally:
            self._console_open = False
        return b"OK"

    @_handles(rq.Run)
    def _run(self, request: rq.Run) -> bytes:
        self._restart(rq.Restart())
        return self._stop_reply(5)

    @_handles(rq.Restart)
    def _restart(self, request: rq.Restart) -> None:
        self._frame_home = None
        self._monitor.take_armed()
        start = self._timeline.position
        self._bookmarks.moved(start, self._timeline.reset().step)

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


def _size(register: Register) -> int:
    return (register.bits + 7) // 8


def _window(text: str, request: rq.Transfer) -> bytes:
    """Section "General Query Packets", `qXfer`: `m` when there is more, `l` for the last."""
    data = text.encode()
    length = min(request.length, _MAX_READ)
    part = data[request.offset : request.offset + length]
    more = request.offset + length < len(data)
    return (b"m" if more else b"l") + escape(part)
