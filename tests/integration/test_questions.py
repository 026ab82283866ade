"""Questions about a run, each compared with a slow look at the same stretch."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli_tools import ROOT, elf, refused, ttd
from tests.integration.guests import install
from tests.integration.inside import playing_session, record_to_end
from tests.snapshots import snapshots_every
from ttd.debugger.asked import Asker
from ttd.debugger.asking import ASKINGS
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.questions.calls import calls
from ttd.questions.coverage import coverage, lcov
from ttd.questions.diff import diff
from ttd.questions.irqs import irqs
from ttd.questions.output import output
from ttd.questions.past import Past
from ttd.questions.profile import IDLE, folded, profile, speedscope
from ttd.questions.values import values
from ttd.recording.events import Kind, to_small

SNAPSHOTS = 20_000
"""Steps between two."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a guest with interrupts, tasks and sleeps."""
    made = tmp_path_factory.mktemp("questions") / "irqs.ttd"
    with pytest.MonkeyPatch.context() as patch:
        snapshots_every(patch, SNAPSHOTS)
        record_to_end(elf("irqs"), made)
    return made


@pytest.fixture(scope="module")
def past(path: Path) -> Iterator[Past]:
    session = playing_session(path)
    yield Past(session)
    session.close()


@pytest.fixture(autouse=True)
def stays(past: Past) -> Iterator[None]:
    """A question leaves the machine where it is."""
    past.go(777)
    hash_before = past.snapshots.state_hash(past.snapshots.capture())
    yield
    assert past.timeline.position == 777
    assert past.snapshots.state_hash(past.snapshots.capture()) == hash_before


def test_irqs(past: Past) -> None:
    taken = [
        (event.step, to_small(event.payload)) for _, event in past.log.select((Kind.INTERRUPT,))
    ]
    rows = irqs(past, past.stretch())
    assert [(row.place.step, row.number) for row in rows] == taken
    assert [row.number for row in irqs(past, past.stretch(), "systick")] == [
        number for _, number in taken if number == 15
    ]
    late = irqs(past, past.stretch(100_000, 200_000, backward=True, limit=5), "exception 15")
    wanted = [s for s, number in taken if number == 15 and 100_000 <= s < 200_000]
    assert [row.place.step for row in late] == wanted[-5:][::-1]
    assert {row.name for row in irqs(past, past.stretch(), "svc")} == {"SVCall"}
    with pytest.raises(UserError, match="Nothing called 'nobody' was taken"):
        irqs(past, past.stretch(), "nobody")


def test_output(past: Past, path: Path) -> None:
    """The step after which the text is there."""
    printed = bytearray()
    wanted = []

    def hear(name: str, data: bytes) -> None:
        for byte in data:
            printed.append(byte)
            if printed.endswith(b"basepri"):
                wanted.append(session.machine.engine.step)

    session = playing_session(path)
    with session.replay.heard(hear):
        session.run(None, lambda step: None)
    session.close()
    rows = output(past, past.stretch(), "basepri")
    assert [row.place.step for row in rows] == wanted
    lines = bytes(printed).decode().splitlines()
    every = output(past, past.stretch(), "")
    assert [row.line for row in every] == lines
    assert output(past, past.stretch(backward=True, limit=2), "") == every[:-3:-1]
    cut = past.stretch(every[2].place.step, every[4].place.step)
    assert output(past, cut, "") == every[2:4]
    with pytest.raises(UserError):
        output(past, past.stretch(), "two\nlines")


def test_diff(past: Past) -> None:
    names = [register.name for register in past.timeline.cpu.registers]

    def look(step: int) -> tuple[list[tuple[int, int, bytes]], list[int]]:
        past.go(step)
        memory = [
            (base, length, past.machine.engine.read(base, length))
            for base, length in past.machine.engine.regions()
        ]
        return memory, [past.timeline.cpu.read_register(name) for name in names]

    for one, other in ((100, past.timeline.end), (50_000, 50_001), (60_000, 60_000), (200, 100)):
        with past.staying():
            (before, registers), (after, others) = look(one), look(other)
        found = diff(past, Place(0, one), Place(0, other))
        assert {(d.name, d.old, d.new) for d in found if d.kind == "register"} == {
            each for each in zip(names, registers, others, strict=True) if each[1] != each[2]
        }
        differing = {
            base + at
            for (base, _, old), (_, _, new) in zip(before, after, strict=True)
            if old != new
            for at in range(len(old))
            if old[at] != new[at]
        }
        told: Counter[int] = Counter()
        for each in found:
            if each.kind == "memory" and each.address is not None:
                told.update(range(each.address, each.address + each.size))
        assert differing <= set(told) and set(told.values()) <= {1}
        assert all(
            differing & set(range(d.address, d.address + d.size))
            for d in found
            if d.kind == "memory" and d.address is not None
        )


def test_profile(past: Past) -> None:
    stretch = past.stretch(1000, 3000)
    counted: Counter[str] = Counter()
    clock = past.machine.clock
    with past.staying():
        past.go(1000)
        slept = clock.warp_ns
        while past.timeline.position < 3000:
            counted[past.function(past.machine.engine.pc)] += clock.clock_ns
            past.one_step()
        slept = clock.warp_ns - slept
    shares = profile(past, stretch, 2000)
    assert {share.function: share.ns for share in shares if share.function != IDLE} == counted
    assert sum(share.ns for share in shares if share.function == IDLE) == slept

    called = profile(past, stretch, 200, stacks=True)
    assert sum(share.ns for share in called) == 2000 * clock.clock_ns + slept
    assert any(len(share.stack) > 1 and share.stack[0] == "main" for share in called)

    whole = past.stretch()
    with past.staying():
        past.go(whole.end)
        total = past.machine.virtual_ns
    shares = profile(past, whole, 50)
    assert sum(share.ns for share in shares) == total
    assert [int(line.rpartition(" ")[2]) for line in folded(shares)] == [s.ns for s in shares]
    written = speedscope(shares, "run")
    (sampled,) = written["profiles"]  # type: ignore[misc]
    assert sum(sampled["weights"]) == sampled["endValue"] == total
    assert len(sampled["samples"]) == len(sampled["weights"])


@pytest.mark.parametrize(("begin", "end"), [(1000, 1001), (19_000, 21_000), (500, 3000)])
def test_coverage(past: Past, begin: int, end: int) -> None:
    """Over a snapshot, too; whole intervals are in the file (the next test)."""
    found = coverage(past, past.stretch(begin, end))
    assert {each.file: (each.executed, each.missed) for each in found} == _lines(past, begin, end)


def test_no_step_is_looked_at_twice_by_a_profile(past: Past) -> None:
    """However many samples are asked for, it takes no longer than its steps."""
    shares = profile(past, past.stretch(1000, 1100), 10**12)
    assert sum(share.samples for share in shares) == 100


def test_coverage_of_all(past: Past) -> None:
    begin, end = SNAPSHOTS, 2 * SNAPSHOTS
    assert past.snapshots.index.executed(1) is not None
    found = coverage(past, past.stretch(begin, end))
    assert {each.file: (each.executed, each.missed) for each in found} == _lines(past, begin, end)
    files = coverage(past, past.stretch())
    (ours,) = (each for each in files if each.file.endswith("/irqs.c"))
    assert {each.name for each in ours.functions if each.executed} >= {"main", "SysTick_Handler"}
    text = list(lcov([ours]))
    assert text[1] == f"SF:{ours.file}" and text[-1] == "end_of_record"
    counts = dict(line.removeprefix("DA:").split(",") for line in text if line.startswith("DA:"))
    assert [int(line) for line, count in counts.items() if count == "1"] == [*ours.executed]
    assert f"LF:{len(counts)}" in text and f"LH:{len(ours.executed)}" in text


@pytest.mark.slow
def test_what_others_read(past: Past, tmp_path: Path) -> None:
    """genhtml takes the tracefile; speedscope's schema and flamegraph.pl's lines are kept to."""
    install([Path("/usr/bin/genhtml")], "lcov")
    files = [each for each in coverage(past, past.stretch()) if each.file.endswith("/irqs.c")]
    (tmp_path / "run.info").write_text("".join(f"{line}\n" for line in lcov(files)))
    words = ["genhtml", "-o", tmp_path / "html", tmp_path / "run.info"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    (ours,) = files
    total = len(ours.executed) + len(ours.missed)
    assert done.returncode == 0, done.stderr
    assert f"({len(ours.executed)} of {total} lines)" in done.stdout
    shares = profile(past, past.stretch(), 200, stacks=True)
    assert all(re.fullmatch(r"[^;]+(;[^;]+)* \d+", line) for line in folded(shares))
    written = speedscope(shares, "run")
    (sampled,) = written["profiles"]  # type: ignore[misc]
    assert written["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert {*sampled} == {*("type", "name", "unit", "startValue", "endValue", "samples", "weights")}
    assert (sampled["type"], sampled["unit"]) == ("sampled", "nanoseconds")
    frames = written["shared"]["frames"]  # type: ignore[index]
    assert all({*frame} == {"name"} for frame in frames)
    assert {n for stack in sampled["samples"] for n in stack} == {*range(len(frames))}


def _lines(past: Past, begin: int, end: int) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Executed and other lines of each file, from one step after the other."""
    kinds = (Kind.INTERRUPT, Kind.EXCEPTION)
    taken = {event.step for _, event in past.log.select(kinds, begin, end)}
    ran = set()
    with past.staying():
        past.go(begin)
        while past.timeline.position < end:
            if past.timeline.position not in taken:
                ran.add(past.machine.engine.pc)
            past.one_step()
    lines: dict[str, dict[int, bool]] = {}
    for each in past.program.all_lines():
        here = any(pc in ran for pc in range(each.start, each.end, 2))
        known = lines.setdefault(each.file, {})
        known[each.number] = known.get(each.number, False) or here
    return {
        file: (
            tuple(sorted(line for line, hit in known.items() if hit)),
            tuple(sorted(line for line, hit in known.items() if not hit)),
        )
        for file, known in lines.items()
    }


def test_values_that_change_with_every_step(past: Past) -> None:
    """No more steps are looked at than it takes."""
    assert [row.place.step for row in values(past, past.stretch(limit=4), "$pc")] == [0, 0, 1, 2]
    for what in ("xpsr.IPSR", "sp"):
        found = values(past, past.stretch(), what)
        assert values(past, past.stretch(backward=True, limit=3), what) == found[:-4:-1]
        assert values(past, past.stretch(limit=3), what) == found[:3]


def test_calls_that_are_jumps(past: Past) -> None:
    """`SVC_Handler` jumps to `svc`."""
    for call in calls(past, past.stretch(), "svc"):
        with past.staying():
            past.go(call.place.step - 1)
            there = past.timeline.probe.read_memory(past.machine.engine.pc, 4)
        assert bool(call.jumped) == (there[1] & 0xD0 != 0xD0 or there[3] & 0xD0 != 0xD0), call
    assert [str(row) for row in calls(past, past.stretch(), hex(past.program.entry("svc")))] == [
        str(row) for row in calls(past, past.stretch(), "svc")
    ]
    with pytest.raises(UserError, match="is inside svc, which begins at"):
        calls(past, past.stretch(), hex(past.program.entry("svc") + 2))


def test_commands(path: Path) -> None:
    done = ttd("ask", path, "irqs", "SysTick", "--limit", "2", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0 and [row["name"] for row in rows] == ["SysTick", "SysTick"]
    assert rows[0]["place"] == f"main:{rows[0]['step']}"
    short = ttd("irqs", path, "SysTick", "--limit", "2", "--csv").out.decode().splitlines()
    assert short[0].startswith("place,number,line,name,handler,pc,returned,steps")
    assert [line.split(",")[0] for line in short[1:]] == [row["place"] for row in rows]
    text = ttd("irqs", path, "SysTick", "--from", str(rows[1]["step"]), "--limit", "1").out.decode()
    assert text.split()[:3] == [str(rows[1]["step"]), "SysTick:", "SysTick_Handler,"]
    nothing = ttd("irqs", path, "SysTick", "--to", "1")
    assert (nothing.code, nothing.out, nothing.err) == (1, b"", "ttd: irqs: there is none\n")
    assert ttd("diff", path, "100", "101", "--limit", "1").out.decode().count("\n") == 1
    refused(ttd("ask", path), "what is asked")
    refused(ttd("output", path), "output takes TEXT")
    refused(ttd("irqs", path, "--from", "yesterday"), "--from takes")
    refused(ttd("irqs", path, "--from", "9", "--to", "5"), "ends, at 5, before it begins, at 9")
    refused(ttd("last", path, "0x90000000"), "no memory and no device at 0x90000000")
    assert ttd("irqs", path, "--json", "--csv").code == 2
    assert ttd("ask", path, "nonsense").code == 2


def test_code_is_named_as_answers_name_it(past: Past) -> None:
    """`main+4`."""
    asker = Asker(past)
    main = past.program.entry("main")
    for beyond in (0, 4):
        found = asker.ask(ASKINGS["executed"], [f"main+{beyond}", "--limit=1", "--from", "0"])
        assert found == asker.ask(
            ASKINGS["executed"], [hex(main + beyond), "--limit=1", "--from", "0"]
        )
        assert f"{main + beyond:#x}  main" in found
    for name in ("main+x", "nosuch+4", "+4"):
        with pytest.raises(UserError, match="has a function"):
            asker.ask(ASKINGS["executed"], [name])


def test_a_debugger_takes_spaces(past: Past) -> None:
    """Of an expression as they are, of a text in quotes; a quote of C stays."""
    asker = Asker(past)
    found = asker.ask(ASKINGS["executed"], ["main", "--limit=1", "--from", "0"])
    assert "main" in found
    with pytest.raises(UserError, match=r"0x0 - \'a\' \+"):
        asker.ask(ASKINGS["values"], ["0x0", "-", "'a'", "+"])
    assert "there is none" in asker.ask(ASKINGS["find"], ['"no', "such", 'text"'])
    assert "none before step 777" in asker.ask(ASKINGS["last"], ["0x20000ff0"])


def test_values_that_a_debugger_has_given(path: Path, tmp_path: Path) -> None:
    """As they are seen step by step, forward and backward, of registers and memory."""
    copy, low, high = tmp_path / "run.ttd", 49_900, 50_300
    shutil.copy(path, copy)
    edits = ("--set", "$r0=0x1234", "--set", "*(int*)0x20000000=77")
    assert ttd("branch", str(copy), "--at", "50000", *edits, "--steps", "51000").code == 0
    session = playing_session(copy)
    past, timeline = Past(session), session.timeline
    timeline.go_to(Place(1, low))

    def word() -> int:
        return int.from_bytes(timeline.probe.read_memory(0x20000000, 4), "little")

    read = {
        "$r0": lambda: timeline.cpu.read_register("r0"),
        "*(int*)0x20000000": word,
        "*(int*)0x20000000 + 1": lambda: word() + 1,
    }
    seen: dict[str, list[int]] = {text: [] for text in read}
    while timeline.position < high:
        for text, value in read.items():
            if [value()] != seen[text][-1:]:
                seen[text].append(value())
        timeline.step_forward()
    for text, expected in seen.items():
        rows = values(past, past.stretch(low, high - 1), text)
        assert [row.value for row in rows] == expected
        assert [row.place.step for row in rows if row.where == "debugger"] == [50_000]
        for limit in range(1, len(rows) + 1):
            latest = values(past, past.stretch(low, high - 1, backward=True, limit=limit), text)
            assert latest == rows[::-1][:limit]
            assert values(past, past.stretch(low, high - 1, limit=limit), text) == rows[:limit]
    session.close()


def test_a_place_says_its_branch(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run.ttd"
    shutil.copy(path, copy)
    ttd("branch", str(copy), "--at", "50000", "--set", "$r0=1", "--steps", "51000")
    rows = ttd("executed", str(copy), "0x0-0xffffffff", "--from", "b1:50010", "--limit", "1")
    assert rows.out.split()[0] == b"b1:50010"
    two = ttd("executed", str(copy), "main", "--from", "b1:50010", "--to", "main:60000")
    refused(two, "one branch")
