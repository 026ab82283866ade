"""The real GDB, driven through its machine interface, against the real `ttd` command."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pygdbmi.gdbcontroller import GdbController

HANG = 60.0
"""Seconds after which something that should have ended counts as hanging; no test waits so long."""
ROOT = Path(__file__).resolve().parents[2]

Record = dict[str, Any]

MI = {
    "continue": "-exec-continue",
    "reverse-continue": "-exec-continue --reverse",
    "stepi": "-exec-step-instruction",
    "reverse-stepi": "-exec-step-instruction --reverse",
    "step": "-exec-step",
    "reverse-step": "-exec-step --reverse",
    "next": "-exec-next",
    "reverse-next": "-exec-next --reverse",
    "finish": "-exec-finish",
    "reverse-finish": "-exec-finish --reverse",
}
"""GDB gives reasons for all stops to these only."""


class Gdb:
    """One GDB, started where the firmware's sources are found.

    `say` runs a command of its command line and returns what is printed; `go` one that resumes,
    and waits for the stop.
    """

    def __init__(self, elf: Path | None = None, program: str = "gdb-multiarch") -> None:
        command = [program, "-nx", "-q", "--interpreter=mi3"]
        # Without the pause that pygdbmi makes after each answer, in case there is more.
        self._gdb = GdbController(command, time_to_check_for_additional_output_sec=1e-6)
        assert self._gdb.gdb_process is not None
        self._process: subprocess.Popen[bytes] = self._gdb.gdb_process
        self._records: list[Record] = []
        for line in ("confirm off", "pagination off", "width 0", f"remotetimeout {HANG:.0f}"):
            self.say(f"set {line}")
        self.say(f"cd {ROOT}")
        if elf is not None:
            self.say(f"file {elf}")

    def close(self) -> None:
        self._gdb.exit()

    def _until(
        self, kind: str, message: str | None = None, seconds: float = HANG
    ) -> tuple[Record, str]:
        """The next record of `kind`, and the text printed up to it."""
        text = ""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            while self._records:
                record = self._records.pop(0)
                if record["type"] == kind and message in (None, record["message"]):
                    return record, text
                if record["type"] in ("console", "target", "log"):
                    text += record["payload"] or ""
            self._records += self._gdb.get_gdb_response(0.5, raise_error_on_timeout=False)
        raise AssertionError(f"GDB hangs; last words: {text!r}")

    def mi(self, command: str) -> tuple[Record, str]:
        """Run a command and return its result record and what it printed."""
        self._gdb.write(command, read_response=False)
        return self._until("result")

    def say(self, command: str) -> str:
        record, text = self.mi(command)
        if record["message"] == "error":
            return text + str(record["payload"]["msg"])
        return text

    def stopped(self) -> tuple[Record, str]:
        """Wait for the machine to stop."""
        record, text = self._until("notify", "stopped")
        # What belongs to the stop may still be printed after the record.
        self._records += self._gdb.get_gdb_response(0, raise_error_on_timeout=False)
        return record["payload"], text

    def start(self, command: str) -> str:
        """A command that resumes, without waiting for the stop."""
        record, text = self.mi(MI.get(command, command))
        assert record["message"] == "running", record
        return text

    def go(self, command: str) -> tuple[Record, str]:
        """A command that resumes; returns the stop and all the text that belongs to it."""
        before = self.start(command)
        stop, text = self.stopped()
        return stop, before + text

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def break_in(self) -> str:
        """Ctrl-C until the machine has stopped; returns what was printed.

        GDB takes one that comes before it has resumed the machine for its own command line's.
        """
        for _ in range(10):
            self.interrupt()
            with suppress(AssertionError):
                _, text = self._until("notify", "stopped", HANG / 10)
                return text
        raise AssertionError("GDB hangs")

    def vanish(self) -> None:
        """End without a word to the server."""
        self._process.kill()
        self._process.wait()

    # -- what tests ask all the time ----------------------------------------------------------

    def value(self, expression: str) -> int:
        record, _ = self.mi(f'-data-evaluate-expression "(long long)({expression})"')
        assert record["message"] == "done", record
        return int(record["payload"]["value"])

    @property
    def pc(self) -> int:
        return self.value("$pc")

    def registers(self) -> dict[str, str]:
        """By GDB's numbers, as it prints them."""
        record, _ = self.mi("-data-list-register-values x")
        return {row["number"]: row["value"] for row in record["payload"]["register-values"]}

    @property
    def step(self) -> int:
        return self.when()[0]

    def when(self) -> tuple[int, int]:
        """The position, and the end of the history known."""
        text = self.say("monitor when")
        found = re.search(r"^Step: (?:\S+:)?(\d+) of (\d+) \(\d+\.\d+%\)\n", text, re.MULTILINE)
        assert found, text
        return int(found[1]), int(found[2])

    def goto(self, place: int | str) -> None:
        assert "Going to step" in (text := self.say(f"monitor goto {place}")), text
        self.go("stepi")


def history_ended(stop: Record, text: str) -> bool:
    """GDB 13 tells people only; newer ones give a reason to front ends, and people other words."""
    if "No more reverse-execution history" in text:
        return bool(stop.get("reason", "no-history") == "no-history")
    return stop.get("reason") == "no-history" and "Reached end of recorded history" in text
