"""What the guest has printed and when, asked for anywhere: compared with one look at all of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.cli_tools import FIRMWARE, refused, start, ttd, verify
from tests.integration.inside import Typed, playing_session, record_to_end, recording_session
from tests.snapshots import no_snapshots, snapshots_every
from ttd import printed
from ttd.recorded import RecordedMachine
from ttd.stops import Why
from ttd.timeline import Timeline

IRQS = FIRMWARE / "irqs/irqs.elf"
CALLS = FIRMWARE / "calls/calls.elf"


class Char(NamedTuple):
    """One character that was printed."""

    step: int
    name: str
    data: bytes


def all_of(path: Path) -> list[Char]:
    """Every character, by a replay that hears all."""
    session = playing_session(path)
    found = []

    def hear(name: str, data: bytes) -> None:
        step = session.machine.engine.step
        found.extend(Char(step, name, bytes([byte])) for byte in data)

    with session.replay.heard(hear):
        session.run(None, lambda step: None)
    session.close()
    return found


def lines_of(chars: list[Char], text: bytes, before: int) -> list[tuple[int, bytes, int]]:
    """(begin, line, where the text ends) of what steps before `before` print, the latest first."""
    found = []
    for name in dict.fromkeys(char.name for char in chars):
        line: list[Char] = []
        for char in [c for c in chars if c.name == name and c.step < before] + [Char(-1, "", b"")]:
            if char.data not in (b"\n", b""):
                line.append(char)
                continue
            data = b"".join(c.data for c in line)
            at = data.rfind(text)
            if (line or char.data) and at >= 0:
                begin = (line or [char])[0].step
                end = line[at + len(text) - 1].step if text else begin
                found.append((begin, data[: printed.LONGEST].rstrip(b"\r"), end))
            line = []
    return sorted(found, key=lambda entry: -entry[0])


def seen(timeline: Timeline, text: str, count: int) -> list[tuple[int, bytes, int]]:
    return [(line.begin, line.data, line.found) for line in timeline.output.lines(text, count)]


@pytest.fixture(scope="module", params=[700, 20_000, 0])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a guest that prints, with snapshots so many steps apart (0: only one)."""
    made = tmp_path_factory.mktemp("printed") / "run.ttd"
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            snapshots_every(patch, request.param)
        else:
            no_snapshots(patch)
        record_to_end(CALLS, made)
    return made


@pytest.fixture
def session(path: Path) -> Iterator[RecordedMachine]:
    opened = playing_session(path)
    yield opened
    opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("cache", [printed.CACHE, 200])
def test_from_every_place(
    path: Path, session: RecordedMachine, cache: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printed, "CACHE", cache)
    chars = all_of(path)
    text = lines_of(chars, b"", 1 << 60)[0][1][:3].decode()
    timeline, rng = session.timeline, random.Random(7)
    border = [char.step + more for char in rng.sample(chars, 4) for more in (0, 1)]
    for step in (0, *border, *(rng.randrange(timeline.end) for _ in range(6)), timeline.end):
        timeline.seek(step)
        before = session.snapshots.state_hash(session.snapshots.capture())
        assert seen(timeline, "", 10) == lines_of(chars, b"", step)[:10]
        for word in (text, "e", "nowhere"):
            past = lines_of(chars, word.encode(), step)
            later = [f for f in lines_of(chars, word.encode(), 1 << 60) if f[2] >= step]
            assert seen(timeline, word, 5) == (past or later)[:5]
        assert timeline.position == step
        assert session.snapshots.state_hash(session.snapshots.capture()) == before


def test_going_back_from_one_to_the_one_before(path: Path, session: RecordedMachine) -> None:
    timeline, chars = session.timeline, all_of(path)
    timeline.seek(timeline.end)
    places = []
    while (stop := timeline.back_to_printed("e")).note == "":
        assert stop.why is Why.STEPS
        places.append(stop.step)
    assert places == [char.step for char in reversed(chars) if char.data == b"e"]
    assert "'e' was not printed before step" in stop.note
    assert timeline.position == places[-1]


def test_interrupted(session: RecordedMachine) -> None:
    timeline = session.timeline
    timeline.seek(timeline.end)
    timeline.interrupt()
    assert timeline.back_to_printed("nowhere").why is Why.INTERRUPTED
    assert timeline.position == timeline.end
    assert timeline.back_to_printed("e").why is Why.STEPS


@pytest.mark.slow
def test_while_it_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look leaves the recording as it is, and nothing is printed twice."""
    snapshots_every(monkeypatch, 5000)
    serial, made = Typed(), tmp_path / "run.ttd"
    session = recording_session(IRQS, made, serial)
    timeline = session.timeline
    while timeline.seek(timeline.position + 17_001).why is Why.STEPS:
        count = len(serial.printed)
        whole = bytes(serial.printed)
        assert [line.data for line in reversed(timeline.output.lines("", 1000))] == [
            line.rstrip(b"\r") for line in whole.removesuffix(b"\n").split(b"\n")
        ]
        end = timeline.end
        timeline.seek(end // 2)
        assert timeline.output.lines("order", 3)
        assert timeline.back_to_printed("irqs").why is Why.STEPS
        timeline.seek(end)
        assert len(serial.printed) == count
    ended = session.machine.ended
    assert ended is not None
    session.finish(ended.reason, ended.code)
    session.close()
    verify(made)
    assert ttd("console", made).out == bytes(serial.printed)


def test_console(tmp_path: Path) -> None:
    made = tmp_path / "run.ttd"
    done = ttd("record", "--board", "mps2-an385", "--semihosting", "-o", made, CALLS)
    assert ttd("console", made).out == done.out
    assert ttd("console", made, "--serial", "0").out == ttd("console", made, "--serial=uart0").out
    assert ttd("console", made, "--serial", "uart4").out == b""
    numbered = ttd("console", "--steps", made).out.decode().splitlines()
    split = [(int(line[:14]), line[16:]) for line in numbered]
    assert [line for _, line in split] == done.out.decode().splitlines()
    lines = lines_of(all_of(made), b"", 1 << 60)
    assert sorted(split) == sorted((begin, data.decode()) for begin, data, _ in lines)
    refused(ttd("console", tmp_path / "none.ttd"), "No such file")
    wrong = ttd("console", made, "--serial", "7")
    assert wrong.code == 2
    assert "there is no device '7' that prints; there are uart0, uart1" in wrong.err


@pytest.mark.slow
def test_console_of_a_recording_that_was_cut_off(tmp_path: Path) -> None:
    made, out = tmp_path / "run.ttd", tmp_path / "out"
    words = ("record", "--board", "mps2-an385", "-o", made, "--serial", f"file:{out}")
    process = start(*words, FIRMWARE / "bench/bench-systick.elf")
    while not out.exists() or not out.read_bytes():
        assert process.poll() is None
    process.kill()
    process.wait()
    printed_then = ttd("console", made).out
    assert out.read_bytes().startswith(printed_then) or printed_then.startswith(out.read_bytes())
