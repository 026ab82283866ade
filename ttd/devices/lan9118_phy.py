"""The PHY inside the LAN9118: IEEE 802.3 clause 22 registers; the link is always up.

Data sheet: section 5.5, "PHY registers".
"""

from __future__ import annotations

from ttd.values import dataclass

ADDRESS = 1
"""Of the internal PHY on the MII bus (5.4.6)."""

BMCR, BMSR, ID1, ID2, ANAR, ANLPAR, ANER = 0, 1, 2, 3, 4, 5, 6
MODE, SPECIAL_MODES, SPECIAL_CONTROL, SOURCE, MASK, SPECIAL_STATUS = 17, 18, 27, 29, 30, 31

# BMCR (5.5.1)
RESET, LOOPBACK, SPEED, NEGOTIATE = 1 << 15, 1 << 14, 1 << 13, 1 << 12
POWER_DOWN, RESTART, DUPLEX = 1 << 11, 1 << 9, 1 << 8
_BMCR_MASK = LOOPBACK | SPEED | NEGOTIATE | POWER_DOWN | 1 << 10 | DUPLEX | 1 << 7
_BMSR_CAN = 0x7809
"""100BASE-TX and 10BASE-T in both duplex modes, negotiation, extended registers."""
_BMSR_DONE, _BMSR_LINK = 1 << 5, 1 << 2
_ID = (0x0007, 0xC0D1)
_PARTNER = 0x45E1
"""A link partner that can do all that this PHY can, and pause."""
ENERGY_ON = 1 << 1
_AUTO_DONE, _4B5B = 1 << 12, 1 << 6

# Interrupt source and mask (5.5.11, 5.5.12)
DONE, LINK_DOWN = 1 << 6, 1 << 4
_INTERRUPTS = 0xFE


@dataclass(slots=True)
class Phy:
    """Registers that keep what is written, and the interrupts that are pending."""

    control: int = SPEED | NEGOTIATE
    advertised: int = 0x01E1
    mode: int = 0
    special_modes: int = 0xE1
    special_control: int = 0
    source: int = 0
    mask: int = 0

    @property
    def interrupt(self) -> bool:
        """The level of the interrupt."""
        return bool(self.source & self.mask)

    @property
    def loops(self) -> bool:
        """What is sent is received, and nothing else."""
        return bool(self.control & LOOPBACK)

    def peek(self, index: int) -> int:
        """A register, changing nothing; zero where there is none."""
        negotiated = bool(self.control & NEGOTIATE)
        if index == BMSR:
            up = not self.control & POWER_DOWN
            return _BMSR_CAN | _BMSR_LINK * up | _BMSR_DONE * (up and negotiated)
        if index in (ID1, ID2):
            return _ID[index - ID1]
        if index == ANLPAR:
            return _PARTNER
        if index == ANER:
            return int(negotiated)
        if index == MODE:
            return self.mode | ENERGY_ON
        if index == SPECIAL_STATUS:
            return self._special_status(negotiated)
        return int(getattr(self, _KEPT[index])) if index in _KEPT else 0

    def _special_status(self, negotiated: bool) -> int:
        fast = negotiated or self.control & SPEED
        full = negotiated or self.control & DUPLEX
        speed = (2 if fast else 1) | (4 if full else 0)
        return _AUTO_DONE * negotiated | _4B5B | speed << 2

    def read(self, index: int) -> int:
        """A register; to read the interrupt sources clears them."""
        value = self.peek(index)
        if index == SOURCE:
            self.source = 0
        return value

    def write(self, index: int, value: int) -> None:
        """Write a register; negotiation is done at once."""
        if index == BMCR:
            if value & RESET:
                self.reset()
                return
            before, self.control = self.control, value & _BMCR_MASK
            if value & NEGOTIATE and (value & RESTART or not before & NEGOTIATE):
                self.source |= DONE
            if value & POWER_DOWN and not before & POWER_DOWN:
                self.source |= LINK_DOWN
        elif index in _WRITABLE:
            setattr(self, _KEPT[index], value & _WRITABLE[index])

    def reset(self) -> None:
        """As after power-on; the straps are read again, and the link is negotiated."""
        fresh = Phy()
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))
        self.source = DONE


_KEPT = {
    BMCR: "control", ANAR: "advertised", SPECIAL_MODES: "special_modes",
    SPECIAL_CONTROL: "special_control", SOURCE: "source", MASK: "mask", MODE: "mode",
}  # fmt: skip
_WRITABLE = {
    ANAR: 0x2DFF, MODE: 0x6A4C, SPECIAL_MODES: 0xFF, SPECIAL_CONTROL: 0x8810, MASK: _INTERRUPTS,
}  # fmt: skip
