"""The numbers that debug information has for registers, by the names that processors have here.

AADWARF32 and AADWARF64 (Arm), "DWARF Register Numbers" of the RISC-V ELF psABI, and figure 3.36
of the System V psABI for x86-64.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from ttd.cpu.base import Register
from ttd.program.errors import ProgramError

_X86 = ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", *(f"r{n}" for n in range(8, 16)))
_RISCV_X = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1"),
    *(f"a{n}" for n in range(8)),
    *(f"s{n}" for n in range(2, 12)),
    *(f"t{n}" for n in range(3, 7)),
)
_RISCV_F = (
    *(f"ft{n}" for n in range(8)),
    *("fs0", "fs1"),
    *(f"fa{n}" for n in range(8)),
    *(f"fs{n}" for n in range(2, 12)),
    *(f"ft{n}" for n in range(8, 12)),
)
_ALSO = {
    "arm": {f"r{n}": name for n, name in ((13, "sp"), (14, "lr"), (15, "pc"))},
    "riscv": {
        "s0": "fp",
        **{f"x{n}": name for n, name in enumerate(_RISCV_X)},
        **{f"f{n}": name for n, name in enumerate(_RISCV_F)},
    },
    "aarch64": {"lr": "x30", "fp": "x29"},
    "i386": {"pc": "rip", "sp": "rsp", "fp": "rbp"},
}
"""Other names that people use."""


def _numbered(first: int, names: Iterable[str]) -> dict[int, str]:
    return dict(enumerate(names, first))


_NUMBERS: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "arm": _numbered(0, (*(f"r{n}" for n in range(13)), "sp", "lr", "pc"))
        | _numbered(256, (f"d{n}" for n in range(32))),
        "riscv": _numbered(0, (*_RISCV_X, *_RISCV_F)),
        "aarch64": _numbered(0, (*(f"x{n}" for n in range(31)), "sp", "pc"))
        | _numbered(64, (f"v{n}" for n in range(32))),
        "i386": _numbered(0, (*_X86, "rip")) | _numbered(17, (f"xmm{n}" for n in range(16))),
    }
)


class RegisterSet:
    """The registers of one processor, as debug information and people call them."""

    def __init__(self, architecture: str, registers: Sequence[Register]) -> None:
        """`architecture`: as GDB calls it."""
        self.family = architecture.partition(":")[0]
        self._bits = {register.name: register.bits for register in registers}
        self._numbers = _NUMBERS.get(self.family, {})
        self._also = _ALSO.get(self.family, {})
        self.word = max(r.bits for r in registers if r.type == "code_ptr") // 8
        """Bytes of an address."""
        self.pc = self.named("pc") or "pc"
        self.sp = self.named("sp") or "sp"

    @property
    def names(self) -> Collection[str]:
        return self._bits.keys()

    def named(self, name: str) -> str | None:
        """A register by what people call it, as the processor does; None if there is none."""
        if name in self._bits:
            return name
        other = self._also.get(name)
        return other if other in self._bits else None

    def size(self, name: str) -> int:
        """In bytes, rounded up."""
        return (self._bits[name] + 7) // 8

    def numbered(self, number: int) -> str:
        """By the number of debug information; `ProgramError` if the processor has none such."""
        name = self._numbers.get(number)
        if name not in self._bits:
            raise ProgramError(f"The processor has no register {number} of the debug information.")
        return name
