"""An engine's memory, without an instruction that accesses it."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.engine._native import ffi, lib
from ttd.engine.built import SMALL
from ttd.engine.port import EngineFault
from ttd.engine.state import Registers
from ttd.engine.types import Access, Refusal


class Memory(Registers):
    """Accesses of the machine, looks from outside, and where addresses lead."""

    def load(self, address: int, size: int, by: str) -> bytes:
        """An access of the machine that no instruction makes, by physical address.

        `by` says who makes it. Raises `EngineFault` if not all of it is memory.
        """
        self._check_span(address, size, Access.READ)
        buffer = self._small if size <= SMALL else ffi.new("uint8_t[]", size)
        done = lib.ttd_load(self._native, address, buffer, size, self.maker(by))
        if done < size:
            raise EngineFault(address + done, Access.READ, False)
        return ffi.buffer(buffer, size)[:]  # type: ignore[no-any-return]

    def store(self, address: int, data: bytes, by: str) -> None:
        """As `load`; flash takes it, ROM does not. Nothing is stored if not all of it can be."""
        self._check_span(address, len(data), Access.WRITE)
        done = lib.ttd_store(self._native, address, data, len(data), self.maker(by))
        if done < len(data):
            raise EngineFault(address + done, Access.WRITE, False)

    def _check_span(self, address: int, size: int, kind: Access) -> None:
        """Before there is a buffer for it, or a number that has no room."""
        if address + size > 1 << 64 or size > self.pages * self.page_size:
            raise EngineFault(address, kind, False)

    def maker(self, by: str) -> int:
        """The number of who makes accesses, for native code."""
        number = self._numbers.get(by)
        if number is None:
            number = self._numbers[by] = len(self._makers)
            self._makers.append(by)
        return number

    def name_makers(self, names: Sequence[str]) -> int:
        """Who makes accesses natively: the number of the first name; the others follow it."""
        first = len(self._makers)
        self._makers.extend(names)
        return first

    def note_write(self, address: int, size: int, by: str) -> None:
        """A device has changed what it shows at a watched address, by no access to it."""
        lib.ttd_note_write(self._native, address, size, self.maker(by))

    def outside_step(self, step: int) -> None:
        """Between runs: accesses that no instruction makes belong to this step from now on."""
        lib.ttd_set_outside_step(self._native, step)

    def read(self, address: int, size: int) -> bytes:
        """A look from outside; shorter than `size` where memory ends. Devices are not touched."""
        size = min(size, self.pages * self.page_size)
        buffer = self._small if size <= SMALL else ffi.new("uint8_t[]", size)
        done = lib.ttd_read(self._native, address, buffer, size)
        return ffi.buffer(buffer, done)[:]  # type: ignore[no-any-return]

    def write(self, address: int, data: bytes) -> int:
        """A change from outside, in ROM too; returns how many bytes were there to be written."""
        return lib.ttd_write(self._native, address, data, len(data))  # type: ignore[no-any-return]

    def accessible(self, address: int, kind: Access) -> bool:
        """True if an access by the CPU in its present mode would be answered."""
        return bool(lib.ttd_mapped(self._native, address, kind)) and not self.denies(address, kind)

    def denies(self, address: int, kind: Access) -> bool:
        """True if protection forbids the access to the instruction at PC."""
        return bool(lib.ttd_denies(self._native, address, kind))

    def translate(self, address: int, kind: Access | None = None) -> tuple[int | None, Refusal]:
        """Where an access by the CPU in its present mode would go: (physical, why not).

        `kind` None: as a debugger looks, without rights. Nothing is marked accessed or dirty.
        """
        found = ffi.new("uint64_t *")
        why = Refusal(lib.ttd_translate(self._native, address, int(kind or 0), found))
        return (None if why else int(found[0])), why
