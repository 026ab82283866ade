"""The `monitor` commands: words for moving through time, over a timeline.

A command never moves: GDB would go on showing registers and memory of the old position. It *arms*
a position instead, and the next packet that resumes the target performs the seek and reports an
ordinary stop, upon which every front end refreshes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import NamedTuple, Protocol

from ttd.branch_commands import tree
from ttd.debugger.places import FORMS, find_place, place_at, same_step, step_of
from ttd.edits import USAGE, Edit, unescaped
from ttd.engine.types import Access
from ttd.errors import UserError
from ttd.history.place import Place
from ttd.replay.words import shown as characters
from ttd.text import number, printable, shown
from ttd.timeline_api import SystemRequest, TimelineApi
from ttd.values import dataclass


class Question(NamedTuple):
    """A command that is answered by those who put the server together; it moves nothing."""

    name: str
    answer: Callable[[list[str]], str]
    arguments: str
    text: str
    """What `help` says of it."""


class Events(Protocol):
    """The events of the recording; kinds by their names."""

    @property
    def kinds(self) -> list[str]:
        """Of what kinds there are events."""
        ...

    def lines(self, step: int, count: int, kind: str | None = None) -> list[str]:
        """A line for each of the events around `step`, at most `count`; of one kind if given."""
        ...

    def nth(self, kind: str, number: int) -> int | None:
        """The step of event `number` of a kind, counted from 1."""
        ...

    def edit(self, text: str) -> Edit:
        """What is to be otherwise with an input; a `UserError` if that cannot be."""
        ...

    def last_before(self, kind: str, step: int) -> int | None:
        """The step of the last event of a kind before `step`."""
        ...


_TRAIL_LENGTH = 1000
_PHYS_MOST = 4096
_EVENTS_MOST = 1000
_MARKS_MOST = 10_000
_LINES = 10
"""That `output` shows."""
_TEXT_MOST = 200
_TOP = 1 << 64
"""Addresses are below this."""


def place(timeline: TimelineApi, step: int, branch: int | None = None) -> str:
    """A position as people see it everywhere; its first word can be given to `goto`.

    The branch is said where there are several.
    """
    present = timeline.branches.present
    name = next((b.name for b in timeline.branches.all if b.id == branch), present.name)
    where = f"{name}:{step}" if len(timeline.branches.all) > 1 else f"{step}"
    if name != present.name:
        return where
    span = timeline.end - timeline.begin
    percent = 100 * (step - timeline.begin) / span if span else 100.0
    return f"{where} of {timeline.end} ({percent:.2f}%)"


@dataclass
class Marks:
    """What outlives a session: numbered checkpoints, and the trail of positions visited."""

    checkpoints: dict[int, Place] = field(default_factory=dict)
    trail: list[Place] = field(default_factory=list)
    here: int = -1
    """Index in `trail` of the position that the user last came to."""
    replay_break: int | None = None
    """Step at which a continue stops, in both directions."""
    _last_number: int = 0

    def add(self, place: Place) -> int:
        """Number a new checkpoint; numbers are never used again."""
        self._last_number += 1
        self.checkpoints[self._last_number] = place
        return self._last_number

    def moved(self, start: Place, to: Place) -> None:
        """Enter a jump or a run; what was ahead on the trail is forgotten."""
        # GDB leaves a breakpoint with a step of its own before it runs: the trail has that place.
        before = Place(start.branch, start.step - 1)
        if not self.trail or self.trail[self.here] not in (before, start):
            self._append(start)
        if to != start:
            self._append(to)

    def walked(self, start: Place, index: int) -> None:
        """`back` or `forward` went from `start` to a place on the trail."""
        if self.here == len(self.trail) - 1 and self.trail[self.here] != start:
            self.trail.append(start)  # single steps had led away from the end of the trail
        self.here = index

    def follow(self, now: Callable[[Place], Place | None]) -> None:
        """Branches have got other numbers, or are gone, and all that was there with them."""
        here = sum(now(place) is not None for place in self.trail[: self.here + 1])
        self.trail = [there for place in self.trail if (there := now(place)) is not None]
        self.here = max(here - 1, 0) if self.trail else -1
        marks = {number: now(place) for number, place in self.checkpoints.items()}
        self.checkpoints = {n: place for n, place in marks.items() if place is not None}

    def _append(self, place: Place) -> None:
        self.trail[self.here + 1 :] = [place]
        del self.trail[:-_TRAIL_LENGTH]
        self.here = len(self.trail) - 1


@dataclass(frozen=True, slots=True)
class Armed:
    """Where the next resume is to go; `index` if that is a place on the trail."""

    place: Place
    index: int | None = None
    text: str | None = None
    """Instead: to where this was printed last."""
    edit: Edit | None = None
    """There a branch begins, on which this is otherwise."""


class Usage(Exception):
    """The command line is not understood; the text is a sentence."""


class Monitor:
    """Executes `monitor` lines; `armed` is where the next resume is to go."""

    def __init__(
        self,
        timeline: TimelineApi,
        marks: Marks,
        events: Events | None = None,
        questions: Sequence[Question] = (),
    ) -> None:
        self.armed: Armed | None = None
        self.place: Callable[[], Place] = lambda: timeline.place
        """The user's place, which a trace frame leaves alone."""
        self._timeline = timeline
        self._marks = marks
        self._events = events
        self._questions = questions

    def take_armed(self) -> Armed | None:
        """The armed position, which is disarmed by that."""
        armed, self.armed = self.armed, None
        return armed

    def execute(self, line: str) -> str:
        """Run one command and return what it prints."""
        self._marks.follow(self._timeline.branches.now)
        words = line.split()
        for command in COMMANDS:
            name = command.name.split()
            if words[: len(name)] == name:
                rest = words[len(name) :]
                if command.raw:
                    rest = line.strip().split(None, len(name))[len(name) :]
                try:
                    return command.run(self, rest)
                except (Usage, UserError) as e:
                    return f"{e}\n"
        for question in self._questions:
            if words[:1] == [question.name]:
                try:
                    return question.answer(words[1:])
                except UserError as e:
                    return f"{e}\n"
        for view in self._timeline.views():
            if words == [view.name]:
                return view.show()
        return f"There is no monitor command {shown(line.strip())}; 'monitor help' lists them.\n"

    @property
    def _position(self) -> int:
        return self.place().step

    def _arm(self, place: Place | int, index: int | None = None) -> str:
        if isinstance(place, int):
            place = place_at(self._timeline, place)
        self.armed = Armed(place, index)
        return (
            f"Going to step {self._place(*place[::-1])} with the next command that resumes,"
            " such as stepi.\n"
        )

    def _place(self, step: int, branch: int | None = None) -> str:
        return place(self._timeline, step, branch)

    def when(self, words: list[str]) -> str:
        # The virtual time known is that of where the machine stands, which may be a trace frame.
        ns = self._timeline.virtual_ns
        lines = [
            f"Step: {self._place(self._timeline.position)}",
            f"Virtual time: {ns // 1_000_000_000}.{ns % 1_000_000_000:09d} s",
        ]
        if self._position != self._timeline.position:
            lines.append(f"Looking at this step only; 'tfind none' returns to {self._position}.")
        if self.armed is not None:
            lines.append(f"The next command that resumes goes to {self._goal(self.armed)}.")
        return "\n".join(lines) + "\n"

    def _goal(self, armed: Armed) -> str:
        if armed.text is not None:
            return f"where {shown(armed.text)} was printed last"
        return f"step {self._place(*armed.place[::-1])}"

    def goto(self, words: list[str]) -> str:
        if len(words) != 1:
            raise Usage(f"goto takes one position: +N, -N, {FORMS}.")
        return self._arm(find_place(self._timeline, words[0], "goto", here=self._position))

    def replay_break(self, words: list[str]) -> str:
        if len(words) != 1:
            raise Usage("replay_break takes one position, as goto does.")
        begin, end = self._timeline.begin, self._timeline.end
        try:
            step = step_of(words[0], begin, end, self._position)
        except ValueError as e:
            text = f"{shown(words[0])} is no position; try N, +N, -N, P%, start or end."
            raise Usage(text) from e
        if not self._timeline.live:
            place_at(self._timeline, step)
        elif step < begin:
            raise Usage(f"The history begins at step {begin}.")
        self._marks.replay_break = step
        return f"A continue stops at step {self._place(step)}, in both directions.\n"

    def replay_delete_break(self, words: list[str]) -> str:
        self._marks.replay_break = None
        return "No step to stop at.\n"

    def continue_until(self, forward: bool) -> int | None:
        """The step at which a continue from here stops, because of `replay_break`."""
        step, here = self._marks.replay_break, self._timeline.position
        ahead = step is not None and (step > here if forward else step < here)
        return step if ahead else None

    def info_replay(self, words: list[str]) -> str:
        timeline = self._timeline
        step = self._marks.replay_break
        mode = "Recording live" if timeline.live else "Replaying a recording"
        return (
            f"{mode}, steps {timeline.begin} to {timeline.end}.\n"
            f"Step: {self._place(timeline.position)}\n"
            + (f"A continue stops at step {self._place(step)}.\n" if step is not None else "")
        )

    def checkpoint(self, words: list[str]) -> str:
        here = self.place()
        if len(self._marks.checkpoints) >= _MARKS_MOST:
            raise Usage(f"There are {_MARKS_MOST} checkpoints; delete one first.")
        return f"Checkpoint {self._marks.add(here)} at step {self._place(here.step)}\n"

    def info_checkpoints(self, words: list[str]) -> str:
        if not self._marks.checkpoints:
            return "No checkpoints.\n"
        return "".join(
            f"{mark}  step {self._place(step, branch)}\n"
            for mark, (branch, step) in self._marks.checkpoints.items()
        )

    def _checkpoint_number(self, words: list[str]) -> int:
        try:
            found = number(words[0]) if len(words) == 1 else 0
        except ValueError:
            found = 0
        if found not in self._marks.checkpoints:
            raise Usage("Give the number of a checkpoint; 'monitor info checkpoints' lists them.")
        return found

    def restart(self, words: list[str]) -> str:
        return self._arm(self._marks.checkpoints[self._checkpoint_number(words)])

    def delete_checkpoint(self, words: list[str]) -> str:
        found = self._checkpoint_number(words)
        del self._marks.checkpoints[found]
        return f"Checkpoint {found} deleted.\n"

    def back(self, words: list[str]) -> str:
        marks = self._marks
        if marks.trail and marks.trail[marks.here] != self.place():
            return self._arm_trail(marks.here)
        if marks.here < 1:
            raise Usage("There is no earlier position to go back to.")
        return self._arm_trail(marks.here - 1)

    def last_stop(self, words: list[str]) -> str:
        """Where the last run or jump ended, however many single steps ago."""
        marks = self._marks
        if not marks.trail:
            raise Usage("Nothing has run yet.")
        if marks.trail[marks.here] == self.place():
            raise Usage(f"This is where it stopped last: step {self._place(self._position)}.")
        return self._arm_trail(marks.here)

    def forward(self, words: list[str]) -> str:
        if self._marks.here + 1 >= len(self._marks.trail):
            raise Usage("There is no later position to go forward to.")
        return self._arm_trail(self._marks.here + 1)

    def _arm_trail(self, index: int) -> str:
        return self._arm(self._marks.trail[index], index)

    def events(self, words: list[str]) -> str:
        events, kind = self._logged_events(), None
        if words[:1] == ["--kind"] and len(words) > 1:
            kind, words = self._kind(events, words[1]), words[2:]
        try:
            count = number(words[0]) if words else 10
        except ValueError:
            count = 0
        if len(words) > 1 or not 0 < count <= _EVENTS_MOST:
            most = f"a number from 1 to {_EVENTS_MOST}"
            raise Usage(f"events takes {most}, how many to show, and before it --kind K.")
        lines = events.lines(self._timeline.position, count, kind)
        return "".join(f"{printable(line)}\n" for line in lines) or "No events around here.\n"

    def back_to_event(self, words: list[str]) -> str:
        """To event N of a kind, counted from the start; without N to the last one before here."""
        events, here = self._logged_events(), self._position
        try:
            wanted = number(words[1]) if len(words) == 2 else None
        except ValueError:
            wanted = 0
        if len(words) not in (1, 2) or wanted == 0:
            raise Usage("back-to event takes a kind and maybe a number, such as: net 7.")
        kind = self._kind(events, words[0])
        if wanted is None:
            step = events.last_before(kind, here)
            if step is None:
                raise Usage(f"There is no event of kind {kind} before step {here}.")
            return self._arm(step)
        step = events.nth(kind, wanted)
        if step is None:
            raise Usage(f"There are fewer than {wanted} events of kind {kind}.")
        if step > here:
            raise Usage(f"Event {wanted} of kind {kind} is ahead: 'monitor goto {step}'.")
        return self._arm(step)

    def output(self, words: list[str]) -> str:
        """The lines that the guest has printed last, or the latest ones with a text first."""
        text, here = _printed_text(words), self._position
        lines = self._timeline.printed(text, _LINES)
        shown_lines = [
            f"{line.found if text else line.begin:>14}  {line.label}{characters(line.data)}\n"
            for line in lines
        ]
        if not text:
            return "".join(reversed(shown_lines)) or f"Nothing was printed before step {here}.\n"
        if not lines:
            return f"{shown(text)} was not printed.\n"
        said = "".join(shown_lines)
        if lines[0].found >= here:
            return f"{shown(text)} was not printed before step {here}, but later:\n{said}"
        ways = f"'monitor goto {lines[0].found}' and 'monitor back-to output {printable(text)}'"
        return f"{said}{ways} go to the first of these.\n"

    def back_to_output(self, words: list[str]) -> str:
        """The search is the next resume's: it may be long, and the client can interrupt that."""
        text = _printed_text(words)
        if not text:
            raise Usage("back-to output takes a text that was printed.")
        self.armed = Armed(self.place(), text=text)
        return (
            f"Going to where {shown(text)} was printed last with the next command that resumes,"
            " such as stepi.\n"
        )

    def _logged_events(self) -> Events:
        if self._events is None:
            raise Usage("This server has no list of events.")
        return self._events

    def _kind(self, events: Events, word: str) -> str:
        if word not in events.kinds:
            there = ", ".join(events.kinds) or "no events at all"
            raise Usage(f"There are no events of kind {shown(word)}; there are {there}.")
        return word

    def phys(self, words: list[str]) -> str:
        try:
            address, size = (*(number(word) for word in words), 64)[:2]
        except ValueError:
            address, size = 0, 0
        if len(words) not in (1, 2) or not 0 < size <= _PHYS_MOST:
            raise Usage(f"phys takes an address and maybe a length, up to {_PHYS_MOST}.")
        size = min(size, _TOP - address)
        data = self._timeline.read_physical(address, size)
        lines = [f"{address + at:#x}: {data[at : at + 16].hex(' ')}" for at in range(0, size, 16)]
        return "\n".join(lines[: -(-len(data) // 16)]) + "\n"

    def info_mem(self, words: list[str]) -> str:
        """As QEMU's monitor prints it for x86, which GEF reads: QEMU's manual, "info mem"."""
        rows: list[tuple[int, int, str]] = []
        rest = ""
        for span in self._timeline.mapped():
            if not span.rights:
                rest = f"There may be more from {span.start:#x} on.\n"
                break
            shown = "".join(
                letter if there else "-"
                for letter, there in (
                    ("u", span.user),
                    ("r", span.rights & Access.READ),
                    ("w", span.rights & Access.WRITE),
                )
            )
            start = rows.pop()[0] if rows and rows[-1][1:] == (span.start, shown) else span.start
            rows.append((start, span.end, shown))
        lines = (f"{a:016x}-{b:016x} {b - a:016x} {shown}\n" for a, b, shown in rows)
        return "".join(lines) + rest or "Nothing is mapped.\n"

    def halt(self, words: list[str]) -> str:
        return self.when(words)

    def reset(self, words: list[str]) -> str:
        return self._arm(self._timeline.begin)

    def system_reset(self, words: list[str]) -> str:
        return self._ask(SystemRequest.RESET, "The machine is reset")

    def system_suspend(self, words: list[str]) -> str:
        return self._ask(SystemRequest.SUSPEND, "The machine is suspended")

    def system_wakeup(self, words: list[str]) -> str:
        return self._ask(SystemRequest.WAKE_UP, "The machine goes on")

    def quit(self, words: list[str]) -> str:
        return self._ask(SystemRequest.SHUTDOWN, "The machine is shut down")

    def _ask(self, what: SystemRequest, effect: str) -> str:
        self._timeline.request(what)
        return f"{effect} with the next command that resumes.\n"

    def branches(self, words: list[str]) -> str:
        return tree(self._timeline)

    def branch(self, words: list[str]) -> str:
        """To a branch of that name, or the beginning of one."""
        if len(words) != 1:
            raise Usage("branch takes a name: that of a branch, to go there, or of a new one.")
        branches = self._timeline.branches
        known = next((b for b in branches.all if words[0] in (b.name, str(b.id))), None)
        if known is not None:
            return self._arm(same_step(self._timeline, known, self._position))
        if self.place() != self._timeline.place:
            raise Usage("A trace frame is only looked at; 'tfind none' leaves it.")
        self._timeline.branch_off("you asked for it", words[0])
        return ""

    def edit(self, words: list[str]) -> str:
        """The branch begins where the next resume goes to."""
        if not words:
            raise Usage(f"edit takes the step of an input, and {USAGE}.")
        found = self._logged_events().edit(words[0])
        here = Place(self._timeline.branches.present.id, found.step)
        self.armed = Armed(here, edit=found)
        return (
            f"Going to step {self._place(found.step)} with the next command that resumes, such as"
            " stepi; a branch begins there.\n"
        )

    def input(self, words: list[str]) -> str:
        """What a character device gets, on a machine that records."""
        device, _, text = (words or [""])[0].partition(" ")
        if not text.strip():
            raise Usage("input takes a character device and a text, such as: uart0 help\\n.")
        data = unescaped(text.strip())
        self._timeline.give_input(device, data)
        return f"{device} gets '{characters(data)}' with the next command that resumes.\n"

    def bookmark(self, words: list[str]) -> str:
        if not words:
            raise Usage("bookmark takes a name, and maybe a text behind it.")
        name, _, note = words[0].partition(" ")
        here = self.place()
        self._timeline.bookmarks.set(name, here, note.strip())
        return f"Bookmark {name} at step {self._place(here.step, here.branch)}\n"

    def bookmarks(self, words: list[str]) -> str:
        marks = sorted(self._timeline.bookmarks.all.items(), key=lambda item: item[1])
        width = max((len(name) for name, _ in marks), default=0)
        lines = (
            f"{name:<{width}}  step {self._place(mark.step, mark.branch)}"
            + (f"  {mark.note}" if mark.note else "")
            for name, mark in marks
        )
        return "".join(f"{line}\n" for line in lines) or "No bookmarks.\n"

    def delete_bookmark(self, words: list[str]) -> str:
        if len(words) != 1:
            raise Usage("delete bookmark takes the name of one.")
        self._timeline.bookmarks.delete(words[0])
        return f"Bookmark {words[0]} deleted.\n"

    def rename_branch(self, words: list[str]) -> str:
        if len(words) not in (1, 2):
            raise Usage("branch rename takes a new name, and before it which branch, or this one.")
        branches = self._timeline.branches
        branch = branches.named(words[0]) if len(words) == 2 else branches.present
        branches.rename(branch.id, words[-1])
        return f"{branch.name} is called {words[-1]} now.\n"

    def discard(self, words: list[str]) -> str:
        if len(words) != 1:
            raise Usage("discard takes the name of a branch.")
        branches = self._timeline.branches
        branch = branches.named(words[0])
        if branch.fork is None:
            raise Usage(f"{branch.name} is where all branches come from, and stays.")
        if branch.id in (branches.present.id, self.place().branch):
            raise Usage(f"The machine is on {branch.name}: go to another branch first.")
        branches.discard(branch.id)
        self._marks.follow(branches.now)
        if self.armed is not None and branches.now(self.armed.place) is None:
            self.armed = None
        return f"{branch.name} is gone.\n"

    def help(self, words: list[str]) -> str:
        usages = [(f"{c.name} {c.arguments}".strip(), c.text) for c in COMMANDS if c.text]
        usages += [(f"{q.name} {q.arguments}".strip(), q.text) for q in self._questions]
        usages += [(view.name, view.text) for view in self._timeline.views()]
        width = max(len(usage) for usage, _ in usages)
        return "".join(f"{usage:<{width}}  {text}\n" for usage, text in usages)


def _printed_text(words: list[str]) -> str:
    text = words[0] if words else ""
    if len(text) > _TEXT_MOST:
        raise Usage(f"What is searched for has at most {_TEXT_MOST} characters.")
    return text


@dataclass(frozen=True, slots=True)
class Command:
    """One monitor command; without `text` it is an alias that `help` leaves out."""

    name: str
    run: Callable[[Monitor, list[str]], str]
    arguments: str = ""
    text: str = ""
    raw: bool = False
    """It takes what comes behind its name as it is, in one."""


COMMANDS = (
    Command("when", Monitor.when, text="where the machine stands"),
    Command(
        "goto", Monitor.goto, "PLACE", "go to N, +N, -N, P%, start, end, BRANCH:N or a bookmark"
    ),
    Command("back", Monitor.back, text="go to the position before this one"),
    Command("forward", Monitor.forward, text="undo 'back'"),
    Command("last-stop", Monitor.last_stop, text="go to where the last run or jump ended"),
    Command("checkpoint", Monitor.checkpoint, text="number this position"),
    Command("info checkpoints", Monitor.info_checkpoints, text="list the checkpoints"),
    Command("restart", Monitor.restart, "NUMBER", "go to a checkpoint with the next resume"),
    Command("delete checkpoint", Monitor.delete_checkpoint, "NUMBER", "forget a checkpoint"),
    Command("bookmarks", Monitor.bookmarks, text="list the bookmarks"),
    Command("bookmark", Monitor.bookmark, "NAME [TEXT]", "keep this place in the file", raw=True),
    Command("delete bookmark", Monitor.delete_bookmark, "NAME", "forget a bookmark"),
    Command("branches", Monitor.branches, text="which lines of history there are"),
    Command(
        "branch rename", Monitor.rename_branch, "[OLD] NEW", "give a branch, or this one, a name"
    ),
    Command("branch", Monitor.branch, "NAME", "go to a branch, or begin one here"),
    Command(
        "input", Monitor.input, "DEVICE TEXT", "let a machine that records have this", raw=True
    ),
    Command(
        "edit", Monitor.edit, "STEP HOW", "begin a branch on which an input is otherwise", raw=True
    ),
    Command("discard", Monitor.discard, "NAME", "forget a branch"),
    Command("events", Monitor.events, "[--kind K] [COUNT]", "what came from outside around here"),
    Command(
        "back-to event",
        Monitor.back_to_event,
        "KIND [N]",
        "go to event N of a kind, or the last one",
    ),
    Command(
        "output", Monitor.output, "[TEXT]", "what was printed last, or where TEXT was", raw=True
    ),
    Command(
        "back-to output",
        Monitor.back_to_output,
        "TEXT",
        "go to where TEXT was printed last",
        raw=True,
    ),
    Command("replay_break", Monitor.replay_break, "N", "let a continue stop at step N"),
    Command("replay_delete_break", Monitor.replay_delete_break, text="do not stop there any more"),
    Command("phys", Monitor.phys, "ADDRESS [LENGTH]", "show memory by physical address"),
    Command("info mem", Monitor.info_mem, text="what is mapped, and how: u, r, w"),
    Command("info replay", Monitor.info_replay, text="what is being replayed or recorded"),
    Command("reset halt", Monitor.reset, text="go to the start with the next resume"),
    Command("system_reset", Monitor.system_reset, text="reset a machine that records"),
    Command("system_suspend", Monitor.system_suspend, text="let nothing run until system_wakeup"),
    Command("system_wakeup", Monitor.system_wakeup, text="end a suspension"),
    Command("quit", Monitor.quit, text="shut down a machine that records"),
    Command("halt", Monitor.halt, text="same as 'when': a stopped target stays stopped"),
    Command("help", Monitor.help, text="this list"),
    Command("replay_seek", Monitor.goto),
    Command("seek", Monitor.goto),
    Command("reset", Monitor.reset),
    Command("info time", Monitor.when),
)
