"""Tasks in memory, looked at from inside: at all kinds of moments, and where memory is garbage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from ttd.cpu.armv7m.registers import BASELINE_REGISTERS, REGISTERS
from ttd.cpu.base import Cpu, Register
from ttd.debugger.threads import THREAD, Threads
from ttd.elf import Elf
from ttd.images import parse_image
from ttd.rtos.find import find
from ttd.rtos.provider import MOST, Provider
from ttd.rtos.values import Implausible
from ttd.timeline import Timeline

pytestmark = pytest.mark.slow
"""`make check` does without."""

NAMES = {"deep", "sleeper", "sulky", "busy", "idle"}
RAM, SIZE = 0x20000000, 0x1800
"""What the kernels have for themselves and their tasks."""
STARTED = 4_600
"""A step before the first task runs, in each of them."""
MOST_READS = 200_000


SYSTEMS = ["freertos", *(pytest.param(name, marks=pytest.mark.slow) for name in ("zephyr", "riot"))]


@pytest.fixture(scope="module", params=SYSTEMS)
def timeline(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Timeline]:
    path = tmp_path_factory.mktemp("tasks") / "run.ttd"
    record_to_end(FIRMWARE / "threads" / f"{request.param}.elf", path)
    session = playing_session(path)
    yield session.timeline
    session.close()


def test_at_every_kind_of_moment(timeline: Timeline) -> None:
    """One thread runs at each position, and it is among all threads; mostly they are five."""
    threads = Threads(timeline)
    complete = 0
    timeline.seek(0)
    assert threads.running == THREAD and set(threads.all()) == {THREAD}
    positions = [*range(5_400, 6_200), *range(10_000, timeline.end, 1_733), timeline.end]
    for position in positions:
        timeline.seek(position)
        found = threads.all()
        assert threads.running in found and threads.registers(threads.running) is None
        if len(found) == len(NAMES):
            complete += 1
            assert {thread.name for thread in found.values()} == NAMES
        else:
            assert len(found) == 1
    assert complete > len(positions) / 2
    there = threads.all()
    timeline.seek(30_000)
    before = threads.all()
    timeline.seek(timeline.end)
    assert threads.all() == there
    timeline.seek(30_000)
    assert threads.all() == before
    assert set(before) == set(there), "a task keeps its number"


def test_who_does_not_run_stays_where_it_is(timeline: Timeline) -> None:
    """At each step of some switches, whatever of them is done."""
    threads = Threads(timeline)
    before: dict[int, tuple[int, int]] = {}
    names = set()
    timeline.seek(STARTED)
    assert threads.running == THREAD
    for _ in range(1_800):
        timeline.step_forward()
        here: dict[int, tuple[int, int]] = {}
        for number, thread in threads.all().items():
            registers = threads.registers(number)
            if registers is not None:
                here[number] = registers["pc"], registers["sp"]
                names.add(thread.name)
                at = timeline.position
                assert before.get(number) in (None, here[number]), (at, thread)
        before = here
    assert names == NAMES


def test_no_other_thread(timeline: Timeline) -> None:
    timeline.seek(30_000)
    threads = Threads(timeline)
    with pytest.raises(LookupError):
        threads.registers(77)


Change = tuple[int, int]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, SIZE // 4 - 1),
            st.one_of(
                st.integers(0, 2**32 - 1),
                st.integers(RAM, RAM + SIZE).map(lambda at: at & ~3),
                st.integers(0, 64),
                st.sampled_from([0xFFFFFFFF, 0xFFFFFFFC, 0x40004000, 0xE000E000, 0x80000000]),
            ),
        ),
        max_size=60,
    ),
    everything=st.booleans(),
)
def test_garbage(timeline: Timeline, changes: list[Change], everything: bool) -> None:
    """Whatever is in memory, an answer comes soon: tasks, or that there are none to be seen."""
    timeline.seek(30_000)
    memory = bytearray(timeline.probe.read_memory(RAM, SIZE))
    for word, value in changes:
        memory[4 * word : 4 * word + 4] = value.to_bytes(4, "little")
    if everything and changes:
        memory = bytearray((changes[0][1] >> 8 * (at % 4)) & 255 for at in range(SIZE))
    reads = 0

    def read(address: int, size: int) -> bytes:
        nonlocal reads
        reads += 1
        assert size <= 4096
        if RAM <= address < RAM + SIZE:
            return bytes(memory[address - RAM :][:size])
        return timeline.probe.read_memory(address, size)

    provider = find(timeline.probe.images, timeline.cpu, read)
    assert provider is not None
    for key in keys(provider):
        plausible(lambda: provider.registers(key))  # noqa: B023
    assert reads < MOST_READS


def keys(provider: Provider) -> list[int]:
    """The keys of tasks, if there are any to be seen."""
    found: list[int] = []

    def look() -> None:
        running = provider.running()
        tasks = provider.tasks()
        assert running in {task.key for task in tasks} and len(tasks) <= MOST
        assert all(task.name.isprintable() for task in tasks)
        found.extend(task.key for task in tasks)

    plausible(look)
    return found


def plausible(question: Callable[[], object]) -> None:
    """Nothing but `Implausible` is raised."""
    try:
        question()
    except Implausible:
        return


@settings(max_examples=40, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=200))
def test_damaged_debug_information(changes: list[Change]) -> None:
    """Nothing is found then, or something; it neither fails nor goes in circles."""
    data = bytearray((FIRMWARE / "threads" / "freertos.elf").read_bytes())
    elf = Elf(bytes(data))
    for name in (".debug_info", ".debug_abbrev"):
        section = elf.section(name)
        assert section is not None
        for at, value in changes:
            data[section.offset + at % section.size] = value
    image = replace(parse_image("damaged.elf", elf.data), data=bytes(data))
    cpu: Cpu = Doubled()  # type: ignore[assignment]
    provider = find([image], cpu, lambda address, size: bytes(size))
    if provider is not None:
        keys(provider)


def test_riot_saves_high_registers_below_on_armv6m(timeline: Timeline) -> None:
    """Its PUSH has no other registers than r0 to r7: r8 to r11 come after them, which is below."""
    timeline.seek(30_000)
    cpu: Cpu = Doubled(BASELINE_REGISTERS)  # type: ignore[assignment]
    wide = find(timeline.probe.images, timeline.cpu, timeline.probe.read_memory)
    narrow = find(timeline.probe.images, cpu, timeline.probe.read_memory)
    assert wide is not None and narrow is not None
    key = next(task.key for task in wide.tasks() if task.name == "deep")
    right, found = wide.registers(key), narrow.registers(key)
    low, high = [f"r{n}" for n in range(4, 8)], [f"r{n}" for n in range(8, 12)]
    names = [*high, *low] if wide.name == "RIOT" else [*low, *high]
    assert [found[name] for name in names] == [right[name] for name in [*low, *high]]
    assert wide.name != "RIOT" or found != right


class Doubled:
    """As much of a processor as is asked."""

    gdb_architecture = "arm"

    def __init__(self, registers: Sequence[Register] = REGISTERS) -> None:
        self.registers = registers

    def read_register(self, name: str) -> int:
        return 0xFFFFFFFF


def test_programs_without_a_system(tmp_path: Path) -> None:
    """Not even one that has a few of the names."""
    record_to_end(FIRMWARE / "calls" / "calls.elf", tmp_path / "run.ttd")
    session = playing_session(tmp_path / "run.ttd")
    timeline = session.timeline
    assert find(timeline.probe.images, timeline.cpu, timeline.probe.read_memory) is None
    session.close()
