"""The demo: record a firmware until its bug strikes, then walk back to the cause in GDB."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
TTD = str(BIN / "ttd")
GDB = "gdb-multiarch"
GUEST_FAILED = 1
"""Exit code with which the demo firmware reports that it has crashed."""


def show(command: list[str]) -> None:
    """Print a command line as one would type it from the top of the repository."""
    words = [word.replace(f"{ROOT}/", "") for word in command]
    print(f"\n$ {shlex.join(words)}", flush=True)


def say(text: str) -> None:
    print(f"\n# {text}", flush=True)


def info(recording: Path) -> None:
    """Show what a recording says of itself."""
    show([TTD, "info", str(recording)])
    subprocess.run([TTD, "info", str(recording)], cwd=ROOT, check=True)


def in_gdb(recording: Path, script: Path) -> tuple[int, list[str]]:
    """Let GDB play `script` on a recording; returns its exit code, and what starts it by hand."""
    by_hand = [TTD, "gdb", str(recording)]
    show(by_hand)
    session = [*by_hand, "--", "-nx", "-iex", "set pagination off", "-x", str(script)]
    if sys.stdin.isatty() and sys.stdout.isatty():
        text = "# Your turn: try `reverse-step`, `when`, `goto 50%`; `quit` ends."
        session += ["-ex", f"echo \\n{text}\\n"]
    else:
        session += ["-batch"]
    return subprocess.run(session, cwd=ROOT, check=False).returncode, by_hand


def installed(what: str, is_there: bool, package: str) -> bool:
    """Install a Debian package if it is missing; False, and it has been said why, if it cannot."""
    if is_there:
        return True
    words = [str(ROOT / "scripts" / "apt-install"), f"{what} is missing", package]
    return subprocess.run(words, check=False).returncode == 0


def main() -> int:
    if not installed("GDB for all processors", shutil.which(GDB) is not None, GDB):
        return 1
    example = Path(sys.argv[1] if len(sys.argv) > 1 else "examples/lost-event")
    elf = example / f"{example.name}.elf"
    recording = example / "run.ttd"

    say("A data logger dies with 'queue full', about once a week. Record it until it does.")
    record = [TTD, "record", "--board", "mps2-an385", "-o", str(recording), "--force"]
    record += ["--semihosting", str(elf)]
    show(record)
    code = subprocess.run(record, cwd=ROOT, check=False, stdin=subprocess.DEVNULL).returncode
    if code != GUEST_FAILED:
        print(f"demo: the firmware was to fail with exit code 1, not {code}.", file=sys.stderr)
        return 1
    info(recording)

    say("That is the bug, caught, in one file. Now GDB, on the recording:")
    code, by_hand = in_gdb(recording, example / "demo.gdb")

    say("The same by hand:")
    for command in (record, by_hand):
        show(command)
    print(
        "(gdb) continue\n(gdb) watch todo\n(gdb) reverse-continue\n(gdb) reverse-continue\n"
        f"\n# and, step by step: docs/tutorial.md; the firmware's story: {example}/README.md"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
