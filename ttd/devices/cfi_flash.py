"""Parallel NOR flash: JEDEC JESD68 "Common Flash Interface" with the Intel command set (0x0001).

Commands: Intel AP-646 "Common Flash Interface (CFI) and Command Sets" and the data sheet of the
28F128J3. The bank is 32 bits wide and made of two 16-bit chips side by side, as on QEMU's `virt`
board, whose CFI tables it has. The chips are given the same commands and answer alike, each in its
half of a word. Programming and erasing take no time; blocks can be locked, but stay writable.
"""

from __future__ import annotations

from ttd.contents import PAGE, Contents
from ttd.devices.base import Clock, Device, Steady

SECTOR = 0x4_0000
"""An erase block of the bank: one of each chip."""
WORD_BYTES = 4
BUFFER_BYTES = 1 << 11
"""Write buffer of a chip."""
ERASED = 0xFF
_ERASED_PAGE = bytes((ERASED,)) * PAGE

READ_ARRAY, READ_STATUS, READ_ID, CFI_QUERY, CLEAR_STATUS = 0xFF, 0x70, 0x90, 0x98, 0x50
PROGRAM, PROGRAM_ALT, BUFFERED, ERASE, LOCK_SETUP = 0x40, 0x10, 0xE8, 0x20, 0x60
CONFIRM, LOCK = 0xD0, 0x01
SR_READY, SR_ERASE, SR_PROGRAM = 0x80, 0x20, 0x10
SR_SEQUENCE = SR_ERASE | SR_PROGRAM
"""What was written does not continue the command."""
MANUFACTURER, DEVICE = 0x89, 0x18


def cfi_table(sectors: int) -> dict[int, int]:
    """The query structure of one chip: what is not zero, by word."""
    chip_sector = SECTOR // 2
    found = {
        0x13: 0x01,  # the Intel command set; its table is at 0x31
        0x15: 0x31,
        0x1B: 0x45,  # volts
        0x1C: 0x55,
        0x1F: 0x07,  # typical times as powers of two: word, buffer (us), block (ms)
        0x20: 0x07,
        0x21: 0x0A,
        0x23: 0x04,  # the same at most, as multiples
        0x24: 0x04,
        0x25: 0x04,
        0x27: (chip_sector * sectors).bit_length() - 1,
        0x28: 0x02,  # x8 and x16
        0x2A: BUFFER_BYTES.bit_length() - 1,
        0x2C: 0x01,  # all blocks have one size
        0x2D: (sectors - 1) & 0xFF,
        0x2E: (sectors - 1) >> 8,
        0x2F: chip_sector >> 8 & 0xFF,
        0x30: chip_sector >> 16,
        0x3F: 0x01,
    }
    return found | dict(enumerate(b"QRY", 0x10)) | dict(enumerate(b"PRI10", 0x31))


class CfiFlash(Device):
    """A bank of flash memory, erased but for `image` at its beginning.

    Contents are part of the state and outlive a reset. `mode` is what reads give (READ_ARRAY,
    READ_STATUS, READ_ID, CFI_QUERY); `command` is a command that waits for more, or 0.
    """

    STATE = ("mode", "command", "status", "target", "missing", "buffer")
    shows_memory = True

    def __init__(self, name: str, clock: Clock, capacity: int, image: bytes = b"") -> None:
        """`capacity` is in bytes, a multiple of `SECTOR`."""
        super().__init__(name, clock)
        self.capacity = capacity
        self._image = image
        self._table = cfi_table(capacity // SECTOR)
        self.array = Contents(capacity)
        """The pages that have been changed."""
        self.reset()

    def reset(self) -> None:
        self.mode = READ_ARRAY
        self.command = 0
        self.status = SR_READY
        self.target = 0
        """The block that a buffered write is for."""
        self.missing = 0
        """Data that the buffer waits for; -1: it waits for their number."""
        self.buffer: list[list[int]] = []
        """Data: offset, size, value."""

    # -- contents ------------------------------------------------------------------------

    def _page(self, number: int) -> bytes:
        page = self.array.page(number)
        if page is None:
            page = self._image[number * PAGE : (number + 1) * PAGE]
        return page.ljust(PAGE, bytes((ERASED,)))

    def contents(self) -> tuple[Contents, ...]:
        return (self.array,)

    def _array(self, offset: int, size: int) -> int:
        number, at = divmod(offset, PAGE)
        return int.from_bytes(self._page(number)[at : at + size], "little")

    def _program(self, offset: int, size: int, value: int) -> None:
        """Programming can only turn ones into zeros."""
        number, at = divmod(offset, PAGE)
        page = bytearray(self._page(number))
        old = int.from_bytes(page[at : at + size], "little")
        page[at : at + size] = (old & value).to_bytes(size, "little")
        self.array.replace(number, bytes(page))

    def _erase(self, offset: int) -> None:
        first = offset // SECTOR * SECTOR // PAGE
        for number in range(first, first + SECTOR // PAGE):
            if number * PAGE < len(self._image):
                self.array.replace(number, _ERASED_PAGE)
            else:
                self.array.forget(number)

    # -- reads ---------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> int:
        if self.mode == READ_ARRAY:
            return self._array(offset, size)
        word = self._answer(offset // WORD_BYTES)
        return (word << 16 | word) >> 8 * (offset % WORD_BYTES) & (1 << 8 * size) - 1

    def _answer(self, word: int) -> int:
        """What each chip says at its `word`."""
        if self.mode == CFI_QUERY:
            return self._table.get(word, 0)
        if self.mode == READ_ID:
            # Then come the lock bits, one word per block: none is locked.
            return {0: MANUFACTURER, 1: DEVICE}.get(word % (SECTOR // WORD_BYTES), 0)
        return self.status

    def peek(self, offset: int, size: int) -> int:
        return self.read(offset, size)

    def steady(self, offset: int) -> Steady | None:
        return Steady()

    # -- commands ------------------------------------------------------------------------

    def write(self, offset: int, size: int, value: int) -> None:
        if self.command:
            self._continue(offset, size, value)
            return
        code = value & 0xFF
        if code in (READ_STATUS, READ_ID, CFI_QUERY):
            self.mode = code
        elif code in (PROGRAM, PROGRAM_ALT, BUFFERED, ERASE, LOCK_SETUP):
            self.command = code
            self.mode = READ_STATUS
            self.target = offset // SECTOR
            self.missing = -1
        else:
            # READ_ARRAY, and whatever else software tries to find out what is here.
            if code == CLEAR_STATUS:
                self.status = SR_READY
            self.mode = READ_ARRAY

    def _continue(self, offset: int, size: int, value: int) -> None:
        code = value & 0xFF
        if self.command in (PROGRAM, PROGRAM_ALT):
            self._program(offset, size, value)
        elif self.command == BUFFERED and self.missing:
            self._fill(offset, size, value)
            return
        elif code == READ_ARRAY:
            self.mode = READ_ARRAY
        elif code == CONFIRM or (self.command == LOCK_SETUP and code == LOCK):
            self._confirmed(offset)
        else:
            self.status |= SR_SEQUENCE
        self.command = 0
        self.buffer = []

    def _fill(self, offset: int, size: int, value: int) -> None:
        if self.missing < 0:
            self.missing = (value & 0xFFFF) + 1
            return
        self.buffer.append([offset, size, value])
        self.missing -= 1

    def _confirmed(self, offset: int) -> None:
        if self.command == ERASE:
            self._erase(offset)
        elif self.command == BUFFERED:
            if any(at // SECTOR != self.target for at, _, _ in self.buffer):
                self.status |= SR_SEQUENCE
                return
            for at, size, value in self.buffer:
                self._program(at, size, value)
