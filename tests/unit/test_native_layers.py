"""The native house: includes and calls point one way, and the engine knows no instruction set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

from ttd.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "ttd/engine/native"
DEVICES = ROOT / "ttd/devices/native"
FOLDERS = [ENGINE, *sorted(ROOT.glob("ttd/cpu/*/native")), DEVICES]
FILES = sorted(file for folder in FOLDERS for file in folder.glob("*.[ch]"))
OF_ENGINE = [file for file in FILES if file.parent == ENGINE]
OF_DEVICES = [file for file in FILES if file.parent == DEVICES]
OF_ARCHITECTURES = [file for file in FILES if file.parent not in (ENGINE, DEVICES)]
MOST_LINES = 400

NAMES = re.compile(
    r"thumb|(?<![a-z])arm(?:v\d\w*|32|64)|cortex|risc-?v|(?<![a-z])rv(?:32|64)|x86|x87|amd64|intel"
    r"|(?<![a-z])a64|aarch64|capstone|basepri|faultmask|primask|itstate|(?<![a-z])it_|(?-i:\bIT\b)"
    r"|exc_return|\bmpu|_mpu|\bpmp|_pmp|xpsr|nvic|systick|\bplic\b|\bclint\b|\bsatp\b|\bmstatus\b"
    r"|uc_arm|uc_riscv|uc_x86|isa_[a-z]",
    re.IGNORECASE,
)
"""Names of instruction sets, of architectures, and of what only one of them has."""
NOT_NAMES = re.compile(r"TTD_ISA_H|__x86_64__")  # the latter is the host


def short(path: Path) -> str:
    return str(path.relative_to(ROOT / "ttd"))


def without_comments(text: str) -> str:
    """C without comments and the contents of strings."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL))


@cache
def included(file: Path) -> list[Path]:
    """The files that this one includes; those of the system are not looked at."""
    found = []
    for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', file.read_text(), re.MULTILINE):
        near = [folder / name for folder in (file.parent, ENGINE) if (folder / name).exists()]
        assert near, f"{short(file)} includes {name}, which is nowhere"
        found.append(near[0])
    return found


def everything_behind(file: Path) -> set[Path]:
    """The file itself, and all that it includes, directly or not."""
    found, left = set(), [file]
    while left:
        at = left.pop()
        if at not in found:
            found.add(at)
            left.extend(included(at))
    return found


def circles(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """One sentence for each node that can be come back to."""
    found = []
    for start in edges:
        seen: set[str] = set()
        left = [(start, start)]
        while left:
            at, way = left.pop()
            for there in edges.get(at, ()):
                if there == start:
                    found.append(f"{way} -> {start}")
                    left.clear()
                    break
                if there not in seen:
                    seen.add(there)
                    left.append((there, f"{way} -> {there}"))
    return found


@cache
def defined(file: Path) -> frozenset[str]:
    """Functions that a file defines for others."""
    text = without_comments(file.read_text())
    heads = r"^(?!static\b|typedef\b|extern\b|#)[A-Za-z_][\w \t*]*?\b(\w+)\([^;{}]*\)\s*\{"
    return frozenset(re.findall(heads, text, re.MULTILINE))


@cache
def words(file: Path) -> frozenset[str]:
    return frozenset(re.findall(r"\b[A-Za-z_]\w*\b", without_comments(file.read_text())))


def test_includes_form_no_circle() -> None:
    edges = {short(file): [short(there) for there in included(file)] for file in FILES}
    assert not circles(edges)


@pytest.mark.parametrize("file", OF_ENGINE, ids=short)
def test_the_engine_includes_nothing_of_an_architecture(file: Path) -> None:
    assert all(there.parent == ENGINE for there in included(file))


@pytest.mark.parametrize("file", OF_ARCHITECTURES, ids=short)
def test_an_architecture_includes_one_header_of_the_engine(file: Path) -> None:
    public = everything_behind(ENGINE / "isa.h")
    for there in included(file):
        assert there.parent == file.parent or there in public, f"{short(file)}: {short(there)}"


@pytest.mark.parametrize("file", OF_DEVICES, ids=short)
def test_a_device_includes_what_it_needs_of_the_engine(file: Path) -> None:
    public = {ENGINE / name for name in ("declared.h", "native.h", "outbox.h")}
    for there in included(file):
        assert there.parent == file.parent or there in public, f"{short(file)}: {short(there)}"


def test_no_file_of_the_engine_calls_one_that_calls_it() -> None:
    sources = [file for file in OF_ENGINE if file.suffix == ".c"]
    home = {name: file for file in sources for name in defined(file)}
    edges = {
        file.name: sorted({home[word].name for word in words(file) & home.keys()} - {file.name})
        for file in sources
    }
    assert len(home) > 100
    assert not circles(edges)


def test_the_engine_calls_no_architecture_and_no_device() -> None:
    theirs = {
        name
        for file in OF_ARCHITECTURES + OF_DEVICES
        if file.suffix == ".c"
        for name in defined(file)
    }
    assert len(theirs) > 100
    for file in OF_ENGINE:
        assert not words(file) & theirs, short(file)


@pytest.mark.parametrize("file", OF_ENGINE, ids=short)
def test_the_engine_names_no_instruction_set(file: Path) -> None:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        found = NAMES.search(NOT_NAMES.sub("", line))
        assert not found, f"{short(file)}:{number}: {found and found.group()!r}"


@pytest.mark.parametrize("file", sorted((ROOT / "ttd/engine").glob("*.py")), ids=short)
def test_neither_does_its_python_half(file: Path) -> None:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        found = NAMES.search(line)
        assert not found, f"{short(file)}:{number}: {found and found.group()!r}"


def test_engine_has_no_methods_of_an_architecture() -> None:
    assert not [name for name in dir(Engine) if NAMES.search(name)]


@pytest.mark.parametrize("file", FILES, ids=short)
def test_files_are_small(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.suffix == ".c" or file.parent == ENGINE], ids=short
)
def test_the_document_says_what_it_is_about(file: Path) -> None:
    assert f"`{file.name}`" in (ROOT / "docs/engine.md").read_text()
