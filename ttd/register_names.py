"""Registers of devices by the names that people know: `UART0.STATE`, `UART0.STATE.RXFULL`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ttd.devices.names import FieldName, RegisterName
from ttd.errors import UserError
from ttd.machine import Machine
from ttd.text import shown

_MANY = 32
"""Registers of a block that are shown whatever they hold; of more only those that are not zero."""
_MANY_FIELDS = 8
"""Of a register that are shown whatever is in them."""
_SHOWN = 60


class Block(NamedTuple):
    """A peripheral: its registers, at offsets from `base`."""

    name: str
    base: int
    unit: int
    """Bytes of a register that says nothing else."""
    registers: tuple[RegisterName, ...]


class Named(NamedTuple):
    """What a name stands for."""

    name: str
    """As those have it who gave it."""
    address: int
    """Physical."""
    size: int
    """In bytes."""
    fields: tuple[FieldName, ...]
    """Of the register, or the one that is meant."""
    mask: int
    """The bits that are meant: of a field, or all."""

    def of(self, value: int) -> int:
        """What it is in the value of the register."""
        return FieldName(self.name, self.mask).of(value)


class RegisterNames:
    """The named registers of one machine, and those of a description of it (`svd.py`)."""

    def __init__(self, machine: Machine, described: Sequence[Block] = ()) -> None:
        """Names of a description come before those of the models."""
        self._machine = machine
        self._blocks: dict[str, Block] = {}
        for unit in machine.bus.mapped:
            for name, registers in unit.device.register_names().items():
                if registers:
                    self._add(Block(name.upper(), unit.base, unit.device.unit, registers))
        for block in described:
            self._add(block)
        self._by_address: dict[int, str] | None = None

    def _add(self, block: Block) -> None:
        ordered = tuple(sorted(block.registers, key=lambda register: register.offset))
        self._blocks[block.name.upper()] = Block(block.name, block.base, block.unit, ordered)

    @property
    def blocks(self) -> list[Block]:
        """By address."""
        return sorted(self._blocks.values(), key=lambda block: (block.base, block.name))

    def block(self, word: str) -> Block | None:
        return self._blocks.get(word.upper())

    def find(self, word: str) -> Named:
        """A register, or a field of one, by name; a `UserError` if there is none of that name.

        The case of letters does not matter.
        """
        wanted = word.upper()
        block = self._block_of(wanted)
        if block is None:
            there = ", ".join(block.name for block in self.blocks) or "none"
            raise UserError(f"No device is called {shown(word)}; there are {there}.")
        rest = wanted[len(block.name) + 1 :]
        for register in block.registers:
            name = register.name.upper()
            if rest == name or rest.startswith(f"{name}."):
                named = self._named(block, register)
                return named if rest == name else _field(named, rest[len(name) + 1 :])
        names = ", ".join(register.name for register in block.registers[:_SHOWN])
        more = ", ..." if len(block.registers) > _SHOWN else ""
        raise UserError(f"{block.name} has no register {shown(word)}; it has {names}{more}.")

    def _block_of(self, wanted: str) -> Block | None:
        """Names of devices may have dots, too: the longest counts."""
        end = len(wanted)
        while (end := wanted.rfind(".", 0, end)) > 0:
            if wanted[:end] in self._blocks:
                return self._blocks[wanted[:end]]
        return None

    @staticmethod
    def _named(block: Block, register: RegisterName) -> Named:
        size = register.size or block.unit
        name = f"{block.name}.{register.name}"
        address = block.base + register.offset
        return Named(name, address, size, register.fields, (1 << 8 * size) - 1)

    def at(self, address: int) -> str | None:
        """The name of the register at a physical address; `DEVICE+0x4` if it has none, None where
        there is no device."""
        if self._by_address is None:
            self._by_address = {
                block.base + register.offset: f"{block.name}.{register.name}"
                for block in self.blocks
                for register in block.registers
            }
        found = self._by_address.get(address) or self._by_address.get(address & ~3)
        if found is not None:
            return found
        unit = self._machine.bus.at(address)
        return None if unit is None else f"{unit.device.name.upper()}+{address - unit.base:#x}"

    # -- what they hold, for people ----------------------------------------------------------

    def show(self, words: Sequence[str]) -> str:
        """What `monitor regs` says: all peripherals, the registers of one, or one register."""
        if len(words) > 1:
            raise UserError("regs takes the name of a device, or of a register: UART0.STATE.")
        if not words:
            return self._listed()
        block = self.block(words[0])
        if block is None:
            return self._line(self.find(words[0]))
        if not block.registers:
            return f"{block.name} has no registers.\n"
        named = [self._named(block, register) for register in block.registers]
        width = max(len(one.name) for one in named)
        lines = [(self._value(one), self._line(one, width)) for one in named]
        if len(named) > _MANY:
            kept = [line for value, line in lines if value != 0]
            rest = len(lines) - len(kept)
            return "".join(kept) + (f"The other {rest} registers are 0.\n" if rest else "")
        return "".join(line for _, line in lines)

    def _listed(self) -> str:
        blocks = self.blocks
        width = max((len(block.name) for block in blocks), default=0)
        return (
            "".join(
                f"{block.name:<{width}}  {_start(block):#010x}  {_count(len(block.registers))}\n"
                for block in blocks
            )
            or "No device of this machine has named registers; --svd FILE gives names.\n"
        )

    def _value(self, named: Named) -> int | None:
        """None where there is nothing."""
        data = self._machine.bus.peek(named.address, named.size)
        return int.from_bytes(data, "little") if len(data) == named.size else None

    def _line(self, named: Named, width: int = 0) -> str:
        value = self._value(named)
        head = f"{named.name:<{width}}  {named.address:#010x}  "
        if value is None:
            return f"{head}nothing answers\n"
        if named.mask != (1 << 8 * named.size) - 1:
            whole = f"{value:#0{2 * named.size + 2}x}"
            return f"{head}{named.of(value):#x}  mask {named.mask:#x} of {whole}\n"
        told = [(field.name, field.of(value)) for field in named.fields]
        if len(told) > _MANY_FIELDS:
            told = [(name, what) for name, what in told if what]
        fields = " ".join(f"{name}={_short(what)}" for name, what in told)
        return f"{head}{value:#0{2 * named.size + 2}x}  {fields}".rstrip() + "\n"


def _field(named: Named, word: str) -> Named:
    for field in named.fields:
        if field.name.upper() == word:
            name = f"{named.name}.{field.name}"
            return Named(name, named.address, named.size, (field,), field.mask)
    names = ", ".join(field.name for field in named.fields) or "none"
    raise UserError(f"{named.name} has no field {shown(word)}; it has {names}.")


def _start(block: Block) -> int:
    return block.base + (block.registers[0].offset if block.registers else 0)


def _count(number: int) -> str:
    return "1 register" if number == 1 else f"{number} registers"


def _short(value: int) -> str:
    return str(value) if value < 10 else f"{value:#x}"
