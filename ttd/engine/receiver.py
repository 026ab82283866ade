"""The receiving half of a serial device, which is native (`native/declared.h`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ttd.engine._native import ffi, lib
from ttd.engine.types import NEVER

SOME: int = lib.RX_SOME
FULL: int = lib.RX_FULL
ARRIVED: int = lib.RX_ARRIVED
TIMED_OUT: int = lib.RX_TIMED_OUT
"""Bits of the word that shows what is in the FIFO."""


class Receiver:
    """What a device receives, and when: its wire, its FIFO, and what waits for it on the host side.

    Times are virtual, in ns; None: never.
    """

    def __init__(
        self,
        native: Any,
        bring_time: Callable[[], None],
        told: Callable[[], None],
        moved: Callable[[], None],
    ) -> None:
        """As `RegisterFile`, of which it is a part."""
        self._native = native
        self._bring_time = bring_time
        self._told = told
        self._moved = moved
        self._rx = native.rx
        self._rx.line_at = self._rx.timeout_at = NEVER
        self._rx.room = self._rx.trigger = 1
        self._rx.device = -1

    def is_paced(
        self, character_ns: int, *, room: int = 1, trigger: int = 1, timeout_ns: int = 0
    ) -> None:
        """A byte takes so long on the wire; the FIFO has `room`, and software hears of it when
        there are `trigger` in it, or some, not read for `timeout_ns` (0: never)."""
        rx = self._rx
        rx.character_ns, rx.timeout_ns = character_ns, timeout_ns
        rx.room, rx.trigger = room, trigger
        lib.ttd_receiver_show(self._native)

    @property
    def room(self) -> int:
        """How many bytes the FIFO takes."""
        return self._rx.room  # type: ignore[no-any-return]

    @property
    def can_receive(self) -> bool:
        """The wire can bring a byte."""
        return bool(lib.ttd_registers_open(self._native))

    def arrive(self, byte: int, *, wire: bool = True) -> bool:
        """A byte comes, by the wire, which is busy for its time then, or looped back. False: that
        is not declared, and nothing has been done."""
        self._bring_time()
        done = lib.ttd_registers_arrive(self._native, byte, wire)
        self._told()
        self._moved()
        return bool(done)

    def pause(self) -> None:
        """The wire is busy for a character's time, unless it is already."""
        self._bring_time()
        lib.ttd_receiver_pause(self._native)
        self._moved()

    def clear(self) -> None:
        """Nothing is in the FIFO any more."""
        self._bring_time()
        lib.ttd_receiver_clear(self._native)
        self._moved()

    @property
    def deadline(self) -> int | None:
        """When `expire` is to be called; None also where an engine sees to that."""
        if self._native.engine != ffi.NULL:
            return None
        return _time(lib.ttd_receiver_deadline(self._native))

    def expire(self) -> None:
        """Do what is due."""
        if self._native.engine == ffi.NULL:
            self._bring_time()
            lib.ttd_receiver_expire(self._native)
            self._told()

    # --- state

    @property
    def fifo(self) -> bytes:
        """What is in it."""
        return bytes(ffi.buffer(self._rx.fifo, self._rx.count))

    @fifo.setter
    def fifo(self, data: bytes) -> None:
        self._rx.count = len(data)
        ffi.memmove(self._rx.fifo, data, len(data))

    @property
    def wire_at(self) -> int | None:
        """When the wire can bring the next byte; None: at any time."""
        return _time(self._rx.line_at)

    @wire_at.setter
    def wire_at(self, at: int | None) -> None:
        self._rx.line_at = NEVER if at is None else at

    @property
    def timeout_at(self) -> int | None:
        """When software hears of what is in the FIFO."""
        return _time(self._rx.timeout_at)

    @timeout_at.setter
    def timeout_at(self, at: int | None) -> None:
        self._rx.timeout_at = NEVER if at is None else at

    @property
    def timed_out(self) -> bool:
        """It has heard, and not read since."""
        return bool(self._rx.timed_out)

    @timed_out.setter
    def timed_out(self, timed_out: bool) -> None:
        self._rx.timed_out = timed_out

    # --- the host's side, between runs of the engine

    def offer(self, data: bytes) -> int:
        """So many of these bytes wait here, and enter while the engine runs."""
        count: int = min(len(data), lib.TTD_INPUT)
        self._rx.given, self._rx.taken = count, 0
        ffi.memmove(self._rx.input, data, count)
        return count

    def rest(self) -> bytes:
        """Of those the ones that have not entered; they do not wait any more."""
        rx = self._rx
        left = bytes(ffi.buffer(rx.input, rx.given)[rx.taken :])
        rx.given = rx.taken = 0
        return left

    def is_known_as(self, device: int) -> None:
        """The device's number in the log."""
        self._rx.device = device


def _time(ns: int) -> int | None:
    return None if ns == NEVER else ns
