"""Running the `ttd` command from outside, and recordings with something changed in them."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.integration.cli_forks import Forks
from ttd.recording.blob import pack, seal, unpack, unseal
from ttd.recording.chunk import decode_chunk, encode_chunk
from ttd.recording.events import Event
from ttd.recording.index import ChunkInfo

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "tests" / "firmware"
TTD = [sys.executable, "-m", "ttd"]
BOARD = ("record", "--board", "mps2-an385")
HANG = 120.0
"""Seconds after which something that should have ended counts as hanging; no test waits so long."""


def elf(name: str, variant: str = "") -> Path:
    """A test firmware."""
    return FIRMWARE / name / f"{variant or name}.elf"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: bytes
    err: str


def ttd(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None, **more: Any) -> Done:
    """Run `ttd` to its end; it never says anything of Python's.

    With `more`, which goes to `subprocess.run`, it is started anew, otherwise forked. `cwd`: a
    directory of its own unless it is said.
    """
    cwd = cwd or elsewhere()
    words = list(map(str, arguments))
    if more:
        ended = subprocess.run(
            [*TTD, *words],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=HANG,
            cwd=cwd,
            **more,
        )
        code, out, err = ended.returncode, ended.stdout, ended.stderr.decode()
    else:
        code, out, said = _forks().run(words, str(cwd), stdin)
        err = said.decode()
    assert "Traceback" not in err and "Exception ignored" not in err, err
    return Done(code, out, err)


@cache
def elsewhere() -> Path:
    """A directory for what nobody looks at, such as `latest.ttd`."""
    folder = tempfile.mkdtemp(prefix="ttd-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _forks() -> Forks:
    return Forks(HANG)


def start(*arguments: str | Path, **more: Any) -> subprocess.Popen[bytes]:
    """Start `ttd`; its standard output is a pipe."""
    words = [*TTD, *map(str, arguments)]
    usual = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "cwd": elsewhere()}
    more = usual | more
    return subprocess.Popen(words, **more)


def info(path: Path) -> dict[str, Any]:
    """`ttd info --json`"""
    done = ttd("info", path, "--json")
    assert done.code == 0, done.err
    facts: dict[str, Any] = json.loads(done.out)
    return facts


def verify(path: Path) -> str:
    """`ttd replay --verify` says that the recording replays; returns its message."""
    done = ttd("replay", path, "--verify")
    assert done.code == 0, done.err
    assert done.out == b""
    return done.err


def how_ended(said: str, path: Path) -> str:
    """`ttd record` has said nothing but why it is the end, which is returned, and what there is."""
    why, steps = said.splitlines()
    assert re.fullmatch(rf"ttd: [0-9]+ steps recorded in {re.escape(str(path))}", steps), said
    return why.removeprefix("ttd: ").split(", at 0x")[0]


def refused(done: Done, *words: str, code: int = 2) -> None:
    """Nothing happened, and one clear sentence says why, with these `words` in it."""
    assert done.code == code, (done.code, done.err)
    assert done.out == b""
    lines = done.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("ttd: "), done.err
    for word in words:
        assert word in done.err


# --- firmware made by hand


def raw(path: Path, code: Sequence[int], literals: Sequence[int] = ()) -> str:
    """A raw image of Thumb halfwords at 0x40, then literals at 0x80; what names it to `ttd`."""
    vectors = struct.pack("<16I", 0x20001000, 0x41, *[0x41] * 14)
    body = struct.pack(f"<{len(code)}H", *code).ljust(0x40, b"\0")
    path.write_bytes(vectors + body + struct.pack(f"<{len(literals)}I", *literals))
    return f"{path}@0x0"


def exit_with(path: Path, status: int) -> str:
    """A firmware that does nothing but a semihosting SYS_EXIT_EXTENDED."""
    # movs r0, #0x20; movs r1, #0x80; bkpt 0xab; b .
    return raw(path, [0x2020, 0x2180, 0xBEAB, 0xE7FE], [0x20026, status])


# --- recordings changed by hand


def change_events(path: Path, change: Callable[[list[Event]], list[Event]]) -> None:
    """Rewrite all events, with right checksums."""
    with Transaction(path) as db:
        events: list[Event] = []
        for first, data in db.execute("SELECT first, data FROM chunks ORDER BY first"):
            events += decode_chunk(data, first)
        events = change(events)
        db.execute("DELETE FROM chunks")
        row = (*ChunkInfo.of(0, events), encode_chunk(events))
        db.execute("INSERT INTO chunks VALUES (0, ?, ?, ?, ?, ?, ?)", row)
    change_status(path, lambda status: {**status, "events": len(events)})


def change_status(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Rewrite how far a recording's first branch goes, with a right checksum."""
    place = pack(("branch", 0))
    with Transaction(path) as db:
        ((blob,),) = db.execute("SELECT data FROM branches WHERE id = 0")
        branch = unpack(unseal(blob, place))
        branch["status"] = change(branch["status"])
        db.execute("UPDATE branches SET data = ? WHERE id = 0", (seal(pack(branch), place),))


def change_meta(path: Path, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Rewrite what a recording says of itself, with a right checksum."""
    context = pack(("meta", name))
    with Transaction(path) as db:
        ((blob,),) = db.execute("SELECT data FROM meta WHERE name = ?", (name,))
        data = change(unpack(unseal(blob, context)))
        db.execute("UPDATE meta SET data = ? WHERE name = ?", (seal(pack(data), context), name))


def change_config(path: Path, **values: Any) -> None:
    """Rewrite parts of the machine's configuration."""
    change_meta(path, "about", lambda about: {**about, "config": {**about["config"], **values}})


class Transaction:
    """A transaction on a recording."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)

    def __enter__(self) -> sqlite3.Connection:
        return self._db

    def __exit__(self, *error: object) -> None:
        self._db.commit()
        self._db.close()


def limited(size: int) -> Callable[[], None]:
    """For `preexec_fn`: no file may become larger than `size` bytes, as on a full disk."""
    import resource  # noqa: PLC0415

    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def children_env(**changes: str) -> dict[str, str]:
    """The environment with changes."""
    return {**os.environ, **changes}
