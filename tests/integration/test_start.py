"""What a command imports before it does something: a start costs what the command needs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
SLOW = {
    *("asyncio", "capstone", "elftools", "email", "fdt", "gmpy2", "intelhex", "multiprocessing"),
    *("importlib.metadata", "click.shell_completion", "pdb", "pkg_resources", "rich", "unittest"),
    *("unicorn", "ctypes", "importlib.resources"),  # the native half opens Unicorn itself
}
"""No start needs these."""
ARCHIVES = {"bz2", "lzma", "random", "shutil", "tempfile", "zipfile"}
"""What looks after temporary files brings."""
MACHINE = {"cffi", "ttd.engine", "ttd.machine", "ttd.cpu", "ttd.devices"}
DEBUGGER = {"logging", "socket", "ttd.gdbserver", "ttd.gdbstub", "ttd.rsp"}
OTHER_BOARDS = {
    *("ttd.boards.virt.board", "ttd.boards.virt.tree", "ttd.boards.microbit", "ttd.boards.raw"),
    *("ttd.cpu.riscv", "ttd.cpu.aarch64", "ttd.cpu.x86", "ttd.devices.goldfish_rtc"),
}
OTHER_HOSTS = {
    *("ttd.host.tcp", "ttd.host.pseudoterminal", "ttd.host.input_socket"),
    *("ttd.host.net_dgram", "ttd.host.net_pcap", "ttd.host.net_tap"),
}


def imported(folder: Path, *words: str) -> set[str]:
    """The modules that a command imports up to its end, and the packages that they are in."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ttd", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    names = re.findall(r"^import time:\s+\d+ \|\s+\d+ \| +(\S+)", done.stderr, re.MULTILINE)
    parts = [name.split(".") for name in names]
    return {".".join(words[:count]) for words in parts for count in range(1, len(words) + 1)}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """A recording, and what `ttd record` imported."""
    path = tmp_path_factory.mktemp("start") / "run.ttd"
    firmware = str(FIRMWARE / "tiny" / "tiny.elf")
    words = ("record", "--board", "mps2-an385", "--steps", "1", "--serial", "null")
    return path, imported(path.parent, *words, "-o", str(path), firmware)


def test_help(tmp_path: Path) -> None:
    found = imported(tmp_path, "--help")
    assert not found & (SLOW | MACHINE | DEBUGGER | {"sqlite3", "msgpack", "ttd.recording"})


def test_record(recording: tuple[Path, set[str]]) -> None:
    _, found = recording
    assert {"ttd.engine", "ttd.boards.mps2_an385"} <= found, "looked at the right thing"
    assert not found & (SLOW | ARCHIVES | OTHER_BOARDS | OTHER_HOSTS)
    assert not found & {"ttd.gdbserver", "ttd.rsp", "logging"}


@pytest.mark.parametrize("command", ["info", "events", "last"])
def test_reading(recording: tuple[Path, set[str]], command: str) -> None:
    """`ttd info` needs no machine; `events` names a board's interrupts."""
    path, _ = recording
    found = imported(path.parent, command, *(() if command == "last" else (str(path),)))
    machine = set() if command == "events" else MACHINE | {"json"}
    assert not found & (SLOW | ARCHIVES | machine | OTHER_BOARDS | OTHER_HOSTS | DEBUGGER)


def test_what_has_been_answered_before(recording: tuple[Path, set[str]]) -> None:
    """The same question again needs no machine."""
    path, _ = recording
    words = ("executed", str(path), "Reset_Handler")
    first, again = (imported(path.parent, *words) for _ in range(2))
    assert "ttd.machine" in first, "looked at the right thing"
    assert not again & (SLOW | ARCHIVES | MACHINE | DEBUGGER | {"json", "ttd.program"})


def test_serve(recording: tuple[Path, set[str]]) -> None:
    path, _ = recording
    found = imported(path.parent, "serve", "--stdio", str(path))
    assert not found & {"json", "ttd.rtos.find", "ttd.rtos.freertos"}, "wanted when a client asks"
    assert {"ttd.engine", "ttd.gdbserver"} <= found, "looked at the right thing"
    assert not found & (SLOW | ARCHIVES | OTHER_BOARDS | OTHER_HOSTS)


def test_the_end_does_not_look_through_what_is_left() -> None:
    """Python collects garbage several times when it ends, a fifth of `ttd info`."""
    code = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 10_000))\n"
        "from ttd.__main__ import main\n"
        "sys.argv = ['ttd', '--help']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nTrue\n")


def test_a_script_beside_a_clone(tmp_path: Path) -> None:
    """A clone is a folder `ttd` that is no package: what is imported is what was installed."""
    (tmp_path / "ttd").mkdir()
    script = tmp_path / "lost.py"
    script.write_text("import ttd\nprint(ttd.open.__name__)\n")
    words = [sys.executable, str(script)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("open\n", "")
