"""How a recording ended, in words."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ttd.cpu.base import Cpu
    from ttd.recorded import RecordedMachine
    from ttd.symbols import Symbols


def ending(session: RecordedMachine) -> list[str]:
    """Lines for people about the end of a recording: why it is the end, and where.

    After an end that the processor has made, and in the handler of a fault, with what it says of
    its faults.
    """
    from ttd.debugger.names import names_of
    from ttd.recording.events import Kind, to_small
    from ttd.replay.replay import Cause

    machine = session.machine
    reason = session.recording.status.reason
    symbols = names_of(machine)
    if machine.ended is None:
        where = f"{reason}, at {symbols.place(machine.engine.pc, 8)}"
        # Many a handler of faults does nothing for ever.
        said = fault_lines(machine.cpu, symbols) if machine.cpu.handles_fault() else []
        return [where, *said]
    last = session.replay.log.last_of([Kind.SHUTDOWN], len(session.replay.log))
    if last is None or to_small(last[1].payload) != Cause.GUEST_PANIC:
        return [symbols.explained(reason)]
    return [symbols.explained(reason), *fault_lines(machine.cpu, symbols)]


def fault_lines(cpu: Cpu, symbols: Symbols) -> list[str]:
    """What the processor says of its faults."""
    found = []
    for text, code in cpu.faults():
        name = None if code is None else symbols.name(code)
        found.append(f"{text}, in {name}" if name else text)
    return found
