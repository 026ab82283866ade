"""Where a value came from."""

from __future__ import annotations

from ttd.boards.extras import line_names
from ttd.errors import UserError
from ttd.origin.finder import Finder
from ttd.origin.rows import Row
from ttd.origin.scene import Scene
from ttd.questions.past import Past
from ttd.questions.row import Hex
from ttd.questions.row import Row as Line
from ttd.questions.target import target
from ttd.recorded import RecordedMachine, extras_of, host_sides_of
from ttd.register_names import RegisterNames
from ttd.symbols import Symbols
from ttd.values import dataclass


@dataclass(frozen=True, slots=True)
class Origin(Line):
    """A place on the way of a value; behind it are those that the value is made of there."""

    kind: str
    """move, arithmetic, load, store, saved, parts, interrupt, device, dma, input, constant, stack,
    image, first, debugger, again, cannot follow (`ttd.origin.rows.Kind`)."""
    depth: int
    """How far it is indented: more where a value is made of several."""
    of: int | None
    """The number of the row that it is a source of; None: it is the first."""
    value: Hex | None
    pc: Hex | None
    """Where the instruction is; None if none did it."""
    function: str
    source: str
    """File and line."""
    event: int | None
    """Of an input: its number in the log."""
    address: Hex | None
    """Where in memory the value was, if it was there; None: in a register."""
    size: int
    """How many bytes of it are followed."""
    told: str
    """All of it, as people read it."""

    @property
    def text(self) -> str:
        return self.told


def scene_of(session: RecordedMachine, registers: RegisterNames) -> Scene:
    """What a value is followed in; `registers`: those of devices, by people's names."""
    machine, replay, config = session.machine, session.replay, session.recording.config
    return Scene(
        session.timeline,
        lambda: replay.log,
        replay.words,
        Symbols(load.image for load in machine.loads),
        line_names(machine.board, extras_of(config)),
        registers,
        host_sides_of(config, machine.board),
    )


def origin(
    past: Past, text: str, step: int, *, limit: int | None = None, addresses: bool = False
) -> list[Origin]:
    """Where the value came from that `text` (`target`) has at a step of the present branch; the
    first row is what made it. `addresses`: and what the addresses of loads and stores on its way
    were made of. A `UserError` if that cannot be followed, or is interrupted."""
    with past.staying():
        past.go(step)
        meant = target(past, text, step)
        scene = scene_of(past.session, past.registers)
        finder = Finder(scene, limit, addresses=addresses)
        if meant.register:
            found = finder.register(meant.register, step)
        elif not meant.physical or past.timeline.cpu.page_tables() is None:
            there = len(past.moment.memory(meant.address, meant.size))
            if there < meant.size:
                raise UserError(f"There is nothing at {meant.address + there:#x}.")
            found = finder.memory(meant.address, meant.size, step)
        else:
            raise UserError("origin follows addresses that the program uses, not physical ones.")
        return [_row(past, row) for row in found]


def _row(past: Past, row: Row) -> Origin:
    return Origin(
        past.place(row.step),
        row.kind.value,
        row.depth,
        row.of,
        None if row.value is None else Hex(row.value),
        None if row.pc is None else Hex(row.pc),
        "" if row.pc is None else past.function(row.pc),
        "" if row.pc is None else past.line(row.pc),
        row.event,
        None if row.address is None else Hex(row.address),
        row.size,
        "  " * row.depth + ("" if row.pc is None else f"{past.at(row.pc)}: ") + row.text,
    )
