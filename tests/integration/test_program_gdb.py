"""What `ttd.program` says beside the real GDB, at random places of the same recordings."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from tests.integration.cli_tools import FIRMWARE, ROOT, ttd
from tests.integration.conftest import Server
from tests.integration.inside import playing_session
from ttd.moment import Present
from ttd.program.errors import OptimizedOut, ProgramError
from ttd.program.frames import Frame, Sort
from ttd.program.program import Program
from ttd.recorded import RecordedMachine

pytestmark = pytest.mark.slow
"""`make check` does without."""

PLACES = 12
RAW = ("--board", "raw", "--ram", "0x100000:1M", "--steps", "60000")
DEMO = ("--board", "mps2-an385", "--steps", "400000", "--serial", "null")
EXPRESSIONS = (
    *("first", "second", "list", "*list", "list->next->name", "list->name[2]", "matrix", "text"),
    *("matrix[1]", "matrix[2][3]", "&matrix[1][1]", "*matrix[1]", "raw", "zeros", "zeros[3]"),
    *("rights", "counter", "small", "deep_sum", "nothing", "anything", "truth", "quarter", "tiny"),
    *("table", "table[1]", "points", "&points[3]", "points[3].x", "opaque", "first.color"),
    *("first.flags", "first.level", "first.rest", "first.word.bytes", "first.corners[1].y"),
    *("&first.corners", "first.inner", "first.word.low", "&list->weight", "first.weight", "main"),
    *("first.word", "&add", "*&counter", "counter + 1", "-counter", "~first.level", "!truth"),
    *("first.level * 3 / 2", "counter % 7", "counter >> 1 & 3", "counter == 3 || truth"),
    *("(unsigned char)counter", "(char)65", "*(unsigned short *)&first.word", "(long)-1"),
    *("sizeof(first)", "sizeof(struct point)", "list + 1", "&matrix[2] - &matrix[0]"),
    *("(struct point *)&text", "*(struct point *)&text", "(byte)300", "first.ratio * 2"),
    *("(enum color)5", "(enum flag)9", "GREEN", "0x80000000 + 0", "4294967296 + 0", "'a' + 1"),
    *("-7 / 2", "-7 % 3", "7u - 8", "add::calls", "'types.c'::second"),
    *("text[0]@3", "*list->title", "list->title", "list->run", "*list->run", "list == &first"),
)


@dataclass(frozen=True)
class Case:
    """A firmware, and how it is recorded."""

    elf: Path
    words: tuple[str, ...]
    expressions: tuple[str, ...] = ()


def types(name: str, cpu: str) -> Case:
    return Case(FIRMWARE / f"types/types-{name}.elf", (*RAW, "--cpu", cpu, "--load"), EXPRESSIONS)


def on(board: str, name: str) -> Case:
    return Case(FIRMWARE / name, ("--board", board, "--steps", "400000", "--serial", "null"))


CASES = [
    *(types(name, name) for name in ("x86-64", "aarch64", "rv64", "rv32", "cortex-m3")),
    *(types(f"cortex-m3-{level}", "cortex-m3") for level in ("O0", "O2")),
    Case(
        ROOT / "examples/lost-event/lost-event.elf", ("--board", "mps2-an385", "--steps", "400000")
    ),
    *(on("mps2-an385", name) for name in ("calls/calls.elf", "tasks/tasks.elf", "irqs/irqs.elf")),
    *(on("mps2-an385", f"threads/{name}.elf") for name in ("freertos", "zephyr", "riot")),
    on("virt", "threads/freertos-rv64.elf"),
    on("virt32", "threads/freertos-rv32.elf"),
    on("microbit", "timers/timers-microbit.elf"),
]


class Pair:
    """A recording that is open here, and served to GDB."""

    def __init__(self, case: Case, recording: Path, server: Server) -> None:
        self.case, self._port = case, server.port
        self.session: RecordedMachine = playing_session(recording)
        timeline = self.session.timeline
        cpu = timeline.cpu
        self.program = Program(timeline.probe.images, cpu.gdb_architecture, cpu.registers)
        self.now = Present(timeline.probe)
        seed = random.randrange(1 << 32)
        print("seed", seed)
        dice = random.Random(seed)
        self.places = sorted(dice.randrange(timeline.end) for _ in range(PLACES))

    def at(self, place: int) -> Frame:
        self.session.timeline.seek(place)
        return self.program.frame(self.now)

    def gdb(self, commands: Sequence[str]) -> list[list[str]]:
        """What GDB answers to each command, at each place."""
        lines = [
            *("set confirm off", "set pagination off", "set width 0", "set host-charset ASCII"),
            "set target-charset ASCII",
            *("set print frame-arguments none", "set backtrace limit 50", "set language c"),
            f"target remote localhost:{self._port}",
        ]
        for place in self.places:
            lines += [f"monitor goto {place}", "stepi"]
            lines += [word for each in commands for word in ("echo @@@\\n", each)]
            lines.append("echo @@@@\\n")
        script = "\n".join([*lines, "disconnect", "quit", ""])
        done = subprocess.run(
            ["gdb-multiarch", "-nx", "-q", "-iex", "set prompt", str(self.case.elf)],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        parts = done.stdout.split("@@@@\n")[:-1]
        assert len(parts) == len(self.places), done.stdout[-2000:] + done.stderr[-2000:]
        return [[each.strip() for each in part.split("@@@\n")[1:]] for part in parts]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.elf.stem)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    case: Case = request.param
    path = tmp_path_factory.mktemp("program") / "run.ttd"
    done = ttd("record", *case.words, str(case.elf), "-o", path)
    assert path.exists(), done.err
    server = Server("serve", "--port", "0", path)
    made = Pair(case, path, server)
    yield made
    made.session.close()
    server.close()


def test_expressions(pair: Pair) -> None:
    commands = [f"output {each}" for each in pair.case.expressions]
    wrong = []
    for place, answers in zip(pair.places, pair.gdb(commands) if commands else (), strict=False):
        frame = pair.at(place)
        for text, answer in zip(pair.case.expressions, answers, strict=True):
            try:
                ours = pair.program.value(text, frame)
            except ProgramError as error:
                # GDB says why, too, but among its errors.
                ours = str(error) if answer else ""
            if ours != answer:
                wrong.append((place, text, ours, answer))
    assert not wrong, "\n".join(map(str, wrong[:10]))


def test_locals(pair: Pair) -> None:
    """Arguments and locals of the innermost three frames."""
    commands = [word for n in range(3) for word in (f"frame {n}", "info args", "info locals")]
    wrong = []
    for place, answers in zip(pair.places, pair.gdb(commands), strict=True):
        now = pair.at(place)
        if now.rules is None or is_of_compiler(pair, now):
            continue
        frames = islice(pair.program.backtrace(now), 4)
        levels = [level for frame in frames for level in frame.levels]
        for n in range(min(3, len(levels))):
            told, args, inner = answers[3 * n : 3 * n + 3]
            if not told.startswith(f"#{n} "):
                continue
            theirs = dict(re.findall(r"^(\w+) = (.*)$", f"{args}\n{inner}", re.MULTILINE))
            mine = {}
            for variable in levels[n].variables():
                try:
                    where = levels[n].locate(variable, variable.name)
                    value = pair.program.show(where, levels[n].frame, typed=False)
                except OptimizedOut:
                    value = "<optimized out>"
                mine.setdefault(variable.name, value)
            for name, value in theirs.items():
                # Known limits: numbers with a fraction that only the caller knows, and structures
                # of which there is a part.
                if mine.get(name) == "<optimized out>" and re.search(r"\d\.\d|<optim", value):
                    continue
                if mine.get(name) != value:
                    wrong.append((place, n, told, name, mine.get(name), value))
    assert not wrong, "\n".join(map(str, wrong[:10]))


def test_lines(pair: Pair) -> None:
    wrong = []
    for place, (answer,) in zip(pair.places, pair.gdb(["info line *$pc"]), strict=True):
        frame = pair.at(place)
        line = pair.program.line_at(frame.pc)
        found = re.search(r'Line (\d+) of "([^"]+)".* at address (0x\w+)', answer)
        ours = None if line is None else (line.number, Path(line.file).name)
        theirs = None if found is None else (int(found[1]), Path(found[2]).name)
        if ours != theirs:
            wrong.append((place, ours, answer))
    assert not wrong, wrong


def test_where_lines_begin(pair: Pair) -> None:
    """`info line FILE:LINE` of the lines that random places are in."""
    asked = {}
    for place in pair.places:
        line = pair.at(place).line
        if line is not None and "/" in line.file and not line.file.startswith(".."):
            asked[f"{line.file}:{line.number}"] = line
    commands = [f"info line {each}" for each in asked]
    answers = pair.gdb(commands)[0]
    wrong = []
    for each, answer in zip(asked, answers, strict=True):
        # GDB 13 joins rows of one line: then some have no code.
        theirs = {int(found, 16) for found in re.findall(r"starts at address (0x\w+)", answer)}
        mine = {line.start for line in pair.program.lines(each)}
        if theirs and not theirs & mine:
            wrong.append((each, sorted(map(hex, theirs)), sorted(map(hex, mine))))
    assert not wrong, "\n".join(map(str, wrong[:10]))


def test_backtraces(pair: Pair) -> None:
    wrong = []
    for place, (answer,) in zip(pair.places, pair.gdb(["backtrace"]), strict=True):
        theirs = [
            "exception" if "<signal handler" in each else said(each)
            for each in answer.splitlines()
            if each.startswith("#")
        ]
        ours = []
        now = pair.at(place)
        if now.rules is None:
            continue  # GDB works out what assembly has done with the stack
        if is_of_compiler(pair, now):
            continue
        for frame in islice(pair.program.backtrace(now), 50):
            if frame.sort is Sort.EXCEPTION:
                ours.append("exception")
            else:
                for level in frame.levels:
                    line = level.line
                    where = f" {Path(line.file).name}:{line.number}" if line else ""
                    ours.append(f"{level.name}{where}")
        # Beyond the last function GDB shows where a task was made to return to, which is no code.
        if (ours != theirs[:-1] and ours != theirs) or (ours != theirs and theirs[-1] != "??"):
            wrong.append((place, ours, theirs))
    assert not wrong, "\n".join(map(str, wrong[:10]))


def is_of_compiler(pair: Pair, frame: Frame) -> bool:
    """In what the compiler brings functions end by going to others: GDB knows who that was."""
    names = (str(each.line) for each in islice(pair.program.backtrace(frame), 3))
    return any("libgcc" in name or "soft-fp" in name for name in names)


def said(line: str) -> str:
    """`function file:line` of a line of GDB's."""
    found = re.match(r"#\d+\s+(?:0x\w+ in )?(\S+) \(.*?\)(?: at (.*):(\d+))?", line)
    assert found is not None, line
    where = f" {Path(found[2]).name}:{found[3]}" if found[2] else ""
    return found[1] + where
