"""The same answers, whoever works them out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.integration import one_cluster
from tests.integration.inside import FIRMWARE, playing_session, record_to_end
from tests.snapshots import snapshots_every
from ttd.conditions import Watched, reg
from ttd.errors import UserError
from ttd.recorded import RecordedMachine
from ttd.search import Interrupted, Question, Range, Row, What, answer
from ttd.search.interval import Interval
from ttd.symbols import Symbols
from ttd.workers.workers import Workers, processes


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workers") / "calls.ttd"
    with pytest.MonkeyPatch.context() as patch:
        snapshots_every(patch, 20_000)
        record_to_end(FIRMWARE / "calls" / "calls.elf", path)
    return path


@pytest.fixture
def session(path: Path, tmp_path: Path) -> Iterator[RecordedMachine]:
    """Over a copy of which nothing is known yet."""
    copy = tmp_path / "asked.ttd"
    copy.write_bytes(path.read_bytes())
    session = playing_session(copy)
    yield session
    session.close()


def questions(session: RecordedMachine) -> list[Question]:
    names = Symbols(load.image for load in session.machine.loads).by_name
    inner, counter, rare = (names[name].address for name in ("inner", "counter", "rare"))
    return [
        Question(What.EXECUTED, (Range(inner, inner + 2),)),
        Question(What.WRITTEN, (Range(counter, counter + 4),), limit=500, backward=True),
        Question(What.ACCESSED, (Range(rare, rare + 4),), physical=True),
        Question(What.WRITTEN, (Range(rare, rare + 4),), condition=Watched("new") != 0),
        Question(What.EXECUTED, (Range(inner, inner + 2),), condition=reg("sp") % 8 == 0, end=9000),
        Question(What.ENTERED),
        Question(What.REGISTER, name="r3", begin=5000, end=6000),
    ]


def answers(session: RecordedMachine) -> list[list[Row]]:
    return [list(answer(session.timeline, each)) for each in questions(session)]


Make = Callable[[RecordedMachine], Workers]


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda session: Workers(session, partial(processes, 1), 1), id="one"),
        pytest.param(lambda session: Workers.here(session, 2), id="two"),
        pytest.param(
            lambda session: Workers.of(session, "concurrent.futures:ThreadPoolExecutor"),
            id="threads",
        ),
        pytest.param(
            lambda session: Workers.of(session, "tests.integration.one_cluster:dask"), id="dask"
        ),
    ],
)
def test_the_same_answers(session: RecordedMachine, path: Path, make: Make) -> None:
    alone = playing_session(path)
    alone.snapshots.index.flush = lambda: None  # type: ignore[method-assign]
    expected = answers(alone)
    alone.close()
    assert all(expected[:5]) and expected[6]
    with closing(make(session)) as workers:
        assert workers.can(0)
        session.timeline.pool = workers
        session.timeline.seek(session.timeline.end // 2)
        assert answers(session) == expected
        assert answers(session) == expected  # known
        assert session.timeline.position == session.timeline.end // 2
    one_cluster.close()


@pytest.mark.slow
def test_an_end_that_somebody_wants(session: RecordedMachine) -> None:
    inner = Range(0, 1 << 32)
    with closing(Workers(session, partial(processes, 2), 4)) as workers:
        session.timeline.pool = workers
        rows = answer(session.timeline, Question(What.EXECUTED, (inner,)))
        next(rows)
        session.timeline.interrupt()
        with pytest.raises(Interrupted):
            list(rows)
        # The next question is answered.
        assert next(answer(session.timeline, Question(What.EXECUTED, (inner,)))).step == 0


@pytest.mark.slow
def test_a_worker_that_is_killed(session: RecordedMachine) -> None:
    pool = processes(1)
    with closing(Workers(session, lambda: pool, 2)) as workers:
        session.timeline.pool = workers
        question = questions(session)[0]
        assert list(answer(session.timeline, question))
        (worker,) = pool._processes
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(UserError, match=r"killed|any more"):
            list(answer(session.timeline, replace(question, ranges=(Range(0, 1 << 20),))))


def test_a_recording_that_is_another_one(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.ttd"
    copy.write_bytes(path.read_bytes())
    session = playing_session(copy)
    with closing(Workers.of(session, "tests.integration.one_cluster:thread")) as workers:
        assert workers.can(0)
        copy.unlink()
        record_to_end(FIRMWARE / "irqs" / "irqs.elf", copy)
        session.timeline.pool = workers
        with pytest.raises(UserError, match="has changed"):
            list(answer(session.timeline, Question(What.EXECUTED, (Range(0, 1 << 20),))))
    session.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing", "no MODULE:FACTORY"),
        ("no.such.module:x", "no executor"),
        ("tests.integration.one_cluster:absent", "no executor"),
        ("tests.integration.one_cluster:nothing", "gives a int"),
    ],
)
def test_no_executor(session: RecordedMachine, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        Workers.of(session, text).scan(0, Interval(0, 1), questions(session)[0])


@pytest.mark.slow
def test_workers_end_with_who_asks() -> None:
    """Even if that is killed."""
    code = (
        "import os, sys; from ttd.workers.workers import processes\n"
        "pool = processes(1); print(pool.submit(os.getpid).result(), flush=True)\n"
        "sys.stdin.read()"
    )
    asker = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert asker.stdout is not None
    worker = int(asker.stdout.readline())
    os.kill(worker, 0)
    asker.kill()
    asker.communicate()
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker is still there")
