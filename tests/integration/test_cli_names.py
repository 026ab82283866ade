"""Names of recordings: nothing that is there is lost, and the latest one is found."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli_tools import (
    BOARD,
    elf,
    how_ended,
    info,
    raw,
    refused,
    start,
    ttd,
    verify,
)

pytestmark = pytest.mark.slow

MICROBIT = ("record", "--board", "microbit")
CALLS = (*BOARD, "--steps", "9", elf("calls"))


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """What is in a directory, with the dates."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_recordings_are_numbered(tmp_path: Path) -> None:
    names = ["calls.ttd", "calls-1.ttd", "calls-2.ttd"]
    for name in names:
        before = files(tmp_path)
        before.pop("latest.ttd", None)
        done = ttd(*CALLS, cwd=tmp_path)
        assert done.code == 0
        assert how_ended(done.err, Path(name)) == "the limit of 9 steps was reached"
        after = files(tmp_path)
        assert after.keys() == {*before, name, "latest.ttd"}
        assert {one: after[one] for one in before} == before
        assert ttd("last", cwd=tmp_path).out == f"{name}\n".encode()
        assert os.readlink(tmp_path / "latest.ttd") == name
    verify(tmp_path / names[1])
    (tmp_path / "calls-1.ttd").unlink()
    (tmp_path / "calls-3.ttd").mkdir()
    for name in ("calls-1.ttd", "calls-4.ttd"):
        assert ttd(*CALLS, cwd=tmp_path).code == 0
        assert ttd("last", cwd=tmp_path).out == f"{name}\n".encode()


def test_racers_get_numbers(tmp_path: Path) -> None:
    racers = [start(*CALLS, cwd=tmp_path, stderr=subprocess.PIPE) for _ in range(5)]
    said = sorted(racer.communicate()[1].decode().split()[-1] for racer in racers)
    assert said == ["calls-1.ttd", "calls-2.ttd", "calls-3.ttd", "calls-4.ttd", "calls.ttd"]
    for name in said:
        verify(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == sorted([*said, "latest.ttd"])


def test_force(tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    words = (*BOARD, "-o", path, elf("calls"))
    assert ttd(*words, "--steps", "9").code == 0
    before = files(tmp_path)
    refused(ttd(*words, "--steps", "5"), str(path), "--force")
    assert files(tmp_path) == before
    assert ttd(*words, "--steps", "5", "--force").code == 0
    assert info(path)["steps"] == 5
    again = ttd(*words, "--steps", "5", env={**os.environ, "TTD_FORCE": "1"})
    assert again.code == 0 and f"recorded in {path}" in again.err
    usage = ttd(*CALLS, "--force", cwd=tmp_path)
    assert usage.code == 2 and "--force goes with -o" in usage.err
    assert os.listdir(tmp_path) == ["run.ttd"]
    empty = tmp_path / "empty"
    empty.touch()
    assert ttd(*BOARD, "-o", empty, "--steps", "5", elf("calls")).code == 0, "as mktemp makes it"


WRONG = {
    "board": ("record", "--board", "pdp11", elf("calls")),
    "image": (*BOARD, elf("rtos", "rtos-rv64")),
    "no image": (*BOARD, "missing.elf"),
    "steps": (*BOARD, "--steps", "-1", elf("calls")),
    "port": (*BOARD, "--gdb", "99999", elf("calls")),
    "serial": (*BOARD, "--serial", "pigeon", elf("calls")),
    "serials": (*BOARD, "--serial", "file:new.txt", "--serial", "tcp:127.0.0.1:1", elf("calls")),
    "input": (*BOARD, "--serial", "file:log.txt", "--input", "unix:no/input", elf("calls")),
    "device": (*MICROBIT, "--serial", "file:log.txt", "--device", "pl031", elf("microbit")),
    "network": (*BOARD, "--netdev", "dgram,id=n", elf("calls")),
    "drive": (*BOARD, "--device", "virtio-blk,file=none.img", elf("calls")),
    "memory": (*BOARD, "--snapshot-memory", "lots", elf("calls")),
    "folder": (*BOARD, "--semihosting=none", elf("calls")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_begin_leaves_everything_as_it_was(tmp_path: Path, name: str) -> None:
    assert ttd(*CALLS, cwd=tmp_path).code == 0
    (tmp_path / "log.txt").write_text("of yesterday")
    before = files(tmp_path)
    for output in ((), ("-o", "calls.ttd", "--force"), ("-o", "other.ttd")):
        done = ttd(*WRONG[name], *output, cwd=tmp_path)
        assert (done.code, done.out) == (2, b""), done.err
        assert files(tmp_path) == before, done.err


def test_a_place_for_no_recording(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("of yesterday")
    serial = ("--serial", f"file:{log}")
    for path in ("no/run.ttd", ""):
        refused(ttd(*BOARD, *serial, "-o", path, elf("calls"), cwd=tmp_path), "cannot be")
        assert log.read_text() == "of yesterday"


def test_commands_take_the_latest(tmp_path: Path) -> None:
    assert ttd(*BOARD, "--semihosting", elf("calls"), cwd=tmp_path).code == 0
    assert ttd(*CALLS, cwd=tmp_path).code == 0
    assert b"steps         9\n" in ttd("info", cwd=tmp_path).out
    assert "replayed 9 steps" in ttd("replay", cwd=tmp_path).err
    assert ttd("events", "--json", cwd=tmp_path).out.count(b"\n") >= 2
    assert b"#" in ttd("serve", "--stdio", stdin=b"+$?#3f", cwd=tmp_path).out
    assert "308164 steps" in ttd("replay", "calls.ttd", cwd=tmp_path).err


def test_there_is_no_latest(tmp_path: Path) -> None:
    for command in ("last", "info", "replay", "events", "serve"):
        refused(ttd(command, cwd=tmp_path), "nothing has been recorded here", "latest.ttd")
    assert ttd(*CALLS, cwd=tmp_path).code == 0
    (tmp_path / "calls.ttd").unlink()
    for command in ("last", "info"):
        refused(ttd(command, cwd=tmp_path), "calls.ttd, which is gone")


def test_only_a_link_is_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "latest.ttd"
    mine.write_text("a diary")
    done = ttd(*CALLS, cwd=tmp_path)
    assert done.code == 0 and "latest.ttd is no link" in done.err
    assert mine.read_text() == "a diary"
    mine.unlink()
    mine.mkdir()
    assert ttd(*CALLS, cwd=tmp_path).code == 0
    assert mine.is_dir()


def test_the_link_is_no_name_for_a_recording(tmp_path: Path) -> None:
    assert ttd(*CALLS, cwd=tmp_path).code == 0
    for name in ("latest.ttd", tmp_path / "latest.ttd"):
        refused(ttd(*BOARD, "-o", name, "--force", elf("calls"), cwd=tmp_path), "is the link")
    assert os.readlink(tmp_path / "latest.ttd") == "calls.ttd"


def test_a_firmware_called_latest(tmp_path: Path) -> None:
    image = tmp_path / "latest.elf"
    image.write_bytes(elf("calls").read_bytes())
    for name in ("latest-run.ttd", "latest-run-1.ttd"):
        assert ttd(*BOARD, "--steps", "9", image, cwd=tmp_path).code == 0
        assert ttd("last", cwd=tmp_path).out == f"{name}\n".encode()


def test_a_recording_elsewhere_is_the_latest_here(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    output = ("-o", "../run.ttd")
    assert ttd(*BOARD, *output, "--steps", "9", elf("calls"), cwd=tmp_path / "here").code == 0
    assert ttd("last", cwd=tmp_path / "here").out == b"../run.ttd\n"
    assert "replayed 9 steps" in ttd("replay", cwd=tmp_path / "here").err


def test_a_directory_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither symbolic links, nor hard ones to take a name with."""
    from ttd.cli import latest  # noqa: PLC0415
    from ttd.recording import schema  # noqa: PLC0415

    def refuse(*names: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "symlink", refuse)
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.chdir(tmp_path)
    for name in ("run.ttd", "run-1.ttd"):
        found, connection, claim = schema.make("run.ttd", lambda db: None, schema.Existing.NUMBER)
        assert found == name
        latest.remember(found)
        connection.close()
        assert claim is not None
        claim.release()
    assert not list(tmp_path.glob("latest*")) and not list(tmp_path.glob("*.new"))


def test_help_is_in_groups() -> None:
    said = ttd("record", "--help").out.decode()
    headings = [line for line in said.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings[:2] == ["Recording:", "Machine:"] and len(headings) >= 6
    assert "  Examples:\n    ttd record --board mps2-an385 firmware.elf\n" in said


# --- why it is the end


def test_lockup_in_words(tmp_path: Path) -> None:
    done = ttd(*BOARD, "--semihosting", "-o", tmp_path / "run.ttd", elf("faults", "lockup"))
    why, *faults, steps = done.err.splitlines()
    assert why == "ttd: the CPU locked up at 0x00000270, in HardFault_Handler"
    assert faults == [
        "ttd: CFSR 0x00010000: UNDEFINSTR (an undefined instruction)",
        "ttd: HFSR 0x40000000: FORCED (a fault whose own handler could not be entered)",
    ]
    assert steps == f"ttd: 893 steps recorded in {tmp_path / 'run.ttd'}"


def test_lockup_by_a_bad_address(tmp_path: Path) -> None:
    # ldr r0, [pc, #60]; ldr r1, [r0]; its HardFault handler is the same code
    image = raw(tmp_path / "fw.bin", [0x480F, 0x6801, 0xE7FE], [0x60000000])
    done = ttd(*BOARD, "-o", tmp_path / "run.ttd", image)
    lines = done.err.splitlines()
    assert done.code == 1 and lines[0].startswith("ttd: the CPU locked up at 0x000000")
    assert any("PRECISERR" in line for line in lines)
    assert "ttd: BFAR 0x60000000: what was accessed" in lines


def test_the_end_on_a_raw_board(tmp_path: Path) -> None:
    code = tmp_path / "code.bin"
    code.write_bytes(bytes.fromhex("90f4"))  # nop; hlt
    words = ("record", "--board", "raw", "--cpu", "x86-64", "--ram", "0x1000:4K")
    done = ttd(*words, "--load", f"{code}@0x1000", "-o", tmp_path / "run.ttd")
    assert done.code == 0
    assert done.err.splitlines()[0] == "ttd: the guest has halted (HLT at 0x1001)"


def test_after_an_unfinished_line(tmp_path: Path) -> None:
    """Standard output and error in one file: what ttd says begins on a line of its own."""
    # ldr r0, [pc, #60]; movs r1, #1; str r1, [r0, #8]; movs r2, #'A'; str r2, [r0]; b .
    image = raw(tmp_path / "fw.bin", [0x480F, 0x2101, 0x6081, 0x2241, 0x6002, 0xE7FE], [0x40004000])
    words = (*BOARD, "--steps", "100", image)
    together = tmp_path / "all.txt"
    with together.open("wb") as out:
        process = start(*words, "-o", tmp_path / "a.ttd", stdout=out, stderr=subprocess.STDOUT)
        assert process.wait() == 0
    lines = together.read_text().splitlines()
    assert lines[0] == "A" and lines[1].startswith("ttd: the limit of 100 steps was reached")
    apart = ttd(*words, "-o", tmp_path / "b.ttd")
    assert apart.out == b"A" and apart.err.startswith("ttd: ")
