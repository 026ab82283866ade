"""Synchronous reads, `char_read_all_*`: what the console gave or refused, it does again in play."""

from __future__ import annotations

from collections.abc import Callable
from errno import EIO, ENXIO
from pathlib import Path

from tests.integration.border import Line, often, recorder, replay_everywhere, run_to_end
from tests.integration.conftest import ttd
from tests.integration.test_live import elf
from ttd.recorded import SEMIHOSTING
from ttd.recording.events import Kind

__all__ = ["often"]


class Console(Line):
    """Answers reads as planned: bytes, or an errno."""

    def __init__(self, plan: list[bytes | int]) -> None:
        super().__init__()
        self.answers = plan
        self.asked: list[int] = []

    def start(self, on_input: Callable[[bytes], None]) -> None:
        pass

    def read_all(self, count: int) -> bytes:
        self.asked.append(count)
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            raise OSError(answer, "unplugged")
        return answer


def test_reads_that_succeed_and_fail(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    console = Console([b"5 lines\n", b"x", EIO, ENXIO, b"", b"", b"again\n", EIO, b"z" * 32, b"\0"])
    run_to_end(recorder("reads", path, uart=line, backends={SEMIHOSTING: console}))
    assert console.asked == [32, 1] * 5
    printed = line.output.decode()
    assert "missing 00000018\n5 lines\ncharacter 00000078\n" in printed
    assert f"missing ffffffff\nerrno {EIO:08x}\ncharacter ffffffff\n" in printed
    assert "missing 00000020\ncharacter ffffffff\n" in printed
    assert "missing 00000000\n" + "z" * 32 + "character 00000000\n" in printed
    # Nobody is there to be asked.
    output, played = replay_everywhere(path)
    assert output == line.output
    kinds = [
        event.kind
        for _, event in played.replay.log.select([Kind.CHAR_READ_ALL, Kind.CHAR_READ_ALL_ERROR])
    ]
    good, bad = Kind.CHAR_READ_ALL, Kind.CHAR_READ_ALL_ERROR
    assert kinds == [good, good, bad, bad, good, good, good, bad, good, good]


def test_a_failed_read_is_met_again_going_back(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    console = Console([b"2\n", b"a", EIO, ENXIO])
    live = recorder("reads", path, uart=line, backends={SEMIHOSTING: console})
    machine, timeline = live.machine, live.timeline
    while machine.ended is None:
        machine.run(machine.engine.step + 500)
        here, state = timeline.position, live.snapshots.state_hash(live.snapshots.capture())
        timeline.step_backward(700)
        timeline.seek(here)
        assert live.snapshots.state_hash(live.snapshots.capture()) == state
    run_to_end(live)
    assert not console.answers
    assert len(console.asked) == 4
    assert replay_everywhere(path)[0] == line.output


def test_typed_on_standard_input(tmp_path: Path) -> None:
    path, output = tmp_path / "run.ttd", tmp_path / "uart.txt"
    recorded = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", path),
        *("--serial", f"file:{output}", elf("reads")),
        stdin=b"2\n",
    )
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert b"missing 0000001e\n2\n" in output.read_bytes()
    replayed = ttd("replay", "--echo", "--verify", path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == output.read_bytes()
