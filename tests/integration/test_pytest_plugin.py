"""The fixture `firmware`: tests that leave a recording when they fail."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import ttd
from tests.integration.inside import FIRMWARE
from ttd.pytest_plugin import file_name

pytestmark = pytest.mark.slow
"""`make check` does without."""

pytest_plugins = ["pytester"]

CALLS = FIRMWARE / "calls" / "calls.elf"
TESTS = f"""
import pytest

def record(firmware, **options):
    return firmware(board="mps2-an385", image={str(CALLS)!r}, semihosting=True, **options)

def test_right(firmware):
    run = record(firmware)
    run.goto("end")
    assert "DONE" in run.console

@pytest.mark.parametrize("which", ["a b", "c/d"])
def test_wrong(firmware, which):
    run = record(firmware, seed=5, steps=10_000)
    run.goto("end")
    assert "DONE" in run.console, which

def test_two(firmware):
    record(firmware), record(firmware)
    assert False

@pytest.mark.xfail
def test_known(firmware):
    record(firmware)
    assert False

@pytest.fixture
def booted(firmware):
    record(firmware)
    raise RuntimeError("not booted")

def test_set_up(booted):
    pass

def test_refused(firmware):
    firmware(board="mps2-an385", image="nothing.elf")

def test_none(firmware):
    assert False

def test_without():
    assert False
"""
KEPT = [
    "test_it.py-test_set_up.ttd",
    "test_it.py-test_two-2.ttd",
    "test_it.py-test_two.ttd",
    "test_it.py-test_wrong-a-b.ttd",
    "test_it.py-test_wrong-c-d.ttd",
]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "xdist",
    [
        pytest.param((), id="alone"),
        pytest.param(("-n2",), id="xdist", marks=pytest.mark.slow),
    ],
)
def test_a_failed_test_leaves_a_recording(pytester: pytest.Pytester, xdist: tuple[str]) -> None:
    pytester.makepyfile(test_it=TESTS)
    result = pytester.runpytest_subprocess("--junitxml=junit.xml", *xdist)
    result.assert_outcomes(passed=1, failed=6, errors=1, xfailed=1)
    folder = pytester.path / "ttd-recordings"
    assert names(folder) == KEPT
    lines = [line for line in result.outlines if line.startswith("ttd gdb ")]
    assert sorted(lines) == [f"ttd gdb {folder / name}" for name in KEPT]
    with ttd.open(lines[0].removeprefix("ttd gdb ")) as run:
        assert run.goto("end").step > 0
    found = {
        case.attrib["name"]: {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    }
    assert found["test_wrong[a b]"] == {
        "ttd_recording": str(folder / "test_it.py-test_wrong-a-b.ttd"),
        "ttd_steps": "10000",
        "ttd_end": "the limit of 10000 steps was reached",
        "ttd_seed": "5",
    }
    assert found["test_right"] == {
        "ttd_steps": found["test_two"]["ttd_steps"],
        "ttd_end": "the guest exited with code 0",
    }
    assert found["test_without"] == found["test_refused"] == found["test_none"] == {}


@pytest.mark.slow
def test_where_they_are_kept(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)
    pytester.makeini("[pytest]\nttd_dir = build/kept")
    pytester.runpytest_subprocess("-k", "right or two")
    assert names(pytester.path / "build" / "kept") == KEPT[1:3]
    for _ in range(2):  # the same test again replaces what it has left
        result = pytester.runpytest_subprocess("-k", "right", "--ttd-keep=all", "--ttd-dir=here")
        assert names(pytester.path / "here") == ["test_it.py-test_right.ttd"]
        assert f"ttd gdb {pytester.path / 'here' / 'test_it.py-test_right.ttd'}" in result.outlines
    result = pytester.runpytest_subprocess("--ttd-keep=none", "--ttd-dir=nowhere")
    assert not (pytester.path / "nowhere").exists()
    assert "ttd gdb" not in result.stdout.str()


def test_nothing_is_left_of_what_was_right(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)
    pytester.runpytest_subprocess("-k", "right", f"--basetemp={pytester.path / 'temporary'}")
    assert not list(pytester.path.rglob("*.ttd"))


def test_the_plugin_imports_no_machine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_it():\n    assert 'unicorn' not in sys.modules")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_names() -> None:
    assert file_name("tests/a.py::TestB::test_c[x/../y]") == "tests-a.py-TestB-test_c-x-..-y"
    long = file_name("t.py::test[" + "é" * 300 + "]")
    assert len(long.encode()) <= 150 and re.search(r"-[0-9a-f]{8}$", long)
    assert long != file_name("t.py::test[" + "é" * 301 + "]")
