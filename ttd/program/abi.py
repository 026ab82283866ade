"""Where functions find their arguments when they are entered, and leave what they return.

AAPCS32 and AAPCS64 (Arm), the RISC-V calling convention, and the System V psABI for x86-64. What
is said here holds before the first instruction, where debug information may not hold yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ttd.program.types import Kind, Type

_COMPOSITE = (Kind.STRUCT, Kind.UNION, Kind.ARRAY)
_MOST_MEMBERS = 64


NOTHING = "-"
"""In place of a register: bytes between two members, which are nowhere."""


class Part(NamedTuple):
    """So many bytes of a value: in a register, or at an offset from the stack pointer."""

    size: int
    register: str = ""
    stack: int = 0


class Passed(NamedTuple):
    """Where a value is, in its order."""

    parts: tuple[Part, ...]
    by_reference: bool = False
    """That is its address."""


class Convention:
    """How one processor's functions are called; `Passed` for each argument, in order."""

    word = 4
    integers: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    float_results: tuple[str, ...] = ()
    stack = 0
    """Where arguments on the stack begin, from the stack pointer."""

    def __init__(self) -> None:
        self._integer = self._float = 0
        self._offset = self.stack

    def arguments(self, returns: Type, taken: Sequence[Type]) -> Iterator[Passed]:
        if self._in_memory(returns) and self.result_address in self.integers:
            self._integer += 1
        for kind in taken:
            yield self._one(kind)

    def result(self, returns: Type) -> Passed | None:
        """Where it is when the function has returned; None if there is none. By reference: where
        the register with its address is when the function is entered."""
        if returns.kind is Kind.VOID:
            return None
        if self._in_memory(returns):
            return Passed((Part(self.word, self.result_address),), by_reference=True)
        return self._returned(returns)

    # -- what differs ----------------------------------------------------------------------

    def _in_memory(self, returns: Type) -> bool:
        """What is returned is where the caller has said."""
        return returns.kind in _COMPOSITE and returns.size > 2 * self.word

    @property
    def result_address(self) -> str:
        """Who returns something in memory is told where in this register."""
        return self.integers[0]

    def _one(self, kind: Type) -> Passed:
        raise NotImplementedError

    def _returned(self, kind: Type) -> Passed:
        names = self.float_results if is_float(kind) and self.float_results else self.results
        return Passed(split(kind.size, names, self.word))

    # -- what they share ---------------------------------------------------------------------

    def _on_stack(self, size: int, align: int) -> Passed:
        align = max(align, self.word)
        self._offset = -(-(self._offset - self.stack) // align) * align + self.stack
        at = self._offset
        self._offset += -(-size // self.word) * self.word
        return Passed((Part(size, stack=at),))

    def _in_integers(self, size: int) -> tuple[Part, ...]:
        """The next registers, as many as it takes; they are there."""
        count = max(1, -(-size // self.word))
        names = self.integers[self._integer : self._integer + count]
        self._integer += count
        return split(size, names, self.word)

    @property
    def _left(self) -> int:
        return max(0, len(self.integers) - self._integer)


def split(size: int, names: Sequence[str], each: int) -> tuple[Part, ...]:
    """A value in registers one after the other."""
    found = []
    for name in names:
        if size <= 0:
            break
        found.append(Part(min(size, each), name))
        size -= each
    return tuple(found)


def is_float(kind: Type) -> bool:
    return kind.kind is Kind.FLOAT


def alignment(kind: Type, most: int) -> int:
    """Natural alignment, as far as calls are about it."""
    if kind.kind is Kind.ARRAY:
        return alignment(kind.target, most)
    if kind.kind in _COMPOSITE:
        return max((alignment(part.type, most) for part in kind.parts), default=1)
    return min(most, max(1, kind.size))


def flat(kind: Type, offset: int = 0) -> list[tuple[int, Type]]:
    """The numbers and pointers that a value consists of, at their offsets; of many the first."""
    if kind.kind is Kind.ARRAY:
        element = kind.target
        count = min(kind.length or 0, _MOST_MEMBERS)
        return [each for n in range(count) for each in flat(element, offset + n * element.size)][
            :_MOST_MEMBERS
        ]
    if kind.kind in _COMPOSITE:
        return [each for part in kind.parts for each in flat(part.type, offset + part.offset)][
            :_MOST_MEMBERS
        ]
    return [(offset, kind)]


class Arm(Convention):
    """AAPCS32, 6.5, without registers of floating point: none of the processors here has any."""

    integers = ("r0", "r1", "r2", "r3")
    results = integers

    def _in_memory(self, returns: Type) -> bool:
        return returns.kind in _COMPOSITE and returns.size > 4

    def _one(self, kind: Type) -> Passed:
        if alignment(kind, 8) == 8:
            self._integer += self._integer % 2
        words = -(-kind.size // 4)
        if words <= self._left:
            return Passed(self._in_integers(kind.size))
        if self._left and self._offset == self.stack:
            # The first in registers, the rest on the stack (6.5 C.5).
            head = 4 * self._left
            parts = self._in_integers(head)
            rest = self._on_stack(kind.size - head, 4)
            return Passed(parts + rest.parts)
        self._integer = len(self.integers)
        return self._on_stack(kind.size, alignment(kind, 8))


class RiscV(Convention):
    """The integer and the hardware floating-point calling convention."""

    integers = tuple(f"a{n}" for n in range(8))
    results = integers[:2]
    floats = tuple(f"fa{n}" for n in range(8))

    def __init__(self, word: int, float_size: int) -> None:
        """`float_size`: bytes of what registers of floating point are used for; 0: they are not."""
        super().__init__()
        self.word, self._float_size = word, float_size

    def _one(self, kind: Type) -> Passed:
        if (parts := self._by_members(kind, self.floats[self._float :])) is not None:
            return Passed(parts)
        if kind.size > 2 * self.word:
            # Its address is handed over.
            if self._left:
                return Passed(self._in_integers(self.word), by_reference=True)
            return Passed(self._on_stack(self.word, self.word).parts, by_reference=True)
        words = max(1, -(-kind.size // self.word))
        if words <= self._left:
            return Passed(self._in_integers(kind.size))
        if self._left:
            parts = self._in_integers(self.word)
            return Passed(parts + self._on_stack(kind.size - self.word, self.word).parts)
        return self._on_stack(kind.size, alignment(kind, 2 * self.word))

    def _by_members(self, kind: Type, floats: Sequence[str]) -> tuple[Part, ...] | None:
        """One or two numbers of which one at least goes to a register of floating point; None if
        that is not so."""
        if kind.kind is Kind.UNION or not self._float_size:
            return None
        members = flat(kind)
        wanted = sum(is_float(each) for _, each in members)
        fit = all(
            each.size <= (self._float_size if is_float(each) else self.word) for _, each in members
        )
        whole = len(members) - wanted
        if not 1 <= len(members) <= 2 or not wanted or not fit or wanted > len(floats):
            return None
        if whole > self._left:
            return None
        parts: list[Part] = []
        end = 0
        for offset, each in members:
            if offset > end:
                parts.append(Part(offset - end, NOTHING))
            if is_float(each):
                parts.append(Part(each.size, floats[0]))
                floats = floats[1:]
                self._float += 1
            else:
                parts += self._in_integers(each.size)
            end = offset + each.size
        return tuple(parts)

    def _returned(self, kind: Type) -> Passed:
        found = RiscV(self.word, self._float_size)._one(kind)
        return Passed(found.parts)


class AArch64(Convention):
    """AAPCS64, 6.8."""

    word = 8
    integers = tuple(f"x{n}" for n in range(8))
    results = integers
    floats = tuple(f"v{n}" for n in range(8))

    @property
    def result_address(self) -> str:
        return "x8"

    def _in_memory(self, returns: Type) -> bool:
        alike = self._alike(returns)
        return returns.kind in _COMPOSITE and returns.size > 16 and alike is None

    @staticmethod
    def _alike(kind: Type) -> list[tuple[int, Type]] | None:
        """Up to four numbers of floating point of one size (6.4.1); None: it is something else."""
        if is_float(kind):
            return [(0, kind)]
        if kind.kind not in _COMPOSITE or kind.kind is Kind.UNION:
            return None
        members = flat(kind)
        same = len({each.size for _, each in members}) == 1
        alike = same and len(members) <= 4 and all(is_float(each) for _, each in members)
        return members if alike else None

    def _one(self, kind: Type) -> Passed:
        alike = self._alike(kind)
        if alike is not None:
            names = self.floats[self._float : self._float + len(alike)]
            if len(names) == len(alike):
                self._float += len(alike)
                sizes = (each.size for _, each in alike)
                return Passed(tuple(map(Part, sizes, names)))
            self._float = len(self.floats)
            return self._on_stack(kind.size, 8)
        if kind.kind in _COMPOSITE and kind.size > 16:
            if self._left:
                return Passed(self._in_integers(8), by_reference=True)
            return Passed(self._on_stack(8, 8).parts, by_reference=True)
        words = max(1, -(-kind.size // 8))
        if words <= self._left:
            return Passed(self._in_integers(kind.size))
        self._integer = len(self.integers)
        return self._on_stack(kind.size, 8)

    def _returned(self, kind: Type) -> Passed:
        return Passed(AArch64()._one(kind).parts)


class X86(Convention):
    """System V, 3.2.3. A call has pushed the address it returns to."""

    word = 8
    stack = 8
    integers = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
    results = ("rax", "rdx")
    floats = tuple(f"xmm{n}" for n in range(8))
    float_results = ("xmm0", "xmm1")

    def _in_memory(self, returns: Type) -> bool:
        return returns.kind in _COMPOSITE and self._classes(returns) is None

    @staticmethod
    def _classes(kind: Type) -> list[bool] | None:
        """For each eight bytes whether they are of floating point; None: it is in memory."""
        if kind.size > 16:
            return None
        found = [True] * max(1, -(-kind.size // 8))
        for offset, each in flat(kind):
            if not is_float(each):
                found[min(offset // 8, len(found) - 1)] = False
        return found

    def _one(self, kind: Type) -> Passed:
        classes = self._classes(kind)
        if classes is None:
            return self._on_stack(kind.size, 8)
        floats = self.floats[self._float : self._float + sum(classes)]
        whole = len(classes) - sum(classes)
        if len(floats) < sum(classes) or whole > self._left:
            return self._on_stack(kind.size, 8)
        self._float += len(floats)
        integers = self.integers[self._integer : self._integer + whole]
        self._integer += whole
        return Passed(_by_class(kind.size, classes, list(integers), list(floats)))

    def _returned(self, kind: Type) -> Passed:
        classes = self._classes(kind) or [False]
        names = list(self.results), list(self.float_results)
        return Passed(_by_class(kind.size, classes, *names))


def _by_class(
    size: int, classes: Sequence[bool], integers: list[str], floats: list[str]
) -> tuple[Part, ...]:
    parts = []
    for is_real in classes:
        names = floats if is_real else integers
        parts.append(Part(min(size, 8), names.pop(0)))
        size -= 8
    return tuple(parts)


_EF_RISCV_FLOAT = 0x6
"""The bits of an ELF file's `e_flags` that say for which numbers registers of floating point are
used: 2 for 4 bytes, 4 for 8."""


def convention(family: str, word: int, flags: int) -> Convention | None:
    """How functions are called in a program; `flags`: the ELF file's `e_flags`."""
    match family:
        case "arm":
            return Arm()
        case "riscv":
            return RiscV(word, {0: 0, 2: 4, 4: 8}.get(flags & _EF_RISCV_FLOAT, 8))
        case "aarch64":
            return AArch64()
        case "i386":
            return X86()
    return None
