"""What LLDB asks, and how its stops are told."""

from __future__ import annotations

import json

import pytest

from tests.unit.gdbstub_fake import BACK, CONSTANT, LOOP, RAM, FakeTimeline
from tests.unit.test_gdbstub import Client
from ttd.stops import Stop, Stops, Why


@pytest.fixture
def lldb() -> Client:
    client = Client()
    assert client.ask("QThreadSuffixSupported") == "OK"
    return client


def description(stop: str) -> str:
    """That of a stop reply that interrupts all plans."""
    assert stop.startswith("T02description:") and stop.endswith(";")
    return bytes.fromhex(stop[15:-1]).decode()


def test_what_machine_it_is(lldb: Client) -> None:
    machine = f"triple:{b'thumbv7m-none-eabi'.hex()};ptrsize:4;endian:little;"
    assert lldb.ask("qHostInfo") == machine + "watchpoint_exceptions_received:after;"
    assert lldb.ask("qProcessInfo") == "pid:1;" + machine
    assert "endian:big;" in Client(byte_order="big").ask("qProcessInfo")


def test_symbols_stay_where_the_user_has_put_them(lldb: Client) -> None:
    """An offset, even none, would move them: neither lldb-server nor gdbserver has one here."""
    assert lldb.ask("qOffsets") == ""


@pytest.mark.parametrize(
    ("address", "start", "end", "rights"),
    [
        (0, 0, 0x1000, "rx"),
        (0xFFF, 0, 0x1000, "rx"),
        (0x1000, 0x1000, RAM, None),
        (RAM + 4, RAM, RAM + 0x1000, "rw"),
        (1 << 31, RAM + 0x1000, 1 << 32, None),
        (1 << 32, 1 << 32, (1 << 64) - 1, None),
        ((1 << 64) - 1, 1 << 32, (1 << 64) - 1, None),
    ],
)
def test_memory_regions(
    lldb: Client, address: int, start: int, end: int, rights: str | None
) -> None:
    expected = f"start:{start:x};size:{end - start:x};"
    if rights is not None:
        name = b"data" if start else b"code"
        expected += f"permissions:{rights};name:{name.hex()};"
    assert lldb.ask(f"qMemoryRegionInfo:{address:x}") == expected


def test_all_memory_regions_are_soon_known(lldb: Client) -> None:
    """LLDB asks for the next one until one ends at the last address."""
    at, count = 0, 0
    while at != (1 << 64) - 1:
        fields = lldb.ask(f"qMemoryRegionInfo:{at:x}").split(";")
        found = dict(field.split(":") for field in fields if field)
        assert int(found["start"], 16) == at
        at += int(found["size"], 16)
        count += 1
    assert count == 5


@pytest.mark.parametrize("packet", ["qMemoryRegionInfo:", "qMemoryRegionInfo:-1"])
def test_a_memory_region_of_no_address(lldb: Client, packet: str) -> None:
    assert lldb.ask(packet).startswith("E")


@pytest.mark.parametrize("packet", ["c", "vCont;c", "vCont;s:1", "s"])
def test_the_end_of_history_ends_every_plan(lldb: Client, packet: str) -> None:
    lldb.timeline.seek(lldb.timeline.end)
    note = "The recording ends here: guest called exit(1)."
    for _ in range(3):
        text, stop = lldb.run(packet)
        assert text == f"{note}\n"
        assert description(stop) == f"history boundary: end of the recording, {note}"
    gdb = Client()
    gdb.timeline.seek(gdb.timeline.end)
    assert gdb.run(packet) == (f"{note}\n", "T05replaylog:end;")


@pytest.mark.parametrize("packet", ["bs", "bc"])
def test_and_so_does_its_beginning(lldb: Client, packet: str) -> None:
    for _ in range(3):
        text = description(lldb.run(packet)[1])
        assert text == "history boundary: beginning of the recording"


def test_jumps_are_told_with_their_place(lldb: Client) -> None:
    """No plan of LLDB's may go on from there as if it had stepped."""
    lldb.monitor("goto 500")
    assert description(lldb.run("vCont;s:1")[1]) == "step 500 of 1000 (50.00%)"
    lldb.monitor("replay_break 700")
    assert description(lldb.run("c")[1]) == "step 700 of 1000 (70.00%)"


def test_plain_steps_and_breakpoints_are_traps(lldb: Client) -> None:
    assert lldb.run("vCont;s:1")[1] == "T05"
    assert lldb.run("bs")[1] == "T05"
    lldb.ask(f"Z0,{LOOP:x},2")
    assert lldb.run("c")[1] == "T05swbreak:;"


def test_an_error_ends_every_plan(monkeypatch: pytest.MonkeyPatch, lldb: Client) -> None:
    def fail(timeline: FakeTimeline, count: int = 1) -> Stop:
        raise ValueError("no")

    monkeypatch.setattr(FakeTimeline, "step_forward", fail)
    assert "This could not be done" in description(lldb.run("s")[1])


def test_a_divergence_ends_every_plan(monkeypatch: pytest.MonkeyPatch, lldb: Client) -> None:
    def diverge(timeline: FakeTimeline, stops: Stops, until: int | None = None, **_: bool) -> Stop:
        return Stop(Why.DIVERGED, timeline.position, timeline.pc, note="It went elsewhere.")

    monkeypatch.setattr(FakeTimeline, "run_forward", diverge)
    assert description(lldb.run("c")[1]) == "It went elsewhere."


def test_threads(lldb: Client) -> None:
    assert ";threads:" not in lldb.ask("?")
    assert lldb.ask("QListThreadsInStopReply") == "OK"
    assert lldb.ask("?").startswith("T05thread:1;threads:1;00:")
    assert lldb.ask("qThreadStopInfo1").startswith("T05thread:1;")
    assert lldb.ask("qThreadStopInfo2") == "E01"


def threads_info(client: Client) -> dict[str, object]:
    (thread,) = json.loads(client.ask("jThreadsInfo"))
    return dict(thread)


def test_threads_info(lldb: Client) -> None:
    thread = threads_info(lldb)
    registers = thread.pop("registers")
    assert thread == {"tid": 1, "signal": 5}
    assert isinstance(registers, dict) and registers["15"] == "08000000"
    lldb.ask(f"Z2,{CONSTANT:x},4")
    lldb.run("c")
    thread = threads_info(lldb)
    assert thread["reason"] == "watchpoint"
    assert thread["description"] == f"{CONSTANT} 0 {CONSTANT}"
    lldb.ask(f"z2,{CONSTANT:x},4")
    lldb.run("c")
    assert str(threads_info(lldb)["description"]).startswith("history boundary: end")
    lldb.run("bs")
    assert threads_info(lldb).keys() == {"tid", "signal", "registers"}


@pytest.mark.parametrize("kind", [0, 1])
def test_breakpoints_are_removed_whatever_length_is_said(lldb: Client, kind: int) -> None:
    """LLDB inserts with 2, and removes with 4."""
    lldb.ask(f"Z{kind},{LOOP:x},2")
    lldb.ask(f"Z{kind},{BACK:x},2")
    assert lldb.ask(f"z{kind},{LOOP:x},4") == "OK"
    assert lldb.run("c")[1] == ("T05swbreak:;", "T05hwbreak:;")[kind]
    assert lldb.timeline.pc == BACK
    lldb.ask(f"z{kind},{BACK:x},4")
    assert description(lldb.run("c")[1]).startswith("history boundary: end")


def test_both_kinds_at_an_address_are_two_breakpoints(lldb: Client) -> None:
    lldb.ask(f"Z0,{LOOP:x},2")
    lldb.ask(f"Z1,{LOOP:x},4")
    lldb.ask(f"z0,{LOOP:x},4")
    assert lldb.run("c")[1] == "T05hwbreak:;"
    lldb.ask(f"z1,{LOOP:x},2")
    lldb.run("s")
    assert description(lldb.run("c")[1]).startswith("history boundary: end")


def test_a_condition_is_replaced_whatever_length_is_said(lldb: Client) -> None:
    lldb.ask(f"Z0,{LOOP:x},3;X3,220027")  # const8 0; end: never
    lldb.ask(f"Z0,{LOOP:x},2")
    assert lldb.run("c")[1] == "T05swbreak:;"


def test_watchpoints_of_other_lengths_are_others(lldb: Client) -> None:
    lldb.ask(f"Z2,{CONSTANT:x},4")
    lldb.ask(f"Z2,{CONSTANT:x},2")
    lldb.ask(f"z2,{CONSTANT:x},4")
    assert lldb.run("c")[1].startswith("T05watch:")
    lldb.ask(f"z2,{CONSTANT:x},2")
    assert description(lldb.run("c")[1]).startswith("history boundary: end")
