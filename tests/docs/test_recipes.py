"""The documents do what they say: their recipes are executed, output and all."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest

from scripts.micropython import FIRMWARE, PACKAGE
from tests.docs import recipes
from tests.docs.recipes import ROOT, Block, Outcome
from tests.integration.guests import install
from tests.integration.lldb_client import packaged
from tests.integration.test_guest_uboot_backwards import M_IMAGE, OPENSBI, S_IMAGE

DOCUMENTS = [
    "README.md",
    *(
        f"docs/{name}.md"
        for name in [
            "adding-a-board",
            "api",
            "cli",
            "gdb",
            "guests",
            "ide",
            "lldb",
            "mcp",
            "microbit",
            "network",
            "questions",
            "raw",
            "recipes",
            "tutorial",
        ]
    ),
]
SECTIONS = [
    pytest.param(name, section, marks=[pytest.mark.slow] if slow else [], id=f"{name}: {section}")
    for name in DOCUMENTS
    for section, slow in recipes.sections(ROOT / name).items()
]
"""All of a document in a row: its set-up is run once."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("gdb-multiarch"), reason="needs gdb-multiarch"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where the set-up of a document has been done."""
    return {}


def check(outcomes: list[Outcome]) -> None:
    wrong = [str(outcome) for outcome in outcomes if not outcome.right]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize(("name", "section"), SECTIONS)
def test_recipe(
    name: str, section: str, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    if name == "docs/lldb.md" and packaged() is None:
        pytest.skip("LLDB 23 is not to be had on this platform")
    if name == "docs/guests.md":
        install((OPENSBI, M_IMAGE, S_IMAGE), "opensbi", "u-boot-qemu")
    if name == "docs/questions.md" and section in ("MicroPython", "U-Boot"):
        install((FIRMWARE, M_IMAGE), PACKAGE, "u-boot-qemu")
    if name not in folders:
        folder = tmp_path_factory.mktemp(Path(name).stem)
        check(recipes.run_setup(ROOT / name, folder))
        folders[name] = folder
    check(recipes.run_section(ROOT / name, section, folders[name]))


def blocks_of(language: str) -> list[tuple[str, Block]]:
    found = [(name, block) for name in DOCUMENTS for block in recipes.blocks(ROOT / name)]
    return [(name, block) for name, block in found if block.language == language]


def test_json_is_valid() -> None:
    found = blocks_of("json")
    assert found
    for name, block in found:
        try:
            json.loads("\n".join(block.text))
        except ValueError as e:
            raise AssertionError(f"{name}, line {block.line}: {e}") from e


def test_python_is_valid() -> None:
    for name, block in blocks_of("python"):
        ast.parse("\n".join(block.text), filename=name)


def test_nothing_is_shown_that_no_test_looks_at() -> None:
    """A block says what it is; `console` is executed, the rest is not made of commands' output."""
    for name in DOCUMENTS:
        for block in recipes.blocks(ROOT / name):
            where = f"{name}, line {block.line}"
            assert block.language in ("console", "json", "python", "sh"), where
            # `sh` is for what cannot be executed and has no output, such as `git clone`.
            if block.language == "console":
                begins = block.text[0].startswith(("$ ", recipes.LLDB_PROMPT))
                assert begins or recipes.PROMPT.match(block.text[0]), where
