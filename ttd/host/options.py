"""Options of the form `KIND,key=value,flag`, as QEMU writes `-netdev`, `-drive` and `-device`."""

from __future__ import annotations

from typing import Self

from ttd.errors import UserError

_FLAG_VALUES = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}


class OptionError(UserError):
    """An option is not understood; one sentence for people."""


class Options:
    """One such option, taken apart; whoever reads it takes the keys it knows, then calls `done`.

    A comma inside a value is written twice. A key without a value is a flag that is on.
    """

    def __init__(self, option: str, text: str, kind: str, values: dict[str, str]) -> None:
        self.option = option
        self.text = text
        self.kind = kind
        """The first word, if the option has one."""
        self._values = values
        self._known: list[str] = []

    @classmethod
    def parse(cls, option: str, text: str, *, kinds: tuple[str, ...] = ()) -> Self:
        """Take `text` apart, which was given for `option` (`--netdev`).

        With `kinds` the first part must be one of these words.
        """
        parts = [part.replace("\0", ",") for part in text.replace(",,", "\0").split(",")]
        kind = ""
        if kinds:
            kind, *parts = parts
            if kind not in kinds:
                raise OptionError(f"{option} {text}: {kind!r} is none of {', '.join(kinds)}")
        values: dict[str, str] = {}
        for part in parts:
            key, equals, value = part.partition("=")
            if not key:
                raise OptionError(f"{option} {text}: there is an empty part")
            if key in values:
                raise OptionError(f"{option} {text}: {key} is given twice")
            values[key] = value if equals else "on"
        return cls(option, text, kind, values)

    def get(self, key: str) -> str | None:
        """The value of `key`; None if it is not given."""
        self._known.append(key)
        value = self._values.get(key)
        if value == "":
            raise self.error(f"{key} is empty")
        return value

    def need(self, key: str) -> str:
        """The value of a `key` that must be given."""
        value = self.get(key)
        if value is None:
            raise self.error(f"{key}=... is missing")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """`key`, `key=on` or `key=off`."""
        value = self.get(key)
        if value is None:
            return default
        if value not in _FLAG_VALUES:
            raise self.error(f"{key} is on or off, not {value!r}")
        return _FLAG_VALUES[value]

    def number(self, key: str, default: int, low: int = 0, high: int = 2**63 - 1) -> int:
        """An integer, decimal or 0x..., from `low` to `high`."""
        value = self.get(key)
        if value is None:
            return default
        try:
            number = int(value, 0)
        except ValueError:
            raise self.error(f"{key} is a number, not {value!r}") from None
        if not low <= number <= high:
            raise self.error(f"{key} goes from {low} to {high}")
        return number

    def choice(self, key: str, words: tuple[str, ...], default: str) -> str:
        """One of `words`."""
        value = self.get(key)
        if value is not None and value not in words:
            raise self.error(f"{key} is one of {', '.join(words)}, not {value!r}")
        return default if value is None else value

    def address(self, key: str) -> tuple[str, int]:
        """HOST:PORT, with the host in brackets if it is an IPv6 address; no host: this one."""
        value = self.need(key)
        host, colon, port = value.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
            raise self.error(f"{key} is HOST:PORT, not {value!r}")
        return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)

    def done(self) -> None:
        """Raise `OptionError` if a key was given that nobody has asked for."""
        for key in self._values:
            if key not in self._known:
                known = ", ".join(self._known) or "none"
                raise self.error(f"there is no {key!r} here; there are {known}")

    def error(self, what: str) -> OptionError:
        """An error that names this option."""
        return OptionError(f"{self.option} {self.text}: {what}")
