"""The house rules that a look at the source can check (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

# From the top down. A room may import from the floors below its own and from itself; rooms on one
# floor do not know each other, but for the neighbours named below.
FLOORS = [
    {"__main__"},
    {"cli"},
    {"pytest_plugin", "mcp"},
    {"api"},
    {"workers"},  # machines of the same recording, in other processes
    {"host"},  # handed to `replay` from above: nothing but the command line makes one
    {"gdbstub", "capture"},
    {"debugger"},  # what front ends share
    {"questions"},  # what is asked about a run, and in what rows it is answered
    {"recorded"},  # a machine, its recording and its timeline, put together
    {"why"},
    {"origin"},
    {"timeline", "rsp", "rtos"},
    {"search", "program"},  # questions about the past; what the images say
    {"history"},
    {"index"},  # what is known of intervals
    {"machine"},
    {"bus", "semihosting"},
    {"loader"},  # images, and how a board starts them
    {"boards"},  # a board is made of devices
    {"cpu"},  # an interrupt controller is a device, too
    {"devices"},
    {"replay"},
    {"recording"},
    {"stops", "images"},
    {"conditions"},
    {"engine"},
    {"errors", "catalogue", "state", "contents", "keys"},
    {"text", "values"},
]
# Who may know a room of the same floor, or of one above.
NEIGHBOURS: set[tuple[str, str]] = set()
# Files that belong to the room of another one.
PART_OF = {
    "gdbserver": "gdbstub",
    "monitor": "gdbstub",
    "gdb": "gdbstub",
    "gdb_console": "gdbstub",
    "lldb": "gdbstub",
    "target": "gdbstub",
    "target_contents": "gdbstub",
    "target_moving": "gdbstub",
    "share": "gdbstub",  # runs inside GDB
    "snapshot": "history",  # what is at a place
    "runs": "machine",
    "timeline_api": "timeline",
    "probe": "timeline",
    "probe_api": "timeline",
    "output": "timeline",
    "space": "timeline",
    "moment": "timeline",
    "moving": "timeline",
    "printed": "timeline",
    "register_names": "timeline",
    "svd": "timeline",
    "inspection": "recorded",
    "indexing": "recorded",
    "cut": "recorded",
    "edits": "recorded",
    "elf": "images",
    "symbols": "images",
    "elf_attributes": "images",
    "built_for": "loader",
    "built_from": "images",
}
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str | None:
    """`ttd.engine.types` -> `engine`; None for what is not ttd's, or is ttd itself."""
    parts = module.split(".")
    if parts[0] != "ttd" or len(parts) < 2:
        return None
    return PART_OF.get(parts[1], parts[1])


class Source(NamedTuple):
    """What is looked at of a source file. (Its tree, of all files, would be in the way of every
    collection of garbage until the last test.)"""

    imports: list[tuple[int, str]]
    """Line and dotted name of everything that it imports, relative imports resolved."""
    private: list[tuple[int, str]]
    """Line and text of attributes that begin with _, and are none of its own classes'."""


@cache
def read(path: Path) -> Source:
    """A source file."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    return Source(list(imports(path, nodes)), list(private(nodes)))


def imports(path: Path, nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


def private(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    own = own_attributes(nodes)
    for node in nodes:
        if not isinstance(node, ast.Attribute) or not re.match(r"_[^_]", node.attr):
            continue
        mine = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        # Unicorn's binding has no other way to its handle.
        if not (mine or node.attr in own or ast.unparse(node) == "self._uc._uch"):
            yield node.lineno, ast.unparse(node)


def own_attributes(nodes: list[ast.AST]) -> set[str]:
    """Names of the attributes that a module gives to its own classes and their instances."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                targets = part.targets if isinstance(part, ast.Assign) else []
                if isinstance(part, ast.AnnAssign):
                    targets = [part.target]
                found.update(target.id for target in targets if isinstance(target, ast.Name))
                if isinstance(part, ast.FunctionDef):
                    found.add(part.name)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            found.add(node.attr)
    return found


SOURCES = sorted((ROOT / "ttd").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    here = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if here in (None, "__init__"):
        return
    assert here in LEVEL, f"room {here} has no floor: add it to docs/architecture.md and here"
    for line, name in read(path).imports:
        there = room_of(name)
        if there is None or there == here:
            continue
        assert there in LEVEL, f"{path.relative_to(ROOT)}:{line}: {there} is no room"
        allowed = LEVEL[there] > LEVEL[here] or (here, there) in NEIGHBOURS
        assert allowed, f"{path.relative_to(ROOT)}:{line}: {here} must not import {there}"


def test_every_file_is_in_the_plan() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    there = {path.relative_to(ROOT).parts[1] for path in SOURCES if not path.name.startswith("__")}
    wanted = {name if name.endswith(".py") else f"{name}/" for name in there}
    missing = sorted(name for name in wanted if f"`ttd/{name}`" not in text)
    assert not missing, f"docs/architecture.md does not say what {missing} are for"
    rows = re.findall(r"^\| `(ttd/[^`]*)` \|", text, re.MULTILINE)
    twice = sorted({row for row in rows if rows.count(row) > 1})
    assert not twice, f"docs/architecture.md has more than one row of {twice}"


def test_nothing_unpickles() -> None:
    """Opening a stranger's recording must be safe: no module that can run code from data."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.split() or [str(p) for p in SOURCES]
    forbidden = re.compile(r"_?c?pickle|marshal|shelve|dill")
    for name in names:
        path = ROOT / name
        # Where none of the words is, there is nothing to parse.
        if path.exists() and forbidden.search(path.read_text()):
            for line, module in read(path).imports:
                assert not forbidden.fullmatch(module.split(".")[0]), f"{name}:{line}: {module}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_private_attribute_of_another_module(path: Path) -> None:
    found = [f"{path.relative_to(ROOT)}:{line}: {text}" for line, text in read(path).private]
    assert not found, f"{found} is private"
