"""Conditions as people type them: `r0 > 3 and u32[counter] == 5`."""

from __future__ import annotations

import re

from ttd.conditions import (
    COMPARISONS,
    PRECEDENCE,
    UNARY,
    WORDS,
    AddressOf,
    Binary,
    ConditionError,
    Constant,
    Expression,
    Name,
    RegisterValue,
    Unary,
    address,
    changed,
    hits,
    new,
    old,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|[0-9][0-9_]*)(?![\w])"
    r"|(?P<name>\$?[A-Za-z_][\w.$]*)"
    r"|(?P<sign>&&|\|\||<<|>>|[<>=!]=|[-+*/%&|^~!<>()\[\]]))"
)
_SPELLINGS = {"&&": "and", "||": "or", "!": "not"}
SPECIAL = {"old": old, "new": new, "address": address, "hits": hits, "changed": changed}
"""Names of what is watched, and of how often."""
_LENGTH_MOST = 2000
_DEPTH_MOST = 50


def parse(text: str) -> Expression:
    """The tree of a text; `ConditionError` says what it does not understand.

    Names are those of registers and of variables: a variable's value, in `u32[...]` its address,
    which is `&name` elsewhere. `$name` is a register in any case.

    >>> parse("r0 > 3 and not u32[counter + 4] == 5")
    r0 > 3 and not u32[counter + 4] == 5
    """
    return _Parser(text).whole()


class _Parser:
    """Reads one text, from the left; operators by how close they bind."""

    def __init__(self, text: str) -> None:
        if len(text) > _LENGTH_MOST:
            raise ConditionError(f"a condition has at most {_LENGTH_MOST} characters")
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        self._depth = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._error(f"what is {text[at:].strip()[:20]!r}?")
            kind = str(found.lastgroup)
            word = found[kind]
            if word in ("and", "or", "not") or kind == "sign":
                kind, word = "sign", _SPELLINGS.get(word, word)
            self._tokens.append((kind, word))
            at = found.end()

    def whole(self) -> Expression:
        tree = self._tree(0)
        if self._next < len(self._tokens):
            raise self._error(f"{self._tokens[self._next][1]!r} comes too early")
        return tree

    def _tree(self, level: int) -> Expression:
        """What binds as close as `level`, or closer."""
        self._depth += 1
        if self._depth > _DEPTH_MOST:
            raise self._error("it has too many brackets")
        left = self._operand()
        while self._peek() in PRECEDENCE and PRECEDENCE[self._peek()] >= level:
            sign = self._take()
            own = PRECEDENCE[sign]
            left = Binary(sign, left, self._tree(own + 1))
            if sign in COMPARISONS and self._peek() in COMPARISONS:
                raise self._error(f"compare twice instead of 'a {sign} b {self._peek()} c'")
        self._depth -= 1
        return left

    def _operand(self) -> Expression:
        kind, word = self._tokens[self._next] if self._next < len(self._tokens) else ("", "")
        self._next += 1
        match kind, word:
            case "number", _:
                return Constant(int(word.replace("_", ""), 16 if word[:2] in ("0x", "0X") else 10))
            case "name", _ if word.startswith("$"):
                return RegisterValue(word[1:])
            case "name", _ if word in WORDS and self._peek() == "[":
                self._take()
                return WORDS[word][self._closed("]")]
            case "name", _ if word in WORDS and self._peek() == "(":
                self._take()
                return WORDS[word](self._closed(")"))
            case "name", _:
                return SPECIAL[word] if word in SPECIAL else Name(word)
            case "sign", "(":
                return self._closed(")")
            case "sign", "not":
                # As in Python: of a whole comparison.
                return Unary("not", self._tree(PRECEDENCE["=="]))
            case "sign", "-" | "~":
                return Unary(word, self._tree(UNARY))
            case "sign", "&":
                if self._next < len(self._tokens) and self._tokens[self._next][0] == "name":
                    return AddressOf(self._take())
        if not word:
            raise self._error("it ends too early")
        raise self._error(f"{word!r} stands where a value is wanted")

    def _closed(self, bracket: str) -> Expression:
        tree = self._tree(0)
        if self._peek() != bracket:
            raise self._error(f"a {bracket!r} is missing")
        self._take()
        return tree

    def _peek(self) -> str:
        """The sign that comes next; "" if something else does."""
        if self._next >= len(self._tokens):
            return ""
        kind, word = self._tokens[self._next]
        return word if kind == "sign" else ""

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1][1]

    def _error(self, why: str) -> ConditionError:
        return ConditionError(f"the condition {self._text[:60]!r} cannot be read: {why}")
