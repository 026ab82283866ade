"""What GDB is told about the target: registers and memory, as XML.

GDB manual, appendix "Target Descriptions" ("Target Description Format", "Standard Target
Features") and appendix "Remote Protocol", section "Memory Map Format".
"""

from __future__ import annotations

from collections.abc import Sequence

from ttd.cpu.base import Flags, Register, RegisterType, Union, Vector

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def target_xml(architecture: str, registers: Sequence[Register]) -> str:
    """The target description; registers in regnum order.

    `osabi` is none: GDB would otherwise take the machine for a Linux process.
    """
    lines = [
        '<?xml version="1.0"?>',
        '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
        '<target version="1.0">',
        f"  <architecture>{architecture}</architecture>",
        "  <osabi>none</osabi>",
    ]
    features: dict[str, list[Register]] = {}
    for register in registers:
        features.setdefault(register.feature, []).append(register)
    for feature, members in features.items():
        lines.append(f"  <feature name={quoteattr(feature)}>")
        types: dict[str, list[str]] = {}
        for register in members:
            _define(register.type, types)
        lines += [line for definition in types.values() for line in definition]
        lines += [
            f'    <reg name={quoteattr(r.name)} bitsize="{r.bits}" regnum="{r.regnum}"'
            f" type={quoteattr(_name(r.type))} group={quoteattr(r.group)}/>"
            for r in members
        ]
        lines.append("  </feature>")
    lines.append("</target>\n")
    return "\n".join(lines)


def _name(kind: RegisterType) -> str:
    return kind if isinstance(kind, str) else kind.name


def _define(kind: RegisterType, types: dict[str, list[str]]) -> None:
    """Add the definition of a type to those of its feature, after all that it is made of."""
    match kind:
        case Vector(name, element, count):
            _define(element, types)
            of = quoteattr(_name(element))
            types[name] = [f'    <vector id={quoteattr(name)} type={of} count="{count}"/>']
        case Union(name, fields):
            for _, part in fields:
                _define(part, types)
            types[name] = [
                f"    <union id={quoteattr(name)}>",
                *(
                    f"      <field name={quoteattr(field)} type={quoteattr(_name(part))}/>"
                    for field, part in fields
                ),
                "    </union>",
            ]
        case Flags(name, size, bits):
            types[name] = [
                f'    <flags id={quoteattr(name)} size="{size}">',
                *(
                    f'      <field name={quoteattr(field)} start="{first}" end="{last}"/>'
                    for field, first, last in bits
                ),
                "    </flags>",
            ]


LONGEST_REGION = 1 << 62


def memory_map_xml(regions: Sequence[tuple[str, int, int]], address_bits: int) -> str:
    """The memory map from (kind, start, length).

    What lies between the regions is given as RAM: GDB refuses by itself to touch addresses that a
    memory map leaves out, and device registers are there. None is as long as 2^63 bytes: GDB takes
    what is left of one for a signed number, and dies of it (`-data-read-memory-bytes`).
    """
    lines = [
        '<?xml version="1.0"?>',
        '<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN"'
        ' "http://sourceware.org/gdb/gdb-memory-map.dtd">',
        "<memory-map>",
    ]
    at = 0
    end = 1 << address_bits
    for kind, start, length in (*sorted(regions, key=lambda region: region[1]), ("ram", end, 0)):
        lines += _memory("ram", at, start - at)
        lines += _memory(kind, start, length)
        at = start + length
    lines.append("</memory-map>\n")
    return "\n".join(lines)


def _memory(kind: str, start: int, length: int) -> list[str]:
    """Lines for a region; none if it is empty."""
    return [
        f'  <memory type={quoteattr(kind)} start="{at:#x}"'
        f' length="{min(LONGEST_REGION, start + length - at):#x}"/>'
        for at in range(start, start + length, LONGEST_REGION)
    ]


def quoteattr(text: str) -> str:
    """As in `xml.sax.saxutils`, which takes long to import: it brings an HTTP client."""
    return f'"{text.translate(_ENTITIES)}"'
