"""The demo of a guest from elsewhere: a session at MicroPython's prompt, and back in GDB."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from demo import GDB, TTD, in_gdb, info, installed, say, show
from micropython import FIRMWARE, PACKAGE, PROMPT, SESSION
from typist import NoAnswer, Typist

HERE = Path("examples/micropython")


def print_raw(data: bytes) -> None:
    """What the guest prints, as a terminal would show it."""
    sys.stdout.buffer.write(data.replace(b"\0", b"").replace(b"\r\n", b"\n"))
    sys.stdout.buffer.flush()


def have_session(typist: Typist) -> float:
    """Type the session; returns the longest time (seconds) until a prompt."""
    slowest = 0.0
    typist.expect(PROMPT)
    for line, prompt in SESSION:
        begin = time.monotonic()
        typist.type(line.encode() + b"\r")
        typist.expect(prompt)
        slowest = max(slowest, time.monotonic() - begin)
    return slowest


def main() -> int:
    recording = HERE / "run.ttd"
    there = installed("MicroPython", FIRMWARE.exists(), PACKAGE) and installed(
        "GDB for all processors", shutil.which(GDB) is not None, GDB
    )
    if not there:
        return 1

    say("MicroPython for the BBC micro:bit, as Debian ships it. Somebody types at its prompt:")
    record = [TTD, "record", "--board", "microbit", "-o", str(recording), "--force"]
    record.append(str(FIRMWARE))
    show(record)
    sys.stdout.flush()
    typist = Typist(record, print_raw)
    try:
        slowest = have_session(typist)
    except NoAnswer as error:
        print(f"\ndemo: {error}.", file=sys.stderr)
        return 1
    code = typist.interrupt()
    if code:
        print(f"\ndemo: the recording ended with exit code {code}.", file=sys.stderr)
        return 1
    say(f"The slowest answer took {1000 * slowest:.0f} ms, recording.")
    info(recording)

    say("Now GDB, on the recording:")
    code, by_hand = in_gdb(recording, HERE / "demo.gdb")
    say("The same by hand (Ctrl-C ends the recording):")
    for command in (record, by_hand):
        show(command)
    print("(gdb) awatch *(unsigned *)0x4000251c\n(gdb) reverse-continue")
    print("\n# The board: docs/microbit.md")
    return code


if __name__ == "__main__":
    sys.exit(main())
