"""What a tool is given: checked before anything is done, and what is wrong said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ttd.errors import UserError
from ttd.text import shown

_MEANT = {
    "what": (
        *("expression", "expr", "variable", "name", "symbol", "address", "register"),
        *("function", "code", "text", "value", "target"),
    ),
    "at": ("place", "step", "position", "time", "where", "before"),
    "count": ("limit", "n", "number", "most", "rows", "max"),
    "begin": ("first", "from", "start", "low"),
    "end": ("last", "to", "until", "stop", "high"),
    "recording": ("path", "file"),
    "steps": ("count", "run"),
}
"""What others call the arguments."""
_TYPES: Mapping[str, tuple[type, str]] = {
    "string": (str, "text"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
}
"""Of JSON's schemas: what Python has, and a word for people."""


def checked(tool: str, schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, with numbers as text where text is wanted; `UserError` if it is not what the
    schema of the tool's arguments says."""
    known: Mapping[str, Any] = schema.get("properties", {})
    takes = f"it takes {', '.join(known)}" if known else "it takes nothing"
    for name in given:
        if name not in known:
            meant = next((m for m, others in _MEANT.items() if m in known and name in others), None)
            hint = f"say {meant!r}" if meant is not None and meant not in given else takes
            raise UserError(f"{tool} has no argument {shown(name)}: {hint}.")
    for name in schema.get("required", ()):
        if name not in given:
            raise UserError(f"{tool} needs {name!r}; {takes}.")
    found = {name: _taken(known[name], value) for name, value in given.items()}
    for name, value in found.items():
        _check(f"{tool}: {name!r}", known[name], value)
    return found


def _taken(schema: Mapping[str, Any], value: Any) -> Any:
    """A step, or an address, may come as a number."""
    plain = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if plain and schema.get("type") == "string" else value


def _check(what: str, schema: Mapping[str, Any], value: Any) -> None:
    wanted = _words(schema)
    if "anyOf" in schema:
        kinds = tuple(_TYPES[each["type"]][0] for each in schema["anyOf"])
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise UserError(f"{what} is {wanted}, not {shown(str(value))}.")
        return
    kind = _TYPES[schema["type"]][0]
    good = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if good and "enum" in schema:
        good = value in schema["enum"]
    if good and kind is int:
        good = schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if not good:
        raise UserError(f"{what} is {wanted}, not {shown(str(value))}.")
    for each in value if kind is list else ():
        _check(f"each of {what}", schema["items"], each)
    for name, each in value.items() if kind is dict else ():
        _check(f"{what}, {shown(name)},", schema["additionalProperties"], each)


def _words(schema: Mapping[str, Any]) -> str:
    """What is wanted."""
    if "enum" in schema:
        return " or ".join(map(repr, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(_TYPES[each["type"]][1] for each in schema["anyOf"])
    words = _TYPES[schema["type"]][1]
    if "maximum" in schema:
        return f"{words} from {schema['minimum']} to {schema['maximum']}"
    return f"{words} from {schema['minimum']} on" if "minimum" in schema else words
