"""What the guest has printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ttd.errors import UserError
from ttd.history.named_place import Place
from ttd.values import dataclass

Writes = list[tuple[str, int, bytes]]
"""Device, step, characters; in their order."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was printed, without its end; the last one may go on."""

    text: str
    device: str
    place: Place
    """Before the step that printed its first character."""

    def __str__(self) -> str:
        return self.text


class Console:
    """What has been printed up to the present place, by UART 0, semihosting and virtio consoles;
    `console["uart1"]` is that of one device.

    It is in no log: to look at it, parts of the run are replayed.
    """

    def __init__(
        self,
        writes: Callable[[], tuple[str, Writes]],
        devices: list[str],
        others: tuple[str, ...] = (),
    ) -> None:
        """`writes`: the branch, and all that was printed on it up to the present place. `others`
        print, too, but not on what is a console."""
        self._writes = writes
        self.devices = devices
        """Those that count here."""
        self._all = (*devices, *others)

    def __getitem__(self, device: str) -> Console:
        if device not in self._all:
            raise UserError(f"there is no device {device} that prints: {', '.join(self._all)}")
        return Console(self._writes, [device])

    @property
    def data(self) -> bytes:
        """All of it, as it came."""
        return b"".join(data for device, _, data in self._writes()[1] if device in self.devices)

    @property
    def text(self) -> str:
        """All of it."""
        return self.data.decode(errors="replace")

    @property
    def lines(self) -> list[Line]:
        """In the order in which they begin."""
        branch, writes = self._writes()
        found = [
            line
            for device in self.devices
            for line in _lines(device, branch, [w for w in writes if w[0] == device])
        ]
        return sorted(found, key=lambda line: line.place.step)

    def __contains__(self, text: str) -> bool:
        return text in self.text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<console of {', '.join(self.devices)}>"


def _lines(device: str, branch: str, writes: Writes) -> Iterator[Line]:
    """The lines of one device."""
    data, begin = b"", 0
    for _, step, written in writes:
        head, *tail = written.split(b"\n")
        begin = begin if data else step
        data += head
        for rest in tail:
            yield _line(data, device, Place(branch, begin))
            data, begin = rest, step
    if data:
        yield _line(data, device, Place(branch, begin))


def _line(data: bytes, device: str, place: Place) -> Line:
    return Line(data.rstrip(b"\r").decode(errors="replace"), device, place)
