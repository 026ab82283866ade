"""GDB commands for ttd: `source ttd-gdb.py` after, or before, `target remote`.

Gives the monitor commands bare names with completion, moves GDB along (registers, memory,
watchpoints and front ends show the new position at once), and puts the step into the prompt. Works
in GDB 9 and newer.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import gdb  # GDB brings it

PLACES = ("start", "end")
_EARLIER = re.compile(r"^Earlier: (.*\n)", re.MULTILINE)
"""What the server could not say when it was asked: GDB shows no words of its own for a write of
memory, or a breakpoint, that is refused."""


def ask(command: str) -> str:
    """What the server prints for a monitor command."""
    try:
        text = _ask_quietly(command)
        return str(gdb.execute("monitor " + command, to_string=True)) if text is None else text
    except gdb.error as e:
        raise gdb.GdbError(f"Is this GDB connected to ttd? {e}") from e


def _ask_quietly(command: str) -> str | None:
    """The same in one packet of ttd's own; None if this GDB, or the server, cannot do that.

    What `monitor` prints depends on GDB's interpreter, even if it is asked for as a string.
    """
    send = getattr(getattr(gdb.selected_inferior(), "connection", None), "send_packet", None)
    if send is None:  # new in GDB 12
        return None
    answer = send("qttd.Monitor:" + command.encode().hex())
    return bytes.fromhex(answer.decode()).decode() if answer else None


def show_notes(answer: str) -> None:
    """Print what an answer ends with that is about something before."""
    for note in _EARLIER.findall(answer):
        gdb.write(note)


def refresh_watchpoints() -> None:
    """GDB compares a watched value with the last one it saw, which was at another time."""
    for breakpoint in gdb.breakpoints():
        if breakpoint.type != gdb.BP_BREAKPOINT and breakpoint.enabled:
            breakpoint.enabled = False
            breakpoint.enabled = True


class Query(gdb.Command):  # type: ignore[misc]
    """Print what the server answers."""

    def __init__(self, name: str, text: str) -> None:
        self.__doc__ = text
        self.command = name
        super().__init__(name, gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        gdb.write(ask((self.command + " " + argument).strip()))


class Search(Query):
    """Print what the server answers, whenever that is; Ctrl-C ends it."""

    def invoke(self, argument: str, from_tty: bool) -> None:
        gdb.execute(f"monitor {self.command} {argument}".strip())


class WatchRegister(gdb.Command):  # type: ignore[misc]
    """Watch a register of a device, or a field of one: watch-reg UART0.CTRL."""

    _LINE = re.compile(r"\S+ +(0x[0-9a-f]+)  (?:0x[0-9a-f]+  mask (0x[0-9a-f]+) of )?0x([0-9a-f]+)")
    _TYPES: ClassVar[dict[int, str]] = {2: "char", 4: "short", 8: "int", 16: "long long"}
    """By how many digits a value has."""

    def __init__(self) -> None:
        super().__init__("watch-reg", gdb.COMMAND_BREAKPOINTS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        answer = ask(f"regs {argument}")
        found = self._LINE.match(answer)
        if answer.count("\n") != 1:
            raise gdb.GdbError("Give the name of one register, such as UART0.CTRL.")
        if found is None:
            raise gdb.GdbError(answer.strip())
        address, mask, value = found.groups()
        place = f"*(unsigned {self._TYPES[len(value)]} *){address}"
        gdb.execute(f"watch {place} & {mask}" if mask else f"watch {place}")


class Jump(gdb.Command):  # type: ignore[misc]
    """Go to another position, which the server does with the next resume."""

    def __init__(self, name: str, text: str, places: tuple[str, ...] = ()) -> None:
        self.__doc__ = text
        self.command = name
        self.places = places
        super().__init__(name, gdb.COMMAND_RUNNING)

    def invoke(self, argument: str, from_tty: bool) -> None:
        answer = ask((self.command + " " + argument).strip())
        if answer.startswith("Earlier: "):
            show_notes(answer)  # it has been done
            return
        if not answer.startswith("Going to "):
            raise gdb.GdbError(answer.strip())
        show_notes(answer)
        try:
            gdb.execute("stepi")
        except gdb.error as e:
            raise gdb.GdbError(str(e)) from e
        refresh_watchpoints()

    def complete(self, text: str, word: str) -> list[str]:
        return [place for place in self.places if place.startswith(word)]


class Branch(Jump):
    """To a branch, or the beginning of one."""

    def invoke(self, argument: str, from_tty: bool) -> None:
        if argument.split()[:1] == ["rename"]:
            gdb.write(ask(f"branch {argument}"))
        else:
            super().invoke(argument, from_tty)

    def complete(self, text: str, word: str) -> list[str]:
        try:
            lines = ask("branches").splitlines()
        except gdb.GdbError:
            return []
        names = [line[1:].split()[0] for line in lines if line[1:].strip()]
        return [name for name in names if name.startswith(word)]


class Goto(Jump):
    """Completes the bookmarks, too."""

    def complete(self, text: str, word: str) -> list[str]:
        try:
            lines = ask("bookmarks").splitlines()
        except gdb.GdbError:
            lines = []
        names = [line.split()[0] for line in lines if "  step " in line]
        return [place for place in (*self.places, *names) if place.startswith(word)]


class Prefix(gdb.Command):  # type: ignore[misc]
    """A first word that does nothing alone."""

    def __init__(self, name: str, text: str) -> None:
        self.__doc__ = text
        super().__init__(name, gdb.COMMAND_RUNNING, gdb.COMPLETE_NONE, True)

    def invoke(self, argument: str, from_tty: bool) -> None:
        raise gdb.GdbError("Say more; 'help back-to' lists what there is.")


class Restart(Jump):
    """Completes the numbers of checkpoints."""

    def complete(self, text: str, word: str) -> list[str]:
        try:
            lines = ask("info checkpoints").splitlines()
        except gdb.GdbError:
            return []
        numbers = [line.split()[0] for line in lines if line[:1].isdigit()]
        return [number for number in numbers if number.startswith(word)]


class LineSteps:
    """Tells the server what GDB gets over one instruction at a time in `reverse-step` and
    `reverse-next`, which it may then do in one go: the lines of the functions under way. Where GDB
    stops is for GDB to say, as ever.
    """

    FRAMES = 3
    """Functions looked at, from the one in which the program is outwards."""
    LARGEST = 1 << 16
    """Bytes of a function that is looked at."""
    OTHERS = re.compile(
        r"\b(?:bl|blx|bx|blr|br|ret\w*|call\w*|lcall|ljmp|jal|jalr|jr|c\.jal|c\.jalr|c\.jr|tail"
        r"|[misu]ret|eret|iret\w*|sysret\w*|sysexit\w*|syscall|svc|hvc|smc|ecall|ebreak|bkpt|brk"
        r"|udf|int\w*|pop\w*|ldm\w*|tbb|tbh|(?<!\[)pc)\b"
    )
    """Instructions, in GDB's words, that may lead to another function: those are steps of their
    own. (Rather too many than too few.)"""

    def __init__(self) -> None:
        self.told = False
        for name in ("reverse-step", "reverse-next"):
            if self.is_free(f"hook-{name}"):
                gdb.execute(f"define hook-{name}\npython ttd_line_steps.tell()\nend")
        gdb.events.stop.connect(lambda event: self.end())
        gdb.events.before_prompt.connect(self.end)

    @staticmethod
    def is_free(name: str) -> bool:
        try:
            gdb.execute(f"help {name}", to_string=True)
        except gdb.error:
            return True
        return False

    @staticmethod
    def send(pieces: list[tuple[int, int]]) -> bool:
        """False if this GDB, or the server, has no such packet."""
        connection = getattr(gdb.selected_inferior(), "connection", None)
        send = getattr(connection, "send_packet", None)
        if send is None:
            return False
        text = ";".join(f"{start:x},{end:x}" for start, end in pieces)
        return bytes(send(f"Qttd.StepWithin:{text}")) == b"OK"

    def tell(self) -> None:
        """Before a command that goes back by lines."""
        software = getattr(gdb, "BP_WATCHPOINT", None)
        if any(one.type == software and one.enabled for one in gdb.breakpoints()):
            return  # GDB looks at it after each step
        # If anything is wrong, the command itself says so.
        with contextlib.suppress(gdb.error, RuntimeError, ValueError):
            self.told = self.send(self.pieces())

    def end(self) -> None:
        """The command has ended."""
        thread = gdb.selected_thread() if self.told else None
        if thread is None or not thread.is_valid() or thread.is_running():
            return
        self.told = False
        with contextlib.suppress(gdb.error, ValueError):
            self.send([])

    def pieces(self) -> list[tuple[int, int]]:
        """Begin and end of what can be passed over."""
        found: dict[int, list[tuple[int, int]]] = {}
        frame = gdb.newest_frame()
        for _ in range(self.FRAMES):
            block = self.function_at(frame.pc()) if frame is not None else None
            if block is None:
                break
            if block.end - block.start <= self.LARGEST and block.start not in found:
                found[block.start] = list(self.pieces_of(block, frame.architecture()))
            frame = frame.older()
        return sorted(piece for pieces in found.values() for piece in pieces)

    @staticmethod
    def function_at(pc: int) -> gdb.Block | None:
        """The function in which an address is, inlined ones left aside."""
        block = gdb.block_for_pc(pc)
        found = None
        while block is not None and not block.is_static and not block.is_global:
            found = block if block.function is not None else found
            block = block.superblock
        return found

    @staticmethod
    def innermost(pc: int) -> tuple[int, int] | None:
        """The function, or the inlined one, in which an address is: GDB has a frame for each."""
        block = gdb.block_for_pc(pc)
        while block is not None and block.function is None:
            block = block.superblock
        return None if block is None else (block.start, block.end)

    def pieces_of(
        self, function: gdb.Block, architecture: gdb.Architecture
    ) -> Iterator[tuple[int, int]]:
        """What is within one of the ranges of addresses that GDB has for lines, of one frame. Not
        the first address of a range: GDB may stop there.
        """
        at = function.start
        while at < function.end:
            line = gdb.find_pc_line(at)
            if line.symtab is None or line.last is None or line.last < at:
                at += 1
                continue
            end = line.last + 1
            begin, frame = None, None
            for found in architecture.disassemble(at, line.last):
                place, behind = found["addr"], found["addr"] + found["length"]
                inside = place > line.pc and behind <= end and not self.OTHERS.search(found["asm"])
                where = self.innermost(place) if inside else None
                if begin is not None and (not inside or where != frame):
                    yield begin, place
                    begin = None
                if inside and begin is None:
                    begin, frame = place, where
            if begin is not None:
                yield begin, end
            at = end


class Prompt:
    """Puts the step before the prompt that the user has chosen."""

    def __init__(self) -> None:
        self.before: Callable[[str], str | None] | None = gdb.prompt_hook
        self.shown = ""
        self.plain = ""

    def __call__(self, current: str) -> str | None:
        if current != self.shown:
            self.plain = current
        plain = (self.before(self.plain) if self.before else None) or self.plain
        step = self.step() if gdb.parameter("ttd-prompt") else None
        self.shown = plain if step is None else f"[{step}] {plain}"
        return self.shown

    def step(self) -> str | None:
        """Where the machine stands; None if nobody can say now."""
        thread = gdb.selected_thread()
        if thread is None or not thread.is_valid() or thread.is_running():
            return None
        try:
            answer = _ask_quietly("when") or ""
        except (gdb.error, ValueError):
            return None  # a prompt is no place to complain
        show_notes(answer)
        found = re.match(r"Step: (\S+)", answer)
        return found and found[1]


class ShowStep(gdb.Parameter):  # type: ignore[misc]
    """Whether the prompt shows the step at which the machine stands."""

    set_doc = "Show the step in the prompt, or not."
    show_doc = "Whether the prompt shows the step."

    def __init__(self) -> None:
        super().__init__("ttd-prompt", gdb.COMMAND_STATUS, gdb.PARAM_BOOLEAN)
        self.value = True

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f"The step is shown in the prompt: {value}."


Query("when", "Print the step at which the machine stands.")
Query("events", "Print what came from outside around this step: events [--kind K] [COUNT].")
Search("output", "Print the lines printed last, or the latest with TEXT: output [TEXT].")
WatchRegister()
Query("regs", "Print the registers of devices by name: regs, regs UART0, regs UART0.STATE.")
Search("why", "Print why this handler runs: the fault, the bad pointer, the interrupt's line.")
Search("last", "Print who wrote something last: last EXPR; again: who before that.")
Search("writes", "Print all writes up to here: writes EXPR.")
Search("reads", "Print all reads up to here: reads EXPR.")
Search("values", "Print what something has held up to here: values EXPR.")
Search("calls", "Print calls of a function up to here, with arguments and results: calls FUNCTION.")
Search("executed", "Print when code ran up to here: executed FUNCTION, FILE:LINE or ADDRESS.")
Search("origin", "Print where a value came from: origin EXPR.")
Search("irqs", "Print interrupts that were taken up to here: irqs [LINE].")
Search("diff", "Print what is different at another place: diff PLACE [PLACE].")
Search("stack-depth", "Print how much of each stack has been used: stack-depth [TASK].")
Search("coverage", "Print which lines were executed.")
Search("profile", "Print in which functions virtual time was spent.")
Query("branches", "Print which lines of history there are.")
Query("discard", "Forget a branch: discard NAME.")
Query("bookmark", "Give this place a name, which is kept in the file: bookmark NAME [TEXT].")
Query("bookmarks", "List the places that have names.")
Query("delete bookmark", "Forget the name of a place: delete bookmark NAME.")
Query("checkpoint", "Number this position, for restart.")
Query("info checkpoints", "List the numbered positions.")
Query("delete checkpoint", "Forget a numbered position: delete checkpoint NUMBER.")
Query("info replay", "Print what is being replayed or recorded.")
Query("system_reset", "Ask a machine that records for a reset.")
Query("system_suspend", "Let a machine that records run nothing until system_wakeup.")
Query("system_wakeup", "End a suspension.")
Goto("goto", "Go to a place: goto N, +N, -N, P%, start, end, BRANCH:N or a bookmark.", PLACES)
Branch("branch", "Go to a branch, or begin one: branch NAME, or branch rename [OLD] NEW.")
Jump("back", "Go to the position before this one.")
Jump("forward", "Undo back.")
Jump("last-stop", "Go to where the last run or jump ended.")
Prefix("back-to", "Go back to something that has happened.")
Jump("back-to event", "Go back to the last event of a kind, or to its event N: KIND [N].")
Jump("back-to output", "Go back to where TEXT was printed last: back-to output TEXT.")
Restart("restart", "Go to a numbered position: restart NUMBER.")
ShowStep()
ttd_line_steps = LineSteps()
gdb.prompt_hook = Prompt()
if "gdb.dap" in sys.modules:
    gdb.execute(f"source {Path(__file__).with_name('ttd_dap.py')}")
