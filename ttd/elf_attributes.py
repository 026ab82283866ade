"""What an ELF file says of the processor that it was built for, beside machine and bits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import AttributesSection

_ARM_FLOAT_HARD = 0x400
"""EF_ARM_ABI_FLOAT_HARD (ELF for the Arm Architecture, "ELF header")."""
_ARCHITECTURES = (
    *("v4 or older", "v4", "v4T", "v5T", "v5TE", "v5TEJ", "v6", "v6KZ", "v6T2", "v6K"),
    *("v7", "v6-M", "v6S-M", "v7E-M", "v8-A", "v8-R", "v8-M.baseline", "v8-M.mainline"),
    *("v8.1-A", "v8.2-A", "v8.3-A", "v8.1-M.mainline", "v9-A"),
)
"""Values of Tag_CPU_arch (Addenda to, and Errata in, the ABI for the Arm Architecture)."""
_EXTENSION = re.compile(r"[a-z]+[a-z0-9]*?(?=[0-9]+p[0-9]+$|$)")


@dataclass(frozen=True, slots=True)
class ArmAttributes:
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
    found = _attributes(data, ".ARM.attributes")
    number = found.get("TAG_CPU_ARCH")
    known = isinstance(number, int) and number < len(_ARCHITECTURES)
    profile = found.get("TAG_CPU_ARCH_PROFILE") or 0
    hard = _flags(data) & _ARM_FLOAT_HARD or found.get("TAG_ABI_VFP_ARGS") == 1
    return ArmAttributes(
        architecture=_ARCHITECTURES[int(number or 0)] if known else "",
        profile=chr(profile) if isinstance(profile, int) and profile < 128 else "",
        named="TAG_CPU_NAME" in found,
        arm=bool(found.get("TAG_ARM_ISA_USE")),
        thumb=bool(found.get("TAG_THUMB_ISA_USE")),
        floats=bool(found.get("TAG_FP_ARCH") or found.get("TAG_VFP_ARCH") or hard),
    )


def riscv_extensions(data: bytes) -> list[str]:
    """The extensions that the build allowed, such as `m` or `zicsr`; empty if it does not say."""
    arch = _attributes(data, ".riscv.attributes").get("TAG_ARCH")
    if not isinstance(arch, str) or not arch.startswith(("rv32", "rv64")):
        return []
    first, *others = arch[4:].split("_")
    # Those of one letter may come without anything in between.
    letters = re.findall(r"([a-z])(?:[0-9]+p[0-9]+)?", first)
    names = [match[0] for text in others if (match := _EXTENSION.match(text))]
    return [*letters, *names]


def _attributes(data: bytes, section: str) -> dict[str, int | str]:
    """The attributes of a file as a whole, by pyelftools' names; empty if they cannot be read."""
    found: dict[str, int | str] = {}
    try:
        attributes = ELFFile(BytesIO(data)).get_section_by_name(section)
        if isinstance(attributes, AttributesSection):
            for vendor in attributes.iter_subsections():
                for part in vendor.iter_subsubsections("TAG_FILE"):
                    found |= {entry.tag: entry.value for entry in part.iter_attributes()}
    except Exception:  # pyelftools raises whatever its parsing runs into
        return {}
    return found


def _flags(data: bytes) -> int:
    try:
        return int(ELFFile(BytesIO(data))["e_flags"])
    except Exception:
        return 0
