"""What an ELF file says of the processor that it was built for, beside machine and bits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from ttd.elf import Elf, ElfError

_ARM_FLOAT_HARD = 0x400
"""EF_ARM_ABI_FLOAT_HARD (ELF for the Arm Architecture, "ELF header")."""
_ARCHITECTURES = (
    *("v4 or older", "v4", "v4T", "v5T", "v5TE", "v5TEJ", "v6", "v6KZ", "v6T2", "v6K"),
    *("v7", "v6-M", "v6S-M", "v7E-M", "v8-A", "v8-R", "v8-M.baseline", "v8-M.mainline"),
    *("v8.1-A", "v8.2-A", "v8.3-A", "v8.1-M.mainline", "v9-A"),
)
"""Values of Tag_CPU_arch (Addenda to, and Errata in, the ABI for the Arm Architecture)."""
_CPU_NAME, _CPU_ARCH, _CPU_ARCH_PROFILE, _ARM_ISA_USE, _THUMB_ISA_USE, _FP_ARCH = 5, 6, 7, 8, 9, 10
_ABI_VFP_ARGS = 28
_COMPATIBILITY = 32
"""A number and a text."""
_RISCV_ARCH = 5
"""Tag_RISCV_arch (RISC-V ABIs, "RISC-V ELF attributes")."""
_FILE = 1
"""Tag_File: what follows is about the file as a whole."""
_EXTENSION = re.compile(r"[a-z]+[a-z0-9]*?(?=[0-9]+p[0-9]+$|$)")


class ArmAttributes(NamedTuple):
    """Of `.ARM.attributes`; what is not there is empty."""

    architecture: str
    """Such as `v7E-M`; `v7` is told apart by the profile."""
    profile: str
    """A, R, M or S (A or R)."""
    named: bool
    """The build named a processor or architecture."""
    arm: bool
    """Instructions of Arm state."""
    thumb: bool
    floats: bool
    """Instructions or registers of a floating-point unit."""


def arm_attributes(data: bytes) -> ArmAttributes:
    """Of an ELF file for Arm, 32 bits."""
    found = _attributes(data, ".ARM.attributes", _is_arm_text)
    number = found.get(_CPU_ARCH)
    known = isinstance(number, int) and number < len(_ARCHITECTURES)
    profile = found.get(_CPU_ARCH_PROFILE) or 0
    hard = _flags(data) & _ARM_FLOAT_HARD or found.get(_ABI_VFP_ARGS) == 1
    return ArmAttributes(
        architecture=_ARCHITECTURES[int(number or 0)] if known else "",
        profile=chr(profile) if isinstance(profile, int) and profile < 128 else "",
        named=_CPU_NAME in found,
        arm=bool(found.get(_ARM_ISA_USE)),
        thumb=bool(found.get(_THUMB_ISA_USE)),
        floats=bool(found.get(_FP_ARCH) or hard),
    )


def riscv_extensions(data: bytes) -> list[str]:
    """The extensions that the build allowed, such as `m` or `zicsr`; empty if it does not say."""
    arch = _attributes(data, ".riscv.attributes", _is_odd).get(_RISCV_ARCH)
    if not isinstance(arch, str) or not arch.startswith(("rv32", "rv64")):
        return []
    first, *others = arch[4:].split("_")
    # Those of one letter may come without anything in between.
    letters = re.findall(r"([a-z])(?:[0-9]+p[0-9]+)?", first)
    names = [match[0] for text in others if (match := _EXTENSION.match(text))]
    return [*letters, *names]


Order = Literal["little", "big"]


def _is_arm_text(tag: int) -> bool:
    """Whether the value of a tag is a text; Tag_CPU_raw_name and Tag_CPU_name are below 32."""
    return tag in (4, _CPU_NAME) if tag < _COMPATIBILITY else _is_odd(tag)


def _is_odd(tag: int) -> bool:
    return bool(tag & 1)


def _attributes(data: bytes, name: str, is_text: Callable[[int], bool]) -> dict[int, int | str]:
    """The attributes of a file as a whole, by their tags; empty if they cannot be read."""
    found: dict[int, int | str] = {}
    try:
        elf = Elf(data)
        section = elf.section(name)
        if section is None:
            return {}
        order: Order = "little" if elf.little else "big"
        # After a letter that stands for the format there is one part for each vendor.
        for vendor in _parts(elf.contents(section)[1:], order):
            for part in _parts(vendor[vendor.index(0) + 1 :], order, tagged=True):
                found |= _values(part, is_text)
    except (ElfError, LookupError, ValueError):
        return {}
    return found


def _parts(data: bytes, order: Order, *, tagged: bool = False) -> Iterator[bytes]:
    """Parts that begin with their size; those `tagged` as something else before it are left out."""
    at = 0
    while at < len(data):
        before = 1 if tagged else 0
        size = int.from_bytes(data[at + before : at + before + 4], order)
        if size < before + 4 or at + size > len(data):
            raise ElfError("a part of its attributes has a size that cannot be")
        if not tagged or data[at] == _FILE:
            yield data[at + before + 4 : at + size]
        at += size


def _values(data: bytes, is_text: Callable[[int], bool]) -> dict[int, int | str]:
    found: dict[int, int | str] = {}
    at = 0
    while at < len(data):
        tag, at = _uleb128(data, at)
        if not is_text(tag):
            found[tag], at = _uleb128(data, at)
        if is_text(tag) or tag == _COMPATIBILITY:
            end = data.index(0, at)
            found[tag] = data[at:end].decode(errors="replace")
            at = end + 1
    return found


def _uleb128(data: bytes, at: int) -> tuple[int, int]:
    """The number there (DWARF, 7.6), and where it ends."""
    value = shift = 0
    while shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ElfError("a number in its attributes does not end")


def _flags(data: bytes) -> int:
    """e_flags."""
    try:
        return Elf(data).flags
    except ElfError:
        return 0
