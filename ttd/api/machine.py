"""Registers, memory and symbols of a run, at its present place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import TypeAlias, overload

from ttd.debugger.names import MachineNames
from ttd.debugger.session import Session
from ttd.errors import UserError
from ttd.symbols import Named, Symbols
from ttd.timeline_api import TimelineApi

Address: TypeAlias = "int | str"
"""A number, or the name of a symbol."""


@contextmanager
def writing(timeline: TimelineApi) -> Iterator[None]:
    """What is written is meant to stay, if it can be written: in the past a branch begins."""
    try:
        yield
    except BaseException:
        timeline.trials.drop()
        raise
    timeline.trials.keep()


class Registers(MutableMapping[str, int]):
    """The registers by name, also as attributes; `pc` and `sp` are every processor's.

    Values are unsigned, as wide as the register is. Writing one in the past begins a branch.
    """

    def __init__(self, session: Session, names: MachineNames) -> None:
        # Not by `self.x = x`: that writes a register.
        vars(self).update(_session=session, _timeline=session.timeline, _names=names)

    _session: Session
    _timeline: TimelineApi
    _names: MachineNames

    def __getitem__(self, name: str) -> int:
        return self._timeline.cpu.read_register(self._known(name))

    def __setitem__(self, name: str, value: int) -> None:
        known = self._known(name)
        bits = next(r.bits for r in self._timeline.cpu.registers if r.name == known)
        if not -(1 << bits - 1) <= value < 1 << bits:
            raise UserError(f"{name} has {bits} bits: {value:#x} does not fit")
        with writing(self._timeline):
            self._session.write_register(known, value & ((1 << bits) - 1))

    def __delitem__(self, name: str) -> None:
        raise UserError("a register cannot be taken away")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.registers)

    def __len__(self) -> int:
        return len(self._names.registers)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._names.register(name) is not None

    def __getattr__(self, name: str) -> int:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: int) -> None:
        self[name] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        return " ".join(f"{name}={value:#x}" for name, value in self.items())

    def _known(self, name: str) -> str:
        known = self._names.register(name)
        if known is None:
            raise UserError(
                f"there is no register {name}; there are {' '.join(self._names.registers)}"
            )
        return known


class SymbolTable(Mapping[str, Named]):
    """What has a name in the programs that were loaded: `table["main"].address`."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    def __getitem__(self, name: str) -> Named:
        found = self._symbols.by_name.get(name)
        if found is None:
            raise UserError(f"no program here has a symbol {name}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._symbols.by_name)

    def __len__(self) -> int:
        return len(self._symbols.by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._symbols.by_name

    def at(self, address: int) -> str | None:
        """`main+4`: the function or variable there; None if nothing is known of that address."""
        return self._symbols.name(address) or self._symbols.variable(address)

    def __repr__(self) -> str:
        return f"<{len(self)} symbols>"


class Words:
    """Numbers of one size in memory, little-endian: `memory.u32[address]`."""

    def __init__(self, memory: Memory, size: int, signed: bool) -> None:
        self._memory = memory
        self._size = size
        self._signed = signed

    def __getitem__(self, address: Address) -> int:
        data = self._memory.read(address, self._size)
        return int.from_bytes(data, "little", signed=self._signed)

    def __setitem__(self, address: Address, value: int) -> None:
        bits = 8 * self._size
        if not -(1 << bits - 1) <= value < 1 << bits:
            raise UserError(f"{value:#x} does not fit into {self._size} bytes")
        self._memory.write(address, (value & ((1 << bits) - 1)).to_bytes(self._size, "little"))


class Memory:
    """Memory by the addresses that the processor uses, and registers of devices, read without side
    effects.

    `memory[a:b]` is bytes, `memory[a]` one of them, `memory["name"]` all of a variable; `u32[a]`
    and its kin are numbers. An address is a number or the name of a symbol. Writing in the past
    begins a branch.
    """

    def __init__(self, session: Session, symbols: SymbolTable) -> None:
        self._session = session
        self._timeline = session.timeline
        self._symbols = symbols
        self.u8, self.u16, self.u32, self.u64 = (Words(self, n, False) for n in (1, 2, 4, 8))
        self.i8, self.i16, self.i32, self.i64 = (Words(self, n, True) for n in (1, 2, 4, 8))

    def address(self, where: Address) -> int:
        """A number, or where a symbol is."""
        found = self._symbols[where].address if isinstance(where, str) else where
        if found < 0:
            raise UserError(f"{found} is no address")
        return found

    def read(self, where: Address, size: int) -> bytes:
        """All of it; `UserError` if some of it is not there."""
        address = self.address(where)
        data = self._timeline.probe.read_memory(address, size)
        if len(data) < size:
            raise UserError(f"there is nothing at {address + len(data):#x}")
        return data

    def write(self, where: Address, data: bytes) -> None:
        """Change memory."""
        with writing(self._timeline):
            self._session.write_memory(self.address(where), bytes(data))

    @overload
    def __getitem__(self, where: int) -> int: ...
    @overload
    def __getitem__(self, where: str | slice) -> bytes: ...
    def __getitem__(self, where: Address | slice) -> bytes | int:
        if isinstance(where, int):
            return self.read(where, 1)[0]
        return self.read(*self.extent(where))

    def __setitem__(self, where: Address | slice, data: bytes | int) -> None:
        if isinstance(data, int):
            if not isinstance(where, int):
                raise UserError("bytes go there; for a number say memory.u32[...] or its kin")
            self.u8[where] = data
            return
        if isinstance(where, int):
            self.write(where, data)
            return
        begin, size = self.extent(where)
        if len(data) != size:
            raise UserError(f"{size} bytes are there, and {len(data)} do not replace them")
        self.write(begin, data)

    def extent(self, where: str | slice) -> tuple[int, int]:
        """Where it begins, and how many bytes it has."""
        if isinstance(where, str):
            named = self._symbols[where]
            if not named.size:
                raise UserError(f"nobody knows the size of {where}: say memory[a:b]")
            return named.address, named.size
        if where.start is None or where.stop is None or where.step is not None:
            raise UserError("memory[a:b] has both its ends, and no step")
        begin, end = self.address(where.start), self.address(where.stop)
        if end < begin:
            raise UserError(f"{end:#x} is before {begin:#x}")
        return begin, end - begin
