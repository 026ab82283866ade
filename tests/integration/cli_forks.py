"""Many short `ttd` commands: a process that has imported everything forks for each.

Nearly all the time of a command that fails, or looks at a small recording, is Python's start. The
child does what the `ttd` script does, with files, directory and arguments of its own.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import ttd

ROOT = Path(__file__).resolve().parents[2]


class StandardFiles(NamedTuple):
    """What a command is given, and where it writes."""

    given: BinaryIO
    out: BinaryIO
    err: BinaryIO

    def numbers(self) -> list[int]:
        """Of standard input, output and error."""
        return [file.fileno() for file in self]

    def said(self) -> tuple[bytes, bytes]:
        """All of standard output and standard error."""
        for file in (self.out, self.err):
            file.seek(0)
        return self.out.read(), self.err.read()


@contextmanager
def standard_files(data: bytes) -> Iterator[StandardFiles]:
    """Files for a command that reads `data`."""
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(data)
        given.seek(0)
        yield StandardFiles(given, out, err)


class Forks:
    """Runs commands one after another."""

    def __init__(self, hang: float) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(hang)
        words = [sys.executable, __file__, str(theirs.fileno())]
        self._server = subprocess.Popen(words, pass_fds=[theirs.fileno()], cwd=ROOT)
        theirs.close()
        atexit.register(self.close)

    def run(self, words: Sequence[str], folder: str, data: bytes) -> tuple[int, bytes, bytes]:
        """Exit code (negative: a signal), standard output and standard error."""
        with standard_files(data) as files:
            request = json.dumps([folder, list(words)]).encode()
            socket.send_fds(self._socket, [request], files.numbers())
            code = int(self._socket.recv(64))
            return code, *files.said()

    def close(self) -> None:
        """End the server."""
        self._socket.close()
        self._server.wait()


def load() -> None:
    """Import all of ttd, once for all forks: commands load boards and processors when they run."""
    for module in pkgutil.walk_packages(ttd.__path__, "ttd."):
        importlib.import_module(module.name)


def serve(channel: socket.socket) -> None:
    """The server's side; ends with its client."""
    load()
    gc.freeze()
    while True:
        request, files, _, _ = socket.recv_fds(channel, 1 << 16, 3)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            channel.close()
            child(*json.loads(request), files)
        for file in files:
            os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        channel.send(str(code).encode())


def child(folder: str, words: list[str], files: list[int]) -> None:
    """Become the command."""
    from ttd.cli.main import main  # noqa: PLC0415

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    sys.argv = ["ttd", *words]
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    # Without taking apart all that was imported, which takes longer than most commands.
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    serve(socket.socket(fileno=int(sys.argv[1])))
