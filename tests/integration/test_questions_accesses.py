"""Who wrote, read and ran what, as questions tell it: compared with one step after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.cli_tools import elf, refused, ttd
from tests.integration.inside import playing_session, record_to_end
from tests.snapshots import snapshots_every
from ttd.errors import UserError
from ttd.questions.accesses import following, last, reads, writes
from ttd.questions.executed import executed
from ttd.questions.find import find
from ttd.questions.irqs import irqs
from ttd.questions.past import Past
from ttd.questions.target import target
from ttd.questions.values import values
from ttd.recording.events import Kind

pytestmark = pytest.mark.slow
"""`make check` does without."""

GUESTS = {
    "irqs": ("mps2-an385", elf("irqs"), b""),
    "rtos": ("virt", elf("rtos", "rtos-rv64"), b"Two lines\nof input\n"),
}
STEPS = 3000


@dataclass
class Walked:
    """What is at each position of a stretch, from a walk over it."""

    past: Past
    begin: int
    pcs: list[int]
    variables: Mapping[str, list[int]]
    register: list[int]
    taken: set[int]
    """Steps that are entries to exceptions."""
    left: set[int]
    """Steps that return from one."""

    @property
    def end(self) -> int:
        return self.begin + STEPS

    def changes(self, held: list[int]) -> list[tuple[int, int, int]]:
        """Step, what it held before, and then."""
        pairs = enumerate(pairwise(held), self.begin)
        return [(step, old, new) for step, (old, new) in pairs if old != new]


@pytest.fixture(scope="module", params=GUESTS)
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    board, image, typed = GUESTS[request.param]
    path = tmp_path_factory.mktemp("accesses") / "run.ttd"
    if board == "mps2-an385":
        with pytest.MonkeyPatch.context() as patch:
            snapshots_every(patch, 1000)
            record_to_end(image, path)
    else:
        ttd("record", "-o", path, "--board", board, image, "--steps", "300000", stdin=typed)
    past = Past(playing_session(path))
    request.addfinalizer(past.session.close)
    kinds = (Kind.INTERRUPT, Kind.EXCEPTION)
    steps = [event.step for _, event in past.log.select(kinds)]
    begin = steps[len(steps) // 2] - STEPS // 2
    names = {
        named.name: named
        for named in past.symbols.by_name.values()
        if named.size in (1, 2, 4, 8) and not named.function and named.address % named.size == 0
    }
    held: dict[str, list[int]] = {name: [] for name in names}
    pcs, register, left = [], [], set[int]()
    past.go(begin)
    for _ in range(STEPS + 1):
        pcs.append(past.machine.engine.pc)
        register.append(past.timeline.cpu.read_register("sp"))
        for name, named in names.items():
            data = past.timeline.probe.read_memory(named.address, named.size)
            held[name].append(int.from_bytes(data, "little"))
        if _returns(past, steps):
            left.add(past.timeline.position - 1)
    taken = {step for step in steps if begin <= step < begin + STEPS}
    moving = {name: row for name, row in held.items() if len(set(row)) > 1}
    assert moving and taken
    return Walked(past, begin, pcs, moving, register, taken, left)


def _returns(past: Past, taken: list[int]) -> bool:
    """Go on by a step, which may return from a handler."""
    cpu, step = past.timeline.cpu, past.timeline.position
    before, code = cpu.exception_number(), past.machine.read_memory(past.machine.engine.pc, 4)
    past.one_step()
    if step in taken:
        return False
    if cpu.gdb_architecture == "arm":
        return cpu.exception_number() != before
    return code.hex() in ("73002030", "73002010")  # mret, sret


@pytest.fixture(autouse=True)
def stays(walked: Walked) -> Iterator[None]:
    walked.past.go(777)
    yield
    assert walked.past.timeline.position == 777


def test_writes(walked: Walked) -> None:
    past = walked.past
    for name, held in walked.variables.items():
        wanted = walked.changes(held)
        stretch = past.stretch(walked.begin, walked.end)
        rows = writes(past, stretch, name, changes=True)
        assert [(row.place.step, row.old, row.new) for row in rows] == wanted, name
        every = writes(past, stretch, name)
        assert [row for row in every if row.old != row.new] == rows
        assert {row.place.step for row in every} >= {step for step, _, _ in wanted}
        latest = past.stretch(walked.begin, walked.end, backward=True, limit=3)
        assert writes(past, latest, name, changes=True) == rows[:-4:-1]
        for row in rows[:5]:
            assert row.pc == walked.pcs[row.place.step - walked.begin] or row.by


def test_last_and_next(walked: Walked) -> None:
    past = walked.past
    for name, held in walked.variables.items():
        steps = [step for step, _, _ in walked.changes(held)]
        for here in (walked.begin + 1, walked.begin + STEPS // 2, steps[-1], steps[-1] + 1):
            within = past.stretch(walked.begin, walked.end, here)
            found = [row.place.step for row in last(past, within, name, changes=True)]
            assert found == [step for step in steps if step < here][-1:]
            found = [row.place.step for row in following(past, within, name, changes=True)]
            assert found == [step for step in steps if step > here][:1]


def test_registers(walked: Walked) -> None:
    past = walked.past
    wanted = walked.changes(walked.register)
    stretch = past.stretch(walked.begin, walked.end)
    rows = writes(past, stretch, "$sp")
    assert [(row.place.step, row.old, row.new) for row in rows] == wanted
    assert last(past, past.stretch(here=walked.end), "sp") == rows[-1:]
    held = values(past, stretch, "sp")
    assert [(row.place.step, row.value) for row in held] == [
        (walked.begin, walked.register[0]),
        *((step, new) for step, _, new in wanted),
    ]


def test_values(walked: Walked) -> None:
    past = walked.past
    for name, held in walked.variables.items():
        stretch = past.stretch(walked.begin, walked.end)
        rows = values(past, stretch, name)
        changes = [(step, new) for step, _, new in walked.changes(held)]
        assert [(row.place.step, row.value) for row in rows] == [(walked.begin, held[0]), *changes]
        latest = past.stretch(walked.begin, walked.end, backward=True, limit=2)
        assert [(row.place.step, row.value) for row in values(past, latest, name)] == [
            (step, new) for step, new in [(walked.begin, held[0]), *changes][:-3:-1]
        ]


def test_values_that_are_worked_out(walked: Walked) -> None:
    past = walked.past
    (one, first), *others = walked.variables.items()
    other, second = others[0] if others else (one, first)
    for text, work in (
        (f"{one} == {first[-1]}", lambda a, b: int(a == first[-1])),
        (f"({one} & 0xff) + ({other} & 0xff)", lambda a, b: (a & 0xFF) + (b & 0xFF)),
    ):
        worked = [work(a, b) for a, b in zip(first, second, strict=True)]
        rows = values(past, past.stretch(walked.begin, walked.end, walked.begin), text)
        assert [(row.place.step, row.value) for row in rows] == [
            (walked.begin, worked[0]),
            *((step, new) for step, _, new in walked.changes(worked)),
        ], text
        latest = past.stretch(walked.begin, walked.end, walked.begin, backward=True, limit=2)
        assert values(past, latest, text) == rows[:-3:-1]
    with pytest.raises(UserError, match="worked out"):
        values(past, past.stretch(walked.begin, walked.end), "1 + $sp")


def test_executed(walked: Walked) -> None:
    past = walked.past
    low, high = sorted(set(walked.pcs))[3], sorted(set(walked.pcs))[30]
    ran = [
        (step, pc)
        for step, pc in enumerate(walked.pcs[:-1], walked.begin)
        if step not in walked.taken
    ]
    stretch = past.stretch(walked.begin, walked.end)
    for text, begin, end in ((f"{low:#x}-{high:#x}", low, high), (f"{high:#x}", high, high + 1)):
        rows = executed(past, stretch, text)
        assert [(row.place.step, row.pc) for row in rows] == [
            (step, pc) for step, pc in ran if begin <= pc < end
        ]
        latest = past.stretch(walked.begin, walked.end, backward=True, limit=2)
        assert executed(past, latest, text) == rows[:-3:-1]


def test_irqs(walked: Walked) -> None:
    past, inside, wanted = walked.past, list[int](), dict[int, int | None]()
    for step in range(walked.begin, walked.end):
        if step in walked.taken:
            inside.append(step)
            wanted[step] = None
        elif step in walked.left and inside:
            wanted[inside.pop()] = step + 1
    kinds = (Kind.INTERRUPT, Kind.EXCEPTION)
    numbers = {event.step: event.kind for _, event in past.log.select(kinds)}
    stretch = past.stretch(walked.begin, walked.end)
    rows = irqs(past, stretch)
    assert [row.place.step for row in rows] == [
        step for step in wanted if numbers[step] is Kind.INTERRUPT
    ]
    names = {row.name for row in rows}
    assert len(names) >= 1
    for name in {past.words.exception(number) for number in range(3, 12)} - {""}:
        if any(name in row.name for row in rows):
            continue
        with suppress(UserError):  # none was taken
            rows += irqs(past, stretch, name)
    for row in rows:
        left = None if row.returned is None else row.returned.step
        assert left == wanted[row.place.step]
        assert row.steps == (None if left is None else left - row.place.step)
        at = row.place.step + 1 - walked.begin
        assert row.pc == walked.pcs[at] and row.handler == past.function(row.pc or 0)
    latest = past.stretch(walked.begin, walked.end, backward=True, limit=2)
    assert irqs(past, latest) == irqs(past, stretch)[:-3:-1]


def test_reads(walked: Walked) -> None:
    """What is read is what is there."""
    past = walked.past
    for name, held in walked.variables.items():
        for row in reads(past, past.stretch(walked.begin, walked.end), name):
            if row.address == past.symbols.by_name[name].address and row.new is not None:
                mask = (1 << 8 * row.size) - 1
                assert held[row.place.step - walked.begin] & mask == row.new & mask


def test_find(walked: Walked) -> None:
    """Of a value that a variable gets: there, just after, and in no snapshot before."""
    past = walked.past
    for name, held in walked.variables.items():
        named = past.symbols.by_name[name]
        step, _, new = walked.changes(held)[-1]
        if new < 0x10000 or held[-1] != new:
            continue
        within = past.stretch(walked.begin, walked.end)
        rows = find(past, within, str(new), size=named.size)
        here = [row for row in rows if row.address == named.address]
        first = next(at for at, value in enumerate(held) if value == new)
        assert [row.place.step for row in here] == [walked.begin + max(0, first - 1)], (name, step)
        places = [row.place.step for row in rows]
        assert places == sorted(places)


def test_find_what_is_there(walked: Walked) -> None:
    past = walked.past
    begin = past.stretch(walked.begin, walked.end)
    code = past.timeline.probe.read_memory(walked.pcs[0], 12)
    rows = find(past, begin, f"hex:{code.hex()}", size=None)
    assert (walked.begin, walked.pcs[0]) in [(row.place.step, row.address) for row in rows]
    for text in ("", "0", "hex:xy", "x" * 300):
        with pytest.raises(UserError):
            find(past, begin, text)


def test_names(walked: Walked) -> None:
    past = walked.past
    stretch = past.stretch(walked.begin, walked.end, walked.begin)
    name = next(iter(walked.variables))
    named = past.symbols.by_name[name]
    wanted = [row.place for row in writes(past, stretch, name)]
    for text in (f"{named.address:#x}:{named.size}", f"phys:{named.address:#x}:{named.size}"):
        assert [row.place for row in writes(past, stretch, text)] == wanted
    word = past.timeline.cpu.word_size
    with past.staying():
        past.go(walked.begin)
        top = past.timeline.cpu.read_register("sp")
    pointed = [row.place for row in writes(past, stretch, "*sp")]
    assert pointed == [row.place for row in writes(past, stretch, f"{top:#x}:{word}")]
    for text in (
        "nothing",
        "$nothing",
        "phys:x",
        "0x10:0",
        f"{(1 << 64) - 4:#x}",
        "sp.nothing",
        "NONE.SUCH",
        "*nothing",
    ):
        with pytest.raises(UserError):
            writes(past, stretch, text)
    with pytest.raises(UserError, match="Reads of the processor's registers"):
        reads(past, stretch, "$sp")


def test_a_device(walked: Walked) -> None:
    past = walked.past
    block = next(block for block in past.registers.blocks if block.name.startswith("UART0"))
    first = block.registers[0]
    name = f"{block.name}.{first.name}"
    rows = writes(past, past.stretch(), name)
    assert rows and {row.name for row in rows} == {name}
    assert all(row.old is None and row.new is not None for row in rows)
    assert last(past, past.stretch(here=past.timeline.end), name) == rows[-1:]


def test_fields(walked: Walked) -> None:
    past = walked.past
    for block in past.registers.blocks:
        for register in block.registers:
            name = f"{block.name}.{register.name}"
            for field in register.fields:
                about = target(past, f"{name}.{field.name}", walked.begin)
                named = past.registers.find(f"{name}.{field.name}")
                assert (about.address, about.size) == (named.address, named.size)
                assert about.value(named.mask) == named.of(named.mask)
    with pytest.raises(UserError, match="it has "):
        target(past, f"{block.name}.NOTHING", walked.begin)


def test_commands(walked: Walked) -> None:
    past = walked.past
    path = Path(past.session.recording.path)
    name, held = next(iter(walked.variables.items()))
    step, old, new = walked.changes(held)[-1]
    done = ttd("last", path, name, "--changes", "--at", str(walked.end), "--json")
    said = json.loads(done.out)
    assert (said["step"], said["old"], said["new"]) == (step, old, new)
    again = ttd("last", path, name, "--changes", "--at", said["place"], "--json")
    changes = walked.changes(held)
    if len(changes) > 1:
        assert json.loads(again.out)["step"] == changes[-2][0]
    done = ttd("values", path, name, "--from", str(walked.begin), "--to", str(walked.end), "--csv")
    lines = done.out.decode().splitlines()
    assert lines[0].startswith("place,value") and len(lines) == 2 + len(changes)
    refused(ttd("last", path, "nothing"), "There is no variable")
    refused(ttd("values", path, "$pc + 1"), "a register is asked about alone")
    refused(ttd("last", path), "last takes EXPR")
