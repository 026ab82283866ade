"""An engine's registers, and states of its CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ttd.engine._native import ffi, lib
from ttd.engine.built import Built
from ttd.engine.port import EngineError

_LOWER_HALF = (1 << 64) - 1


class Registers(Built):
    """Registers, by Unicorn's ids or the instruction set's own."""

    def regs_read(self, ids: tuple[int, ...]) -> list[int]:
        """Read registers by Unicorn's ids, in one go."""
        c_ids, values, count = self._array(ids)
        lib.ttd_regs_read(self._native, c_ids, values, count)
        return ffi.unpack(values, count)  # type: ignore[no-any-return]

    def regs_write(self, ids: tuple[int, ...], values: Sequence[int]) -> None:
        """Write registers in the order given."""
        c_ids, c_values, count = self._array(ids)
        c_values[0:count] = list(values)
        lib.ttd_regs_write(self._native, c_ids, c_values, count)

    def _array(self, ids: tuple[int, ...]) -> tuple[Any, Any, int]:
        found = self._arrays.get(ids)
        if found is None:
            found = (ffi.new("int[]", ids), ffi.new("uint64_t[]", len(ids)), len(ids))
            self._arrays[ids] = found
        return found

    def reg_read(self, register: int) -> int:
        return self.regs_read((register,))[0]

    def reg_write(self, register: int, value: int) -> None:
        self.regs_write((register,), (value,))

    def wide_read(self, register: int) -> int:
        """A register of `isa.wide`."""
        lib.ttd_wide_read(self._native, register, self._wide)
        return self._wide[0] | self._wide[1] << 64  # type: ignore[no-any-return]

    def wide_write(self, register: int, value: int) -> None:
        self._wide[0:2] = [value & _LOWER_HALF, value >> 64]
        lib.ttd_wide_write(self._native, register, self._wide)

    @property
    def pc(self) -> int:
        return self.regs_read((self.isa.pc,))[0]

    def clear_exclusive(self) -> None:
        """Open the exclusive monitor."""
        lib.ttd_clear_exclusive(self._native)

    def reset_registers(self) -> None:
        """All registers as they were at `start`."""
        lib.ttd_reset_registers(self._native)

    def save_state(self) -> list[int]:
        """The architectural registers, in the order of `isa.state`; then those of `isa.wide`, each
        its lower half first; then the exclusive monitor, if there is one: address, or 2^64 - 1, and
        what was read there."""
        lib.ttd_save_state(self._native, self._state)
        return ffi.unpack(self._state, len(self._state))  # type: ignore[no-any-return]

    def load_state(self, values: Sequence[int]) -> None:
        """Become the state that `save_state` returned. Without its end the exclusive monitor is
        open; `ValueError` if there are too few or too many."""
        given = [*values, *self._monitor] if len(values) < len(self._state) else values
        if len(given) != len(self._state):
            raise ValueError(f"a state has {len(self._state)} numbers, and not {len(values)}")
        lib.ttd_load_state(self._native, ffi.new("uint64_t[]", list(given)))


class Context:
    """The whole CPU state inside Unicorn, quick to save and restore; good for one engine only."""

    def __init__(self, engine: Built) -> None:
        self._native = engine.native
        context = lib.ttd_context_new(engine.native)
        if not context:
            raise EngineError("there is no memory for another context")
        self._context = ffi.gc(context, lib.ttd_context_free)

    def save(self) -> None:
        lib.ttd_context_save(self._native, self._context)

    def restore(self) -> None:
        lib.ttd_context_restore(self._native, self._context)
