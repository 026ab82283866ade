"""Expressions of C as people type them: `p->x[3]`, `*(uint32_t *)0x2000_0000`, `$r0`."""

from __future__ import annotations

import re
from collections.abc import Callable

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
    SizeOfType,
    Tree,
    TypeName,
    Unary,
)
from ttd.program.errors import ProgramError
from ttd.text import shown

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F_']+|0[bB][01_']+|[0-9][0-9_']*)(?P<suffix>[uUlL]*)(?!\w)"
    r"|(?P<physical>phys:0[xX][0-9a-fA-F_']+)(?!\w)"
    r"|'(?P<char>\\[0-7]{1,3}|\\x[0-9a-fA-F]{1,2}|\\.|[^'\\])'(?!::)"
    r"|(?:'(?P<quoted>[^']+)'|(?P<scope>[A-Za-z_.][\w.]*(?:[-/][\w.]+)*))\s*::\s*"
    r"(?P<inner>[A-Za-z_]\w*)"
    r"|\$(?P<register>[A-Za-z_]\w*)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>->|<<|>>|&&|\|\||[<>=!]=|[-+*/%&|^~!<>()\[\].@]))"
)
_LENGTH_MOST = 2000
_DEPTH_MOST = 50
_PRECEDENCE = {
    "@": 1,
    "||": 2,
    "&&": 3,
    "|": 4,
    "^": 5,
    "&": 6,
    "==": 7,
    "!=": 7,
    **dict.fromkeys(("<", ">", "<=", ">="), 8),
    "<<": 9,
    ">>": 9,
    "+": 10,
    "-": 10,
    "*": 11,
    "/": 11,
    "%": 11,
}
"""How close operators bind: as in C; `@` as in GDB is the loosest here."""
_TAGS = ("struct", "union", "enum")
_BASE_WORDS = (
    *("char", "short", "int", "long", "unsigned", "signed", "float", "double", "void"),
    *("_Bool", "bool"),
)
_QUALIFIERS = ("const", "volatile")
_ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}


def parse(text: str, is_type: Callable[[str], bool] = lambda name: False) -> Tree:
    """The tree of a text; `ProgramError` says what it does not understand.

    `is_type`: whether a name in brackets, which could be that of a variable, is one of a type.
    """
    return _Parser(text, is_type).whole()


class _Parser:
    """Reads one text, from the left; operators by how close they bind."""

    def __init__(self, text: str, is_type: Callable[[str], bool]) -> None:
        if len(text) > _LENGTH_MOST:
            raise ProgramError(f"An expression has at most {_LENGTH_MOST} characters.")
        self._text, self._is_type = text, is_type
        self._tokens: list[tuple[str, Tree | str]] = []
        self._next = self._depth = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._error(f"{shown(text[at:].strip()[:20])} is nothing of C")
            self._tokens.append(_token(found))
            at = found.end()

    def whole(self) -> Tree:
        tree = self._tree(0)
        if self._next < len(self._tokens):
            raise self._error(f"{self._shown(self._next)} comes too early")
        return tree

    def _tree(self, level: int) -> Tree:
        self._enter()
        left = self._unary()
        while _PRECEDENCE.get(sign := self._sign(), -1) >= level:
            self._next += 1
            right = self._tree(_PRECEDENCE[sign] + 1)
            left = Many(left, right) if sign == "@" else Binary(sign, left, right)
        self._depth -= 1
        return left

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _DEPTH_MOST:
            raise self._error("it is too deep")

    def _unary(self) -> Tree:
        sign = self._sign()
        if sign in ("*", "&", "-", "+", "~", "!"):
            self._enter()
            self._next += 1
            tree: Tree = Unary(sign, self._unary())
            self._depth -= 1
            return tree
        if self._token() == ("name", "sizeof"):
            self._next += 1
            if self._sign() == "(" and (kind := self._cast_type()) is not None:
                return SizeOfType(kind)
            return Unary("sizeof", self._unary())
        if sign == "(" and (kind := self._cast_type()) is not None:
            self._enter()
            tree = Cast(kind, self._unary())
            self._depth -= 1
            return tree
        return self._postfix()

    def _postfix(self) -> Tree:
        tree = self._operand()
        while True:
            sign = self._sign()
            if sign == "[":
                self._next += 1
                tree = Index(tree, self._closed("]"))
            elif sign in (".", "->"):
                self._next += 1
                kind, word = self._token()
                if kind != "name" or not isinstance(word, str):
                    raise self._error(f"behind {sign!r} a name is wanted")
                self._next += 1
                tree = MemberOf(tree, word, sign == "->")
            else:
                return tree

    def _operand(self) -> Tree:
        kind, what = self._token()
        self._next += 1
        if kind == "tree" and not isinstance(what, str):
            return what
        if kind == "name":
            return Name(str(what))
        if what == "(":
            return self._closed(")")
        if not kind:
            raise self._error("it ends too early")
        raise self._error(f"{what!r} stands where a value is wanted")

    def _closed(self, bracket: str) -> Tree:
        tree = self._tree(0)
        if self._sign() != bracket:
            raise self._error(f"a {bracket!r} is missing")
        self._next += 1
        return tree

    def _cast_type(self) -> TypeName | None:
        """A type in brackets, which are read; None if it is none: nothing is read then."""
        start = self._next
        self._next += 1
        words = self._type_words()
        stars = 0
        while words and self._sign() == "*":
            stars += 1
            self._next += 1
            while self._token()[1] in _QUALIFIERS:
                self._next += 1
        lengths: list[int] = []
        while words and self._sign() == "[":
            number = self._token(1)[1]
            if not isinstance(number, Number) or self._token(2)[1] != "]":
                break
            lengths.append(number.value)
            self._next += 3
        if words and self._sign() == ")":
            self._next += 1
            return TypeName(tuple(words), stars, tuple(lengths))
        self._next = start
        return None

    def _type_words(self) -> list[str]:
        words: list[str] = []
        while True:
            kind, word = self._token()
            if kind != "name" or not isinstance(word, str):
                return words
            if word in _QUALIFIERS:
                self._next += 1
                continue
            if words and words[0] in _TAGS:
                if len(words) > 1:
                    return words
            elif word in _TAGS:
                if words:
                    return words
            elif word not in _BASE_WORDS and (words or not self._names_type(word)):
                return words
            words.append(word)
            self._next += 1

    def _names_type(self, word: str) -> bool:
        """Only where one can stand is it looked for."""
        after = self._token(1)[1]
        return after in (")", "*", "[", *_QUALIFIERS) and self._is_type(word)

    def _token(self, ahead: int = 0) -> tuple[str, Tree | str]:
        at = self._next + ahead
        return self._tokens[at] if at < len(self._tokens) else ("", "")

    def _sign(self) -> str:
        kind, word = self._token()
        return word if kind == "sign" and isinstance(word, str) else ""

    def _shown(self, index: int) -> str:
        kind, word = self._tokens[index]
        return repr(word) if kind != "tree" else "a value"

    def _error(self, why: str) -> ProgramError:
        return ProgramError(f"The expression {shown(self._text)} cannot be read: {why}.")


def _token(found: re.Match[str]) -> tuple[str, Tree | str]:
    if found["number"] is not None:
        return "tree", _number(found["number"], found["suffix"].lower())
    if found["physical"] is not None:
        return "tree", Physical(_number(found["physical"][5:], "").value)
    if found["char"] is not None:
        return "tree", Number(_character(found["char"]), "c")
    if found["inner"] is not None:
        return "tree", Name(found["inner"], found["quoted"] or found["scope"])
    if found["register"] is not None:
        return "tree", RegisterName(found["register"])
    kind = "name" if found["name"] is not None else "sign"
    return kind, found[kind]


def _number(word: str, suffix: str) -> Number:
    digits = word.replace("_", "").replace("'", "").lower()
    for prefix, base in (("0x", 16), ("0b", 2)):
        if digits.startswith(prefix):
            return Number(int(digits[2:] or "0", base), "x" + suffix)
    # A zero before it makes an octal number, as in C.
    octal = len(digits) > 1 and digits[0] == "0" and set(digits) <= set("01234567")
    return Number(int(digits, 8 if octal else 10), suffix)


def _character(word: str) -> int:
    if not word.startswith("\\"):
        return ord(word) & 0xFF
    rest = word[1:]
    if rest[0] == "x" and len(rest) > 1:
        return int(rest[1:], 16)
    if rest.isdigit() and set(rest) <= set("01234567"):
        return int(rest, 8) & 0xFF
    return _ESCAPES.get(rest, ord(rest) & 0xFF)
