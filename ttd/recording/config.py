"""Which machine a recording is of, and whether another one may play it."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from ttd.recording.blob import digest, pack
from ttd.recording.errors import ConfigMismatch, RecordingError
from ttd.text import is_line
from ttd.values import dataclass

Option = bool | int | str | bytes | None | list[str]


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """Everything outside the log that decides what a run does."""

    board: str
    cpu_model: str
    clock_ns: int
    """Virtual nanoseconds per step."""
    images: dict[str, bytes] = field(default_factory=dict)
    """Name to hash (`blob.digest`) of each image loaded."""
    options: dict[str, Option] = field(default_factory=dict)
    """Command-line options that shape the machine, as the board understands them."""

    def check(self, recorded: MachineConfig) -> None:
        """Raise `ConfigMismatch`, naming both values, unless this machine can play `recorded`."""
        _same("board", recorded.board, self.board)
        _same("CPU model", recorded.cpu_model, self.cpu_model)
        _same("clock", f"{recorded.clock_ns} ns per step", f"{self.clock_ns} ns per step")
        _same("images", sorted(recorded.images), sorted(self.images))
        for name, value in recorded.images.items():
            _same(f"image {name}", f"hash {value.hex()}", f"hash {self.images[name].hex()}")
        for name in sorted(recorded.options.keys() | self.options.keys()):
            _same(f"option {name}", recorded.options.get(name), self.options.get(name))

    @property
    def digest(self) -> bytes:
        """16 bytes that identify the machine."""
        return digest(pack(self.to_data()))

    def to_data(self) -> dict[str, Any]:
        """As data for the recording."""
        return {
            "board": self.board,
            "cpu_model": self.cpu_model,
            "clock_ns": self.clock_ns,
            "images": dict(self.images),
            "options": dict(self.options),
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> MachineConfig:
        """Inverse of `to_data`, for data from a file: `RecordingError` if it is of another form."""
        try:
            config = cls(**data)
        except TypeError:
            raise RecordingError("the recording does not say which machine it is of") from None
        plain = (
            is_line(config.board)
            and is_line(config.cpu_model)
            and type(config.clock_ns) is int
            and isinstance(config.images, dict)
            and isinstance(config.options, dict)
            and all(map(is_line, (*config.images, *config.options)))
            and all(isinstance(v, bytes) for v in config.images.values())
            and all(map(_is_option, config.options.values()))
        )
        if not plain:
            raise RecordingError("the recording does not say which machine it is of")
        return config


def _is_option(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(text, str) for text in value)
    return value is None or isinstance(value, bool | int | str | bytes)


def check_devices(recorded: list[str], present: list[str]) -> None:
    """Raise `ConfigMismatch` unless the devices with a host side are those of the recording.

    In their order too: events name them by their place, and the log's hash covers no names.
    """
    _same("devices with a host side", recorded, present)


def _same(what: str, recorded: object, present: object) -> None:
    if recorded != present:
        raise ConfigMismatch(
            f"{what} differs: the recording has {_show(recorded)}, this machine {_show(present)}"
        )


def _show(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
