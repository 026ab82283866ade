"""CMSIS-SVD files: the names in them, and files that nobody should trust."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.register_names import Block
from ttd.svd import SvdError, read_svd

CHIP = """<?xml version="1.0" encoding="utf-8"?>
<device schemaVersion="1.3">
  <name>CHIP</name><size>32</size>
  <peripherals>
    <peripheral>
      <name>PORTA</name><baseAddress>0x40010000</baseAddress>
      <registers>
        <register><name>DATA</name><addressOffset>0</addressOffset><size>16</size>
          <fields>
            <field><name>LOW</name><bitRange>[3:0]</bitRange></field>
            <field><name>HIGH</name><lsb>12</lsb><msb>15</msb></field>
            <field><name>ONE</name><bitOffset>5</bitOffset></field>
            <field><name>P%s</name><dim>2</dim><dimIncrement>1</dimIncrement>
              <bitOffset>8</bitOffset><bitWidth>1</bitWidth></field>
          </fields>
        </register>
        <register><dim>3</dim><dimIncrement>4</dimIncrement><dimIndex>A,B,C</dimIndex>
          <name>CFG%s</name><addressOffset>0x10</addressOffset></register>
        <register derivedFrom="DATA"><name>SAME</name><addressOffset>#100</addressOffset></register>
        <cluster><dim>2</dim><dimIncrement>0x20</dimIncrement><name>CH[%s]</name>
          <addressOffset>0x100</addressOffset>
          <register><name>CTRL</name><addressOffset>0x8</addressOffset></register>
        </cluster>
      </registers>
    </peripheral>
    <peripheral derivedFrom="PORTA"><name>PORTB</name><baseAddress>1k</baseAddress></peripheral>
  </peripherals>
</device>
"""
REGISTERS = (
    """<registers><register><name>R</name><addressOffset>0</addressOffset></register></registers>"""
)


def _read(tmp_path: Path, text: str | bytes) -> list[Block]:
    path = tmp_path / "chip.svd"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_svd(str(path))


def _device(peripheral: str) -> str:
    return f"<device><peripherals><peripheral>{peripheral}</peripheral></peripherals></device>"


def test_names(tmp_path: Path) -> None:
    porta, portb = _read(tmp_path, CHIP)
    assert (porta.name, porta.base, portb.name, portb.base) == ("PORTA", 0x40010000, "PORTB", 1024)
    assert porta.registers == portb.registers
    assert {one.name: (one.offset, one.size) for one in porta.registers} == {
        "DATA": (0, 2),
        "CFGA": (0x10, 4),
        "CFGB": (0x14, 4),
        "CFGC": (0x18, 4),
        "SAME": (4, 2),
        "CH0.CTRL": (0x108, 4),
        "CH1.CTRL": (0x128, 4),
    }
    fields = {field.name: field.mask for field in porta.registers[0].fields}
    assert fields == {"LOW": 0xF, "HIGH": 0xF000, "ONE": 0x20, "P0": 0x100, "P1": 0x200}
    same = next(one for one in porta.registers if one.name == "SAME")
    assert same.fields == porta.registers[0].fields


NAMED = "<name>P</name><baseAddress>0</baseAddress>"
BAD = {
    "nothing": "",
    "no XML": "UART0 = 0x40000000",
    "cut off": CHIP[:600],
    "another document": "<html/>",
    "no peripherals": "<device/>",
    "entities": '<!DOCTYPE device [<!ENTITY a "b">]><device/>',
    "a file of ours": '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><device>&a;</device>',
    "no base": _device("<name>P</name>" + REGISTERS),
    "no number": _device("<name>P</name><baseAddress>here</baseAddress>" + REGISTERS),
    "too large": _device(f"<name>P</name><baseAddress>0x{'f' * 17}</baseAddress>" + REGISTERS),
    "no name": _device("<name>a b</name><baseAddress>0</baseAddress>" + REGISTERS),
    "derived from itself": _device(NAMED).replace("<peripheral>", '<peripheral derivedFrom="P">'),
    "derived from nobody": _device(NAMED).replace("<peripheral>", '<peripheral derivedFrom="Q">'),
    "a huge array": _device(
        NAMED
        + REGISTERS.replace("<name>", "<dim>4000000000</dim><dimIncrement>4</dimIncrement><name>")
    ),
    "a register of 7 bits": _device(NAMED + REGISTERS.replace("<name>", "<size>7</size><name>")),
    "deep": "<device>" * 100,
    "an encoding": '<?xml version="1.0" encoding="klingon"?><device/>',
}


@pytest.mark.parametrize("what", BAD)
def test_bad_files_get_one_sentence(tmp_path: Path, what: str) -> None:
    with pytest.raises(SvdError) as error:
        _read(tmp_path, BAD[what])
    assert "chip.svd" in str(error.value) and "\n" not in str(error.value)


def test_arrays_in_arrays_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttd.svd.MOST_REGISTERS", 1000)
    inner = REGISTERS.removeprefix("<registers>").removesuffix("</registers>")
    for _ in range(4):
        inner = (
            "<cluster><dim>60000</dim><dimIncrement>4</dimIncrement><name>C%s</name>"
            f"<addressOffset>0</addressOffset>{inner}</cluster>"
        )
    with pytest.raises(SvdError, match="more than"):
        _read(tmp_path, _device(f"{NAMED}<registers>{inner}</registers>"))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SvdError, match=r"nowhere\.svd"):
        read_svd(str(tmp_path / "nowhere.svd"))


@given(at=st.integers(0, len(CHIP) - 1), put=st.binary(max_size=6), cut=st.integers(0, 20))
def test_damaged(tmp_path_factory: pytest.TempPathFactory, at: int, put: bytes, cut: int) -> None:
    """Either it can be read, or it is said why not."""
    data = CHIP.encode()
    path = tmp_path_factory.mktemp("svd") / "chip.svd"
    path.write_bytes(data[:at] + put + data[at + cut :])
    try:
        read_svd(str(path))
    except SvdError as error:
        assert "\n" not in str(error)
