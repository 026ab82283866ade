"""Names of addresses in what is loaded."""

from __future__ import annotations

from pathlib import Path

from ttd.images import parse_image
from ttd.symbols import Symbols

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"


def symbols(*names: str) -> Symbols:
    files = [FIRMWARE / f"{name}.elf" for name in names]
    return Symbols(parse_image(str(path), path.read_bytes()) for path in files)


def test_functions_of_thumb() -> None:
    """As arm-none-eabi-nm -n has them; the last bit of an address is not part of it."""
    known = symbols("faults/lockup")
    assert known.name(0x270) == "HardFault_Handler"
    assert known.name(0x272) in ("HardFault_Handler+2", None)
    assert known.name(0) is None or "+" not in str(known.name(0)), "the vector table is no code"
    assert known.name(0x20000000) is None and known.name(0xFFFFFFFE) is None


def test_places_and_sentences() -> None:
    known = symbols("faults/lockup")
    assert known.place(0x270, 8) == "0x00000270 in HardFault_Handler"
    assert known.place(0xFFFFFFFE) == "0xfffffffe"
    said = "it read 0x1234 at 0x270"
    assert known.explained(said) == f"{said}, in HardFault_Handler"
    assert known.explained("it is over") == "it is over"


def test_several_images_and_those_without_names() -> None:
    raw = parse_image("blob", b"\0" * 64, 0x8000)
    known = Symbols([raw, parse_image("x", (FIRMWARE / "tiny" / "tiny.elf").read_bytes())])
    assert known.name(0x8000) is None
    assert Symbols([raw]).name(0x8000) is None


def test_a_damaged_table_has_no_names() -> None:
    data = bytearray((FIRMWARE / "faults" / "lockup.elf").read_bytes())
    table = int.from_bytes(data[32:36], "little")
    data[table : table + 400] = b"\xff" * 400
    assert Symbols([parse_image("x", bytes(data))]).name(0x270) is None
