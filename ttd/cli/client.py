"""A debugger started by us, and the server that it is connected to."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ttd.cli.output import INTERRUPTED
from ttd.errors import UserError

_PATH_MOST = 90
"""Bytes of a folder's name so that a socket fits into it: `sun_path` of unix(7) has 108."""
_LOOK = 0.005
"""Seconds between two looks whether the server is there."""
_PR_SET_PDEATHSIG = 1
_ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a program. A closed terminal sends SIGHUP twice: itself, and by its shell."""


def find_program(wanted: str | None, names: Sequence[str], package: str) -> str:
    """The path of a debugger: the one that is `wanted`, or the first of `names` that is there."""
    for name in [wanted] if wanted else names:
        found = shutil.which(name)
        if found is not None:
            return found
    if wanted:
        raise UserError(f"there is no program {wanted!r}")
    raise UserError(
        f"{names[0]} is not installed: 'apt-get install {package}', or name another debugger with "
        "--debugger"
    )


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for a socket and files, which is gone afterwards, also after SIGTERM and SIGHUP."""
    inside = tempfile.gettempdir()
    parent = inside if len(os.fsencode(inside)) < _PATH_MOST else "/tmp"
    with (
        _handling(_ENDING, _leave),
        tempfile.TemporaryDirectory(prefix="ttd-", dir=parent, ignore_cleanup_errors=True) as name,
    ):
        try:
            yield Path(name)
        finally:
            _hear_no_more()


def _leave(number: int, frame: object) -> None:
    """Once: what is done at the end is not to be interrupted."""
    _hear_no_more()
    sys.exit(128 + number)


def _hear_no_more() -> None:
    for ending in _ENDING:
        signal.signal(ending, signal.SIG_IGN)


@contextmanager
def _handling(numbers: Sequence[int], handler: Callable[[int, object], None]) -> Iterator[None]:
    old = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in old.items():
            signal.signal(number, before)


def run_client(server: Sequence[str], address: Path, client: Sequence[str]) -> int:
    """Run `client` while `ttd SERVER...` listens at `address`; returns its exit code.

    The server is no child of the terminal: a Ctrl-C is the debugger's. If it cannot begin, it has
    said why, and its exit code is returned.
    """
    serving = subprocess.Popen(
        [sys.executable, "-P", "-m", "ttd", *server],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_end_with(os.getpid()),  # noqa: PLW1509 - there are no threads here
    )
    with serving:
        try:
            return _attend(client) if _is_there(serving, address) else serving.returncode or 1
        except KeyboardInterrupt:
            return INTERRUPTED
        finally:
            try:
                _end(serving)
            finally:
                _end(serving)  # `_leave` may have come before it was told; that comes but once


def _end_with(parent: int) -> Callable[[], None]:
    """What a child does to be ended when `parent` is, however that happens; prctl(2)."""

    def prepare() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)

    return prepare


def _is_there(serving: subprocess.Popen[bytes], address: Path) -> bool:
    while serving.poll() is None:
        if address.exists():
            return True
        time.sleep(_LOOK)
    return False


def _attend(command: Sequence[str]) -> int:
    """Run a program that has the terminal to its end."""
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: object) -> None:
        """The terminal tells both of us of Ctrl-C; what is meant for us alone ends us both.

        With SIGHUP, which debuggers end at in silence: at a SIGTERM GDB 13, with Python objects for
        its connection, fails an assertion, and asks on the terminal what to do.
        """
        for child in children:
            if number in _ENDING:
                child.send_signal(signal.SIGHUP)

    # Handlers, since a program inherits what is ignored.
    with (
        _handling((signal.SIGINT, signal.SIGQUIT, *_ENDING), pass_on),
        subprocess.Popen(command) as child,
    ):
        children.append(child)
        code = child.wait()
    return code if code >= 0 else 128 - code


def _end(serving: subprocess.Popen[bytes]) -> None:
    """A recording is completed first, however long that takes; another Ctrl-C hurries it."""
    while serving.poll() is None:
        serving.terminate()
        try:
            serving.wait()
        except KeyboardInterrupt:
            continue
