"""What is asked of a machine that records."""

from __future__ import annotations

from functools import partial

from ttd.debugger.session import Session
from ttd.edits import unescaped
from ttd.errors import UserError
from ttd.monitor.commands import Command
from ttd.probe_api import SystemRequest
from ttd.replay.words import shown as characters


class RequestCommands:
    """`input`, and QEMU's words for the machine as a whole."""

    def __init__(self, session: Session) -> None:
        self._timeline = session.timeline
        asks = (
            ("system_reset", SystemRequest.RESET, "is reset", "reset a machine that records"),
            (
                "system_suspend",
                SystemRequest.SUSPEND,
                "is suspended",
                "let nothing run until system_wakeup",
            ),
            ("system_wakeup", SystemRequest.WAKE_UP, "goes on", "end a suspension"),
            ("quit", SystemRequest.SHUTDOWN, "is shut down", "shut down a machine that records"),
        )
        self.all = (
            Command(
                "input",
                self._input,
                "DEVICE TEXT",
                "let a machine that records have this",
                raw=True,
            ),
            *(
                Command(name, partial(self._ask, what, effect), text=text)
                for name, what, effect, text in asks
            ),
        )

    def _input(self, words: list[str]) -> str:
        """What a character device gets."""
        device, _, text = (words or [""])[0].partition(" ")
        if not text.strip():
            raise UserError("input takes a device and a text, such as: uart0 help\\n.")
        data = unescaped(text.strip())
        self._timeline.probe.give_input(device, data)
        return f"{device} gets '{characters(data)}' with the next command that resumes.\n"

    def _ask(self, what: SystemRequest, effect: str, words: list[str]) -> str:
        self._timeline.probe.request(what)
        return f"The machine {effect} with the next command that resumes.\n"
