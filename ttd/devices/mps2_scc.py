"""MPS2 SCC: AN385 (DAI0385), section "Serial Configuration Controller (SCC)"."""

from __future__ import annotations

from ttd.devices.base import Clock, Steady
from ttd.devices.declared import Declaration, Register, Word, give, kept
from ttd.devices.names import names
from ttd.devices.registers import RegisterBlock

CFG0, CFG1, CFG4, DLL, AID, ID = 0x000, 0x004, 0x010, 0x100, 0xFF8, 0xFFC
CFGDATA_RETURN, CFGDATA_OUT, CFGCTRL, CFGSTAT = 0x0A0, 0x0A4, 0x0A8, 0x0AC
CTRL_START, CTRL_WRITE = 1 << 31, 1 << 30
STAT_DONE, STAT_ERROR = 1 << 0, 1 << 1
FUNCTION_OSCILLATOR = 1
OSCILLATORS_HZ = (50_000_000, 24_576_000, 25_000_000)
"""Reset values of the board's programmable oscillators."""
DLL_LOCKED = 0xFFFF0001


class Mps2Scc(RegisterBlock):
    """Board configuration registers, and the mailbox to the board's microcontroller.

    Of the mailbox's functions only the oscillators are there; setting one is remembered and
    changes no clock. Remapping the block RAM to address 0 (CFG0 bit 0) has no effect, as in
    QEMU: code memory is always the SSRAM.
    """

    NAMES = names(
        CFG0=CFG0,
        CFG1=CFG1,
        CFG4=CFG4,
        CFGDATA_RTN=CFGDATA_RETURN,
        CFGDATA_OUT=CFGDATA_OUT,
        CFGCTRL=(CFGCTRL, {"START": CTRL_START, "WRITE": CTRL_WRITE}),
        CFGSTAT=(CFGSTAT, {"DONE": STAT_DONE, "ERROR": STAT_ERROR}),
        DLL=DLL,
        AID=AID,
        ID=ID,
    )

    alone = True
    STATE = ("cfg0", "cfg1", "data_return", "data_out", "cfgctrl", "cfgstat", "oscillators")

    cfg0, cfg1, data_out, data_return, cfgstat = (Word() for _ in range(5))

    @classmethod
    def declaration(cls) -> Declaration:
        return Declaration(
            {
                CFG0: kept("cfg0"),
                CFG1: kept("cfg1"),
                CFGDATA_OUT: kept("data_out"),
                CFGDATA_RETURN: Register((give("data_return"),), ()),
                CFGSTAT: Register((give("cfgstat"),), ()),
            }
        )

    def __init__(self, name: str, clock: Clock, board_revision: int, aid: int, id: int) -> None:
        super().__init__(name, clock)
        self.fixed = {CFG4: board_revision, DLL: DLL_LOCKED, AID: aid, ID: id}
        self.reset()

    def reset(self) -> None:
        self.cfg0 = 0
        self.cfg1 = 0
        """LEDs of the microcontroller."""
        self.data_return = 0
        self.data_out = 0
        self.cfgctrl = 0x100000
        self.cfgstat = 0
        self.oscillators = list(OSCILLATORS_HZ)

    def peek_word(self, offset: int) -> int:
        return {
            CFGCTRL: self.cfgctrl,
            **self.fixed,
        }.get(offset, 0)

    def steady(self, offset: int) -> Steady | None:
        return Steady()

    def write_word(self, offset: int, value: int) -> None:
        if offset == CFGCTRL:
            # START stays low to readers: the transfer is over before the write is.
            self.cfgctrl = value & ~CTRL_START
            if value & CTRL_START:
                self.cfgstat = STAT_DONE if self._transfer() else STAT_DONE | STAT_ERROR

    def _transfer(self) -> bool:
        """Do what CFGCTRL asks for; False if there is no such function or device."""
        function, device = self.cfgctrl >> 20 & 0x3F, self.cfgctrl & 0xFFF
        if function != FUNCTION_OSCILLATOR or device >= len(self.oscillators):
            return False
        if self.cfgctrl & CTRL_WRITE:
            self.oscillators[device] = self.data_out
        else:
            self.data_return = self.oscillators[device]
        return True
