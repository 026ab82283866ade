"""What a debugger may send: packets by their grammar, and those of real sessions, changed.

`sessions/*.txt` are what GDB 13.1 and LLDB 22.1 sent, a packet a line, as the inside of Python's
literals of bytes.
"""

from __future__ import annotations

import ast
import random
from pathlib import Path

from tests.fuzz.changes import of_bytes

SESSIONS = Path(__file__).parent / "sessions"
EDGES = (
    *(0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 255, 256, 0xFFF, 0x1000, 0xFFFF, 0x10000, 0x20000),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF, 0x100000000, 0x100000008),
    *((1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1),
)
_OPERANDS = {0x16: 1, 0x20: 2, 0x21: 2, 0x22: 1, 0x23: 2, 0x24: 4, 0x25: 8, 0x26: 2, 0x2A: 1}
_LOOPS = (b"\x21\x00\x00", b"\x22\x01\x20\x00\x00", b"\x22\x01\x28\x21\x00\x02")
_WORDS = (
    *("start", "end", "begin", "%", "0%", "50%", "100%", "101%", "-1%", "1e9%", "nan%", "inf%"),
    *("+", "-", "+1", "-1", "+-1", "--5", "0x", "0x10", "0xffffffffffffffffffff", "1_0", "0b1"),
    *("27,199", ",", "1,2", "\u0663", "\uff11", "9" * 25, "9" * 400, "-" + "9" * 400, "9" * 5000),
    *(
        "net",
        "snapshot",
        "shutdown",
        "end",
        "input",
        "--kind",
        "event",
        "checkpoint",
        "checkpoints",
    ),
    *("x" * 5000, "\0", "\x1b[2J", "é", "'", '"', "$(id)", "%s%n", "{}", "18446744073709551615"),
    *("halt", "init", "1", "2", "0", "7", "64", "4096", "5000", "-0"),
)
COMMANDS = (
    *("when", "goto", "back", "forward", "checkpoint", "info checkpoints", "restart"),
    *(
        "delete checkpoint",
        "events",
        "back-to event",
        "replay_break",
        "replay_delete_break",
        "phys",
    ),
    *("info replay", "reset halt", "reset", "halt", "help", "replay_seek", "seek", "info time"),
    *("system_reset", "system_suspend", "system_wakeup", "quit", "leds", "info", "", "reset init"),
)


def captured() -> list[list[bytes]]:
    """The sessions in the tree."""
    return [
        [ast.literal_eval(f"b'{line}'") for line in path.read_text().splitlines()]
        for path in sorted(SESSIONS.glob("*.txt"))
    ]


class Talk:
    """Packets and monitor commands from one seed.

    `places` are addresses at which the guest has something, `registers` how many GDB knows.
    """

    def __init__(self, choose: random.Random, places: list[int], registers: int) -> None:
        self._choose = choose
        self._places = places
        self._registers = registers
        self._sessions = captured()
        self._session = choose.choice(self._sessions)
        self._at = 0

    def packet(self) -> bytes:
        """One packet, unescaped as it is in a frame."""
        choose = self._choose
        packet = self._made() if choose.random() < 0.6 else self._said()
        return of_bytes(packet, choose) if choose.random() < 0.15 else packet

    def command(self) -> str:
        """A line for `monitor`."""
        choose = self._choose
        words = [choose.choice(COMMANDS)]
        for _ in range(choose.choice((0, 0, 1, 1, 1, 2, 3))):
            words.append(choose.choice(_WORDS) if choose.random() < 0.7 else self._figure())
        line = choose.choice((" ", " ", " ", "  ", "\t")).join(words)
        if choose.random() < 0.1:
            line = of_bytes(line.encode(), choose).decode("utf-8", "replace")
        return line

    def resume(self) -> bytes:
        """A packet that moves the machine."""
        return self._choose.choice((b"s", b"bs", b"bs", b"vCont;s", b"c", b"bc"))

    def _said(self) -> bytes:
        """The next packet of a real session, or of another one."""
        choose = self._choose
        if choose.random() < 0.05 or self._at >= len(self._session):
            self._session = choose.choice(self._sessions)
            self._at = choose.randrange(len(self._session))
        packet = self._session[self._at]
        self._at += 1
        return packet

    def _figure(self) -> str:
        return choose_figure(self._choose)

    def _address(self) -> str:
        choose = self._choose
        if choose.random() < 0.6:
            at = choose.choice(self._places) + choose.choice((0, 0, 0, 0, 1, 2, 4, -1, -4, 0x100))
            return f"{max(at, 0):x}"
        return f"{choose.choice(EDGES):x}" if choose.random() < 0.7 else f"{self._wide():x}"

    def _wide(self) -> int:
        return self._choose.getrandbits(self._choose.choice((8, 16, 32, 64, 72, 300)))

    def _length(self) -> str:
        choose = self._choose
        length = (
            choose.choice((1, 2, 4, 4, 8, 64)) if choose.random() < 0.7 else choose.choice(EDGES)
        )
        return f"{length:x}"

    def _data(self, most: int = 64) -> str:
        return self._choose.randbytes(self._choose.randrange(most)).hex()

    def _register(self) -> str:
        choose = self._choose
        number = choose.randrange(self._registers + 60)
        return f"{number:x}" if choose.random() < 0.9 else f"{choose.choice(EDGES):x}"

    def _code(self) -> bytes:
        """Bytecode of a condition: some right, some endless, some noise."""
        choose = self._choose
        kind = choose.random()
        if kind < 0.15:
            return choose.choice(_LOOPS)
        if kind < 0.4:
            # A byte of memory, or a register, compared with a number.
            at = int(self._address(), 16) & (1 << 64) - 1
            value = (
                b"\x25" + at.to_bytes(8, "big") + bytes((choose.choice((0x17, 0x18, 0x19, 0x1A)),))
            )
            if choose.random() < 0.5:
                value = b"\x26" + choose.randrange(80).to_bytes(2, "big")
            return (
                value + b"\x22" + choose.randbytes(1) + choose.choice((b"\x13", b"\x14")) + b"\x27"
            )
        code = bytearray()
        for _ in range(choose.choice((0, 1, 5, 30, 400))):
            op = choose.choice((*_OPERANDS, *range(0x01, 0x36), choose.randrange(256)))
            code.append(op)
            code += choose.randbytes(_OPERANDS.get(op, 0))
        return bytes(code) + b"\x27"

    def _conditions(self) -> str:
        choose = self._choose
        if choose.random() < 0.5:
            return ""
        codes = [self._code() for _ in range(choose.choice((1, 1, 1, 2, 50)))]
        return ";" + choose.choice(("", ";")).join(f"X{len(c):x},{c.hex()}" for c in codes)

    def _made(self) -> bytes:
        choose = self._choose
        match choose.randrange(24):
            case 0 | 1:
                packet = choose.choice(
                    ("s", "c", "bs", "bc", "vCont;c", "vCont;s:1", "bs", "vCont;s")
                )
            case 2:
                low = int(self._address(), 16)
                high = low + choose.choice((0, 2, 16, 0x1000, -2))
                packet = f"vCont;r{low:x},{max(high, 0):x}:1;c"
            case 3 | 4 | 5:
                kind = choose.choice((0, 1, 2, 3, 4, 4, 2, choose.randrange(16)))
                stop = f"{kind:x},{self._address()},{self._length()}"
                packet = choose.choice(("Z", "Z", "Z", "z")) + stop + self._conditions()
            case 6 | 7:
                packet = f"{choose.choice('mx')}{self._address()},{self._length()}"
            case 8:
                data = self._data()
                packet = f"M{self._address()},{len(data) // 2:x}:{data}"
            case 9:
                data = choose.randbytes(choose.randrange(64))
                return f"X{self._address()},{len(data):x}:".encode() + data
            case 10:
                packet = "g"
            case 11:
                packet = "G" + self._data(choose.choice((4, 64, 600)))
            case 12:
                packet = "p" + self._register()
            case 13 | 14:
                data = choose.randbytes(choose.choice((0, 1, 2, 4, 4, 4, 8, 8, 8, 10, 16, 16, 64)))
                packet = f"P{self._register()}={data.hex()}"
            case 15 | 16:
                return b"qRcmd," + self.command().encode().hex().encode()
            case 17:
                what = choose.choice((self._figure(), "pc:" + self._address(), "ffffffff"))
                packet = f"QTFrame:{what}"
            case 18:
                packet = choose.choice(
                    ("k", "R00", "vRun;", "vKill;1", "D", "D;1", "!", "?", "vCtrlC")
                )
            case 19:
                packet = (
                    f"H{choose.choice('gcx')}{choose.choice(('0', '-1', '1', 'p1.1', 'p-1', '7'))}"
                )
            case 20:
                what = choose.choice(
                    ("features:read:target.xml", "memory-map:read:", "features:read:")
                )
                packet = f"qXfer:{what}:{self._length()},{self._length()}"
            case 21:
                hello = choose.choice(("error-message+", "multiprocess+;swbreak+", "x" * 1000, ""))
                packet = f"qSupported:{hello}"
            case 22:
                packet = choose.choice(
                    (
                        "QThreadSuffixSupported",
                        "QEnableErrorStrings",
                        "QListThreadsInStopReply",
                        "qHostInfo",
                        "qProcessInfo",
                        "qThreadStopInfo1",
                        "jThreadsInfo",
                        f"qMemoryRegionInfo:{self._address()}",
                        f"qMemoryRegionInfo:{self._address()}",
                        "QStartNoAckMode",
                    )
                )
            case _:
                return choose.randbytes(choose.randrange(40))
        return packet.encode()


def choose_figure(choose: random.Random) -> str:
    """A number as it may be typed."""
    number = choose.choice((choose.choice(EDGES), choose.randrange(400_000)))
    return choose.choice((f"{number}", f"{number:#x}", f"{number:x}", f"-{number}", f"+{number}"))
