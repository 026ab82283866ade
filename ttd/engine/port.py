"""The way of what devices are asked, from the native side into Python, and of failures back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ttd.engine._native import ffi, lib
from ttd.engine.registers import RegisterFile
from ttd.engine.types import Access

ReadCallback = Callable[[int, int], int]
"""(address, size) -> value: serve a guest's read of a device register."""
WriteCallback = Callable[[int, int, int], None]
"""(address, size, value): serve a guest's write of a device register."""


class EngineError(Exception):
    """The engine cannot do what was asked; one sentence."""


class EngineFault(Exception):
    """An access that no instruction makes met what is not memory, or is forbidden (`denied`)."""

    def __init__(self, address: int, kind: Access, denied: bool) -> None:
        super().__init__(f"{kind.name} at {address:#x} is not possible")
        self.address = address
        self.kind = kind
        self.denied = denied


class BusFault(Exception):
    """A device answers an access with an error; raised by MMIO callbacks."""


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_due(handle: Any) -> None:
    ffi.from_handle(handle).on_due()


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_read(handle: Any, address: int, size: int) -> int:
    return ffi.from_handle(handle).on_read(address, size)  # type: ignore[no-any-return]


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_write(handle: Any, address: int, size: int, value: int) -> None:
    ffi.from_handle(handle).on_write(address, size, value)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_output(handle: Any, registers: Any) -> None:
    ffi.from_handle(handle).on_registers(registers, RegisterFile.give_output)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_lines(handle: Any, registers: Any) -> None:
    ffi.from_handle(handle).on_registers(registers, RegisterFile.tell_lines)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def ttd_host_packets(handle: Any, box: Any) -> None:
    ffi.from_handle(handle).carry(ffi.from_handle(box.owner).give)


class Port:
    """The way of a device access from the native side into Python, and of its failure back."""

    def __init__(self) -> None:
        self.windows: list[tuple[int, int, ReadCallback, WriteCallback]] = []
        self.files: dict[Any, RegisterFile] = {}
        """By the registers that they are of."""
        self.native: Any = None
        self.error: BaseException | None = None
        self.due: Callable[[], None] = nothing_due
        self._last: tuple[int, int, ReadCallback, WriteCallback] = (0, 0, no_read, no_write)

    def _window(self, address: int) -> tuple[int, int, ReadCallback, WriteCallback]:
        last = self._last
        if last[0] <= address < last[1]:
            return last
        for window in self.windows:
            if window[0] <= address < window[1]:
                self._last = window
                return window
        raise BusFault(f"no device at {address:#x}")

    def on_read(self, address: int, size: int) -> int:
        try:
            window = self._window(address)
            return window[2](address, size)
        except BusFault:
            lib.ttd_fail(self.native, 1)
        except BaseException as error:  # carried over the native frames, raised again by run()
            lib.ttd_fail(self.native, 2)
            self.error = error
        return 0

    def on_write(self, address: int, size: int, value: int) -> None:
        try:
            window = self._window(address)
            window[3](address, size, value)
        except BusFault:
            lib.ttd_fail(self.native, 1)
        except BaseException as error:  # as above
            lib.ttd_fail(self.native, 2)
            self.error = error

    def on_due(self) -> None:
        try:
            self.due()
        except BaseException as error:  # as above
            lib.ttd_fail(self.native, 2)
            self.error = error

    def on_registers(self, registers: Any, tell: Callable[[RegisterFile], None]) -> None:
        self.carry(lambda: tell(self.files[registers]))

    def carry(self, call: Callable[[], None]) -> None:
        """Where the native side can only go on: an error ends the run."""
        try:
            call()
        except BaseException as error:  # as above
            lib.ttd_fail(self.native, 2)
            lib.ttd_request_stop(self.native)
            self.error = error


def nothing_due() -> None:
    pass


def no_read(address: int, size: int) -> int:
    raise BusFault(f"no device at {address:#x}")


def no_write(address: int, size: int, value: int) -> None:
    raise BusFault(f"no device at {address:#x}")
