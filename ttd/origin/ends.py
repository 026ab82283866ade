"""Where a value enters the machine: by a device, by DMA, by a call of the host, with an image."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from ttd.devices.base import Device
from ttd.devices.lan9118 import Lan9118
from ttd.devices.pl031 import Pl031
from ttd.devices.uart import Uart
from ttd.devices.virtio.block import SECTOR, VirtioBlock
from ttd.elf import MAGIC, PT_LOAD, Elf
from ttd.images import Image
from ttd.origin.instructions import HOST_CALL
from ttd.origin.parts import End, Hop, Memory
from ttd.origin.rows import Kind
from ttd.origin.scene import Scene, Write
from ttd.recording.events import Event
from ttd.recording.events import Kind as EventKind
from ttd.recording.varint import Reader
from ttd.replay.words import shown

_EARLIER = 64
"""Inputs of a device that are looked at."""
_AROUND = 64
"""Bytes on each side of a value that tell where in what came in it was."""
_COUNTED = 100_000
"""Events of a log of which characters are counted."""
_CAME_IN = (
    EventKind.NET,
    EventKind.CHAR_READ,
    EventKind.CHAR_READ_ALL,
    EventKind.INPUT,
    EventKind.RANDOM,
    EventKind.HOST_CALL,
)
_LEAST_UNIT = 4
"""Before a packet in a FIFO there are less bytes than this."""
_UNNAMED = (EventKind.RANDOM, EventKind.HOST_CALL)
"""Whose payload names no device."""
_ANSWERS = (EventKind.HOST_CALL, EventKind.CHAR_READ_ALL, EventKind.CHAR_READ_ALL_ERROR)
_CHARACTERS = (EventKind.CHAR_READ, EventKind.CHAR_READ_ALL)


class Ends:
    """Says where a value came from that no instruction has made."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    # -- what was there before -----------------------------------------------------------------

    def _segments(self) -> Iterator[tuple[Image, int, int, int | None]]:
        """Image, first address, size, and where in the file that is, if it is there as it is."""
        for load in self._scene.timeline.machine.loads:
            image = load.image
            if image.data.startswith(MAGIC):
                for one in Elf(image.data).segments:
                    if one.type == PT_LOAD and one.file_size:
                        yield image, one.physical, one.file_size, one.offset
                continue
            for segment in image.segments:
                raw = image.data == segment.data
                yield image, segment.address, len(segment.data), 0 if raw else None

    def pieces(self, physical: int, size: int) -> Iterator[tuple[int, int]]:
        """Parts of so many bytes that are in one image each, or in none: how far from the first
        byte, and how many."""
        end = physical + size
        cuts = {physical, end}
        for _, address, length, _ in self._segments():
            cuts |= {at for at in (address, address + length) if physical < at < end}
        for low, high in pairwise(sorted(cuts)):
            yield low - physical, high - low

    def image(self, part: Memory, physical: int) -> Hop:
        """Nothing has written there."""
        scene = self._scene
        begin = scene.timeline.begin
        data = scene.bytes_at(physical, part.size)
        value = int.from_bytes(data, "little")
        where = f"{scene.data(part.address)} = {value:#x}"
        for image, address, size, offset in self._segments():
            at = physical - address
            if at >= 0 and at + part.size <= size:
                name = image.path.rpartition("/")[2]
                text = f"{where} is as {name} was loaded"
                if offset is not None:
                    text += f", from byte {offset + at} of the file"
                return Hop(begin, Kind.IMAGE, text, value)
        text = f"{where}, as it was at the start: nothing has written it since step {begin}."
        return Hop(begin, Kind.FIRST, text, value)

    def debugger(self, number: int, event: Event) -> Hop:
        text = f"event {number}: {self._scene.words.text(event)}"
        return Hop(event.step, Kind.DEBUGGER, text, event=number)

    # -- devices ---------------------------------------------------------------------------------

    def register(
        self, device: Device, address: int, low: int, size: int, step: int
    ) -> tuple[End, str]:
        """What a read of a device's register in `step` gives, where the machine is, in `size` bytes
        from `low` on; and what that register is called."""
        scene = self._scene
        name = scene.register_name(address)
        text = name if name.lower().startswith(device.name.lower()) else f"{device.name}: {name}"
        end: End | None = None
        if isinstance(device, Uart) and device.unread:
            end = self._character(device, step)
        elif isinstance(device, Lan9118):
            end = self._of_packet(device, low, size, step)
        elif isinstance(device, Pl031):
            end = self._latest((EventKind.CLOCK_HOST,), step)
        elif EventKind.RANDOM in self._kinds_at(step):
            end = self._latest((EventKind.RANDOM,), step)
        if end is None:
            ns = scene.timeline.virtual_ns
            said = f"The device made it, at virtual time {ns} ns; it is followed no further."
            end = End(Kind.UNKNOWN, said, step)
        return end, text

    def system(self, what: str, step: int) -> End:
        """What is neither a register that has a history here nor memory, asked for in `step`."""
        if what == HOST_CALL:
            for number, event in self._scene.events(_ANSWERS, step, step):
                return End(Kind.INPUT, self._event(number, event), event.step, event=number)
        return End(Kind.UNKNOWN, f"{what[:1].upper()}{what[1:]} is followed no further.")

    def _kinds_at(self, step: int) -> set[EventKind]:
        return {event.kind for _, event in self._scene.events(list(EventKind), step, step)}

    def _latest(self, kinds: Collection[EventKind], step: int) -> End | None:
        for number, event in self._scene.latest(kinds, step, 1):
            return End(Kind.INPUT, self._event(number, event), event.step, event=number)
        return None

    def _character(self, device: Uart, step: int) -> End | None:
        """The byte that a read takes, of those that have come in by now; None: it takes none."""
        scene, before = self._scene, device.unread
        scene.go(step + 1)
        after = device.unread
        scene.go(step)
        if len(after) >= len(before) and after[: len(before)] == before:
            return None
        waiting = len(before)
        for number, event in self._before(_CHARACTERS, device.name, step):
            data = event.payload[1:]
            if waiting > len(data):
                waiting -= len(data)
                continue
            at = len(data) - waiting
            if data[at] != before[0]:
                return None
            return self._character_in(number, event, at)
        return None

    def _character_in(self, number: int, event: Event, at: int) -> End:
        data = event.payload[1:]
        name = self._scene.words.tell(event).device
        text = f'"{shown(data[at : at + 1])}", '
        text += f"byte {at} of {len(data)} of" if len(data) > 1 else "of"
        text += f" event {number}, char_read {name}"
        if number < _COUNTED:
            events = self._scene.events(_CHARACTERS, 0, event.step)
            before = sum(
                len(one.payload) - 1
                for n, one in events
                if n < number and one.payload[:1] == event.payload[:1]
            )
            text += f", byte {before + at} of all its input"
        return End(Kind.INPUT, text, event.step, data[at], number)

    def _of_packet(self, device: Lan9118, low: int, size: int, step: int) -> End | None:
        """The part of a packet that a read of the FIFO takes; None: it takes none."""
        scene, before = self._scene, device.fifos.rx
        scene.go(step + 1)
        after = device.fifos.rx
        scene.go(step)
        if before == after or not before["packets"]:
            return None
        first, *others = before["packets"]
        at, later = before["at"] - before["lead"] + low, others.count(first)
        for number, event in self._before((EventKind.NET,), device.name, step):
            packet = _packet(event)
            begin = first.find(packet) if packet else -1
            if not 0 <= begin < _LEAST_UNIT:
                continue
            if later:  # the same came again behind it
                later -= 1
                continue
            if begin <= at < begin + len(packet):
                size = min(size, begin + len(packet) - at)
                return self._bytes(number, event, "packet", at - begin, size)
            return None
        return None

    # -- DMA, and answers of the host ------------------------------------------------------------

    def written(self, hit: Write, address: int, size: int) -> Hop:
        """What no instruction has written."""
        scene = self._scene
        value = hit.value >> 8 * (address - hit.address) & ((1 << 8 * size) - 1)
        text = f"{scene.data(address)} = {value:#x} was written by {hit.by}"
        owner = hit.by.partition("(")[2].rstrip(")") or hit.by.partition(" ")[0]
        scene.go(hit.step)
        unit = next(
            (one for one in scene.timeline.machine.bus.mapped if one.device.name == owner), None
        )
        end, physical = None, address - hit.shift
        if unit is not None and isinstance(unit.device, VirtioBlock):
            end = self._sector(unit.device, physical, hit.step)
        if end is None:
            scene.go(hit.step + 1)
            before = scene.bytes_at(physical - _AROUND, _AROUND)
            data = before + scene.bytes_at(physical, size + _AROUND)
            end = self._matching(owner, data, len(before), hit.step + 1, size)
        ends = (end or End(Kind.UNKNOWN, "It is followed no further."),)
        return Hop(hit.step, Kind.DMA, text, value, ends=ends)

    def _sector(self, device: VirtioBlock, address: int, step: int) -> End | None:
        """Where on the disk it was, of a request that is under way."""
        for _, _, offset, (_, _, writable) in device.inflight:
            for begin, count in writable:
                if begin <= address < begin + count:
                    at = offset + address - begin
                    text = f"byte {at % SECTOR} of sector {at // SECTOR} of {device.name}"
                    text += f", byte {at} of the disk"
                    return End(Kind.INPUT, text, step)
                offset += count
        return None

    def _matching(self, owner: str, data: bytes, at: int, step: int, size: int) -> End | None:
        """The input in which `data[at : at + size]` is, with most of what is around it."""
        wanted = data[at : at + size]
        best, most = None, 0
        for number, event in self._before(_CAME_IN, owner, step):
            came = _packet(event) if event.kind is EventKind.NET else _data(event)
            place = came.find(wanted)
            while place >= 0:
                alike = _alike(data, at, came, place)
                if alike > most:
                    best, most = (number, event, place), alike
                place = came.find(wanted, place + 1)
        if best is None:
            return None
        number, event, place = best
        if event.kind in _CHARACTERS:
            return self._character_in(number, event, place)
        what = "packet" if event.kind is EventKind.NET else event.kind.name.lower()
        return self._bytes(number, event, what, place, size)

    def _bytes(self, number: int, event: Event, what: str, at: int, size: int) -> End:
        which = f"byte {at}" if size == 1 else f"bytes {at} to {at + size - 1}"
        text = f"{which} of the {what} of {self._event(number, event)}"
        return End(Kind.INPUT, text, event.step, event=number)

    def _event(self, number: int, event: Event) -> str:
        return f"event {number}, {self._scene.words.text(event)}"

    def _before(
        self, kinds: Collection[EventKind], owner: str, step: int
    ) -> Iterator[tuple[int, Event]]:
        """The latest inputs of a device up to `step`, the latest first."""
        for number, event in self._scene.latest(kinds, step, _EARLIER):
            if event.kind in _UNNAMED or self._scene.of_device(event, owner):
                yield number, event


def _packet(event: Event) -> bytes:
    """Behind device, flags, and a varint of the length."""
    reader = Reader(event.payload[1:])
    reader.varint()
    return event.payload[len(event.payload) - reader.left :]


def _data(event: Event) -> bytes:
    return event.payload if event.kind in _UNNAMED else event.payload[1:]


def _alike(data: bytes, at: int, came: bytes, place: int) -> int:
    """How many bytes around both are the same."""
    low = 0
    while low < min(at, place) and data[at - low - 1] == came[place - low - 1]:
        low += 1
    high, most = 0, min(len(data) - at, len(came) - place)
    while high < most and data[at + high] == came[place + high]:
        high += 1
    return low + high
