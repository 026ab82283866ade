"""Where values came from in guests that nobody here wrote: lines that are typed at MicroPython and
at U-Boot, and what they print. What is found is changed, on a branch: the value is another there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import ttd
from scripts.micropython import FIRMWARE, PACKAGE
from tests.integration.guests import install
from ttd.api.questions import Origin

pytestmark = pytest.mark.slow

UBOOT = Path("/usr/lib/u-boot/qemu-riscv64/u-boot.bin")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ttd.Run]:
    install([FIRMWARE], PACKAGE)
    typed = [(">>> ", "x=6*7\r"), ("x=6*7\r\n>>> ", "'<%d>'%x\r")]
    path = tmp_path_factory.mktemp("micropython") / "run.ttd"
    with ttd.record(
        board="microbit", image=FIRMWARE, path=path, inputs=typed, steps=600_000
    ) as run:
        run.goto("end")
        assert "'<42>'\n" in run.console.text.replace("\r", "")
        yield run


@pytest.fixture(scope="module")
def uboot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ttd.Run]:
    install([UBOOT], "u-boot-qemu")
    typed = [("autoboot", " "), ("=> ", "echo hallo\r"), ("hallo\r\n=> ", "printenv bootdelay\r")]
    path = tmp_path_factory.mktemp("uboot") / "run.ttd"
    with ttd.record(board="virt", bios=UBOOT, path=path, inputs=typed, steps=19_500_000) as run:
        run.goto("end")
        assert "bootdelay=2" in run.console.text
        yield run


def _ends(rows: Sequence[Origin]) -> list[Origin]:
    made_of = {row.of for row in rows}
    return [row for number, row in enumerate(rows) if number not in made_of]


def _letters(rows: Sequence[Origin]) -> list[str]:
    """Of what was typed, those that a value is made of."""
    return [row.told.lstrip()[1] for row in _ends(rows) if row.kind == "input"]


def _typed(run: ttd.Run, text: str) -> list[tuple[int, ttd.Place]]:
    """Where each copy of a line that was typed is, and when it was complete."""
    found = [(int(row.address), row.place) for row in run.ask.find(text) if row.place.step]
    assert found
    return found


@pytest.mark.parametrize("name", ["python", "uboot"])
def test_a_line_is_what_was_typed(name: str, request: pytest.FixtureRequest) -> None:
    run: ttd.Run = request.getfixturevalue(name)
    text = "x=6*7" if name == "python" else "echo hallo"
    copies = _typed(run, text)
    for address, place in copies:
        rows = run.ask.origin(f"{address:#x}:{len(text)}", at=place.step + 1)
        assert "".join(_letters(rows)) == text, "\n".join(map(str, rows))
        assert all(row.kind == "input" for row in _ends(rows))
    # One letter is another on a branch: it is there, too, and no other one is.
    which = text.index("6" if name == "python" else "hallo")
    changed = _ends(rows)[which].event
    event = next(one for one in run.events("char_read") if one.number == changed)
    address, complete = copies[-1]
    here = run.place
    run.goto(event.step - 1)
    with run.branch_off("typed otherwise", edits=[f"{event.step} chars 9"]):
        run.go_on(complete.step + 100 - event.step)
        line = f"{text[:which]}9{text[which + 1 :]}"
        assert bytes(run.memory[address : address + len(text)]) == line.encode()
        rows = run.ask.origin(f"{address:#x}:{len(text)}")
        assert "".join(_letters(rows)) == line, "\n".join(map(str, rows))
    run.goto(here)


def test_what_python_prints_is_computed_of_what_was_typed(python: ttd.Run) -> None:
    printed = python.ask.output("<42>")[0].place
    # The ">" is of the text between quotes.
    rows = python.ask.origin("UART0.TXD", at=printed.step + 1)
    assert _letters(rows)[-1:] == [">"], "\n".join(map(str, rows))


def test_what_uboot_prints_is_of_its_image(uboot: ttd.Run) -> None:
    """Through its moving itself to the end of memory, the environment, and a hash table of that."""
    printed = uboot.ask.output("bootdelay=2")[0].place
    rows = uboot.ask.origin("UART0.DATA", at=printed.step + 1)
    (end,) = _ends(rows)
    assert end.kind == "image" and "u-boot.bin" in end.told
    at = int(end.told.partition("from byte ")[2].split()[0])
    assert UBOOT.read_bytes()[at - 10 : at + 1] == b"bootdelay=2"
    # The letter that echo prints is the one that was typed.
    printed = uboot.ask.output("hallo", begin=_typed(uboot, "echo hallo")[-1][1])[0].place
    rows = uboot.ask.origin("UART0.DATA", at=printed.step + 1)
    assert _letters(rows) == ["o"]


def test_registers_are_followed_or_it_is_said_why(uboot: ttd.Run, python: ttd.Run) -> None:
    for run, names in ((uboot, ["a0", "mstatus"]), (python, ["r5", "lr"])):
        for name in names:
            for percent in ("50%", "end"):
                rows = run.ask.origin(name, at=percent, limit=60)
                assert rows and all(row.told for row in rows)
                assert all(
                    row.of is None or rows[row.of].place.step + 1 >= row.place.step for row in rows
                )
