"""The grammar: packets as GDB and LLDB send them, and broken ones."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ttd.rsp import requests as rq
from ttd.rsp.requests import How, Malformed, Nav, StopKind, parse


@pytest.mark.parametrize(
    ("packet", "request_"),
    [
        (b"qSupported:a+;b=1", rq.Supported(frozenset({"a+", "b=1"}))),
        (b"qSupported", rq.Supported(frozenset())),
        (b"qXfer:features:read:target.xml:0,ffb", rq.TransferFeatures("target.xml", 0, 0xFFB)),
        (b"qXfer:memory-map:read::10,20", rq.TransferMemoryMap("", 0x10, 0x20)),
        (b"qXfer:threads:read::0,20", rq.TransferThreads("", 0, 0x20)),
        (b"qThreadExtraInfo,2", rq.ThreadText(2)),
        (b"qXfer:auxv:read::0,1000", rq.Unknown()),
        (b"g", rq.ReadRegisters()),
        (b"g;thread:1;", rq.ReadRegisters(1)),
        (b"p1f", rq.ReadRegister(31)),
        (b"p19;thread:0001;", rq.ReadRegister(25, 1)),
        (b"P2=01020304;thread:1;", rq.WriteRegister(2, b"\1\2\3\4", 1)),
        (b"G0102;thread:2;", rq.WriteRegisters(b"\1\2", 2)),
        (b"G0102", rq.WriteRegisters(b"\1\2")),
        (b"m20000000,10", rq.ReadMemory(0x20000000, 16)),
        (b"x20000000,10", rq.ReadMemoryBinary(0x20000000, 16)),
        (b"M10,2:abcd", rq.WriteMemory(16, b"\xab\xcd")),
        (b"X10,3:#$}", rq.WriteMemory(16, b"#$}")),
        (b"X10,0:", rq.WriteMemory(16, b"")),
        (b"Z0,8,2", rq.InsertStop(StopKind.SOFTWARE, 8, 2, ())),
        (
            b"Z1,8,2;X3,220127;X1,27;cmds:0,X2,2222",
            rq.InsertStop(StopKind.HARDWARE, 8, 2, (b"\x22\x01\x27", b"\x27")),
        ),
        (
            b"Z0,8,2;X3,220127X1,27",
            rq.InsertStop(StopKind.SOFTWARE, 8, 2, (b"\x22\x01\x27", b"\x27")),
        ),
        (b"z4,20000000,40", rq.RemoveStop(StopKind.ACCESS, 0x20000000, 64)),
        (b"vCont?", rq.ResumeKinds()),
        (b"vCont;c", rq.Resume(How.CONTINUE)),
        (b"vCont;s:1;c", rq.Resume(How.STEP, thread=1)),
        (b"vCont;s:1", rq.Resume(How.STEP, thread=1, alone=True)),
        (b"vCont;r8,1a:1;c", rq.Resume(How.RANGE, 8, 0x1A, thread=1)),
        (b"vCont;C05:1", rq.Resume(How.CONTINUE, thread=1, alone=True)),
        (b"vCont;t", rq.Resume(How.STAY)),
        (b"c", rq.Resume(How.CONTINUE)),
        (b"s", rq.Resume(How.STEP)),
        (b"S05", rq.Resume(How.STEP)),
        (b"bs", rq.BackStep()),
        (b"bc", rq.BackContinue()),
        (b"Hg0", rq.SelectThread(0)),
        (b"Hc-1", rq.SelectThread(-1, to_resume=True)),
        (b"Hgp1.1", rq.SelectThread(1)),
        (b"T1", rq.ThreadAlive(1)),
        (b"qRcmd,7768656e", rq.Monitor("when")),
        (b"qttd.Monitor:7768656e", rq.Monitor("when", in_reply=True)),
        (b"QTFrame:ff", rq.SelectFrame(Nav.NUMBER, 255)),
        (b"QTFrame:ffffffff", rq.SelectFrame(Nav.NUMBER, None)),
        (b"QTFrame:pc:10", rq.SelectFrame(Nav.PC, 16)),
        (b"QTFrame:tdp:1", rq.Unknown()),
        (b"vRun;66;67", rq.Run()),
        (b"vKill;1", rq.KillProcess()),
        (b"D;1", rq.Detach()),
        (b"k", rq.Kill()),
        (b"vMustReplyEmpty", rq.Unknown()),
        (b"qCRC:0,1", rq.Unknown()),
        (b"", rq.Unknown()),
    ],
)
def test_parse(packet: bytes, request_: rq.Request) -> None:
    assert parse(packet) == request_


@pytest.mark.parametrize(
    "packet",
    [
        b"m",
        b"m10",
        b"m10,",
        b"m-1,4",
        b"m 1,4",
        b"m1_0,4",
        b"m0x10,4",
        b"m" + b"f" * 17 + b",4",
        b"M10,4:ab",
        b"Mzz",
        b"X10,4:ab",
        b"Z",
        b"Z5,0,0",
        b"Z0,8",
        b"Z0,8,2;X9,27",
        b"Z0,8,2;Y",
        b"P",
        b"P1",
        b"P1=0",
        b"Gzz",
        b"vCont;",
        b"vCont;q",
        b"vCont;r1",
        b"C",
        b"c100",
        b"Hgx",
        b"qRcmd,7",
        b"qttd.Monitor:7",
        b"QTFrame:",
        b"qXfer:features:read:target.xml",
    ],
)
def test_malformed(packet: bytes) -> None:
    with pytest.raises(Malformed):
        parse(packet)


@given(st.binary(max_size=60), st.sampled_from([b"", b"Z0,", b"vCont;", b"qXfer:features:read:"]))
@example(b"1,1;X1,", b"Z0,")
def test_nothing_else_is_raised(tail: bytes, head: bytes) -> None:
    try:
        parse(head + tail)
    except Malformed:
        return
