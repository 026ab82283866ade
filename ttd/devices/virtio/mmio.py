"""The virtio transport over MMIO: section 4.2; the device status: section 2.1."""

from __future__ import annotations

from typing import ClassVar

from ttd.devices.base import Clock, Dma, Line
from ttd.devices.declared import Bits, Declaration, Declared, Register, Word, clear_bits, give
from ttd.devices.names import names
from ttd.devices.virtio.queue import Chain, Queue, QueueError
from ttd.state import State

MAGIC, VERSION, DEVICE_ID, VENDOR_ID = 0x000, 0x004, 0x008, 0x00C
DEVICE_FEATURES, DEVICE_FEATURES_SEL = 0x010, 0x014
DRIVER_FEATURES, DRIVER_FEATURES_SEL = 0x020, 0x024
QUEUE_SEL, QUEUE_NUM_MAX, QUEUE_NUM, QUEUE_READY, QUEUE_NOTIFY = 0x030, 0x034, 0x038, 0x044, 0x050
INTERRUPT_STATUS, INTERRUPT_ACK, STATUS = 0x060, 0x064, 0x070
QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE = 0x080, 0x090, 0x0A0
"""Each the low half; the high half is the next word."""
SHM_LEN, SHM_BASE, CONFIG_GENERATION, CONFIG = 0x0B0, 0x0B8, 0x0FC, 0x100

USED_BUFFER, CONFIG_CHANGE = 1, 2
"""Bits of INTERRUPT_STATUS."""
DRIVER_OK, FEATURES_OK, NEEDS_RESET = 4, 8, 64
"""Bits of STATUS."""
F_INDIRECT_DESC, F_VERSION_1 = 1 << 28, 1 << 32
_MAGIC_VALUE, _VENDOR = 0x74726976, 0x554D4551
_WORD = 0xFFFFFFFF
_ADDRESSES = {QUEUE_DESC: "desc", QUEUE_DRIVER: "driver", QUEUE_DEVICE: "device"}


class VirtioMmio(Declared):
    """A virtio device behind its registers; subclasses are the device types of section 5.

    The interrupt line is high while INTERRUPT_STATUS is not zero.
    """

    NAMES = names(
        MAGIC=MAGIC,
        VERSION=VERSION,
        DEVICE_ID=DEVICE_ID,
        VENDOR_ID=VENDOR_ID,
        DEVICE_FEATURES=DEVICE_FEATURES,
        DEVICE_FEATURES_SEL=DEVICE_FEATURES_SEL,
        DRIVER_FEATURES=DRIVER_FEATURES,
        DRIVER_FEATURES_SEL=DRIVER_FEATURES_SEL,
        QUEUE_SEL=QUEUE_SEL,
        QUEUE_NUM_MAX=QUEUE_NUM_MAX,
        QUEUE_NUM=QUEUE_NUM,
        QUEUE_READY=QUEUE_READY,
        QUEUE_NOTIFY=QUEUE_NOTIFY,
        INTERRUPT_STATUS=(
            INTERRUPT_STATUS,
            {"USED_BUFFER": USED_BUFFER, "CONFIG_CHANGE": CONFIG_CHANGE},
        ),
        INTERRUPT_ACK=INTERRUPT_ACK,
        STATUS=(
            STATUS,
            {"DRIVER_OK": DRIVER_OK, "FEATURES_OK": FEATURES_OK, "NEEDS_RESET": NEEDS_RESET},
        ),
        QUEUE_DESC=QUEUE_DESC,
        QUEUE_DRIVER=QUEUE_DRIVER,
        QUEUE_DEVICE=QUEUE_DEVICE,
        CONFIG_GENERATION=CONFIG_GENERATION,
    )

    STATE: ClassVar[tuple[str, ...]] = (
        "status",
        "interrupt",
        "driver_features",
        "device_sel",
        "driver_sel",
        "queue_sel",
    )
    TYPE: ClassVar[int]
    """Device ID, section 5."""
    QUEUES: ClassVar[int]
    FEATURES: ClassVar[int] = 0
    """Feature bits beyond those of the transport."""

    status, interrupt = Word(), Word()

    @classmethod
    def declaration(cls) -> Declaration:
        """What drivers use for every interrupt."""
        return Declaration(
            {
                INTERRUPT_STATUS: Register((give("interrupt"),)),
                INTERRUPT_ACK: Register((), (clear_bits("interrupt", source="value"),)),
            },
            lines={"line": [Bits("interrupt")]},
            whole=True,
        )

    def __init__(self, name: str, clock: Clock, dma: Dma, line: Line) -> None:
        super().__init__(name, clock)
        self.dma = dma
        self.line = line
        self.connect(line=line)
        self.queues = [Queue(dma) for _ in range(self.QUEUES)]
        self.reset()

    # what a device type adds

    def features(self) -> int:
        """The features offered, besides those of the transport."""
        return self.FEATURES

    def config(self) -> bytes:
        """The device's configuration space."""
        return b""

    def write_config(self, offset: int, data: bytes) -> None:
        """The driver writes to the configuration space; most devices have nothing to write."""

    def notified(self, queue: int) -> None:
        """The driver has made requests on a queue."""

    def stopped(self, queue: int) -> None:
        """The driver has taken a queue away: what came from it is forgotten."""

    def reset_type(self) -> None:
        """Reset what the device type adds to the state."""

    # what it may use

    @property
    def running(self) -> bool:
        """The driver has said DRIVER_OK, and the device has not given up."""
        return self.status & (DRIVER_OK | NEEDS_RESET) == DRIVER_OK

    def give_back(self, queue: int, chain: Chain, written: int) -> None:
        """A request is done: used ring and interrupt."""
        if self.queues[queue].push(chain, written):
            self.interrupt |= USED_BUFFER
            self.drive_lines()

    def give_up(self) -> None:
        """The driver has made a mistake that the device cannot go on from (2.1.2)."""
        self.status |= NEEDS_RESET
        if self.status & DRIVER_OK:
            self.interrupt |= CONFIG_CHANGE
        self.drive_lines()

    # state

    def reset(self) -> None:
        self.status = 0
        self.interrupt = 0
        self.driver_features = 0
        self.device_sel = 0
        self.driver_sel = 0
        self.queue_sel = 0
        for queue in self.queues:
            queue.reset()
        self.reset_type()
        self.drive_lines()

    def save(self) -> State:
        return super().save() | {"queues": [queue.save() for queue in self.queues]}

    def load(self, state: State) -> None:
        super().load(state)
        for queue, saved in zip(self.queues, state["queues"], strict=True):
            queue.load(saved)

    # registers

    def peek(self, offset: int, size: int) -> int:
        return self.read(offset, size)

    def read(self, offset: int, size: int) -> int:
        assert self.registers is not None
        value = self.registers.read(offset, size)
        if value is not None:
            return value
        if offset >= CONFIG:
            space = self.config()
            return int.from_bytes(space[offset - CONFIG : offset - CONFIG + size], "little")
        if size != 4 or offset % 4:
            return 0  # 4.2.2.2: the driver must not
        return self._register(offset)

    def _register(self, offset: int) -> int:
        if offset == MAGIC:
            return _MAGIC_VALUE
        if offset == VERSION:
            return 2
        if offset == DEVICE_ID:
            return self.TYPE
        if offset == VENDOR_ID:
            return _VENDOR
        if offset == DEVICE_FEATURES:
            return self._offered() >> 32 * self.device_sel & _WORD if self.device_sel < 2 else 0
        if offset == STATUS:
            return self.status
        if SHM_LEN <= offset < SHM_BASE + 8:
            return _WORD  # no shared memory: its length is -1
        queue = self._selected()
        if queue is not None:
            if offset == QUEUE_NUM_MAX:
                return Queue.MAX
            if offset == QUEUE_READY:
                return int(queue.native.ready)
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        assert self.registers is not None
        if self.registers.write(offset, size, value):
            return
        if offset >= CONFIG:
            self.write_config(offset - CONFIG, value.to_bytes(size, "little"))
            return
        if size != 4 or offset % 4:
            return
        if offset == DEVICE_FEATURES_SEL:
            self.device_sel = value
        elif offset == DRIVER_FEATURES_SEL:
            self.driver_sel = value
        elif offset == DRIVER_FEATURES:
            if self.driver_sel < 2 and not self.status & FEATURES_OK:
                shift = 32 * self.driver_sel
                kept = self.driver_features & ~(_WORD << shift)
                self.driver_features = kept | value << shift
        elif offset == QUEUE_SEL:
            self.queue_sel = value
        elif offset == QUEUE_NOTIFY:
            self._notify(value)
        elif offset == STATUS:
            self._set_status(value)
        else:
            self._set_queue(offset, value)

    def _offered(self) -> int:
        return self.features() | F_INDIRECT_DESC | F_VERSION_1

    def _selected(self) -> Queue | None:
        return self.queues[self.queue_sel] if self.queue_sel < len(self.queues) else None

    def _set_status(self, value: int) -> None:
        if value == 0:
            self.reset()
            return
        value = value & 0xFF & ~NEEDS_RESET | self.status & NEEDS_RESET
        refused = self.driver_features & ~self._offered() != 0
        if value & FEATURES_OK and not self.status & FEATURES_OK and refused:
            # 3.1.1: the driver reads it back. One that does not accept VIRTIO_F_VERSION_1 may be
            # refused as well (6.1), but there are drivers that rely on being served.
            value &= ~FEATURES_OK
        started = value & DRIVER_OK and not self.status & DRIVER_OK
        self.status = value
        if started:
            for number in range(len(self.queues)):
                self._notify(number)

    def _set_queue(self, offset: int, value: int) -> None:
        selected = self._selected()
        if selected is None:
            return
        queue = selected.native
        if offset == QUEUE_READY:
            queue.ready = bool(value & 1)
            if not queue.ready:
                queue.last_avail = queue.used = 0
                self.stopped(self.queue_sel)
            return
        if queue.ready:
            return  # 4.2.2.2: not while it is in use
        if offset == QUEUE_NUM and 0 < value <= Queue.MAX and not value & (value - 1):
            queue.num = value
        for low, name in _ADDRESSES.items():
            old = getattr(queue, name)
            if offset == low:
                setattr(queue, name, old & ~_WORD | value)
            elif offset == low + 4:
                setattr(queue, name, old & _WORD | value << 32)

    def _notify(self, number: int) -> None:
        if number < len(self.queues) and self.running:
            try:
                self.notified(number)
            except QueueError:
                self.give_up()


class EmptySlot(VirtioMmio):
    """A transport without a device: its device ID says so (4.2.2)."""

    TYPE = 0
    QUEUES = 0
