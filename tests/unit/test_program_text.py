"""Expressions of C: their trees, and what is not one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.program.c_text import parse
from ttd.program.c_tree import (
    Binary,
    Cast,
    Index,
    Many,
    MemberOf,
    Name,
    Number,
    Physical,
    RegisterName,
    TypeName,
    Unary,
)
from ttd.program.errors import ProgramError

P, X = Name("p"), Name("x")
TREES = {
    "x": X,
    "a.b[3]": Index(MemberOf(Name("a"), "b", False), Number(3)),
    "*p": Unary("*", P),
    "p->x->y": MemberOf(MemberOf(P, "x", True), "y", True),
    "&x": Unary("&", X),
    "*p[1]": Unary("*", Index(P, Number(1))),
    "(*p)[1]": Index(Unary("*", P), Number(1)),
    "(int *)0x2000_0000": Cast(TypeName(("int",), 1), Number(0x20000000, "x")),
    "(struct point *)p": Cast(TypeName(("struct", "point"), 1), P),
    "(const volatile unsigned char)x": Cast(TypeName(("unsigned", "char")), X),
    "(word)x": Cast(TypeName(("word",)), X),
    "(word[4])x": Cast(TypeName(("word",), 0, (4,)), X),
    "(p)": P,
    "(p) - 1": Binary("-", P, Number(1)),
    "(p)&x": Binary("&", P, X),
    "$r0": RegisterName("r0"),
    "main.c::x": Name("x", "main.c"),
    "'src/main.c'::x": Name("x", "src/main.c"),
    "src/main.c::x": Name("x", "src/main.c"),
    "p / main": Binary("/", P, Name("main")),
    "0x20000000@4": Many(Number(0x20000000, "x"), Number(4)),
    "phys:0x10": Physical(0x10),
    "1 + 2 * x": Binary("+", Number(1), Binary("*", Number(2), X)),
    "p - x - 1": Binary("-", Binary("-", P, X), Number(1)),
    "x << 1 & 3": Binary("&", Binary("<<", X, Number(1)), Number(3)),
    "010": Number(8),
    "'\\n'": Number(10, "c"),
    "sizeof x": Unary("sizeof", X),
}


@pytest.mark.parametrize("text", TREES)
def test_trees(text: str) -> None:
    assert parse(text, {"word"}.__contains__) == TREES[text]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x +", "* ", "x)", "(x", "a[1", "a.", "a.1", "p->", "x y", "#", "a..b", "1x"),
        *("0x", "phys:12", "(int", "(int)", "x ? 1 : 2", "x = 1", "x++", "f(1)", "'", '"s"', "$"),
        *("((" * 60 + "x" + "))" * 60, "*" * 100 + "x", "x" * 3000, "a::", "::a", "\0", "ä"),
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ProgramError) as error:
        parse(text)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


@given(st.text(alphabet="ax1 ()[]*&.->$:'\"@/+\\", max_size=30))
def test_any_text_is_a_tree_or_a_sentence(text: str) -> None:
    try:
        parse(text, lambda name: name == "a")
    except ProgramError as error:
        assert "\n" not in str(error)
