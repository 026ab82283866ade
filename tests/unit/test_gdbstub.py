"""Sessions packet by packet: what each request does, and what is answered."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.unit.gdbstub_fake import BACK, CONSTANT, COUNTER, LOAD, LOOP, RAM, STORE, FakeTimeline
from ttd.debugger.marks import Marks
from ttd.devices.base import View
from ttd.errors import UserError
from ttd.gdbstub import GdbSession
from ttd.printed import Line
from ttd.probe_api import SystemRequest, TimelineError
from ttd.rsp.framing import Ack, Decoder, Junk, Nack, Packet, encode
from ttd.rsp.stoptable import MOST_STOPS
from ttd.stops import Stop, Stops, Why
from ttd.target import PACKET_SIZE


class Client:
    """Talks to a session without a connection; acknowledgments off."""

    def __init__(self, timeline: FakeTimeline | None = None, *features: str, **options) -> None:  # type: ignore[no-untyped-def]
        self.timeline = timeline or FakeTimeline()
        self.wire = bytearray()
        self.session = GdbSession(self.timeline, self.wire.extend, **options)
        self.ask("QStartNoAckMode")
        self.ask("qSupported:" + ";".join(features))

    def packets(self, request: str | bytes) -> list[bytes]:
        """Everything sent upon `request`."""
        payload = request.encode() if isinstance(request, str) else request
        self.wire.clear()
        self.session.handle(Packet(payload))
        events = Decoder(2 * PACKET_SIZE).feed(bytes(self.wire))
        return [event.payload for event in events if isinstance(event, Packet)]

    def ask(self, request: str | bytes) -> str:
        """The one reply."""
        (reply,) = self.packets(request)
        return reply.decode("latin-1")

    def run(self, request: str) -> tuple[str, str]:
        """Console text and stop reply (without registers and thread)."""
        *console, reply = self.packets(request)
        assert all(packet.startswith(b"O") for packet in console)
        text = b"".join(bytes.fromhex(packet[1:].decode()) for packet in console).decode()
        return text, reply.decode().partition("thread:")[0]

    def monitor(self, command: str) -> str:
        text, reply = self.run("qRcmd," + command.encode().hex())
        assert reply == "OK"
        return text


@pytest.fixture
def client() -> Client:
    return Client()


def test_features_are_those_of_the_handlers(client: Client) -> None:
    features = client.ask("qSupported:multiprocess+").split(";")
    assert len(features) == len(set(features))
    assert {
        "PacketSize=20000",
        "QStartNoAckMode+",
        "qXfer:features:read+",
        "qXfer:memory-map:read+",
        "qXfer:threads:read+",
        "ReverseStep+",
        "ReverseContinue+",
        "swbreak+",
        "hwbreak+",
        "vContSupported+",
        "ConditionalBreakpoints+",
        "error-message+",
        "binary-upload+",
    } == set(features)


def test_acknowledgments() -> None:
    wire = bytearray()
    session = GdbSession(FakeTimeline(), wire.extend)
    session.handle(Nack())
    session.handle(Ack())
    assert not wire  # there is nothing that could be repeated
    session.handle(Packet(b"g", intact=False))
    assert wire == b"-"
    wire.clear()
    session.handle(Packet(b"qC"))
    assert wire == b"+" + encode(b"QC1")
    wire.clear()
    session.handle(Nack())
    assert wire == encode(b"QC1")
    wire.clear()
    session.handle(Ack())
    session.handle(Nack())
    assert not wire  # it has arrived
    session.handle(Packet(b"QStartNoAckMode"))
    wire.clear()
    session.handle(Packet(b"qC", intact=False))
    assert wire == encode(b"QC1")


@pytest.mark.parametrize("hello", [b"qSupported:swbreak+", b"s", b"QStartNoAckMode"])
def test_what_was_sent_while_nobody_answered(hello: bytes) -> None:
    """GDB sends a packet three times more, then asks for an answer, before it goes on."""
    wire = bytearray()
    session = GdbSession(FakeTimeline(), wire.extend)
    for event in (*[Packet(hello)] * 4, Nack(), Nack(), Nack()):
        session.handle(event, heard=0)
    frames = [e for e in Decoder(1 << 18).feed(bytes(wire)) if isinstance(e, Packet)]
    assert len(frames) == 1
    session.handle(Ack())
    wire.clear()
    session.handle(Packet(b"qC"))
    assert wire.endswith(encode(b"QC1"))


def test_a_client_that_loses_patience_gets_no_old_answer(client: Client) -> None:
    wire = bytearray()
    session = GdbSession(FakeTimeline(), wire.extend)
    session.handle(Packet(b"qC"))
    session.handle(Ack())
    heard = session.sent  # the next request takes long
    session.handle(Packet(b"?"), heard)
    wire.clear()
    session.handle(Nack(), heard)
    assert not wire


@pytest.mark.parametrize(
    ("packet", "reply"),
    [
        ("vMustReplyEmpty", ""),
        (
            "QTinit",
            "E.ttd has no tracepoints: all steps are trace frames already, 'tfind N' looks at one.",
        ),
        ("QPassSignals:e;10", ""),
        ("qSymbol::", ""),
        ("qTStatus", "T0;tnotrun:0"),
        ("qTfP", "l"),
        ("qfThreadInfo", "m1"),
        ("qsThreadInfo", "l"),
        ("qAttached", "1"),
        ("Hg0", "OK"),
        ("Hc-1", "OK"),
        ("Hg2", "E01"),
        ("T1", "OK"),
        ("T2", "E01"),
        ("vCont?", "vCont;c;C;s;S;t;r"),
        ("!", "OK"),
        ("m20000000,4", "00000000"),
        ("m100ffffe,4", "E0d"),
        ("m8,0", ""),
        ("mzz", "E0d"),
        ("p63", "E0d"),
        ("pf", "08000000"),
        ("pf;thread:1;", "08000000"),
        ("x8,2", "b\x00\x20"),
        ("x8,0", "b"),
        ("X20000000,0:", "OK"),
        ("vCtrlC", "OK"),
        ("Z2,20000000,0", "E.A watchpoint needs a length of one byte or more."),
        ("Z9,20000000,4", "E.no such kind of breakpoint"),
        ("Z1,100000000,2", "E.This machine has no address 0x100000000."),
        ("Z0,20000000,0", "OK"),
        ("Z2,fffffff8,10", "OK"),
        ("Z2,20000000,ffffffffffffffff", "E.A watchpoint is at most 16777216 bytes long."),
        ("P63=00000000", "E.there is no register 99"),
        ("Pf=00", "E.not the size of the register"),
        ("G00", "E.not the size of all registers"),
        ("M20000000,4:00", "E.4 bytes announced, 1 sent"),
        ("vCont;x", "E.unknown vCont action"),
    ],
)
def test_plain_answers(client: Client, packet: str, reply: str) -> None:
    assert client.ask(packet) == reply


def test_documents_come_in_windows(client: Client) -> None:
    whole = client.ask("qXfer:features:read:target.xml:0,ffff")
    assert whole.startswith("l<?xml") and "<osabi>none</osabi>" in whole
    assert client.ask("qXfer:features:read:target.xml:0,5") == "m<?xml"
    assert client.ask("qXfer:features:read:target.xml:ffff,5") == "l"
    assert client.ask("qXfer:features:read:other.xml:0,5") == "E00"
    assert client.ask("qXfer:memory-map:read::0,ffff").endswith("</memory-map>\n")


def test_a_huge_read_is_cut_short(client: Client) -> None:
    assert client.ask("m8,ffffffffffff") == client.ask("m8,10")


def test_stop_reply_carries_the_core_registers(client: Client) -> None:
    reply = client.ask("?")
    assert reply.startswith("T05thread:1;00:00000000;")
    assert "f:08000000;" in reply
    assert "1a:" not in reply  # msp: not `in_stop_reply`


def test_steps_both_ways_and_the_ends(client: Client) -> None:
    assert client.run("vCont;s:1;c") == ("", "T05")
    assert client.timeline.position == 1
    assert client.run("bs") == ("", "T05")
    assert client.run("bs") == ("", "T05replaylog:begin;")
    assert client.run("bc") == ("", "T05replaylog:begin;")
    text, reply = client.run("vCont;c")
    assert text == "The recording ends here: guest called exit(1).\n"
    assert reply == "T05replaylog:end;"
    assert client.run("s")[1] == "T05replaylog:end;"
    assert client.timeline.position == 1000


@pytest.mark.parametrize(("digit", "word"), [("0", "swbreak"), ("1", "hwbreak")])
def test_breakpoints_both_ways(client: Client, digit: str, word: str) -> None:
    place = f"{digit},{LOAD:x},2"
    assert client.ask("Z" + place) == client.ask("Z" + place) == "OK"
    assert client.run("c") == ("", f"T05{word}:;")
    assert client.timeline.position == 5
    assert client.run("c")[1] == f"T05{word}:;"
    assert client.timeline.position == 5  # it is GDB that steps over it
    client.timeline.seek(6)
    assert client.run("c")[1] == f"T05{word}:;"
    assert client.timeline.position == 10
    assert client.run("bc")[1] == f"T05{word}:;"
    assert client.timeline.position == 5
    assert client.ask("z" + place) == client.ask("z" + place) == "OK"
    assert client.run("bc")[1] == "T05replaylog:begin;"


def test_range_step_stays_in_the_range(client: Client) -> None:
    client.timeline.seek(3)
    assert client.run(f"vCont;r{STORE - 2:x},{BACK:x}:1;c") == ("", "T05")
    assert client.timeline.pc == BACK


def test_conditions_both_ways(client: Client) -> None:
    expression = bytes.fromhex("26000023001e1327")  # $r0 == 30
    client.ask(f"Z0,{LOAD:x},2;X{len(expression):x},{expression.hex()}")
    assert client.run("c")[1] == "T05swbreak:;"
    assert client.timeline.position == 30 * 5
    client.timeline.seek(900)
    assert client.run("bc")[1] == "T05swbreak:;"
    assert client.timeline.position == 30 * 5
    assert client.run("bc")[1] == "T05replaylog:begin;"
    # Memory: *(int *) COUNTER == 40. The same packet without condition replaces it.
    expression = bytes.fromhex("24 20000000 19 22 28 13 27")
    client.ask(f"Z0,{LOAD:x},2;X{len(expression):x},{expression.hex()}")
    client.run("c")
    assert client.timeline.position == 40 * 5
    client.ask(f"Z0,{LOAD:x},2")
    client.run("bc")
    assert client.timeline.position == 39 * 5


def test_a_broken_condition_stops(client: Client) -> None:
    client.ask(f"Z0,{LOAD:x},2;X1,01")
    client.run("c")
    assert client.timeline.position == 5
    client.ask(f"Z0,{LOAD:x},2;X7,240000ffff1927")  # reads where nothing is
    assert client.run("c")[1] == "T05swbreak:;"


@pytest.mark.parametrize(("digit", "word"), [("2", "watch"), ("4", "awatch")])
def test_watch_lands_at_the_access_and_just_after_it_in_reverse(
    client: Client, digit: str, word: str
) -> None:
    assert client.ask(f"Z{digit},{COUNTER:x},4") == "OK"
    assert client.run("c") == ("", f"T05{word}:20000000;")
    assert (client.timeline.position, client.timeline.pc) == (4, STORE)
    client.timeline.seek(9)
    assert client.run("bc")[1] == f"T05{word}:20000000;"
    assert client.timeline.position == (5 if digit == "2" else 6)


def test_watch_of_part_of_a_word_names_an_address_inside_it(client: Client) -> None:
    client.ask(f"Z3,{COUNTER + 2:x},1")
    assert client.run("c") == ("", "T05rwatch:20000002;")
    assert client.timeline.pc == LOAD


def test_writes_that_change_nothing_are_for_lldb_only(client: Client) -> None:
    client.ask(f"Z2,{CONSTANT:x},4")
    assert client.run("c")[1] == "T05replaylog:end;"
    lldb = Client()
    lldb.ask("QThreadSuffixSupported")
    lldb.ask(f"Z2,{CONSTANT:x},4")
    assert lldb.run("c")[1] == "T05watch:20000004;"


def test_single_steps_see_watchpoints(client: Client) -> None:
    client.timeline.seek(4)
    client.ask(f"Z2,{COUNTER:x},4")
    assert client.run("s")[1] == "T05watch:20000000;"
    assert client.timeline.position == 4
    client.timeline.seek(5)
    assert client.run("bs")[1] == "T05watch:20000000;"
    assert client.timeline.position == 5
    client.timeline.seek(3)
    assert client.run("s")[1] == "T05"
    assert client.timeline.position == 4
    client.timeline.seek(1)
    assert client.run("bs")[1] == "T05"
    assert client.run("bs")[1] == "T05replaylog:begin;"


def test_lldb_gets_watch_stops_after_the_access(client: Client) -> None:
    assert "watchpoint_exceptions_received:after;" in client.ask("qHostInfo")
    client.ask(f"Z2,{COUNTER:x},4")
    client.run("c")
    assert client.timeline.position == 5
    client.timeline.seek(10)
    client.run("bc")
    assert client.timeline.position == 9


def test_registers_are_written_only_if_they_change() -> None:
    client = Client(FakeTimeline(live=True))
    registers = client.ask("g")
    assert client.ask("G" + registers) == "OK"
    client.timeline.seek(client.timeline.end)
    registers = client.ask("g")
    assert client.ask("G" + registers[:-16] + "0000002001000000") == "OK"
    assert client.timeline.written == [("msp", RAM), ("psp", 1)]
    assert client.ask("P5=78563412") == "OK"
    assert client.timeline.written[-1] == ("r5", 0x12345678)
    assert client.ask("M20000000,2:abcd") == "OK"
    assert client.timeline.written[-1] == (RAM, b"\xab\xcd")


def test_refused_writes_say_why() -> None:
    sentence = "The past cannot be changed; go to the end of a live recording."
    assert Client(None, "error-message+").ask("M20000000,1:00") == "E." + sentence
    lldb = Client()
    lldb.ask("QEnableErrorStrings")
    assert lldb.ask("M20000000,1:00") == "E0d;" + sentence.encode().hex()
    old = Client()
    assert old.ask("M20000000,1:00") == old.ask("P5=78563412") == "E." + sentence
    # The user of an old GDB reads it as soon as there is a console.
    assert old.run("s") == (f"Earlier: {sentence}\n", "T05")
    assert old.run("s") == ("", "T05")
    # A script reads it behind the answer that it has asked for.
    old.ask("M20000000,1:00")
    answer = bytes.fromhex(old.ask("qttd.Monitor:" + b"when".hex())).decode()
    assert answer.startswith("Step: 2 of ") and answer.endswith(f"\nEarlier: {sentence}\n")


def test_armed_seek_moves_with_the_next_resume(client: Client) -> None:
    assert client.monitor("goto 500").startswith("Going to step 500 of 1000 (50.00%)")
    assert client.timeline.position == 0
    assert client.monitor("when").splitlines() == [
        "Step: 0 of 1000 (0.00%)",
        "Virtual time: 0.000000000 s",
        "The next command that resumes goes to step 500 of 1000 (50.00%).",
    ]
    assert client.run("bc") == ("Step: 500 of 1000 (50.00%)\n", "T05")
    assert client.timeline.position == 500
    assert client.run("s") == ("", "T05")
    assert client.timeline.position == 501


@pytest.mark.parametrize(
    ("word", "step"),
    [
        ("start", 0),
        ("end", 1000),
        ("25%", 250),
        ("12.5%", 125),
        ("+7", 107),
        ("-7", 93),
        ("1,000", 1000),
        ("0x10", 16),
    ],
)
@pytest.mark.parametrize("resume", ["s", "c", "bs", "bc", "vCont;r0,100:1"])
def test_goto(client: Client, word: str, step: int, resume: str) -> None:
    client.timeline.seek(100)
    client.monitor(f"goto {word}")
    assert client.run(resume)[1] == "T05"
    assert client.timeline.position == step


@pytest.mark.parametrize("word", ["1001", "-1", "x", "", "200%", "1 2", "nan%", "+x"])
def test_goto_nowhere(client: Client, word: str) -> None:
    assert client.monitor(f"goto {word}").count("\n") == 1
    client.run("s")
    assert client.timeline.position == 1


HUGE = [
    "9" * 4000,
    "9" * 5000,
    "0x" + "f" * 20,
    "-" + "9" * 400,
    "18446744073709551616",
    "\u0663\u0664",
    "1_000",
    "0b11",
    "0o17",
    "1e3",
    "--1",
    "+-1",
    "nan%",
    "1e400%",
    "1" * 400 + "%",
    "-1%",
    "0x",
    "1,00",
    ",",
    "x" * 60_000,
    "\x1b[2J",
]


@pytest.mark.parametrize("word", HUGE, ids=range(len(HUGE)))
def test_numbers_that_people_type(word: str) -> None:
    client = Client(events=FakeEvents())
    for command in (
        "goto",
        "seek",
        "replay_break",
        "restart",
        "delete checkpoint",
        "events",
        "events --kind",
        "events --kind net",
        "back-to event",
        "back-to event net",
        "phys",
        "phys 0",
        "",
    ):
        answer = client.monitor(f"{command} {word}")
        assert answer.count("\n") == 1
        assert len(answer) < 200
        assert answer.rstrip("\n").isprintable()
        assert client.run("s")[1] == "T05"
    assert client.timeline.position == 13  # nothing was armed


@pytest.mark.parametrize("word", ["0700", "700", "0x2bc", "0X2BC", "+700", "70%", "70.00%"])
def test_the_same_place_in_many_words(client: Client, word: str) -> None:
    assert client.monitor(f"goto {word}").startswith("Going to step 700 of 1000")


def test_physical_memory(client: Client) -> None:
    first, second = client.monitor("phys 0 20").splitlines()
    assert bytes.fromhex(first.removeprefix("0x0: ")) == client.timeline.probe.read_memory(0, 16)
    assert second.startswith("0x10: ") and len(second) == len("0x10: 00 00 00 00")
    for words in ("", "x", "0 0", "0 5000", "-4", "0 1 2"):
        assert "takes an address" in client.monitor(f"phys {words}")
    assert "Nothing is at" in client.monitor("phys 0xf0000000")


def test_a_view_of_a_device_is_a_monitor_command(client: Client) -> None:
    client.timeline.seek(7)
    assert client.monitor("lamp") == "step 7\n"
    assert "a lamp that counts" in client.monitor("help")
    assert "no monitor command" in client.monitor("lamp 2")


def test_checkpoints_outlive_a_session() -> None:
    timeline, bookmarks = FakeTimeline(), Marks()
    client = Client(timeline, marks=bookmarks)
    timeline.seek(10)
    assert client.monitor("checkpoint") == "Checkpoint 1 at step 10 of 1000 (1.00%)\n"
    timeline.seek(20)
    client.monitor("checkpoint")
    client = Client(timeline, marks=bookmarks)
    assert len(client.monitor("info checkpoints").splitlines()) == 2
    client.monitor("restart 1")
    client.run("s")
    assert timeline.position == 10
    client.monitor("delete checkpoint 1")
    assert "info checkpoints" in client.monitor("restart 1")
    assert "info checkpoints" in client.monitor("restart x")


def test_monitor_in_the_reply(client: Client) -> None:
    """For scripts inside GDB: no console, one packet, and notes that are waiting first."""
    text = bytes.fromhex(client.ask("qttd.Monitor:" + b"when".hex())).decode()
    assert text == client.monitor("when")
    assert bytes.fromhex(client.ask("qttd.Monitor:" + b"fly".hex())).startswith(b"There is no")
    assert client.ask("qttd.Monitor:7").startswith("E.")


def test_last_stop(client: Client) -> None:
    assert "Nothing has run yet" in client.monitor("last-stop")
    client.monitor("goto 5")
    client.run("s")
    assert "This is where it stopped last: step 5 " in client.monitor("last-stop")
    client.run("s")
    client.run("s")
    assert client.monitor("last-stop").startswith("Going to step 5 ")
    client.run("s")
    assert client.monitor("when").startswith("Step: 5 ")


def test_back_and_forward_walk_the_trail(client: Client) -> None:
    def walk(word: str) -> int:
        client.monitor(word)
        client.run("s")
        return client.timeline.position

    assert client.monitor("back") == "There is no earlier position to go back to.\n"
    walk("goto 100")
    walk("goto 200")
    client.ask(f"Z0,{LOAD:x},2")
    client.run("bc")
    assert client.timeline.position == 195
    assert [walk("back"), walk("back"), walk("back")] == [200, 100, 0]
    assert "no earlier" in client.monitor("back")
    client.run("s")
    assert [walk("forward"), walk("forward"), walk("forward")] == [100, 200, 195]
    assert client.monitor("forward") == "There is no later position to go forward to.\n"
    client.run("bs")
    client.run("bs")
    assert walk("back") == 195  # where the steps began
    assert walk("forward") == 193


def test_back_after_a_watchpoint_includes_the_step_of_gdb(client: Client) -> None:
    watch = f"2,{COUNTER:x},4"
    client.ask("Z" + watch)
    client.run("c")
    client.ask("z" + watch)
    client.run("s")
    assert client.timeline.position == 5
    client.monitor("goto 50")
    client.run("s")
    client.monitor("back")
    client.run("s")
    assert client.timeline.position == 5


def test_monitor_words_of_other_tools(client: Client) -> None:
    client.timeline.seek(5)
    assert client.monitor("halt").startswith("Step: 5 of 1000 (0.50%)\n")
    client.monitor("reset halt")
    client.run("s")
    assert client.timeline.position == 0
    client.monitor("replay_seek 9")
    client.run("c")
    assert client.timeline.position == 9
    assert "goto PLACE " in client.monitor("help")
    assert client.monitor("frobnicate now") == (
        "There is no monitor command 'frobnicate now'; 'monitor help' lists them.\n"
    )
    assert client.monitor("gotoo 5") == (
        "There is no monitor command 'gotoo 5'; 'goto' may be meant, and "
        "'monitor help' lists them.\n"
    )
    assert client.monitor("") == client.monitor("help")
    assert client.monitor("info replay").startswith("Replaying a recording, steps 0 to 1000.\n")


def test_replay_break_stops_a_continue_in_both_directions(client: Client) -> None:
    assert client.monitor("replay_break 700") == (
        "A continue stops at step 700 of 1000 (70.00%), in both directions.\n"
    )
    assert "A continue stops at step 700" in client.monitor("info replay")
    client.run("c")
    assert client.timeline.position == 700
    client.run("c")
    assert client.timeline.position == 1000
    client.run("bc")
    assert client.timeline.position == 700
    client.run("bc")
    assert client.timeline.position == 0
    client.monitor("replay_delete_break")
    assert "A continue" not in client.monitor("info replay")
    client.run("c")
    assert client.timeline.position == 1000
    assert "takes one position" in client.monitor("replay_break")
    assert "1001" in client.monitor("replay_break 1001")


class FakeEvents:
    """A packet at every tenth step, a key at step 5."""

    kinds = ["net", "input"]

    def lines(self, step: int, count: int, kind: str | None = None) -> list[str]:
        return [f"{step + n} {kind or 'uart0'} 'x'" for n in range(count)]

    def nth(self, kind: str, number: int) -> int | None:
        steps = range(10, 100, 10) if kind == "net" else range(5, 6)
        return steps[number - 1] if number <= len(steps) else None

    def last_before(self, kind: str, step: int) -> int | None:
        return (step - 1) // 10 * 10 or None if kind == "net" else 5 if step > 5 else None


def test_back_to_an_event(client: Client) -> None:
    assert client.monitor("back-to event net") == "This server has no list of events.\n"
    client = Client(events=FakeEvents())
    client.timeline.seek(57)
    assert client.monitor("back-to event net 3").startswith("Going to step 30 of 1000")
    assert client.timeline.position == 57, "armed, not gone"
    client.run("s")
    assert client.timeline.position == 30
    client.monitor("back-to event net")
    client.run("bs")
    assert client.timeline.position == 20
    assert client.monitor("back-to event net 7") == (
        "Event 7 of kind net is ahead: 'monitor goto 70'.\n"
    )
    assert client.monitor("back-to event net 10") == "There are fewer than 10 events of kind net.\n"
    client.timeline.seek(3)
    assert (
        client.monitor("back-to event input") == "There is no event of kind input before step 3.\n"
    )
    assert client.monitor("back-to event disk") == (
        "There are no events of kind 'disk'; there are net, input.\n"
    )
    usage = "back-to event takes a kind and maybe a number, such as: net 7.\n"
    for wrong in ("", "net x", "net 0", "net 1 2"):
        assert client.monitor(f"back-to event {wrong}") == usage


def test_what_was_printed(client: Client) -> None:
    assert client.monitor("output") == "Nothing was printed before step 0.\n"
    assert client.monitor("output line 3") == (
        "'line 3' was not printed before step 0, but later:\n            35  line 3\n"
    )
    client.timeline.seek(46)
    assert client.monitor("output").splitlines() == [f"{10 * n:>14}  line {n}" for n in range(1, 5)]
    assert client.monitor("output  line ").splitlines() == [
        *(f"{10 * n + 5:>14}  line {n}" for n in (4, 3, 2, 1)),
        "'monitor goto 45' and 'monitor back-to output line' go to the first of these.",
    ]
    assert client.monitor("output no  such") == "'no  such' was not printed.\n"
    assert "at most 200" in client.monitor("output " + "x" * 201)
    client.timeline.lines = [Line("[uart1] ", 3, b"\x1b[31m\xff\t", 3)]
    assert client.monitor("output") == "             3  [uart1] \\x1b[31m\\xff\\t\n"


def test_back_to_what_was_printed(client: Client) -> None:
    client.timeline.seek(47)
    assert client.monitor("back-to output").startswith("back-to output takes a text")
    said = client.monitor("back-to output line 2")
    assert said.startswith("Going to where 'line 2' was printed last with the next command")
    assert client.timeline.position == 47, "armed, not gone"
    assert "goes to where 'line 2' was printed last." in client.monitor("when")
    assert client.run("s")[0] == "Step: 25 of 1000 (2.50%)\n"
    client.monitor("back-to output line 2")
    text, _ = client.run("bc")
    assert text.startswith("'line 2' was not printed before 25.\n")
    client.monitor("back")
    client.run("s")
    assert client.timeline.position == 47


def test_a_client_that_goes_on_does_not_wait_for_a_search() -> None:
    now = [0.0]
    client = Client(FakeTimeline(slow=True), clock=lambda: now[0])

    def go_on() -> None:
        client.timeline.moving.wait()
        client.session.overtaken()  # so soon it is no sign of anything
        assert not client.session.interrupts.pending
        now[0] += 1
        client.session.overtaken()
        client.session.interrupts.deliver()

    reader = threading.Thread(target=go_on)
    reader.start()
    assert client.packets("qRcmd," + b"output x".hex()) == []
    reader.join()
    assert not client.session.interrupts.pending
    assert client.monitor("when").startswith("Step: 0")


def test_requests_at_the_live_end() -> None:
    client = Client(FakeTimeline(live=True))
    commands = ("system_reset", "system_suspend", "system_wakeup", "quit")
    for command in commands:
        assert client.monitor(command) == (
            "The past cannot be changed; go to the end of a live recording.\n"
        )
    client.timeline.seek(client.timeline.end)
    texts = [client.monitor(command) for command in commands]
    assert texts[0] == "The machine is reset with the next command that resumes.\n"
    assert client.timeline.asked == list(SystemRequest)


def test_events_come_from_the_provider(client: Client) -> None:
    assert client.monitor("events") == "This server has no list of events.\n"
    client = Client(events=FakeEvents())
    client.timeline.seek(3)
    assert client.monitor("events 2") == "3 uart0 'x'\n4 uart0 'x'\n"
    assert len(client.monitor("events").splitlines()) == 10
    assert client.monitor("events --kind net 1") == "3 net 'x'\n"
    assert client.monitor("events --kind disk").startswith("There are no events of kind 'disk'")
    usage = "events takes a number from 1 to 1000, how many to show, and before it --kind K.\n"
    assert client.monitor("events x") == client.monitor("events --kind") == usage


def test_trace_frames_look_without_moving(client: Client) -> None:
    client.timeline.seek(100)
    assert client.ask("QTFrame:7") == "F7T0"
    assert client.ask("pf") == f"{BACK:02x}000000"
    assert "tfind none" in client.monitor("when")
    assert client.ask("M20000000,1:00").startswith("E.A trace frame is read-only")
    assert "Checkpoint 1 at step 100 " in client.monitor("checkpoint")
    assert client.ask("QTFrame:fffff") == "F-1"
    assert client.timeline.position == 7
    assert client.ask("QTFrame:ffffffff") == "F-1"
    assert client.timeline.position == 100
    assert client.ask("QTFrame:pc:10") == "F68T0"
    assert client.ask("QTFrame:pc:10") == "F6dT0"
    assert client.ask("QTFrame:pc:8") == "F-1"
    assert client.run("s")[1] == "T05"
    assert client.timeline.position == 101
    client.ask("QTFrame:7")
    client.session.close()
    assert client.timeline.position == 101


def test_run_kill_restart_detach(client: Client) -> None:
    client.ask("!")
    client.ask(f"Z0,{LOAD:x},2")
    client.run("c")
    assert client.ask("vKill;1") == "OK"
    assert client.run("vRun;")[1] == "T05"
    assert client.timeline.position == 0
    assert client.run("c")[1] == "T05replaylog:end;"
    assert client.packets("R00") == []
    assert client.timeline.position == 0
    assert client.packets("k") == []
    assert client.ask("D;1") == "OK"
    assert not client.session.over
    plain = Client()
    assert plain.packets("k") == []
    assert plain.session.over
    plain = Client()
    assert plain.ask("D") == "OK"
    assert plain.session.over


@pytest.mark.parametrize("resume", ["c", "s", "bc", "bs", "vCont;r8,c:1"])
def test_an_interrupt_waits_for_a_movement(client: Client, resume: str) -> None:
    client.timeline.seek(500)
    client.session.interrupts.seen()
    client.ask("m20000000,4")
    client.monitor("when")
    text, reply = client.run(resume)
    assert (text, reply) == ("Step: 500 of 1000 (50.00%)\n", "T02")
    assert client.run(resume)[1].startswith("T05")


def test_an_interrupt_ends_an_armed_jump_too(client: Client) -> None:
    client.monitor("goto 700")
    client.session.interrupts.seen()
    assert client.run("s") == ("Step: 0 of 1000 (0.00%)\n", "T02")
    assert client.run("s") == ("", "T05")
    assert client.timeline.position == 1


def test_an_interrupt_nobody_asked_for_is_not_reported(client: Client) -> None:
    class Nervous(FakeTimeline):
        calls = 0

        def run_forward(
            self, stops: Stops, until: int | None = None, *, here: bool = False
        ) -> Stop:
            self.calls += 1
            stop = super().run_forward(stops, until if self.calls > 1 else 10, here=here)
            return stop if self.calls > 1 else replace(stop, why=Why.INTERRUPTED)

    client = Client(Nervous())
    assert client.run("c")[1] == "T05replaylog:end;"


def test_a_movement_that_fails_says_why_and_stops(client: Client) -> None:
    class Broken(FakeTimeline):
        def run_backward(self, stops: Stops, until: int | None = None) -> Stop:
            raise TimelineError("The page is damaged.")

    assert Client(Broken()).run("bc") == ("The page is damaged.\n", "T05")


@pytest.mark.parametrize(
    "error", [UserError("The page is damaged."), OverflowError("int too big"), MemoryError()]
)
def test_whatever_fails_the_session_goes_on(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakeTimeline):
        def run_forward(
            self, stops: Stops, until: int | None = None, *, here: bool = False
        ) -> Stop:
            self.seek(self.position + 10)
            raise error

        def write_memory(self, address: int, data: bytes) -> None:
            raise error

        def views(self) -> list[View]:
            raise error

        def read_memory(self, address: int, size: int) -> bytes:
            raise error

    timeline = Broken()
    timeline.seek(100)
    client = Client(timeline)
    for resume in ("c", "s"):
        text, reply = client.run(resume)
        assert reply == "T05"
        assert text.endswith(("damaged.\n", ")\n"))
        assert timeline.position == 100
    assert client.ask("M20000000,1:00").startswith("E.")
    assert client.ask("m20000000,1") == "E0d"
    assert client.packets("qRcmd," + b"lamp".hex())[-1].startswith(b"E.")
    client.ask(_stop_if(b"\x22\x00\x17\x27"))
    assert client.run("bs")[1] == "T05"
    assert not any(record.exc_info for record in caplog.records)
    assert not any("\n" in record.getMessage() for record in caplog.records)


def _stop_if(condition: bytes) -> str:
    return f"Z0,{LOOP:x},2;X{len(condition):x},{condition.hex()}"


def test_a_condition_that_never_ends_can_be_interrupted(client: Client) -> None:
    """A loop; and thousands of them at one place."""
    client.timeline.seek(500)
    loop = b"\x21\x00\x00"
    many = f"Z0,{LOOP:x},2" + ";X3,210000" * 3000
    for insertion in (_stop_if(loop), many):
        client.ask(insertion)
        for resume in ("c", "bc"):
            # Broken: GDB is to find out why.
            assert client.run(resume)[1] == "T05swbreak:;"
    expressions = 0

    class Typed(FakeTimeline):
        def read_memory(self, address: int, size: int) -> bytes:
            nonlocal expressions
            expressions += 1
            if expressions == 20:
                typed.session.interrupts.seen()
                self.interrupt()  # as who reads does then
            return super().read_memory(address, size)

    typed = Client(Typed())
    typed.timeline.seek(500)
    # Each reads a byte that is zero.
    code = b"\x24\x20\x00\x00\x08\x17\x27"
    typed.ask(f"Z0,{LOOP:x},2" + f";X{len(code):x},{code.hex()}" * 10)
    assert typed.run("bc")[1] == "T02"
    assert expressions < 40


def test_there_can_be_too_many_stops(client: Client) -> None:
    for number in range(MOST_STOPS):
        assert client.ask(f"Z0,{2 * number:x},2") == "OK"
    assert client.ask("Z0,0,2") == "OK"
    assert "more than" in client.ask("Z0,ffff0,2")
    assert client.ask("z0,0,2") == client.ask("Z0,ffff0,2") == "OK"


def test_conditions_can_be_too_many(client: Client) -> None:
    code = (b"\x28" * 50_000).hex()
    answers = [client.ask(f"Z0,{at:x},2;X{50_000:x},{code}") for at in range(0, 200, 2)]
    assert answers[:80] == ["OK"] * 80
    assert "conditions" in answers[-1]
    assert client.ask("z0,0,2") == "OK"
    assert client.ask(f"Z0,0,2;X{50_000:x},{code}") == "OK"


def test_progress_of_long_work_goes_to_the_console() -> None:
    class Long(FakeTimeline):
        def run_backward(self, stops: Stops, until: int | None = None) -> Stop:
            assert self.progress is not None
            for percent in range(0, 100, 10):
                now[0] += 0.5
                self.progress(percent / 100, "searching back")
            return super().run_backward(stops, until)

    now = [0.0]
    client = Client(Long(), clock=lambda: now[0])
    text, _ = client.run("bc")
    assert text == "searching back: 30% 70%\n"
    assert client.timeline.progress is not None
    client.timeline.progress(0.5, "not asked for by the client")
    client.session.close()
    assert client.timeline.progress is None


def test_rude_clients_leave_one_line_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.session.handle(Junk(5))
    client.session.handle(Junk(5))
    assert client.ask("mzz") == "E0d"
    assert len(caplog.records) == 1
