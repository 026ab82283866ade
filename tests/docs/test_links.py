"""Links between the documents lead somewhere, and no document knows this machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.recipes import ROOT

ELSEWHERE = ("http://", "https://", "mailto:")


def documents() -> list[Path]:
    """What is committed, or about to be."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return [ROOT / line for line in listed.splitlines()] or [ROOT / "README.md"]


DOCUMENTS = documents()
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def prose(document: Path) -> str:
    """Without code, in which brackets mean something else."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(document: Path) -> set[str]:
    """Of the headings, as GitHub and others make them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if target.startswith(ELSEWHERE):
            continue
        path, _, anchor = target.partition("#")
        found = document.parent / path if path else document
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_no_path_of_this_machine(document: Path) -> None:
    text = document.read_text()
    assert str(ROOT) not in text
    assert not re.search(r"(?<![\w.])/(home|root|work|tmp|mnt|Users)/", text)


def test_every_document_can_be_reached() -> None:
    linked = {
        (document.parent / target.partition("#")[0]).resolve()
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(document))
        if not target.startswith(ELSEWHERE)
    }
    for document in (ROOT / "docs").glob("*.md"):
        assert document in linked, f"nothing links to {document.name}"
