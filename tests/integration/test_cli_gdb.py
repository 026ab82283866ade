"""`ttd gdb` and `ttd lldb`: the server, the debugger and what it is told, in one command."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.cli_tools import BOARD, HANG, ROOT, TTD, elf, start, ttd
from tests.integration.lldb_client import lldb

__all__ = ["lldb"]  # a fixture

QUIET = ("-nx", "-batch", "-ex", "set width 0", "-ex", "set style enabled off")
RECORD = ("--record", *BOARD[1:], "--semihosting")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gdb") / "calls of today.ttd"
    assert ttd(*BOARD, "--semihosting", "-o", path, elf("calls")).code == 0
    return path


def client(
    name: str, *arguments: str | Path, cwd: Path, typed: str = "", **more: str
) -> tuple[int, str]:
    """Run `ttd gdb` or `ttd lldb`; its exit code, and all that is printed."""
    done = subprocess.run(
        [*TTD, name, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **more},
        input=typed.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=HANG,
        check=False,
    )
    text = done.stdout.decode()
    assert "Traceback" not in text, text
    return done.returncode, text


def commands(*lines: str) -> list[str]:
    return [word for line in lines for word in ("-ex", line)]


def test_gdb_on_a_recording(run: Path, tmp_path: Path) -> None:
    lines = ("break move", "continue", "stepi", "when", "last-stop", "checkpoint", "goto end")
    more = ("restart 1", "run", "info checkpoints", "print $pc")
    code, text = client("gdb", run, "--", *QUIET, *commands(*lines, *more), cwd=tmp_path)
    assert code == 0
    assert text.count("Breakpoint 1, move (p=p@entry=0x20000414 <corner>, dx=dx@entry=3") >= 2
    assert "Step: 19803 of 308164" in text and "Step: 19802 of 308164" in text
    assert "Checkpoint 1 at step 19802" in text and "1  step 19802" in text
    assert "$1 = (void (*)()) 0x198 <move>" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_branches_are_said_at_the_prompt(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.ttd"
    shutil.copy(run, path)
    before = path.read_bytes()
    typed = "goto 27000\nprint fib(3)\nbreak move\ntrace fib\ntstart\n"
    code, text = client("gdb", path, "--", "-nx", cwd=tmp_path, typed=typed)
    assert code == 0
    assert "$1 = 2\n" in text and text.count("[27000] (gdb) ") == 5
    assert "ttd has no tracepoints" in text and "E0d" not in text
    assert path.read_bytes() == before
    typed = "goto 27000\nset var rare = 3\nbranches\nbranch main\nbranch mine\nbranch rename it\n"
    code, text = client("gdb", path, "--", "-nx", cwd=tmp_path, typed=typed + "discard b1\n")
    assert code == 0
    said = (
        "[27000] (gdb) Branch b1 begins at step 27000, as 4 bytes at 0x20000404 were written; "
        "what was to come stays on main.\n"
        "[b1:27000] (gdb)   main  steps 0 to 308164\n"
        "*   b1  steps 27000 to 27000, goes on: 4 bytes at 0x20000404 were written\n"
    )
    assert said in text, text
    assert "[main:27000] (gdb) Branch mine begins at step 27000, as you asked for it;" in text
    assert "[mine:27000] (gdb) mine is called it now.\n[it:27000] (gdb) b1 is gone." in text
    for branch in ("main", "it"):
        assert ttd("replay", path, "--branch", branch).code == 0


def test_gdb_on_a_machine_that_records(tmp_path: Path) -> None:
    path = tmp_path / "live.ttd"
    what = (*RECORD, "-o", path, elf("calls"))
    lines = ("break write_rare", "continue", "continue", "reverse-continue", "monitor when")
    code, text = client("gdb", *what, "--", *QUIET, *commands(*lines), cwd=tmp_path)
    assert code == 0
    # What the guest prints is there before the stop that it comes before.
    assert re.search(r"^calls\n[^$]*Breakpoint 1, write_rare", text, re.MULTILINE)
    assert ttd("replay", path, "--verify").code == 0


@pytest.mark.slow
def test_gdb_with_a_live_machine_and_no_name(tmp_path: Path) -> None:
    """A name may look like FILE@ADDRESS."""
    image = tmp_path / "me@home" / "calls.elf"
    image.parent.mkdir()
    shutil.copy(elf("calls"), image)
    code, text = client("gdb", *RECORD, image, "--", *QUIET, cwd=tmp_path)
    assert code == 0 and "Reset_Handler ()" in text
    assert list(tmp_path.iterdir()) == [image.parent]


def test_lldb_on_a_recording(run: Path, tmp_path: Path, lldb: str) -> None:
    lines = [
        "breakpoint set -n main",
        "goto start",
        "process continue",
        "goto 27000",
        "register read pc",
        "breakpoint set -n move",
        "process continue -R",
    ]
    lines += ["when", "back", "when", "checkpoint", "checkpoints", "restart 1", "events"]
    words = [word for line in lines for word in ("-o", line)]
    which = ("--debugger", lldb)
    code, text = client("lldb", *which, run, "--", "-b", *words, cwd=tmp_path)
    assert code == 0
    # To where it is already: no step is left over, for the next `continue` to end with.
    assert "stop reason = step 0 of " in text and "stop reason = breakpoint 1.1" in text
    assert "calls.elf`fib" in text and "calls.elf`move" in text
    assert text.count("Step: 27000 of 308164") >= 2
    assert "Checkpoint 1 at step 27000" in text and "308164  end" in text


@pytest.mark.slow
def test_a_folder_with_a_blank_in_its_name(run: Path, tmp_path: Path, lldb: str) -> None:
    """The socket is in it."""
    folder = tmp_path / "a b"
    folder.mkdir()
    for name, which, quiet in (("gdb", (), QUIET), ("lldb", ("--debugger", lldb), ("-b",))):
        code, text = client(name, *which, run, "--", *quiet, cwd=tmp_path, TMPDIR=str(folder))
        assert code == 0 and "Reset_Handler" in text, text
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_sources_that_have_moved(run: Path, tmp_path: Path) -> None:
    """The ELF files here say `tests/firmware/...` in `.`: GDB looks below `--source`, too."""
    line = ("-ex", "list main,main")
    _, without = client("gdb", run, "--", *QUIET, *line, cwd=tmp_path)
    assert "No such file" in without
    _, found = client("gdb", "--source", ROOT, run, "--", *QUIET, *line, cwd=tmp_path)
    assert re.search(r"^77\s+{$", found, re.MULTILINE), found


@pytest.mark.slow
def test_symbols_of_somebodys_own(run: Path, tmp_path: Path) -> None:
    symbols = ("--symbols", elf("echo"))
    _, text = client("gdb", *symbols, run, "--", *QUIET, "-ex", "info files", cwd=tmp_path)
    assert "echo.elf" in text and "calls.elf" not in text


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["nothing.ttd"], 2, "nothing.ttd"),
        ([str(elf("calls"))], 2, "recording"),
        (["{run}", "--port", "1"], 2, "--port"),
        (["{run}", "--symbols", "none.elf"], 2, "none.elf"),
        (["{run}", "--debugger", "no-such-gdb"], 2, "no-such-gdb"),
        (["--record", "--board", "none", "x.elf"], 2, "no board"),
        (["--record"], 2, "Missing option '--board'. There are mps2-an385, microbit"),
        (["--record", "--nothing"], 2, "Try 'ttd record --help' for help."),
        ([*RECORD, "none.elf"], 2, "none.elf"),
        ([*RECORD, "--gdb", "1", str(elf("calls"))], 2, "--gdb"),
        ([*RECORD, "-o", "/no/such/folder/x.ttd", str(elf("calls"))], 2, "/no/such"),
    ],
)
def test_what_cannot_begin(
    run: Path, tmp_path: Path, arguments: list[str], code: int, word: str
) -> None:
    words = [argument.format(run=run) for argument in arguments]
    ended, text = client("gdb", *words, "--", *QUIET, "-ex", "echo begun", cwd=tmp_path)
    assert ended == code and word in text and "begun" not in text


def test_no_debugger(run: Path, tmp_path: Path) -> None:
    code, text = client("gdb", run, cwd=tmp_path, PATH=str(tmp_path))
    assert code == 2 and "apt-get install gdb-multiarch" in text and len(text.splitlines()) == 1


@pytest.mark.slow
def test_the_exit_code_is_the_debuggers(run: Path, tmp_path: Path) -> None:
    code, _ = client("gdb", run, "--", *QUIET, "-ex", "quit 7", cwd=tmp_path)
    assert code == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left(run: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Whatever ends `ttd gdb`, the server ends too."""
    words = ("gdb", run, "--", *QUIET, "-ex", "echo begun\\n", "-ex", "python input()")
    process = start(*words, cwd=tmp_path, stdin=subprocess.PIPE)
    assert process.stdout is not None and process.stdin is not None
    assert any(b"begun" in line for line in iter(process.stdout.readline, b""))
    servers = [pid for pid in children(process.pid) if b"serve" in command_line(pid)]
    assert len(servers) == 1
    process.send_signal(number)
    process.stdin.close()
    process.wait(HANG)
    give_up = time.monotonic() + HANG
    while command_line(servers[0]) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not command_line(servers[0])
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_no_folder_is_left(run: Path, tmp_path: Path, number: signal.Signals) -> None:
    """A closed terminal says so more than once: while GDB runs, and while the server ends."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    process = start(
        *("gdb", run, "--", *QUIET, "-ex", "echo begun\\n", "-ex", "python input()"),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert process.stdout is not None and process.stdin is not None
    while b"begun" not in process.stdout.readline():
        pass
    assert list(folder.iterdir())
    process.send_signal(number)
    process.stdin.close()
    give_up = time.monotonic() + HANG
    while process.poll() is None and time.monotonic() < give_up:
        process.send_signal(number)
        time.sleep(0.01)
    assert process.poll() is not None
    assert not list(folder.iterdir())
    process.stdout.close()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_line(pid: int) -> bytes:
    """Empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_the_file_of_commands() -> None:
    words = [sys.executable, "-m", "ttd.gdb"]
    done = subprocess.run(words, capture_output=True, check=True, timeout=HANG)
    assert "goto" in Path(done.stdout.decode().strip()).read_text()


def test_serve_speaks_on_pipes(run: Path) -> None:
    """`target remote | ttd serve x.ttd`."""
    server = start("serve", run, stdin=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    server.stdin.write(b"$?#3f")
    server.stdin.flush()
    assert server.stdout.read(5).startswith(b"+$T05")
    server.stdin.close()
    server.wait(HANG)
    server.stdout.close()


def test_serve_listens_where_nobody_speaks(run: Path) -> None:
    """In the background of a script, standard input is /dev/null."""
    with socket.create_server(("127.0.0.1", 1234), reuse_port=False):
        done = start("serve", run, stderr=subprocess.PIPE)
        _, said = done.communicate(timeout=HANG)
    assert done.returncode == 2 and b"1234" in said


def test_serve_on_a_socket(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "here"
    server = start("serve", run, "--socket", path)
    give_up = time.monotonic() + HANG
    while not path.exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    with socket.socket(socket.AF_UNIX) as mine:
        mine.connect(str(path))
        mine.sendall(b"$?#3f")
        assert mine.recv(5).startswith(b"+")
    again = ttd("serve", run, "--socket", path)
    assert again.code == 2 and "exists" in again.err
    server.terminate()
    server.wait(HANG)
    assert not path.exists()
    assert server.stdout is not None
    server.stdout.close()


def test_nothing_is_left_of_a_socket_that_was_not_needed(tmp_path: Path) -> None:
    """What comes after it could not be had, and then could not be either."""
    gdb = ("--gdb", f"unix:{tmp_path / 'here'}")
    for _ in range(2):
        done = ttd(*BOARD, *gdb, "--serial", f"file:{tmp_path}/no/file", elf("calls"))
        assert done.code == 2 and "no/file" in done.err
        assert list(tmp_path.iterdir()) == []


def test_only_one_place_to_serve(run: Path) -> None:
    done = ttd("serve", run, "--stdio", "--port", "0")
    assert done.code == 2 and "only one" in done.err
