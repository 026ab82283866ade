"""Target description and memory map."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ttd.cpu.base import Register
from ttd.rsp.description import memory_map_xml, target_xml


def test_registers_are_grouped_by_feature() -> None:
    registers = (
        Register("r0", 32, 0, "uint32", "a.core"),
        Register("d0", 64, 1, "ieee_double", "a.fpu", group="float"),
        Register("pc", 32, 2, "code_ptr", "a.core"),
    )
    root = ElementTree.fromstring(target_xml("arm", registers))
    assert [feature.get("name") for feature in root.iter("feature")] == ["a.core", "a.fpu"]
    assert root.findtext("osabi") == "none"
    assert root.findtext("architecture") == "arm"
    assert [(r.get("name"), r.get("bitsize"), r.get("regnum")) for r in root.iter("reg")] == [
        ("r0", "32", "0"),
        ("pc", "32", "2"),
        ("d0", "64", "1"),
    ]


def test_gaps_in_the_memory_map_can_still_be_read() -> None:
    xml = memory_map_xml([("ram", 0x2000, 0x1000), ("rom", 0, 0x1000)], address_bits=32)
    regions = [
        (m.get("type"), int(m.get("start", ""), 16), int(m.get("length", ""), 16))
        for m in ElementTree.fromstring(xml).iter("memory")
    ]
    assert regions == [
        ("rom", 0, 0x1000),
        ("ram", 0x1000, 0x1000),
        ("ram", 0x2000, 0x1000),
        ("ram", 0x3000, 0xFFFFD000),
    ]


@pytest.mark.parametrize("bits", [32, 64])
def test_an_unknown_map_is_all_memory(bits: int) -> None:
    """GDB complains of a map without memory, and of a length beyond 64 bits."""
    xml = memory_map_xml([], address_bits=bits)
    memories = list(ElementTree.fromstring(xml).iter("memory"))
    assert {m.get("type") for m in memories} == {"ram"}
    lengths = [int(m.get("length", ""), 16) for m in memories]
    assert sum(lengths) == 1 << bits and max(lengths) < 1 << 64
