"""Hostile guests: random scripts for tests/firmware/poker, recorded, replayed and cut in slices.

A guest may do what it likes to devices and to the rings of virtio queues. It must not bring about
a traceback, a hang that Ctrl-C does not end, memory without bounds, or a replay that differs.
"""

from __future__ import annotations

import random
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.fuzz.forked import command, forked
from tests.integration.cli_forks import load

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware" / "poker"
MARKER = struct.pack("<BBHiQ", 0xFF, ord("T"), 0x4454, 0x4F50, 0x545049524353524B)
REPLAYED = 200.0
"""Seconds that a replay may take. It needs as long as the recorder, which a busy machine may have
let run for all of its own."""
ACTIONS = 2048
END, WRITE, READ, FILL, SPIN, WAIT, UNMASK, MASK = range(8)
_ACTION = struct.Struct("<BBHiQQ")

STEPS = 400_000

EDGES = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    16,
    31,
    32,
    63,
    64,
    127,
    128,
    255,
    256,
    0x1FF,
    0x200,
    0xFFF,
    0x1000,
)
EDGES += (0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


@dataclass(frozen=True)
class Target:
    """A board, where its RAM is, its virtio transports, and its other devices."""

    board: str
    elf: str
    ram: tuple[int, int]
    wide: bool
    virtio: tuple[int, ...] = ()
    devices: tuple[tuple[int, int], ...] = ()
    options: tuple[str, ...] = ()
    quiet: frozenset[int] = field(default=frozenset())
    """Devices at which most guests would end at once."""


_VIRTIO = (
    "--device=virtio-rng",
    "--device=virtio-console,chardev=file:console",
    "--device=virtio-keyboard",
    "--drive=file=disk.img,id=d",
    "--device=virtio-blk,drive=d",
    "--netdev=pcap,id=n,file=in.pcap,pace=fast",
    "--device=virtio-net,netdev=n",
)
_VIRT_DEVICES = (
    (0x100000, 0x1000),
    (0x101000, 0x1000),
    (0x2000000, 0x10000),
    (0xC000000, 0x210000),
    (0x10000000, 0x100),
    (0x10100000, 0x18),
    (0x20000000, 0x4000000),
    (0x30000000, 0x1000),
)
_MPS2_DEVICES = (
    *((base, 0x1000) for base in (0x40000000, 0x40001000, 0x40002000, 0x40004000, 0x40005000)),
    *((base, 0x1000) for base in (0x40006000, 0x40008000, 0x40028000, 0x4002F000, 0x40200000)),
    (0x42000000, 0x100000),
    (0xE0001000, 0x1000),
    (0xE000E000, 0x1000),
)
_NRF_DEVICES = (
    *((0x40000000 + 0x1000 * number, 0x800) for number in range(32)),
    (0x50000000, 0x1000),
    (0x10000000, 0x400),
    (0x10001000, 0x400),
    (0xE000E000, 0x1000),
)
_VIRT = Target(
    "virt",
    "poker-virt.elf",
    (0x80200000, 0x88000000),
    True,
    tuple(0x10001000 + 0x1000 * n for n in range(8)),
    _VIRT_DEVICES,
    _VIRTIO,
    frozenset((0x100000,)),
)
TARGETS = (
    _VIRT,
    replace(_VIRT, board="virt32", elf="poker-virt32.elf", wide=False),
    Target(
        "mps2-an385",
        "poker-mps2.elf",
        (0x20001000, 0x20400000),
        False,
        tuple(0x40100000 + 0x1000 * n for n in range(8)),
        _MPS2_DEVICES,
        _VIRTIO,
        frozenset((0x40008000, 0xE000E000)),
    ),
    Target("microbit", "poker-microbit.elf", (0x20001000, 0x20004000), False, (), _NRF_DEVICES),
)


class Script:
    """A guest's script, from one seed."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.random = random.Random(seed)
        self.actions: list[bytes] = []

    def add(
        self, op: int, address: int, value: int = 0, size: int = 4, count: int = 1, step: int = 0
    ) -> None:
        """One more action, as long as there is room."""
        if len(self.actions) < ACTIONS - 1:
            mask = (1 << 64) - 1
            self.actions.append(
                _ACTION.pack(op, size, count & 0xFFFF, step, address & mask, value & mask)
            )

    def number(self) -> int:
        """A number that programs get wrong."""
        choose = self.random
        kind = choose.randrange(6)
        if kind == 0:
            return choose.getrandbits(64)
        if kind == 1:
            return choose.getrandbits(32)
        if kind == 2:
            return 1 << choose.randrange(64)
        if kind == 3:
            return (1 << 64) - choose.choice(EDGES)
        return choose.choice(EDGES)

    def place(self) -> int:
        """An address: mostly of memory, often at an end of something."""
        choose, (low, high) = self.random, self.target.ram
        kind = choose.randrange(10)
        if kind < 6:
            return choose.randrange(low, high - 0x1000) & ~0xF
        if kind == 6:
            return high - choose.choice(EDGES)
        if kind == 7:
            return choose.choice(self.target.devices)[0] + choose.choice(EDGES)
        if kind == 8:
            return self.number()
        return choose.randrange(low, high)

    def poke(self) -> None:
        """An access to a device, or several."""
        choose = self.random
        base, size = choose.choice(self.target.devices)
        if base in self.target.quiet and choose.random() < 0.9:
            return
        offset = choose.randrange(min(size, choose.choice((0x40, 0x400, 0x1000, size))))
        width = choose.choice((4, 4, 4, 4, 2, 1, 8))
        if choose.random() < 0.85:
            offset &= -width
        op = choose.choice((WRITE, WRITE, READ))
        count = choose.choice((1, 1, 1, 2, 5, 64, 700))
        self.add(
            op, base + offset, self.number(), width, count, choose.choice((0, 0, 4, width, -4))
        )

    def ring(self) -> None:
        """Drive a virtio device: more or less as it should be."""
        choose, base = self.random, self.random.choice(self.target.virtio)
        honest = choose.random() < 0.7

        def reg(offset: int, value: int) -> None:
            if honest or choose.random() < 0.93:
                self.add(WRITE, base + offset, value)

        for status in (0, 1, 3):
            reg(0x70, status)
        for half, value in ((0, choose.choice((0, 1 << 28))), (1, 1)):
            reg(0x24, half)
            reg(0x20, value if honest else self.number())
        reg(0x70, 11)
        queues = choose.choice((1, 2, 2, 3))
        size = choose.choice((1, 2, 4, 8, 64, 256, 3, 0, 1024))
        places = []
        for queue in range(queues):
            table, avail, used = (self.place() for _ in range(3))
            places.append((table, avail, used))
            reg(0x30, queue)
            reg(0x38, size)
            for offset, place in ((0x80, table), (0x90, avail), (0xA0, used)):
                reg(offset, place & 0xFFFFFFFF)
                reg(offset + 4, place >> 32)
            reg(0x44, 1)
        reg(0x70, 15)
        for _ in range(choose.randrange(1, 4)):
            queue = choose.randrange(queues)
            self.requests(base, queue, *places[queue][:2])
            if choose.random() < 0.2:
                self.poke_transport(base)

    def requests(self, base: int, queue: int, table: int, avail: int) -> None:
        """Descriptors, and an available ring that names some of them."""
        choose = self.random
        entries = choose.randrange(1, 9)
        for at in range(entries):
            address = self.place()
            size = choose.choice((0, 1, 8, 16, 512, 513, 4096, 1 << 20, self.number()))
            flags = choose.choice((0, 1, 1, 2, 3, 3, 4, 5, choose.getrandbits(16)))
            following = choose.choice((at + 1, at + 1, at + 1, at, 0, choose.getrandbits(16)))
            self.memory(table + 16 * at, address, 8)
            self.memory(table + 16 * at + 8, size, 4)
            self.memory(table + 16 * at + 12, flags, 2)
            self.memory(table + 16 * at + 14, following, 2)
            if choose.random() < 0.5:
                # What may be the header of a request for a disk.
                self.memory(address, choose.choice((0, 1, 4, 8, self.number())), 4)
                self.memory(address + 8, choose.choice((0, 1, 7, self.number())), 8)
        for slot in range(choose.randrange(1, 5)):
            self.memory(
                avail + 4 + 2 * slot, choose.choice((0, 1, slot, choose.getrandbits(16))), 2
            )
        self.memory(avail, choose.choice((0, 0, 1)), 2)
        self.memory(avail + 2, choose.choice((1, 1, 2, 4, choose.getrandbits(16))), 2)
        self.add(WRITE, base + 0x50, choose.choice((queue, queue, queue, self.number())))
        self.add(SPIN, 0, count=choose.choice((0, 10, 400)))

    def poke_transport(self, base: int) -> None:
        """Something that no driver does while a queue is in use."""
        choose = self.random
        self.add(
            WRITE, base + 4 * choose.randrange(0x50), self.number(), choose.choice((4, 4, 1, 2))
        )

    def memory(self, address: int, value: int, size: int) -> None:
        """A store, by instructions that the processor has."""
        if size == 8 and not self.target.wide:
            self.memory(address, value, 4)
            self.memory(address + 4, value >> 32, 4)
            return
        self.add(WRITE, address, value & (1 << 8 * size) - 1, size)

    def to_bytes(self) -> bytes:
        """The whole script, for the place of the firmware's own."""
        choose = self.random
        kinds: list[Callable[[], None]] = [self.poke] * 3
        if self.target.virtio:
            kinds += [self.ring] * 2
        for _ in range(choose.randrange(5, 60)):
            choose.choice(kinds)()
            if choose.random() < 0.05:
                self.add(UNMASK, 0)
            if choose.random() < 0.05:
                self.add(FILL, self.place(), self.number(), 4, choose.choice((4, 100, 3000)), 4)
        return b"".join(self.actions).ljust(ACTIONS * _ACTION.size, b"\0")


def firmware(target: Target, seed: int) -> bytes:
    """An ELF whose script is that of `seed`."""
    data = (FIRMWARE / target.elf).read_bytes()
    at = data.index(MARKER)
    script = Script(target, seed).to_bytes()
    return data[:at] + script + data[at + len(script) :]


def capture(choose: random.Random) -> bytes:
    """Packets that come in, as a pcap file."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for number in range(choose.randrange(40)):
        packet = choose.randbytes(choose.choice((14, 60, 1514, 4000)))
        out += struct.pack("<IIII", 0, number, len(packet), len(packet)) + packet
    return bytes(out)


def cut_in_slices(path: Path, seed: int) -> None:
    """Replay in pieces of any length; `Divergence` unless the end is that of the recording."""
    from ttd.host.semihost_files import SemihostFiles  # noqa: PLC0415
    from ttd.recorded import RecordedMachine  # noqa: PLC0415
    from ttd.runs import RunEnd  # noqa: PLC0415

    choose = random.Random(seed)
    session = RecordedMachine.open(str(path), SemihostFiles(None))
    end = RunEnd.LIMIT
    while end is RunEnd.LIMIT:
        length = choose.choice((1, 2, 3, 17, 100, 1000, 5000))
        end = session.machine.run(session.machine.engine.step + length).end
    session.compare_end()
    session.close()


def attack(target: Target, seed: int, folder: str) -> None:
    """Record and replay one guest; `AssertionError` names what went wrong."""
    choose = random.Random(seed)
    home = Path(folder)
    (home / "guest.elf").write_bytes(firmware(target, seed))
    (home / "in.pcap").write_bytes(capture(choose))
    with open(home / "disk.img", "wb") as disk:
        disk.truncate(1 << 20)
    words = ["record", "--board", target.board, *target.options, "--steps", str(STEPS)]
    words += ["--serial", "file:serial", "-o", "run.ttd", "guest.elf"]
    code, _, err, *_ = command(folder, words)
    assert code >= 0, f"the recorder ended by signal {-code}: {err}"
    assert "Traceback" not in err, err
    # A mistake in an option would be refused before anything is recorded.
    assert (home / "run.ttd").exists(), err
    code, _, err, *_ = command(folder, ["replay", "--verify", "run.ttd"], patience=REPLAYED)
    assert code == 0, f"replay: exit code {code}: {err}"
    assert ": the same" in err, err
    sliced = home / "run.ttd"
    code, _, err, *_ = forked(lambda files: cut_in_slices(sliced, seed), patience=REPLAYED)
    assert code == 0, f"in slices: exit code {code}: {err}"
    code, _, err, *_ = command(folder, ["info", "run.ttd"])
    assert code == 0, err


def guests(count: int, seed: int) -> Iterator[tuple[Target, int]]:
    """The targets and seeds of a run of the fuzzer; a seed alone tells which target it is for."""
    for number in range(seed, seed + count):
        yield TARGETS[number % len(TARGETS)], number


def run(count: int, seed: int, say: Callable[[str], None]) -> int:
    """Attack `count` times; returns how many guests found something."""
    load()
    found = 0
    for target, number in guests(count, seed):
        with tempfile.TemporaryDirectory() as folder:
            try:
                attack(target, number, folder)
            except AssertionError as error:
                found += 1
                say(f"guest {number} of {target.board}: {error}")
    return found
