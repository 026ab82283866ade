"""Exact execution of guest code: a run of at most N steps, and all that can stop it."""

from __future__ import annotations

from collections.abc import Callable

from ttd.engine._native import lib
from ttd.engine.stairs import StepsBack
from ttd.engine.types import NEVER, EngineStop, StopReason, Work

_REASONS = tuple(StopReason)
_HOST_ERROR: int = lib.WHY_HOST_ERROR


class Engine(StepsBack):
    """One CPU and its memory.

    Map everything, call `start`, then `run`. RAM pages are numbered 0.. in the order of the
    `map_ram` calls; `page_size` bytes each. A *frame* is the pages of `FRAME` bytes; each RAM
    begins with a new one, so that there may be page numbers without a page at the end of others.
    """

    @property
    def step(self) -> int:
        """The number of steps done; exact at stops and inside device callbacks."""
        return self._now[0]  # type: ignore[no-any-return]

    @step.setter
    def step(self, value: int) -> None:
        lib.ttd_set_step(self._native, value)

    @property
    def follows_branch(self) -> bool:
        """True where what is due is noticed: behind a branch, taken or not, an entry to an
        exception, a return from one, or a wait. Part of the state; others tell of entries."""
        return bool(lib.ttd_follows(self._native))

    @follows_branch.setter
    def follows_branch(self, follows: bool) -> None:
        lib.ttd_set_follows(self._native, follows)

    def set_due(self, ns: int | None) -> None:
        """Something of the host's falls due at this virtual time (None: never): a run ends where
        that is noticed, which is the first position behind a branch, or `DUE_LATENCY` steps later
        (docs/engine.md)."""
        lib.ttd_set_due(self._native, NEVER if ns is None else ns)

    def notice_at_once(self) -> None:
        """From now on what is due is noticed where it falls due, branch or not."""
        lib.ttd_set_latency(self._native, 0)

    def notices(self) -> bool:
        """Is something due, of the host's (`set_due`) or the core's, and noticed here?"""
        return bool(lib.ttd_notices(self._native))

    @property
    def core_deadline(self) -> int | None:
        """Virtual time (ns) of the next deadline of a native core or device; None: never."""
        due: int = lib.ttd_core_deadline(self._native)
        return None if due == NEVER else due

    def expire_core(self) -> bool:
        """Let the timers of a native core, and of native devices, do what is due; True if there was
        something."""
        return bool(lib.ttd_expire_core(self._native))

    @property
    def has_core(self) -> bool:
        """The processor model is native, and `go` does its part of the machine's loop."""
        return bool(lib.ttd_has_core(self._native))

    @property
    def work(self) -> Work:
        """What has been done so far that is not the guest's own work."""
        done = lib.ttd_work_done(self._native)
        return Work(done.starts, done.looks, done.traps, done.fills, done.shortened)

    def run(self, max_steps: int, *, exact: bool = True) -> EngineStop:
        """Run at most `max_steps` steps, or until what is due is noticed; say how many ran and why
        it ended. Not `exact`: a few more may run, to where a block ends, which costs less.

        An exception that a device callback raised is raised again here.
        """
        return self._ended(lib.ttd_run(self._native, max_steps, exact, self._stop))

    def go(self, limit: int, *, exact: bool = True) -> EngineStop:
        """With a native core: run, take exceptions and sleep, up to step `limit` (not `exact`: or a
        little further), or until there is something else to do. `steps` says nothing then; `marks`
        has what was taken."""
        return self._ended(lib.ttd_go(self._native, limit, exact, self._stop))

    def _ended(self, why: int) -> EngineStop:
        stop, error = self._stop, self._port.error
        if error is not None:
            self._port.error = None
            raise error
        if why == _HOST_ERROR:
            self._raise_problem()
        watch = None
        if why == StopReason.WATCH:
            lib.ttd_watch_hit(self._native, self._hits)
            watch = self._hit(self._hits)
        elif why == StopReason.REQUEST:
            lib.ttd_take_request(self._native)
        return EngineStop(
            _REASONS[why],
            stop.steps,
            stop.pc,
            stop.code,
            stop.address,
            stop.exact != 0,
            watch,
            stop.returns != 0,
            stop.behind != 0,
        )

    def request_stop(self) -> None:
        """Make the present or the next `run` end at the next block; from any thread."""
        lib.ttd_request_stop(self._native)

    def on_due(self, serve: Callable[[], None]) -> None:
        """Who is called when what was `set_due` is noticed, or before an access to a device."""
        self._port.due = serve

    def stop_after_access(self) -> None:
        """Inside a device callback: end the run right after the instruction that is accessing.

        The run then says BUDGET unless something else ended it.
        """
        lib.ttd_stop_after_access(self._native)

    def keep_reading(
        self, value: int, slope: int, since_ns: int, hz: int, divider: int, until_ns: int
    ) -> None:
        """Inside a read callback: answer further reads of this register without asking.

        It holds `value` now and changes by `slope` (-1, 0, 1) with every tick; ticks are
        (virtual time - since_ns) * hz // divider. Good until `until_ns`, until the host has had
        control, or until the next access of the same device that does not say this; of any device,
        unless the device is `alone`.
        """
        lib.ttd_keep_reading(self._native, value, slope, since_ns, hz, divider, until_ns)

    def keep_ignoring(self) -> None:
        """Inside a write callback: this write has done nothing, nor will others of its place and
        size. Ends as `keep_reading` does."""
        lib.ttd_keep_ignoring(self._native)
