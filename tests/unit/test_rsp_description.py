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


def _regions(xml: str) -> list[tuple[str | None, int, int]]:
    return [
        (m.get("type"), int(m.get("start", ""), 16), int(m.get("length", ""), 16))
        for m in ElementTree.fromstring(xml).iter("memory")
    ]


def test_gaps_in_the_memory_map_can_still_be_read() -> None:
    xml = memory_map_xml([("ram", 0x2000, 0x1000), ("rom", 0, 0x1000)], address_bits=32)
    assert _regions(xml) == [
        ("rom", 0, 0x1000),
        ("ram", 0x1000, 0x1000),
        ("ram", 0x2000, 0x1000),
        ("ram", 0x3000, 0xFFFFD000),
    ]


@pytest.mark.parametrize("bits", [32, 64])
def test_an_unknown_map_is_all_memory(bits: int) -> None:
    """GDB complains of a map without memory, and of a length beyond 64 bits."""
    regions = _regions(memory_map_xml([], address_bits=bits))
    assert {kind for kind, _, _ in regions} == {"ram"}
    assert sum(length for _, _, length in regions) == 1 << bits


@pytest.mark.parametrize("known", [[], [("ram", 0x80000000, 0x8000000)], [("ram", 0, 1 << 63)]])
def test_no_region_is_as_long_as_what_gdb_takes_for_negative(
    known: list[tuple[str, int, int]],
) -> None:
    at = 0
    for _, start, length in _regions(memory_map_xml(known, address_bits=64)):
        assert start == at and 0 < length < 1 << 63
        at += length
    assert at == 1 << 64
