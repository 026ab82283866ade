"""For pytest: tests of firmware that leave a recording when they fail.

A test asks for the fixture `firmware`, which records as `ttd.record` does:

    def test_boot(firmware):
        run = firmware(board="mps2-an385", image="build/app.elf", steps=10_000_000)
        run.goto("end")
        assert "ready" in run.console

If it fails, the recording is kept, and the summary has the line that opens it in GDB.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ttd.errors import UserError

if TYPE_CHECKING:
    from ttd.api import Run

FOLDER = "ttd-recordings"
"""Where recordings are kept, in pytest's root directory, unless said otherwise."""
RECORDING, STEPS, END, SEED = "ttd_recording", "ttd_steps", "ttd_end", "ttd_seed"
"""Properties of a test: in JUnit's XML, and how a worker of xdist tells."""
_MOST_NAME = 150
_failed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ttd", "recordings of firmware")
    group.addoption(
        "--ttd-dir",
        metavar="DIR",
        help=f"Where recordings are kept (ini: ttd_dir).  [default: {FOLDER}]",
    )
    group.addoption(
        "--ttd-keep",
        choices=("failed", "all", "none"),
        default="failed",
        help="Of which tests recordings are kept.  [default: failed]",
    )
    parser.addini("ttd_dir", "where recordings of firmware are kept, from the root directory")


class Firmware:
    """Records what a test runs."""

    def __init__(self, name: str, scratch: Path) -> None:
        self._name = name
        self._scratch = scratch
        self._runs: list[tuple[Run, list[tuple[str, object]]]] = []

    def __call__(self, **options: Any) -> Run:
        """Record, as `ttd.record` does; the run is closed when the test is over."""
        import ttd  # noqa: PLC0415 -- most tests of most projects have no firmware

        number = f"-{len(self._runs) + 1}" if self._runs else ""
        path = self._scratch / f"{self._name}{number}.ttd"
        run = ttd.record(**{"path": path} | options)
        facts: list[tuple[str, object]] = [(STEPS, run.end.step), (END, run.end_reason)]
        if (seed := options.get("seed")) is not None:
            facts.append((SEED, seed))
        self._runs.append((run, facts))
        return run

    def close(self, folder: Path | None) -> Iterator[tuple[str, object]]:
        """What is to be said of each recording; they are put into a folder, or nowhere."""
        for run, facts in self._runs:
            # A test that was ended in the middle of a movement may have left it anyhow: the file is
            # right up to its last commit.
            with suppress(UserError):
                run.close()
            if folder is not None:
                yield RECORDING, _kept(Path(run.path), folder, self._scratch)
            yield from facts


def _kept(path: Path, folder: Path, scratch: Path) -> str:
    """Where a recording is from now on: one that the test has put somewhere stays there."""
    if path.parent != scratch:
        return str(path.resolve())
    folder.mkdir(parents=True, exist_ok=True)
    goal = folder / path.name
    shutil.move(path, goal)
    return str(goal)


@pytest.fixture
def firmware(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Firmware]:
    """Records a firmware, as `ttd.record` does, and keeps the recording if the test fails."""
    scratch = tmp_path_factory.mktemp("ttd")
    recorder = Firmware(file_name(request.node.nodeid), scratch)
    yield recorder
    keep = request.config.getoption("--ttd-keep")
    kept = keep == "all" or (keep == "failed" and request.node.stash.get(_failed, False))
    folder = _folder(request.config) if kept else None
    try:
        for fact in recorder.close(folder):
            request.node.user_properties.append(fact)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each recording that is there: it opens it."""
    reports = [r for found in terminalreporter.stats.values() for r in found]
    paths = dict.fromkeys(
        str(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == RECORDING
    )
    if paths:
        terminalreporter.section("recordings")
        for path in paths:
            terminalreporter.write_line(f"ttd gdb {_quoted(path)}")


def _folder(config: pytest.Config) -> Path:
    """Where recordings are kept."""
    said = config.getoption("--ttd-dir")
    if said is not None:
        return Path(config.invocation_params.dir, said)
    return config.rootpath / (config.getini("ttd_dir") or FOLDER)


def file_name(node: str) -> str:
    """That of a test, as one of a file."""
    name = re.sub(r"[^\w.=-]+", "-", node.replace("::", "-")).strip("-.")
    if len(os.fsencode(name)) > _MOST_NAME:
        mark = hashlib.sha256(os.fsencode(node)).hexdigest()[:8]
        name = f"{name.encode()[: _MOST_NAME - 9].decode(errors='ignore')}-{mark}"
    return name


def _quoted(path: str) -> str:
    """For a shell."""
    import shlex  # noqa: PLC0415 -- when something has been recorded

    return shlex.quote(path)
