"""Names of registers from a CMSIS-SVD file (the "CMSIS-SVD Description File (*.svd) Format").

Read are names, addresses, sizes and fields, with `derivedFrom` and `dim`. Such files come from
anywhere: what is read is bounded, and a document type, with which entities begin, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn
from xml.parsers import expat

from ttd.devices.names import FieldName, RegisterName
from ttd.errors import UserError, reason
from ttd.register_names import Block
from ttd.values import dataclass

MOST_BYTES = 64 << 20
MOST_NODES = 3_000_000
MOST_REGISTERS = 200_000
"""When all arrays are written out."""
_DEEPEST = 64
_LONGEST_CHAIN = 32
"""Of `derivedFrom`."""
_MOST_DIM = 65_536
_TOP = 1 << 64
_NUMBER = re.compile(r"\+?(?:0[xX]([0-9a-fA-F]+)|#([01]+)|0[bB]([01]+)|([0-9]+))([kmgtKMGT]?)")
_SCALE = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_RANGE = re.compile(r"\[([0-9]+):([0-9]+)\]")
_PLAIN = re.compile(r"[\w.\[\]-]{1,200}")


class SvdError(UserError):
    """The file cannot be used; one sentence."""


class _Bad(Exception):
    """What is wrong, without the file's name."""


class _Node:
    """An element: its text, and those in it."""

    __slots__ = ("children", "derived", "tag", "text")

    def __init__(self, tag: str, derived: str | None) -> None:
        self.tag = tag
        self.derived = derived
        self.text = ""
        self.children: list[_Node] = []

    def all(self, *tags: str) -> list[_Node]:
        return [child for child in self.children if child.tag in tags]

    def one(self, tag: str) -> _Node | None:
        return next((child for child in self.children if child.tag == tag), None)

    def word(self, tag: str) -> str:
        found = self.one(tag)
        return "" if found is None else found.text.strip()

    def number(self, tag: str, default: int | None = None) -> int:
        text = self.word(tag)
        if not text and default is not None:
            return default
        if not text:
            raise _Bad(f"a <{self.tag}> has no <{tag}>")
        return _number(text, tag)


def read_svd(path: str) -> list[Block]:
    """The peripherals that a file describes; an `SvdError` says what is wrong with it."""
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SvdError(f"{path}: {reason(error)}") from error
    if len(data) > MOST_BYTES:
        raise SvdError(f"{path} is longer than {MOST_BYTES >> 20} MiB")
    try:
        return _Device(_parsed(data)).blocks()
    except _Bad as error:
        raise SvdError(f"{path} cannot be used: {error}") from None


def _parsed(data: bytes) -> _Node:
    stack: list[_Node] = []
    root: list[_Node] = []
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_NODES or len(stack) >= _DEEPEST:
            raise _Bad("it has too many elements")
        node = _Node(tag, attributes.get("derivedFrom"))
        (stack[-1].children if stack else root).append(node)
        stack.append(node)

    def end(tag: str) -> None:
        stack.pop()

    def text(part: str) -> None:
        node = stack[-1]
        if not node.children and len(node.text) < 1000:
            node.text += part

    def refuse(*what: object) -> NoReturn:
        raise _Bad("it has a document type declaration, which none needs")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _Bad(f"it is no XML ({error})") from None
    except (LookupError, ValueError) as error:
        raise _Bad(f"its encoding is not known ({error})") from None
    if not root or root[0].tag != "device":
        raise _Bad("it describes no <device>")
    return root[0]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a register inherits from what it is in."""

    prefix: str
    offset: int
    bits: int


class _Device:
    def __init__(self, root: _Node) -> None:
        self._root = root
        self._left = MOST_REGISTERS
        peripherals = root.one("peripherals")
        self._peripherals = [] if peripherals is None else peripherals.all("peripheral")
        self._by_name = {node.word("name"): node for node in self._peripherals}

    def blocks(self) -> list[Block]:
        bits = self._bits(self._root, 32)
        found = []
        for node in self._peripherals:
            base = node.number("baseAddress")
            source = self._source(node)
            place = _Place("", 0, self._bits(node, self._bits(source, bits)))
            registers = source.one("registers")
            named = [] if registers is None else list(self._registers(registers, place, 0))
            for name, offset in _copies(node):
                unit = max(1, place.bits // 8)
                found.append(Block(name, base + offset, unit, tuple(named)))
        if not found:
            raise _Bad("it describes no <peripheral>")
        return found

    def _source(self, node: _Node) -> _Node:
        """Where its registers are described."""
        for _ in range(_LONGEST_CHAIN):
            if node.one("registers") is not None or node.derived is None:
                return node
            following = self._by_name.get(node.derived)
            if following is None:
                raise _Bad(f"there is no {node.derived[:40]!r} to derive a <peripheral> from")
            node = following
        raise _Bad("its peripherals are derived from each other")

    @staticmethod
    def _bits(node: _Node, default: int) -> int:
        bits = node.number("size", default)
        if bits not in (8, 16, 32, 64):
            raise _Bad(f"a register has {bits} bits")
        return bits

    def _registers(self, node: _Node, place: _Place, chain: int) -> Iterator[RegisterName]:
        """Those in <registers>, or in a <cluster>."""
        siblings = {child.word("name"): child for child in node.all("register", "cluster")}
        for child in node.all("register", "cluster"):
            source = child if child.derived is None else siblings.get(child.derived, child)
            bits = self._bits(child, self._bits(source, place.bits))
            for name, step in _copies(child, source):
                offset = place.offset + child.number("addressOffset") + step
                if child.tag == "cluster":
                    if chain > _LONGEST_CHAIN:
                        raise _Bad("its clusters are too deep")
                    inner = _Place(f"{place.prefix}{name}.", offset, bits)
                    yield from self._registers(source, inner, chain + 1)
                    continue
                self._left -= 1
                if self._left < 0:
                    raise _Bad(f"it has more than {MOST_REGISTERS} registers")
                fields = child.one("fields") or source.one("fields")
                listed = () if fields is None else tuple(_fields(fields, bits))
                yield RegisterName(f"{place.prefix}{name}", offset, listed, bits // 8)


def _fields(node: _Node, bits: int) -> Iterator[FieldName]:
    siblings = {child.word("name"): child for child in node.all("field")}
    for child in node.all("field"):
        source = child if child.derived is None else siblings.get(child.derived, child)
        low, width = _span(child if _has_span(child) else source)
        for name, step in _copies(child):
            if low + step + width > bits:
                raise _Bad(f"the field {name!r} does not fit into {bits} bits")
            yield FieldName(name, ((1 << width) - 1) << low + step)


def _has_span(node: _Node) -> bool:
    return any(node.one(tag) for tag in ("bitRange", "lsb", "bitOffset"))


def _span(node: _Node) -> tuple[int, int]:
    """Lowest bit and width."""
    if node.one("bitRange") is not None:
        found = _RANGE.fullmatch(node.word("bitRange"))
        if found is None:
            raise _Bad(f"{node.word('bitRange')!r} is no <bitRange>")
        high, low = int(found[1]), int(found[2])
    elif node.one("lsb") is not None:
        high, low = node.number("msb"), node.number("lsb")
    else:
        low = node.number("bitOffset")
        high = low + node.number("bitWidth", 1) - 1
    if not 0 <= low <= high < 64:
        raise _Bad(f"the field {node.word('name')!r} has no bits")
    return low, high - low + 1


def _copies(node: _Node, source: _Node | None = None) -> Iterator[tuple[str, int]]:
    """Names, and distances from the first, of all that an element with <dim> stands for."""
    name = node.word("name")
    array = node if node.one("dim") is not None or source is None else source
    if array.one("dim") is None:
        yield _checked(name), 0
        return
    count, step = array.number("dim"), array.number("dimIncrement")
    if not 0 < count <= _MOST_DIM:
        raise _Bad(f"{name!r} is an array of {count}")
    indices = _indices(array.word("dimIndex"), count)
    for number, index in enumerate(indices):
        yield _checked(name.replace("[%s]", index).replace("%s", index)), number * step


def _indices(text: str, count: int) -> list[str]:
    numbers = re.fullmatch(r"([0-9]{1,6})-([0-9]{1,6})", text)
    letters = re.fullmatch(r"([A-Z])-([A-Z])", text)
    if numbers:
        first = int(numbers[1])
        found = [str(first + n) for n in range(count)]
    elif letters:
        found = [chr(ord(letters[1]) + n) for n in range(min(count, 26))]
    elif text:
        found = [part.strip() for part in text.split(",")]
    else:
        found = [str(n) for n in range(count)]
    if len(found) != count:
        raise _Bad(f"<dimIndex> {text[:40]!r} is not for {count}")
    return found


def _checked(name: str) -> str:
    if _PLAIN.fullmatch(name) is None:
        raise _Bad(f"{name[:40]!r} is no name")
    return name


def _number(text: str, tag: str) -> int:
    """`scaledNonNegativeInteger` of the format."""
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > 80:
        raise _Bad(f"{text[:40]!r} is no number for <{tag}>")
    sixteen, two, binary, ten, scale = found.groups()
    value = int(sixteen, 16) if sixteen else int(ten) if ten else int(two or binary, 2)
    value <<= _SCALE[scale.lower()]
    if value >= _TOP:
        raise _Bad(f"{text[:40]!r} is too large for <{tag}>")
    return value
