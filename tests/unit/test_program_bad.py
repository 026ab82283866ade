"""Programs without debug information, with a part of it, or with damaged: one sentence, or what
there is."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from ttd.cpu.armv7m.registers import REGISTERS
from ttd.elf import Elf
from ttd.images import parse_image
from ttd.program.errors import ProgramError
from ttd.program.program import Program

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
ELF = (FIRMWARE / "types/types-cortex-m3.elf").read_bytes()
BARE = (FIRMWARE / "soak/soak-m3.elf").read_bytes()
DEBUG = [s for s in Elf(ELF).sections if s.name.startswith(".debug_")]
ASKED = (
    *("first", "*list", "matrix[1][2]", "counter", "deeper", "(struct point *)0", "add::calls"),
    *("types.c::second", "GREEN", "$pc", "first.name", "depth", "item->next", "sizeof(byte)"),
)


class Stopped:
    """A machine that stands in a function."""

    def __init__(self, pc: int) -> None:
        self._pc = pc

    def register(self, name: str) -> int:
        return {"pc": self._pc, "sp": 0x1FFF00, "lr": 0x100101}.get(name, 0x100200)

    def memory(self, address: int, size: int) -> bytes:
        return bytes(size)

    def physical(self, address: int, size: int) -> bytes:
        return b""


def program(data: bytes) -> Program:
    return Program([parse_image("types.elf", data)], "arm", REGISTERS)


def ask_everything(data: bytes) -> None:
    """Whatever is wrong is a `ProgramError`, and a sentence."""
    asked = program(data)
    here = asked.symbols.by_name.get("deeper")
    now = Stopped(0x100200 if here is None else here.address + 20)

    def variables() -> None:
        for frame in islice(asked.backtrace(now), 5):
            for level in frame.levels:
                for variable in level.variables():
                    asked.show(level.locate(variable, variable.name), frame)
                assert level.line is None or level.line.number

    questions = [
        *(lambda text=text: asked.value(text, now) for text in ASKED),
        variables,
        lambda: asked.lines("types.c:120"),
        lambda: asked.line_at(now.register("pc")),
        lambda: asked.entry("deeper"),
        lambda: asked.calling.arguments(asked.function_named("mixed"), now),  # type: ignore
    ]
    for question in questions:
        try:
            question()
        except ProgramError as error:
            assert "\n" not in str(error) and str(error).endswith("."), str(error)
        except AttributeError as error:
            assert "'NoneType' object has no attribute 'parameters'" in str(error)


def test_a_whole_one() -> None:
    asked, now = program(ELF), Stopped(0x100200)
    assert asked.value("sizeof(struct point)", now) == "4"
    assert asked.function_named("nothing") is None
    assert [str(line) for line in asked.lines("types.c:120")] != []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nope", "There is no variable 'nope' here."),
        ("r3 + 1", "There is no variable 'r3' here; the register is $r3."),
        ("counter $", "The expression 'counter $' cannot be read: '$' is nothing of C."),
        ("first.nope", "struct item has no member nope; it has next, name"),
        ("list->name.x", "char [12] is no structure"),
        ("*counter.x", "is no structure"),
        ("$x9", "The processor has no register 'x9'."),
        ("(struct nope *)0", "No program here has a type struct nope."),
        ("counter / 0", "divides by zero"),
        ("1 << 99", "shifts by 99 bits"),
        ("*(void *)4", "A pointer to void points to nothing that has a size"),
        ("&3", "has no address"),
        ("&first.flags", "A bit-field has no address."),
        ("nope.c::counter", "'nope.c' has no variable 'counter'."),
        ("0x100000000", "is no address of this processor"),
        ("first + 1", "struct item is not a number"),
        ("(struct item)3", "a value cannot become struct item"),
        ("text[0]@0", "0 is no number of bytes or elements"),
        ("text[0]@99999999999", "is no number of bytes or elements"),
        ("opaque->x", "struct hidden"),
        ("99999999999999999999999", "is no address"),
        ("-99999999999999999999999", "a number has at most 64 bits"),
    ],
)
def test_sentences(text: str, said: str) -> None:
    with pytest.raises(ProgramError) as error:
        program(ELF).value(text, Stopped(0x100200))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_places_of_sources() -> None:
    for place, said in {
        "types.c": "FILE:LINE",
        "types.c:x": "FILE:LINE",
        "nope.c:3": "No program here has a source 'nope.c'.",
        "types.c:9999": "No code comes from 'types.c:9999'",
    }.items():
        with pytest.raises(ProgramError) as error:
            program(ELF).lines(place)
        assert said in str(error.value)


def test_without_debug_information() -> None:
    """Names are those of the symbols, sizes theirs, and values numbers."""
    asked = program(BARE)
    now = Stopped(0x100)
    named = next(n for n in asked.symbols.by_name.values() if n.size == 4 and not n.function)
    location = asked.locate(named.name, now)
    assert (location.address, location.size, location.type) == (named.address, 4, None)
    assert asked.show(location, now) == "0x0"
    assert asked.line_at(0x100) is None and asked.function_at(0x100) is None
    with pytest.raises(ProgramError, match=r"'x\.c'"):
        asked.lines("x.c:1")
    ask_everything(BARE)


def test_no_image() -> None:
    asked = Program([], "arm", REGISTERS)
    assert asked.value("0x20000000", Stopped(0)) == "0x0"
    with pytest.raises(ProgramError, match="no variable 'x'"):
        asked.value("x", Stopped(0))
    assert [frame.name for frame in asked.backtrace(Stopped(0))] == [None]


@pytest.mark.parametrize("section", DEBUG, ids=lambda section: section.name)
def test_a_section_that_is_empty(section: object) -> None:
    damaged = bytearray(ELF)
    found = next(s for s in DEBUG if s is section)
    damaged[found.offset : found.offset + found.size] = bytes(found.size)
    ask_everything(bytes(damaged))


@settings(deadline=None, max_examples=examples(25))
@given(st.integers(0, (1 << 32) - 1))
def test_damage(seed: int) -> None:
    dice = random.Random(seed)
    damaged = bytearray(ELF)
    for _ in range(dice.choice((1, 3, 30))):
        section = dice.choice(DEBUG)
        damaged[section.offset + dice.randrange(section.size)] = dice.randrange(256)
    ask_everything(bytes(damaged))
