"""Recordings of the test firmware, made once; servers over them; GDBs connected to those."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tests.integration.cli_tools import elsewhere
from tests.integration.gdb_mi import HANG, ROOT, Gdb

FIRMWARE = ROOT / "tests" / "firmware"
TTD = [sys.executable, "-c", "from ttd.cli.main import main; main()"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("gdb-multiarch"):
        return
    for item in items:
        here = Path(__file__).parent in item.path.parents
        if here and not item.path.name.startswith("test_cli_"):
            item.add_marker(pytest.mark.skip(reason="needs gdb-multiarch"))


def ttd(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end."""
    words = [*TTD, *map(str, arguments)]
    return subprocess.run(
        words, input=stdin, capture_output=True, check=False, timeout=HANG, cwd=elsewhere()
    )


def symbols(elf: Path) -> dict[str, int]:
    """Addresses by name; functions without the Thumb bit."""
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {
            symbol.name: symbol["st_value"] & (~1 if symbol["st_info"].type == "STT_FUNC" else ~0)
            for symbol in table.iter_symbols()
        }


@dataclass(frozen=True)
class Recorded:
    """A finished recording of one firmware, and what it printed."""

    path: Path
    elf: Path
    source: Path
    output: bytes
    expected: bytes
    symbols: dict[str, int]


Record = Callable[[str], Recorded]


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Records a firmware by name when it is first asked for."""
    done: dict[str, Recorded] = {}

    def make(name: str) -> Recorded:
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            home = FIRMWARE / name
            elf, source = home / f"{name}.elf", home / f"{name}.c"
            path, output = folder / f"{name}.ttd", folder / "uart.txt"
            serial, typed = (f"file:{output}", b"")
            if name == "echo":
                serial, typed = "stdio", (home / "input.txt").read_bytes()
            result = ttd(
                *("record", "--board", "mps2-an385", "--semihosting", "-o", path),
                *("--serial", serial, elf),
                stdin=typed,
            )
            assert result.returncode == 0, result.stderr.decode()
            printed = result.stdout if name == "echo" else output.read_bytes()
            expected = (home / "expected.txt").read_bytes()
            done[name] = Recorded(path, elf, source, printed, expected, symbols(elf))
        return done[name]

    return make


SETTLED = 0.2
"""Seconds after which a log that has not grown has come to its end."""


class Server:
    """`ttd serve` or `ttd record --gdb` in a process of its own, on a port it chose.

    `lines` collects what it says.
    """

    def __init__(self, *arguments: str | Path, stdin: int | None = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            [*TTD, *map(str, arguments)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        self.lines: list[str] = []
        self.printed = bytearray()
        self._ready = threading.Event()
        assert self.process.stdout is not None and self.process.stderr is not None
        self._threads = [
            threading.Thread(target=self._collect, args=(self.process.stderr,), daemon=True),
            threading.Thread(target=self._print, args=(self.process.stdout,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _collect(self, stream: IO[bytes]) -> None:
        for line in stream:
            self.lines.append(line.decode())
            self._ready.set()
        self._ready.set()

    def _print(self, stream: IO[bytes]) -> None:
        while data := stream.read1():  # type: ignore[attr-defined]
            self.printed += data

    def said(self, pattern: str, seen: int = 0) -> str:
        """Wait for a line that matches, behind the `seen` first ones; returns its first group."""
        while True:
            while seen < len(self.lines):
                if found := re.search(pattern, self.lines[seen]):
                    return found[1]
                seen += 1
            if self.process.poll() is not None or not self._ready.wait(HANG):
                raise AssertionError(f"the server did not say {pattern!r}: {self.lines}")
            self._ready.clear()

    @property
    def port(self) -> int:
        return int(self.said(r"target remote [\d.]+:(\d+)"))

    def packets(self, pattern: str) -> int:
        """With --trace-packets: how many lines of the log match, while nothing is going on."""
        self.settled()
        return sum(1 for line in self.lines if re.search(pattern, line))

    def settled(self) -> int:
        """How many lines it has said. What was asked and answered has been logged, but may still be
        on its way to us."""
        seen = -1
        while seen != len(self.lines):
            seen = len(self.lines)
            time.sleep(SETTLED)
        return seen

    def wait(self) -> int:
        """Its exit code."""
        code = self.process.wait(HANG)
        for thread in self._threads:
            thread.join(HANG)
        return code

    def close(self) -> None:
        self.process.kill()
        self.wait()


@pytest.fixture(scope="session")
def shared_ports(record: Record) -> Iterator[Callable[[str], int]]:
    """The port of a server over the recording of a firmware, which all tests share."""
    servers: dict[str, Server] = {}

    def port(name: str) -> int:
        if name not in servers or servers[name].process.poll() is not None:
            servers[name] = Server("serve", "--port", "0", record(name).path)
        return servers[name].port

    yield port
    for server in servers.values():
        server.close()


@pytest.fixture
def connect(record: Record, shared_ports: Callable[[str], int]) -> Iterator[Callable[[str], Gdb]]:
    """A GDB at the first step of a firmware's recording."""
    with ExitStack() as stack:

        def make(name: str, how: str = "remote") -> Gdb:
            gdb = Gdb(record(name).elf)
            stack.callback(gdb.close)
            gdb.say(f"target {how} localhost:{shared_ports(name)}")
            gdb.goto("start")
            return gdb

        yield make


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Servers of one test only."""
    with ExitStack() as stack:

        def make(*arguments: str | Path, **options: int | None) -> Server:
            server = Server(*arguments, **options)
            stack.callback(server.close)
            return server

        yield make


@pytest.fixture
def attach() -> Iterator[Callable[..., Gdb]]:
    """GDBs connected to a server of the test's own."""
    with ExitStack() as stack:

        def make(elf: Path | None, target: str | int, how: str = "remote") -> Gdb:
            gdb = Gdb(elf)
            stack.callback(gdb.close)
            place = f"localhost:{target}" if isinstance(target, int) else target
            text = gdb.say(f"target {how} {place}")
            assert "refused" not in text and "timed out" not in text, text
            return gdb

        yield make
