"""The same program on every architecture that the board `raw` has: recorded, reversed in GDB."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli_tools import info, ttd, verify
from tests.integration.conftest import FIRMWARE, Server
from tests.integration.gdb_mi import Gdb

pytestmark = pytest.mark.slow

OUTPUT = b"crc    bdd8b595\nsorted b581c0ef\ncopied bce09fdf\nroot   1090a037\n"
PROGRESS = "*(unsigned int *)&progress"
CPUS = ["x86-64", "aarch64", "rv64", "cortex-m3"]


def blob(cpu: str) -> Path:
    return FIRMWARE / "blob" / f"blob-{cpu}.elf"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("blobs")
    for cpu in CPUS:
        board = ("--board", "raw", "--cpu", cpu, "--ram", "0x100000:1M", "--semihosting")
        uart = ("--uart", "ns16550@0x40000000")
        done = ttd("record", *board, *uart, "--load", blob(cpu), "-o", folder / f"{cpu}.ttd")
        assert (done.code, done.out) == (0, OUTPUT), done.err
    return {cpu: folder / f"{cpu}.ttd" for cpu in CPUS}


@pytest.mark.parametrize("cpu", CPUS)
def test_it_replays(recordings: dict[str, Path], cpu: str) -> None:
    assert "the same" in verify(recordings[cpu])
    assert info(recordings[cpu])["cpu"] == cpu


@pytest.mark.parametrize("cpu", CPUS)
def test_watchpoints_land_right_both_ways(
    recordings: dict[str, Path],
    cpu: str,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
) -> None:
    elf = blob(cpu)
    gdb = attach(elf, serve("serve", "--port", "0", recordings[cpu]).port)
    gdb.say(f"watch {PROGRESS}")
    forward = []
    for number in range(1, 6):
        stop, _ = gdb.go("continue")
        assert stop["reason"] == "watchpoint-trigger"
        assert stop["value"] == {"old": str(number - 1), "new": str(number)}
        forward.append((gdb.pc, gdb.step))
    # Behind the last one: the UART has said all, and the guest ends.
    gdb.say("delete")
    gdb.go("continue")
    gdb.say(f"watch {PROGRESS}")
    for number, (pc, step) in zip(range(5, 0, -1), reversed(forward), strict=True):
        stop, _ = gdb.go("reverse-continue")
        assert stop["value"] == {"old": str(number), "new": str(number - 1)}
        assert gdb.step == step - 1
        assert gdb.value(PROGRESS) == number - 1
        gdb.say("delete")
        gdb.go("stepi")
        assert (gdb.pc, gdb.step, gdb.value(PROGRESS)) == (pc, step, number)
        gdb.go("reverse-stepi")
        gdb.say(f"watch {PROGRESS}")


@pytest.mark.parametrize("cpu", CPUS)
def test_a_stop_brings_all_registers_that_gdb_wants(
    recordings: dict[str, Path],
    cpu: str,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
) -> None:
    server = serve("--trace-packets", "serve", "--port", "0", recordings[cpu])
    gdb = attach(blob(cpu), server.port)
    gdb.say("break main")
    gdb.go("continue")
    for command in ("stepi", "next", "reverse-stepi", "reverse-next", "step", "continue"):
        gdb.go(command)
        gdb.say("backtrace")
    assert server.packets(r"<- .*\$(vCont;|bs|bc)") >= 6
    assert not server.packets(r"<- .*\$[gp][0-9a-f]*#")


@pytest.mark.parametrize("cpu", CPUS)
def test_a_memory_view_of_what_is_not_there(
    recordings: dict[str, Path],
    cpu: str,
    serve: Callable[..., Server],
    attach: Callable[..., Gdb],
) -> None:
    """As front ends show it: what can be read, or an error; GDB lives on."""
    gdb = attach(blob(cpu), serve("serve", "--port", "0", recordings[cpu]).port)
    top = (1 << gdb.value("sizeof(char *)") * 8) - 64
    for address in (0, 0x100000 - 32, 0x200000 - 32, top // 2, top // 2 + 64, top):
        record, _ = gdb.mi(f"-data-read-memory-bytes {address} 64")
        assert record["message"] in ("done", "error")
    assert gdb.step == 0


VECTORS = {
    "x86-64": ("$xmm1.v2_int64[{}]", "$xmm1"),
    "aarch64": ("$v1.d.u[{}]", "$v1"),
}


@pytest.mark.parametrize("cpu", VECTORS)
def test_registers_of_128_bits(
    tmp_path: Path, cpu: str, serve: Callable[..., Server], attach: Callable[..., Gdb]
) -> None:
    """Read, and written at the end of a live recording."""
    board = ("--board", "raw", "--cpu", cpu, "--ram", "0x100000:1M")
    words = ("--uart", "ns16550@0x40000000", "--load", blob(cpu), "--gdb", "0")
    server = serve("record", *board, *words, "-o", tmp_path / "run.ttd")
    gdb = attach(blob(cpu), server.port)
    lanes, register = VECTORS[cpu]
    text = gdb.say("info all-registers")
    assert re.search(rf"^{register[1:]} +\{{", text, re.MULTILINE), text
    for lane in (lanes.format(0), lanes.format(1)):
        before = gdb.value(lane)
        gdb.say(f"set {lane} = {before + 77}")
        assert gdb.value(lane) == before + 77
        gdb.go("stepi")
        gdb.go("reverse-stepi")
        assert gdb.value(lane) == before + 77
        gdb.go("stepi")
    server.process.send_signal(signal.SIGTERM)
    server.wait()
    assert "the same" in verify(tmp_path / "run.ttd")


ENDS = {
    "hlt": ("x86-64", "90f4", 0, "the guest has halted (HLT at 0x100001)"),
    "int": ("x86-64", "90cd21", 1, "INT 0x21 at 0x100001"),
    "int3": ("x86-64", "cc", 1, "INT3 at 0x100000"),
    "syscall": ("x86-64", "0f05", 1, "SYSCALL at 0x100000"),
    "ud2": ("x86-64", "900f0b", 1, "#UD) at 0x100001"),
    "div": ("x86-64", "31c9f7f1", 1, "#DE) at 0x100002"),
    "load": (
        "x86-64",
        "488b0425efbeed0b",
        1,
        "reads 0xbedbeef, where nothing answers, at 0x100000",
    ),
    "wfi": ("aarch64", "1f2003d57f2003d5", 0, "(WFI at 0x100004)"),
    "svc": ("aarch64", "a10400d4", 1, "SVC #0x25 at 0x100000"),
    "brk": ("aarch64", "200020d4", 1, "BRK #0x1 at 0x100000"),
    "udf": ("aarch64", "00000000", 1, "undefined instruction (0x00000000) at 0x100000"),
    "store": ("aarch64", "0800aed2000100f9", 1, "writes 0x70000000, where nothing answers"),
}


@pytest.mark.parametrize("name", ENDS)
def test_how_a_blob_ends(tmp_path: Path, name: str) -> None:
    """Without exceptions: by a sentence and an exit code, and so in play."""
    cpu, code, exit_code, sentence = ENDS[name]
    (tmp_path / "code").write_bytes(bytes.fromhex(code))
    path = tmp_path / "run.ttd"
    board = ("--board", "raw", "--cpu", cpu, "--ram", "0x100000:64K")
    done = ttd("record", *board, "--load", f"{tmp_path / 'code'}@0x100000", "-o", path)
    assert done.code == exit_code, done.err
    assert sentence in str(info(path))
    assert "the same" in verify(path)


def test_semihosting_of_aarch64(tmp_path: Path) -> None:
    """SYS_EXIT with a parameter block at the end of the code."""
    # mov w0, #0x18; adr x1, block; hlt #0xf000; udf; block: ADP_Stopped_ApplicationExit, 7
    code = "000380526100001000005ed400000000" + "2600020000000000" + "0700000000000000"
    (tmp_path / "code").write_bytes(bytes.fromhex(code))
    board = ("--board", "raw", "--cpu", "aarch64", "--ram", "0x100000:64K", "--semihosting")
    path = tmp_path / "run.ttd"
    done = ttd("record", *board, "--load", f"{tmp_path / 'code'}@0x100000", "-o", path)
    assert done.code == 7, done.err
    assert "the same" in verify(path)
