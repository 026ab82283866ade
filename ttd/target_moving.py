"""Moving in the target, and what a client is told of where that has led.

GDB manual, appendix "Remote Protocol"; sections are cited at the handlers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from ttd.debugger.failures import sentence
from ttd.debugger.places import told
from ttd.debugger.session import Found, Session
from ttd.gdb_console import Console
from ttd.lldb import Lldb
from ttd.rsp import requests as rq
from ttd.rsp.link import ClientGone
from ttd.rsp.packets import Packets
from ttd.rsp.stoptable import StopTable
from ttd.stops import Stop, Stops, Why, whole
from ttd.target import Target
from ttd.text import printable

_IN_CALL = "This is in a function that was called: all that it does is gone when it returns."


class TargetMoving:
    """The movements of one client, and its stop replies."""

    packets = Packets()

    def __init__(
        self,
        session: Session,
        stops: StopTable,
        target: Target,
        lldb: Lldb,
        console: Console,
        byte_order: Literal["little", "big"],
    ) -> None:
        """`stops`: what the client has set. `target`: knows which thread is to be resumed.
        `byte_order`: of registers in packets."""
        self._session = session
        self._timeline = session.timeline
        self._threads = session.threads
        self._stops = stops
        self._target = target
        self._lldb = lldb
        self._console = console
        self._byte_order: Literal["little", "big"] = byte_order
        self._told = [
            register for register in self._timeline.cpu.registers if register.in_stop_reply
        ]
        """What a stop reply has: LLDB knows them as registers by their two digits."""
        self._pc = next(r.name for r in self._timeline.cpu.registers if r.type == "code_ptr")
        self._last_stop = (5, "")
        """Signal and reason of the last stop reply."""
        self._within: tuple[range, ...] = ()
        """Code in which the client goes on from a step backward; ascending."""

    # -- moving: "Packets" (`vCont`, `bc`, `bs`), "Stop Reply Packets", "Interrupts" --------------

    @packets.handles(rq.ResumeKinds, "vContSupported+")
    def _resume_kinds(self, request: rq.ResumeKinds) -> bytes:
        return b"vCont;c;C;s;S;t;r"

    @packets.handles(rq.StopReason, "swbreak+", "hwbreak+")
    def _stop_reason(self, request: rq.StopReason) -> bytes:
        return self._stop_reply(5)

    @packets.handles(rq.ThreadStop)
    def _thread_stop(self, request: rq.ThreadStop) -> bytes:
        if request.thread == self._threads.running:
            return self._stop_reply(*self._last_stop)
        return (
            b"T00thread:%x;" % request.thread if request.thread in self._threads.all() else b"E01"
        )

    @packets.handles(rq.Resume)
    def _resume(self, request: rq.Resume) -> bytes:
        timeline, stops = self._timeline, self._stops.stops()
        self._within = ()
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

    @packets.handles(rq.BackStep, "ReverseStep+")
    def _back_step(self, request: rq.BackStep) -> bytes:
        # To make the step of a watchpoint's GDB lets go of it, as of a breakpoint in `_resume`.
        over = "watch" in self._last_stop[1]
        return self._step(-1, self._stops.stops(), alone=over, within=not over)

    @packets.handles(rq.StepWithin)
    def _step_within(self, request: rq.StepWithin) -> bytes:
        self._within = tuple(sorted(request.code, key=lambda code: code.start))
        return b"OK"

    def _code_here(self, stops: Stops) -> range | None:
        """The code in which a step backward may go on: no breakpoint is in it."""
        if not self._within:
            return None
        pc = self._timeline.cpu.read_register(self._pc)
        at = bisect_right(self._within, pc, key=lambda code: code.start) - 1
        if at < 0 or pc not in self._within[at]:
            return None
        low, high = self._within[at].start, self._within[at].stop
        for breakpoint_ in stops.breakpoints:
            if breakpoint_.address > pc:
                high = min(high, breakpoint_.address)
            else:
                low = max(low, breakpoint_.address + 1)
        return range(low, high) if low <= pc else None

    @packets.handles(rq.BackContinue, "ReverseContinue+")
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
        self,
        direction: int,
        stops: Stops,
        thread: int | None = None,
        alone: bool = False,
        within: bool = False,
    ) -> bytes:
        """One step, which watchpoints may stop, but breakpoints may not; `within`: or more, as the
        client has said."""
        timeline = self._timeline
        watches = replace(stops, breakpoints=())

        def go() -> Stop:
            until = timeline.position + direction
            code = self._code_here(stops) if within else None
            if code is not None:
                stop = timeline.step_backward_within(code, stops)
            elif not stops.watchpoints:
                return timeline.step_forward() if direction > 0 else timeline.step_backward()
            elif direction > 0:
                return timeline.run_forward(watches, until, here=True)
            else:
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
        if found.left_call and answer[0] == 5:
            # GDB (13 to 18) dies of SIGTRAP where a call was to return to that it has given up.
            answer = (0, "")
        if self._lldb.spoken:
            answer = self._lldb.told(stop, answer[1], jumped or at_break)
        elif stepped is not None and stepped != self._threads.running:
            # The step ended in another thread, as where a kernel switches tasks.
            if alone and stepped == self._threads.told:
                # A step over a breakpoint: GDB dies of an answer from another one.
                self._call_it(stepped, jumped)
            elif answer == (5, ""):
                # GDB takes SIGTRAP for a signal which that thread has got; without a signal it has
                # just stopped.
                answer = (0, "")
        return self._stop_reply(*answer)

    def _call_it(self, thread: int, jumped: bool) -> None:
        """The thread that runs is to have this number: while it stays here, or, after a jump that
        the client does not know of, for good."""
        if jumped:
            self._threads.swap(thread)
        else:
            self._threads.stay(thread)

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

    @packets.handles(rq.Run)
    def _run(self, request: rq.Run) -> bytes:
        self._session.restart()
        return self._stop_reply(5)

    @packets.handles(rq.Restart)
    def _restart(self, request: rq.Restart) -> None:
        self._session.restart()

    @packets.handles(rq.CtrlC)
    def _ctrl_c(self, request: rq.CtrlC) -> bytes:
        """As 0x03, which the reader has seen to by now; section "Packets", `vCtrlC`."""
        return b"OK"

    # -- looking at another time: "Tracepoint Packets" --------------------------------------------

    @packets.handles(rq.SelectFrame)
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
