"""Disks: `replay_block_event`, `blkreplay_next_id`. A FAT image is read and written by a guest."""

from __future__ import annotations

import random
from errno import EIO, ENOSPC
from pathlib import Path

import pytest

from tests.integration.border import (
    FIRMWARE,
    Image,
    Line,
    drive,
    often,
    recorder,
    replay_everywhere,
    run_to_end,
)
from tests.integration.cli_tools import change_events
from tests.integration.conftest import ttd
from tests.integration.fat import DATA, SECTOR, make_image, read_file
from ttd.boards.extras import Extra
from ttd.contents import PAGE
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine
from ttd.recording.errors import ConfigMismatch
from ttd.recording.events import Kind, to_small
from ttd.recording.varint import Reader
from ttd.replay.errors import ReplayError
from ttd.runs import RunEnd

pytestmark = pytest.mark.slow

__all__ = ["often"]

HELLO = b"hello from the host\n"
ELF = FIRMWARE / "virtio-blk" / "virtio-blk.elf"
DISK = ("--device", "virtio-blk,drive=disk0")
BLK = Extra("virtio-blk", "blk0", {"drive": "disk0"})


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(make_image(HELLO))
    return path


@pytest.mark.parametrize("at_once", [1, 7, 8, 100, 2048])
def test_a_whole_disk(tmp_path: Path, at_once: int) -> None:
    """By requests that take parts of pages, whole pages, and more than an event holds."""
    image, elf = tmp_path / "disk.img", FIRMWARE / "disk-reads" / "disk-reads.elf"
    sectors = 2 * at_once + 500
    words = at_once.to_bytes(4, "little") + sectors.to_bytes(4, "little")
    dice = random.Random(at_once)
    image.write_bytes(words + dice.randbytes(sectors * SECTOR - len(words)))
    result = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", tmp_path / "run.ttd"),
        *("--drive", f"file={image}", *DISK, elf),
    )
    assert result.returncode == 0, result.stderr.decode()
    again = ttd("replay", tmp_path / "run.ttd", "--echo")
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout == result.stdout and b"sectors" in result.stdout


def record(tmp_path: Path, image: Path, *more: str) -> bytes:
    """By the command line, to run.ttd; returns what the guest printed."""
    result = ttd(
        *("record", "--board", "mps2-an385", "--semihosting", "-o", tmp_path / "run.ttd"),
        *("--drive", f"file={image}", *DISK, *more, ELF),
    )
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


def session(
    path: Path,
    image: Image,
    *,
    line: Line | None = None,
    embed: bool = True,
    dice: random.Random | None = None,
) -> RecordedMachine:
    """`dice`: which request is done next, when the guest waits for one."""
    return recorder(
        "virtio-blk",
        path,
        extras=[BLK],
        drives=[drive("disk0", bytes(image.data), embed=embed)],
        uart=line,
        host=HostSides(disks={"disk0": image}),
        idle=None if dice is None else lambda: image.complete_one(dice),
    )


def test_a_recording_replays_without_the_image(tmp_path: Path, image: Path) -> None:
    output = record(tmp_path, image)
    assert HELLO in output
    assert image.read_bytes() == make_image(HELLO), "the image is not changed"
    image.unlink()
    replayed = ttd("replay", "--echo", "--verify", tmp_path / "run.ttd")
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == output


def test_commit_changes_the_image(tmp_path: Path, image: Path) -> None:
    record(tmp_path, image, "--commit")
    assert read_file(image.read_bytes(), b"GUEST   TXT") == b"written by the guest\n"
    assert read_file(image.read_bytes(), b"HELLO   TXT") == HELLO
    replayed = ttd("replay", "--verify", tmp_path / "run.ttd")
    assert replayed.returncode == 0, replayed.stderr.decode()


def test_an_image_that_cannot_be_changed_leaves_the_recording_complete(tmp_path: Path) -> None:
    class Full(Image):
        def write(self, offset: int, data: bytes) -> None:
            raise OSError(ENOSPC, "No space left on device")

    run = tmp_path / "run.ttd"
    live = session(run, Full(make_image(HELLO)))
    live.commit_drives = True
    with pytest.raises(ReplayError, match="disk0 cannot be written: No space left"):
        run_to_end(live)
    live.close()
    replayed = ttd("replay", "--verify", run)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert b"cut off" not in replayed.stderr


def test_images_are_changed_or_needed_again(tmp_path: Path, image: Path) -> None:
    words = ("record", "--board", "mps2-an385", "-o", tmp_path / "run.ttd")
    refused = ttd(*words, "--drive", f"file={image}", *DISK, "--commit", "--no-embed", ELF)
    assert refused.returncode == 2
    assert b"--no-embed" in refused.stderr
    assert not (tmp_path / "run.ttd").exists()


def test_without_embedding_the_same_image_is_needed(tmp_path: Path, image: Path) -> None:
    output = record(tmp_path, image, "--no-embed")
    run = tmp_path / "run.ttd"
    before = run.read_bytes()
    assert HELLO not in before

    missing = ttd("replay", run)
    assert missing.returncode == 2
    assert missing.stderr.decode() == (
        "ttd: the recording does not hold what was read of disk0:"
        " give the image with --drive file=...,id=disk0\n"
    )
    same = ttd("replay", "--echo", "--verify", "--drive", f"file={image}", run)
    assert same.returncode == 0, same.stderr.decode()
    assert same.stdout == output
    image.write_bytes(make_image(b"other\n"))
    other = ttd("replay", "--drive", f"file={image}", run)
    assert other.returncode == 2
    assert other.stderr.decode().startswith("ttd: option drives differs: the recording has disk0")
    assert other.stderr.count(b"\n") == 1
    assert run.read_bytes() == before


def test_completions_in_any_order_from_every_snapshot(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    image = Image(make_image(HELLO), at_once=False)
    live = session(path, image, line=line, dice=random.Random(5))
    assert live.machine.run().end is RunEnd.ENDED
    order = line.output.split(b"order ")[1].split(b"\n")[0].split()
    assert sorted(order) == [b"%d" % n for n in range(8)]
    assert order != sorted(order)
    blocks = [event.payload[1:] for _, event in live.replay.log.select([Kind.BLOCK])]
    numbers = [Reader(payload).varint() for payload in blocks]
    assert sorted(numbers) == list(range(len(numbers)))
    run_to_end(live)
    output, played = replay_everywhere(path)
    assert output == line.output
    assert len(played.recording.snapshots) > 3


def test_what_needs_no_disk_is_answered_in_bottom_halves(tmp_path: Path) -> None:
    """`replay_bh_oneshot_event`: the disk's name, and a sector beyond its end."""
    path, line = tmp_path / "run.ttd", Line()
    live = session(path, Image(make_image(HELLO)), line=line)
    run_to_end(live)
    assert b"id blk0\n" in line.output and b"beyond 00000001\n" in line.output
    output, played = replay_everywhere(path)
    assert output == line.output
    halves = [event for _, event in played.replay.log.select([Kind.BH])]
    assert [to_small(event.payload) for event in halves] == [0, 1]
    # From the snapshot before the second one, and from the step itself.
    for step in (halves[1].step, halves[1].step - 1):
        played.timeline.seek(step)
        played.run(None, lambda step: None)
        played.compare_end()


def test_one_bottom_half_less_in_the_log_diverges(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    run_to_end(session(path, Image(make_image(HELLO))))
    change_events(path, lambda events: [e for e in events if e.kind is not Kind.BH])
    done = ttd("replay", path)
    assert done.returncode == 3
    assert b"diverged at step" in done.stderr


def test_errors_and_short_reads_happen_again(tmp_path: Path) -> None:
    for name, spoil in {"error": False, "short": True}.items():
        path, line = tmp_path / f"{name}.ttd", Line()
        whole = make_image(HELLO)
        image = Image(whole)
        live = session(path, image, line=line)
        if spoil:
            del image.data[DATA * SECTOR :]  # somebody truncates the image
        else:
            image.fail = lambda offset: EIO if offset == DATA * SECTOR // PAGE * PAGE else 0
        run_to_end(live)
        assert b"error at" in line.output
        output, played = replay_everywhere(path)
        assert output == line.output
        assert played.recording.status.exit_code in (5, 6)


def test_a_read_only_disk_refuses_writes(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    data = make_image(HELLO)
    drives = [drive("disk0", data, readonly=True)]
    host = HostSides(disks={"disk0": Image(data)})
    live = recorder("virtio-blk", path, extras=[BLK], drives=drives, uart=line, host=host)
    run_to_end(live)
    assert b"write error at" in line.output
    assert replay_everywhere(path)[0] == line.output


def test_going_back_while_it_records_takes_the_disk_along(tmp_path: Path) -> None:
    path, line = tmp_path / "run.ttd", Line()
    image = Image(make_image(HELLO), at_once=False)
    dice = random.Random(3)
    live = session(path, image, line=line, dice=dice)
    machine, timeline = live.machine, live.timeline
    seen = []
    while machine.run(machine.engine.step + 700).end is not RunEnd.ENDED:
        disk = live.replay.disks[0].disk
        seen.append((machine.engine.step, dict(disk.contents())))
        if dice.random() < 0.1:
            step, contents = dice.choice(seen)
            timeline.seek(step)
            assert dict(disk.contents()) == contents
            timeline.seek(seen[-1][0])
            assert dict(disk.contents()) == seen[-1][1]
    run_to_end(live)
    assert replay_everywhere(path)[0] == line.output
    assert bytes(image.data) == make_image(HELLO)


def test_what_was_not_embedded_is_read_when_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    image = Image(make_image(HELLO))
    run_to_end(session(path, image, embed=False))
    with pytest.raises(ConfigMismatch, match="disk0"):
        RecordedMachine.open(str(path), SemihostFiles(None))
    host = HostSides(disks={"disk0": Image(make_image(HELLO))})
    played = RecordedMachine.open(str(path), SemihostFiles(None), host=host)
    played.run(None, lambda step: None)
    played.compare_end()
    played.verify_snapshots()
