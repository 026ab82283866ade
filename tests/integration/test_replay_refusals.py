"""What cannot be recorded or does not fit: one sentence, exit code 2, the recording untouched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.border import FIRMWARE, Line, recorder, run_to_end
from tests.integration.conftest import ttd
from ttd.boards.extras import Extra

pytestmark = pytest.mark.slow

RNG = FIRMWARE / "virtio-rng" / "virtio-rng.elf"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Of a machine with a generator of random bytes and a keyboard."""
    path = tmp_path / "run.ttd"
    extras = [Extra("virtio-rng", "rng0"), Extra("virtio-keyboard", "keyboard0")]
    run_to_end(recorder("virtio-rng", path, extras=extras, uart=Line()))
    return path


def refused(run: Path, *words: str | Path) -> str:
    before = run.read_bytes()
    result = ttd(*words)
    assert result.returncode == 2, result.stderr.decode()
    assert run.read_bytes() == before
    text = result.stderr.decode()
    assert text.count("\n") == 1, text
    return text


@pytest.mark.parametrize(
    "devices",
    [
        ["virtio-rng"],
        ["virtio-rng", "virtio-keyboard", "virtio-mouse"],
        ["virtio-keyboard", "virtio-rng"],
    ],
    ids=["missing", "added", "order"],
)
def test_another_machine(recorded: Path, devices: list[str]) -> None:
    words = [word for device in devices for word in ("--device", device)]
    text = refused(recorded, "replay", *words, recorded)
    assert text.startswith("ttd: option devices differs: the recording has virtio-rng,id=rng0")


def test_the_same_machine(recorded: Path) -> None:
    words = ["--device", "virtio-rng", "--device", "virtio-keyboard", "--clock", "40"]
    result = ttd("replay", *words, recorded)
    assert result.returncode == 0, result.stderr.decode()


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (["--device", "virtio-blk,drive=none"], "none"),
        (["--device", "virtio-blk"], "drive=... is missing"),
        (["--device", "virtio-gpu"], "is none of"),
        (["--device", "pl031", "--device", "pl031"], "no place for more than one device pl031"),
        (["--device", "power", "--device", "power"], "no place for more than one device power"),
        (["--device", "virtio-rng"] * 9, "8 virtio devices"),
        (["--device", "virtio-rng,id=a", "--device", "virtio-rng,id=a"], "called a"),
        (["--device", "virtio-rng,id=uart0"], "uart0"),
        (["--device", "virtio-rng,id=a b"], "not a name"),
        (["--device", "pl031,clock=sundial"], "clock is one of"),
        (["--drive", "file=/nowhere/disk.img"], "cannot be opened"),
        (["--drive", "file=/"], "not an image"),
        (["--device", "virtio-blk,drive=x"] * 2, "the drive x"),
        (["--drive", "id=x"], "file=... is missing"),
        (["--drive", "file=/x,format=qcow2"], "format is one of"),
    ],
)
def test_a_machine_that_cannot_be(recorded: Path, words: list[str], say: str) -> None:
    text = refused(
        recorded, "record", "--board", "mps2-an385", "-o", recorded, *words, "--serial", "null", RNG
    )
    assert say in text
