"""Where the machine stands, and going elsewhere."""

from __future__ import annotations

from ttd.debugger.places import FORMS, find_place, place_at, step_of, told
from ttd.debugger.session import Armed, Session
from ttd.errors import UserError
from ttd.monitor.commands import Command, arm
from ttd.text import shown


class MovingCommands:
    """`when`, `goto` and `back`, and the step at which a continue stops."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._timeline = session.timeline
        self._trail = session.marks.trail
        self.all = (
            Command("when", self._when, text="where the machine stands"),
            Command(
                "goto",
                self._goto,
                "PLACE",
                "go to N, +N, -N, P%, start, end, BRANCH:N or a bookmark",
            ),
            Command("back", self._back, text="go to the position before this one"),
            Command("forward", self._forward, text="undo 'back'"),
            Command("last-stop", self._last_stop, text="go to where the last run or jump ended"),
            Command("replay_break", self._break, "N", "let a continue stop at step N"),
            Command("replay_delete_break", self._no_break, text="do not stop there any more"),
            Command("info replay", self._info_replay, text="what is being replayed or recorded"),
            Command("reset halt", self._reset, text="go to the start with the next resume"),
            Command("halt", self._when, text="same as 'when': a stopped target stays stopped"),
            Command("replay_seek", self._goto),
            Command("seek", self._goto),
            Command("reset", self._reset),
            Command("info time", self._when),
        )

    def _when(self, words: list[str]) -> str:
        # The virtual time known is that of where the machine stands, which may be a trace frame.
        timeline, session = self._timeline, self._session
        ns = timeline.virtual_ns
        lines = [
            f"Step: {told(timeline, timeline.position)}",
            f"Virtual time: {ns // 1_000_000_000}.{ns % 1_000_000_000:09d} s",
        ]
        home = session.place.step
        if home != timeline.position:
            lines.append(f"Looking at this step only; 'tfind none' returns to {home}.")
        if session.armed is not None:
            lines.append(f"The next command that resumes goes to {self._goal(session.armed)}.")
        return "\n".join(lines) + "\n"

    def _goal(self, armed: Armed) -> str:
        if armed.text is not None:
            return f"where {shown(armed.text)} was printed last"
        return f"step {told(self._timeline, *armed.place[::-1])}"

    def _goto(self, words: list[str]) -> str:
        if len(words) != 1:
            raise UserError(f"goto takes one position: +N, -N, {FORMS}.")
        here = self._session.place.step
        return arm(self._session, find_place(self._timeline, words[0], "goto", here=here))

    def _reset(self, words: list[str]) -> str:
        return arm(self._session, self._timeline.begin)

    # -- the trail -----------------------------------------------------------------------------

    def _back(self, words: list[str]) -> str:
        return self._arm_trail(self._trail.back(self._session.place))

    def _forward(self, words: list[str]) -> str:
        return self._arm_trail(self._trail.forward())

    def _last_stop(self, words: list[str]) -> str:
        """Where the last run or jump ended, however many single steps ago."""
        index, here = self._trail.last(), self._session.place
        if self._trail.places[index] == here:
            step = told(self._timeline, here.step)
            raise UserError(f"This is where it stopped last: step {step}.")
        return self._arm_trail(index)

    def _arm_trail(self, index: int) -> str:
        return arm(self._session, self._trail.places[index], index)

    # -- where a continue stops ------------------------------------------------------------------

    def _break(self, words: list[str]) -> str:
        if len(words) != 1:
            raise UserError("replay_break takes one position, as goto does.")
        begin, end = self._timeline.begin, self._timeline.end
        try:
            step = step_of(words[0], begin, end, self._session.place.step)
        except ValueError as e:
            text = f"{shown(words[0])} is no position; try N, +N, -N, P%, start or end."
            raise UserError(text) from e
        if not self._timeline.live:
            place_at(self._timeline, step)
        elif step < begin:
            raise UserError(f"The history begins at step {begin}.")
        self._session.marks.run_break = step
        return f"A continue stops at step {told(self._timeline, step)}, in both directions.\n"

    def _no_break(self, words: list[str]) -> str:
        self._session.marks.run_break = None
        return "No step to stop at.\n"

    def _info_replay(self, words: list[str]) -> str:
        timeline, step = self._timeline, self._session.marks.run_break
        mode = "Recording live" if timeline.live else "Replaying a recording"
        return (
            f"{mode}, steps {timeline.begin} to {timeline.end}.\n"
            f"Step: {told(timeline, timeline.position)}\n"
            + (f"A continue stops at step {told(timeline, step)}.\n" if step is not None else "")
        )
