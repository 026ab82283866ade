"""Packets as typed requests: the grammar of the protocol, and nothing about answering.

GDB manual, appendix "Remote Protocol": "Packets", "General Query Packets", "Tracepoint Packets",
"Memory Transfer"... Each class names the packets that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum

from ttd.values import dataclass


class Malformed(Exception):
    """The packet is one we know, but not in the form that the protocol gives it."""


class StopKind(IntEnum):
    """The digit of `Z` and `z` packets."""

    SOFTWARE = 0
    HARDWARE = 1
    WRITE = 2
    READ = 3
    ACCESS = 4


class How(Enum):
    """What a resume packet asks for."""

    CONTINUE = "c"
    STEP = "s"
    RANGE = "r"
    BACK_STEP = "bs"
    BACK_CONTINUE = "bc"
    STAY = "t"


class Nav(Enum):
    """What a trace frame is selected by."""

    NUMBER = "number"
    PC = "pc"


@dataclass(frozen=True, slots=True)
class Request:
    """Base of all requests."""


@dataclass(frozen=True, slots=True)
class Unknown(Request):
    """Anything else: answered with an empty reply (also `vMustReplyEmpty`)."""


@dataclass(frozen=True, slots=True)
class Supported(Request):
    """`qSupported`"""

    features: frozenset[str]


@dataclass(frozen=True, slots=True)
class StartNoAck(Request):
    """`QStartNoAckMode`"""


@dataclass(frozen=True, slots=True)
class ThreadSuffix(Request):
    """`QThreadSuffixSupported` (LLDB)"""


@dataclass(frozen=True, slots=True)
class ErrorStrings(Request):
    """`QEnableErrorStrings` (LLDB)"""


@dataclass(frozen=True, slots=True)
class HostInfo(Request):
    """`qHostInfo` (LLDB)"""


@dataclass(frozen=True, slots=True)
class ListThreads(Request):
    """`QListThreadsInStopReply` (LLDB)"""


@dataclass(frozen=True, slots=True)
class ProcessInfo(Request):
    """`qProcessInfo` (LLDB)"""


@dataclass(frozen=True, slots=True)
class MemoryRegion(Request):
    """`qMemoryRegionInfo:ADDRESS` (LLDB)"""

    address: int


@dataclass(frozen=True, slots=True)
class ThreadsInfo(Request):
    """`jThreadsInfo` (LLDB)"""


@dataclass(frozen=True, slots=True)
class ThreadStop(Request):
    """`qThreadStopInfo` (LLDB)"""

    thread: int


@dataclass(frozen=True, slots=True)
class Transfer(Request):
    """Base of `qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH`"""

    annex: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class TransferFeatures(Transfer):
    """`qXfer:features:read`"""


@dataclass(frozen=True, slots=True)
class TransferMemoryMap(Transfer):
    """`qXfer:memory-map:read`"""


@dataclass(frozen=True, slots=True)
class TransferThreads(Transfer):
    """`qXfer:threads:read`"""


@dataclass(frozen=True, slots=True)
class ReadRegisters(Request):
    """`g`; `thread` where LLDB names one, here and below. Else it is the one that `Hg` selects."""

    thread: int | None = None


@dataclass(frozen=True, slots=True)
class WriteRegisters(Request):
    """`G`"""

    data: bytes
    thread: int | None = None


@dataclass(frozen=True, slots=True)
class ReadRegister(Request):
    """`p`"""

    regnum: int
    thread: int | None = None


@dataclass(frozen=True, slots=True)
class WriteRegister(Request):
    """`P`"""

    regnum: int
    data: bytes
    thread: int | None = None


@dataclass(frozen=True, slots=True)
class ReadMemory(Request):
    """`m`"""

    address: int
    length: int


@dataclass(frozen=True, slots=True)
class ReadMemoryBinary(Request):
    """`x`"""

    address: int
    length: int


@dataclass(frozen=True, slots=True)
class WriteMemory(Request):
    """`M` and `X`"""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class InsertStop(Request):
    """`Z0` to `Z4`; `conditions` are agent expressions, of which any one being true is enough."""

    kind: StopKind
    address: int
    length: int
    conditions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RemoveStop(Request):
    """`z0` to `z4`"""

    kind: StopKind
    address: int
    length: int


@dataclass(frozen=True, slots=True)
class Resume(Request):
    """`vCont;...`, `c`, `s`, `C`, `S`; `start` and `end` for `How.RANGE`.

    `thread`: the one that is meant, if one is named; `alone`: nothing is said of others, which are
    to stand still.
    """

    how: How
    start: int = 0
    end: int = 0
    thread: int | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class BackStep(Request):
    """`bs`"""


@dataclass(frozen=True, slots=True)
class BackContinue(Request):
    """`bc`"""


@dataclass(frozen=True, slots=True)
class ResumeKinds(Request):
    """`vCont?`"""


@dataclass(frozen=True, slots=True)
class StopReason(Request):
    """`?`"""


@dataclass(frozen=True, slots=True)
class CurrentThread(Request):
    """`qC`"""


@dataclass(frozen=True, slots=True)
class Threads(Request):
    """`qfThreadInfo`, `qsThreadInfo`"""

    first: bool


@dataclass(frozen=True, slots=True)
class ThreadText(Request):
    """`qThreadExtraInfo`"""

    thread: int


@dataclass(frozen=True, slots=True)
class SelectThread(Request):
    """`H`; `to_resume`: for what resumes (`Hc`), and not for what reads and writes (`Hg`)."""

    thread: int
    to_resume: bool = False


@dataclass(frozen=True, slots=True)
class ThreadAlive(Request):
    """`T`"""

    thread: int


@dataclass(frozen=True, slots=True)
class Attached(Request):
    """`qAttached`"""


@dataclass(frozen=True, slots=True)
class StepWithin(Request):
    """ttd's own `Qttd.StepWithin:START,END;...`: while PC is in one of these ranges, a `bs` may
    lead to where it came into it.

    GDB makes such steps one by one to get over a line, and goes on from each of them that leaves
    PC there. That holds until anything else moves.
    """

    code: tuple[range, ...]


@dataclass(frozen=True, slots=True)
class Monitor(Request):
    """`qRcmd`; or, `in_reply`, ttd's own `qttd.Monitor:TEXT`, whose reply is what it prints.

    With that a script inside GDB gets the text as it is: `monitor` prints it in as many ways as GDB
    has interpreters.
    """

    text: str
    in_reply: bool = False


@dataclass(frozen=True, slots=True)
class Run(Request):
    """`vRun`"""


@dataclass(frozen=True, slots=True)
class KillProcess(Request):
    """`vKill`"""


@dataclass(frozen=True, slots=True)
class Kill(Request):
    """`k`"""


@dataclass(frozen=True, slots=True)
class Restart(Request):
    """`R`"""


@dataclass(frozen=True, slots=True)
class Extended(Request):
    """`!`"""


@dataclass(frozen=True, slots=True)
class Detach(Request):
    """`D`"""


@dataclass(frozen=True, slots=True)
class CtrlC(Request):
    """`vCtrlC`"""


@dataclass(frozen=True, slots=True)
class TraceStatus(Request):
    """`qTStatus`"""


@dataclass(frozen=True, slots=True)
class TraceList(Request):
    """`qTfP`, `qTsP`, `qTfV`, `qTsV`: tracepoints and trace variables, of which there are none"""


@dataclass(frozen=True, slots=True)
class TraceStart(Request):
    """`QTinit`, with which `tstart` begins"""


@dataclass(frozen=True, slots=True)
class SelectFrame(Request):
    """`QTFrame:N`, `QTFrame:pc:ADDRESS`; number None is `tfind none`."""

    by: Nav
    value: int | None


def parse(packet: bytes) -> Request:
    """Return the request in an unescaped packet; raises `Malformed`."""
    for prefix, make in _GRAMMAR:
        if packet.startswith(prefix):
            return make(packet[len(prefix) :])
    return Unknown()


def _hex(text: bytes) -> int:
    # int() also takes signs, spaces, underscores and 0x.
    if not text or len(text) > 16 or text.strip(b"0123456789abcdefABCDEF"):
        raise Malformed("not a hexadecimal number")
    return int(text, 16)


def _data(text: bytes) -> bytes:
    if len(text) % 2 or text.strip(b"0123456789abcdefABCDEF"):
        raise Malformed("not hexadecimal data")
    return bytes.fromhex(text.decode("ascii"))


def _split(text: bytes, separator: bytes) -> tuple[bytes, bytes]:
    left, found, right = text.partition(separator)
    if not found:
        raise Malformed(f"'{separator.decode()}' is missing")
    return left, right


def _numbers(text: bytes) -> tuple[int, int]:
    left, right = _split(text, b",")
    return _hex(left), _hex(right)


def _thread(text: bytes) -> int:
    """Thread ids: N, -1 (all) and 0 (any); with the multiprocess extension, pP.N."""
    if text.startswith(b"p"):
        text = text[1:].partition(b".")[2] or b"-1"
    return -1 if text == b"-1" else _hex(text)


def _suffix(text: bytes) -> tuple[bytes, int | None]:
    """What comes before LLDB's `;thread:N;`, and N."""
    rest, _, number = text.partition(b";thread:")
    return rest, _thread(number.rstrip(b";")) if number else None


def _plain(request: Request) -> Callable[[bytes], Request]:
    """A packet without arguments."""

    def make(rest: bytes) -> Request:
        return Unknown() if rest else request

    return make


def _loose(request: Request) -> Callable[[bytes], Request]:
    """A packet whose arguments do not matter here."""
    return lambda rest: request


def _supported(rest: bytes) -> Request:
    words = rest.removeprefix(b":").decode("ascii", "replace").split(";")
    return Supported(frozenset(word for word in words if word))


def _transfer(kind: type[Transfer]) -> Callable[[bytes], Request]:
    def make(rest: bytes) -> Request:
        annex, window = _split(rest, b":")
        return kind(annex.decode("ascii", "replace"), *_numbers(window))

    return make


def _read_registers(rest: bytes) -> Request:
    text, thread = _suffix(rest)
    return Unknown() if text else ReadRegisters(thread)


def _write_registers(rest: bytes) -> Request:
    text, thread = _suffix(rest)
    return WriteRegisters(_data(text), thread)


def _read_register(rest: bytes) -> Request:
    text, thread = _suffix(rest)
    return ReadRegister(_hex(text), thread)


def _write_register(rest: bytes) -> Request:
    text, thread = _suffix(rest)
    regnum, value = _split(text, b"=")
    return WriteRegister(_hex(regnum), _data(value), thread)


def _write_memory(decode: Callable[[bytes], bytes]) -> Callable[[bytes], Request]:
    def make(rest: bytes) -> Request:
        window, text = _split(rest, b":")
        address, length = _numbers(window)
        data = decode(text)
        if len(data) != length:
            raise Malformed(f"{length} bytes announced, {len(data)} sent")
        return WriteMemory(address, data)

    return make


def _stop_place(rest: bytes) -> tuple[StopKind, int, int]:
    kind, place = _split(rest, b",")
    address, length = _numbers(place)
    try:
        return StopKind(_hex(kind)), address, length
    except ValueError as e:
        raise Malformed("no such kind of breakpoint") from e


def _insert(rest: bytes) -> Request:
    place, _, options = rest.partition(b";")
    conditions = []
    # `X LEN,EXPR` may repeat, with or without `;` between; `cmds:` is the last option.
    text = options.partition(b"cmds:")[0]
    while text := text.lstrip(b";"):
        if not text.startswith(b"X"):
            raise Malformed("unknown breakpoint option")
        length_text, text = _split(text[1:], b",")
        digits = 2 * _hex(length_text)
        if len(text) < digits:
            raise Malformed("condition is cut off")
        conditions.append(_data(text[:digits]))
        text = text[digits:]
    return InsertStop(*_stop_place(place), tuple(conditions))


def _remove(rest: bytes) -> Request:
    return RemoveStop(*_stop_place(rest))


def _vcont(rest: bytes) -> Request:
    """The leftmost action decides: only the whole machine runs, and GDB begins with the thread that
    it steps."""
    first, *others = rest.split(b";")
    action, _, name = first.partition(b":")
    kind, argument = action[:1], action[1:]
    thread = _thread(name) if name else None
    alone = thread is not None and not others
    if kind in (b"c", b"C"):
        return Resume(How.CONTINUE, thread=thread, alone=alone)
    if kind in (b"s", b"S"):
        return Resume(How.STEP, thread=thread, alone=alone)
    if kind == b"t":
        return Resume(How.STAY, thread=thread, alone=alone)
    if kind == b"r":
        return Resume(How.RANGE, *_numbers(argument), thread=thread, alone=alone)
    raise Malformed("unknown vCont action")


def _old_resume(how: How, *, signal: bool) -> Callable[[bytes], Request]:
    """`c`, `s`, `C SIG`, `S SIG`; signals are not for bare machines and are dropped."""

    def make(rest: bytes) -> Request:
        address = rest.partition(b";")[2] if signal else rest
        if signal:
            _hex(rest.partition(b";")[0])
        if address:
            raise Malformed("resuming at another address is not supported")
        return Resume(how)

    return make


def _monitor(rest: bytes) -> Request:
    return Monitor(_data(rest).decode("utf-8", "replace"))


def _monitor_in_reply(rest: bytes) -> Request:
    return Monitor(_data(rest).decode("utf-8", "replace"), in_reply=True)


def _step_within(rest: bytes) -> Request:
    pairs = (_numbers(part) for part in rest.split(b";") if part)
    return StepWithin(tuple(range(start, end) for start, end in pairs))


def _select_frame(rest: bytes) -> Request:
    if rest == b"ffffffff":
        return SelectFrame(Nav.NUMBER, None)
    if rest.startswith(b"pc:"):
        return SelectFrame(Nav.PC, _hex(rest[3:]))
    if rest[:1].isalpha() and b":" in rest:  # tdp, range, outside
        return Unknown()
    return SelectFrame(Nav.NUMBER, _hex(rest))


_GRAMMAR: tuple[tuple[bytes, Callable[[bytes], Request]], ...] = (
    # The first prefix that fits decides.
    (b"qSupported", _supported),
    (b"QStartNoAckMode", _plain(StartNoAck())),
    (b"QThreadSuffixSupported", _plain(ThreadSuffix())),
    (b"QEnableErrorStrings", _plain(ErrorStrings())),
    (b"QListThreadsInStopReply", _plain(ListThreads())),
    (b"qHostInfo", _plain(HostInfo())),
    (b"qProcessInfo", _plain(ProcessInfo())),
    (b"qMemoryRegionInfo:", lambda rest: MemoryRegion(_hex(rest))),
    (b"jThreadsInfo", _plain(ThreadsInfo())),
    (b"qThreadStopInfo", lambda rest: ThreadStop(_thread(rest))),
    (b"qXfer:features:read:", _transfer(TransferFeatures)),
    (b"qXfer:memory-map:read:", _transfer(TransferMemoryMap)),
    (b"qXfer:threads:read:", _transfer(TransferThreads)),
    (b"qC", _plain(CurrentThread())),
    (b"qfThreadInfo", _plain(Threads(first=True))),
    (b"qsThreadInfo", _plain(Threads(first=False))),
    (b"qThreadExtraInfo,", lambda rest: ThreadText(_thread(rest))),
    (b"qAttached", _loose(Attached())),
    (b"qRcmd,", _monitor),
    (b"qttd.Monitor:", _monitor_in_reply),
    (b"Qttd.StepWithin:", _step_within),
    (b"qTStatus", _plain(TraceStatus())),
    (b"qTfP", _plain(TraceList())),
    (b"qTsP", _plain(TraceList())),
    (b"qTfV", _plain(TraceList())),
    (b"qTsV", _plain(TraceList())),
    (b"QTinit", _plain(TraceStart())),
    (b"QTFrame:", _select_frame),
    (b"vCont?", _plain(ResumeKinds())),
    (b"vCont;", _vcont),
    (b"vCtrlC", _plain(CtrlC())),
    (b"vRun;", _loose(Run())),
    (b"vKill;", _loose(KillProcess())),
    (b"bs", _plain(BackStep())),
    (b"bc", _plain(BackContinue())),
    (b"c", _old_resume(How.CONTINUE, signal=False)),
    (b"s", _old_resume(How.STEP, signal=False)),
    (b"C", _old_resume(How.CONTINUE, signal=True)),
    (b"S", _old_resume(How.STEP, signal=True)),
    (b"g", _read_registers),
    (b"G", _write_registers),
    (b"p", _read_register),
    (b"P", _write_register),
    (b"m", lambda rest: ReadMemory(*_numbers(rest))),
    (b"M", _write_memory(_data)),
    (b"x", lambda rest: ReadMemoryBinary(*_numbers(rest))),
    (b"X", _write_memory(bytes)),
    (b"Z", _insert),
    (b"z", _remove),
    (b"H", lambda rest: SelectThread(_thread(rest[1:]), rest[:1] == b"c")),
    (b"T", lambda rest: ThreadAlive(_thread(rest))),
    (b"?", _plain(StopReason())),
    (b"!", _plain(Extended())),
    (b"D", _loose(Detach())),
    (b"k", _plain(Kill())),
    (b"R", _loose(Restart())),
)
