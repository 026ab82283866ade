"""`ttd` commands in forks of this process, held to bounds of time and memory."""

from __future__ import annotations

import os
import resource
import signal
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from tests.integration import cli_forks

PATIENCE = 20.0
"""Seconds that a command may take before it gets a Ctrl-C, and after that."""
ENDING = 90.0
"""For which it then may go on, on a machine that is busy, too."""
MEMORY = 3 << 30
"""Bytes of address space that a command may take: guests of 128 MB RAM, and what is beside it."""


def _address_space() -> int:
    """Bytes that this process has, which a fork of it has from the start."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


class Ended(NamedTuple):
    """A command that has ended. `code` is negative for a signal; `grown` the bytes of memory that
    it came to use beyond those of the process that it was a fork of."""

    code: int
    out: bytes
    err: str
    seconds: float
    grown: int


def command(
    folder: str,
    words: list[str],
    stdin: bytes = b"",
    patience: float = PATIENCE,
    signals: tuple[int, ...] = (signal.SIGINT, signal.SIGKILL),
) -> Ended:
    """Run a `ttd` command in `folder`; after `patience` seconds it gets the first signal."""
    return forked(lambda files: cli_forks.child(folder, words, files), stdin, patience, signals)


def forked(
    work: Callable[[list[int]], None],
    stdin: bytes = b"",
    patience: float = PATIENCE,
    signals: tuple[int, ...] = (signal.SIGINT, signal.SIGKILL),
) -> Ended:
    """As `command`, of what is done with standard input, output and error."""
    with cli_forks.standard_files(stdin) as files:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                most = _address_space() + MEMORY
                resource.setrlimit(resource.RLIMIT_AS, (most, most))
                work([os.dup(number) for number in files.numbers()])
                code = 0
            except BaseException:
                os.write(files.err.fileno(), traceback.format_exc().encode())
            os._exit(code)
        code, most = _wait(pid, patience, signals)
        seconds = time.monotonic() - began
        out, err = files.said()
        said = err.decode(errors="replace")
        return Ended(code, out, said, seconds, (most - before) * 1024)


def _wait(pid: int, patience: float, signals: tuple[int, ...]) -> tuple[int, int]:
    """Exit code and most memory (KiB); a command that takes long gets a Ctrl-C, and must end."""
    for number in signals:
        deadline = time.monotonic() + patience
        patience = ENDING
        while time.monotonic() < deadline:
            done, status, used = os.wait4(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status), used.ru_maxrss
            time.sleep(0.002)
        os.kill(pid, number)
    used = os.wait4(pid, 0)[2]
    return -signal.SIGKILL, used.ru_maxrss
