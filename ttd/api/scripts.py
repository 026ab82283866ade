"""What a program types at a machine that it records, and which keys it presses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ttd.errors import UserError
from ttd.host.files import Null
from ttd.host.input_words import Event, input_groups
from ttd.recorded import SEMIHOSTING
from ttd.text import printable

Text: TypeAlias = "str | bytes"
Script: TypeAlias = "Text | Sequence[tuple[int | str, Text]]"
"""What is typed at a device: all at once, or one after the other, each at a step, or when the
device has printed a text. For a keyboard, a mouse or a tablet each text is `press KEY`,
`release KEY`, or an event of QMP's as JSON, at a step."""
_MOST_TYPED = 1 << 16
"""Characters that one device gets: so many wait for the guest."""


class Typist(Null):
    """The host side of a serial line or a console: types what a script says."""

    def __init__(self, device: str, script: Script) -> None:
        parts = [(0, script)] if isinstance(script, (str, bytes)) else list(script)
        self._parts = [
            (when, text.encode() if isinstance(text, str) else text) for when, text in parts
        ]
        if sum(len(text) for _, text in self._parts) > _MOST_TYPED:
            raise UserError(f"at most {_MOST_TYPED} characters are typed at {device}")
        self._seen = b""
        self._on_input: Callable[[bytes], None] = lambda data: None

    @property
    def waits(self) -> bool:
        """There is something left to be typed."""
        return bool(self._parts)

    @property
    def step(self) -> int | None:
        """The step at which the next part is typed, if it is one."""
        when = self._parts[0][0] if self._parts else None
        return when if isinstance(when, int) else None

    def start(self, on_input: Callable[[bytes], None]) -> None:
        self._on_input = on_input
        self.at(0)

    def at(self, step: int) -> None:
        """The machine is at this step: type what is due."""
        while (due := self.step) is not None and due <= step:
            self.type()

    def type(self) -> None:
        """Type the next part."""
        _, text = self._parts.pop(0)
        if text:  # an empty one would wait for room, too
            self._on_input(text)

    def room(self) -> int:
        """While a text is waited for, characters come one by one, in their steps."""
        return 0 if self._parts and self.step is None else super().room()

    def write(self, data: bytes) -> int:
        if self._parts and self.step is None:
            self._seen += data
            wanted = str(self._parts[0][0]).encode()
            found = self._seen.find(wanted)
            if found >= 0:
                self._seen = self._seen[found + len(wanted) :]
                self.type()
        return len(data)


class Fingers:
    """Who presses keys, and moves mice: as a script says."""

    def __init__(self, device: str, kind: str, script: Script) -> None:
        """`kind`: keyboard, mouse or tablet."""
        parts = [(0, script)] if isinstance(script, (str, bytes)) else list(script)
        self._device = device
        self._put: Callable[[Mapping[str, list[Event]]], bool] = lambda groups: True
        self._parts: list[tuple[int, Mapping[str, list[Event]]]] = []
        for when, text in parts:
            if not isinstance(when, int):
                raise UserError(f"{device} prints nothing: say at which step it gets '{text!s}'")
            said = {"device": device, "events": _events(text)}
            self._parts.append((when, input_groups({device: kind}, said)))

    @property
    def step(self) -> int | None:
        """The step at which something is done next."""
        return self._parts[0][0] if self._parts else None

    def connect(self, put: Callable[[Mapping[str, list[Event]]], bool]) -> None:
        """`put` is given what is done."""
        self._put = put
        self.at(0)

    def at(self, step: int) -> None:
        """The machine is at this step: do what is due."""
        while (due := self.step) is not None and due <= step:
            self.type()

    def type(self) -> None:
        """Do what comes next."""
        _, groups = self._parts.pop(0)
        if not self._put(groups):
            raise UserError(f"{self._device}: there is no room, the guest is far behind")


def _events(text: Text) -> list[Any]:
    """In QMP's words."""
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    verb, _, key = said.strip().partition(" ")
    if verb in ("press", "release"):
        named = {"type": "qcode", "data": key.strip()}
        return [{"type": "key", "data": {"down": verb == "press", "key": named}}]
    try:
        found = json.loads(said)
    except ValueError:
        raise UserError(
            f"keys are 'press KEY' and 'release KEY', or an event as JSON, not '{printable(said)}'"
        ) from None
    return found if isinstance(found, list) else [found]


class Answerer(Null):
    """Semihosting's console: what it reads is there when it reads, and in the end nothing is."""

    def __init__(self, script: Script) -> None:
        parts = [script] if isinstance(script, (str, bytes)) else [text for _, text in script]
        self._rest = b"".join(t.encode() if isinstance(t, str) else t for t in parts)

    def read_all(self, count: int) -> bytes:
        data, self._rest = self._rest[:count], self._rest[count:]
        return data


def scripts_of(
    serials: Sequence[str],
    consoles: Sequence[str],
    semihosting: bool,
    inputs: Script | Mapping[str, Script] | None,
) -> dict[str, Script]:
    """What is typed at each device; at some of them nothing is."""
    devices = [*serials, *consoles, *([SEMIHOSTING] if semihosting else [])]
    if inputs is None:
        inputs = {}
    elif not isinstance(inputs, Mapping):
        if not serials:
            raise UserError("the board has no UART: say for which device the input is")
        inputs = {serials[0]: inputs}
    for name in inputs:
        if name not in devices:
            raise UserError(f"nobody can type at {name}; there are {', '.join(devices)}")
    return {name: inputs.get(name, b"") for name in (*devices, SEMIHOSTING)}
