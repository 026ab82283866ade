"""A machine that is recorded, with its connections to this host."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ttd.cli.latest import remember
from ttd.cli.output import beside, interrupted, say
from ttd.cli.signals import on_signals
from ttd.errors import UserError
from ttd.values import dataclass

if TYPE_CHECKING:
    from ttd.host.additions import Additions
    from ttd.host.writer import Outputs
    from ttd.recorded import RecordedMachine, RecordOptions
    from ttd.recording.schema import Existing
    from ttd.replay.chars import CharBackend

_FIRST_SECONDS = 0.5
"""How long semihosting has standard input for itself: a UART takes what comes, and a guest that
reads by semihosting does so soon."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be recorded, and what it is connected to."""

    options: RecordOptions
    output: str | None
    """The recording; None: a temporary one."""
    existing: Existing
    serials: list[str]
    """Chardev of each UART."""
    added: Additions
    folder: str | None
    """What `--semihosting` was given."""
    silent: bool
    """Keep off standard input and output."""
    shared: bool
    """Nobody has said that standard input is for a UART."""
    memory: int
    """Bytes that snapshots may take."""
    input: str | None
    """Where `--input` listens."""


@dataclass(frozen=True, slots=True)
class Live:
    """A session that records."""

    session: RecordedMachine
    stop: Callable[[], None]
    """Interrupts it; from any thread."""
    hears: Callable[[], bool]
    """Whether input from outside can still come."""


@contextmanager
def recording(plan: Plan) -> Iterator[Live]:
    """A session that records.

    There is no recording before all else is known to be there. From the moment when there is one a
    signal does not end this program, but the session: nothing of what is recorded, or of the end,
    is spoilt.
    """
    from ttd.host.chardev import is_over
    from ttd.host.clocks import HostClocks, random_bytes
    from ttd.host.console import Console
    from ttd.host.files import Null
    from ttd.host.semihost_files import SemihostFiles
    from ttd.host.terminal import Stdio
    from ttd.host.writer import Outputs
    from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine

    sessions: list[RecordedMachine] = []
    files = SemihostFiles(Path(plan.folder) if plan.folder else None)
    outputs = Outputs(say)

    def claim() -> bytes:
        """Semihosting reads: standard input is its own from now on."""
        found = b""
        for name, backend in backends.items():
            if isinstance(backend, Stdio):
                replay = sessions[0].replay
                found += replay.chr_take_back(backend)
                backend.release()
                found += replay.chr_take_back(backend)
                say(f"standard input now is the guest's semihosting console, no more {name}")
        return found

    def stop() -> None:
        interrupted()
        outputs.patience.interrupt()
        for session in sessions:
            session.machine.interrupt()

    def hears() -> bool:
        silent = all(map(is_over, backends.values()))
        return not silent or plan.input is not None or bool(plan.added.nets)

    with _input(plan, sessions):
        backends = _open_chardevs(plan, outputs)
        backends[SEMIHOSTING] = Null() if plan.silent else Console(outputs, claim)
        host = HostSides(plan.added.images, plan.added.nets, HostClocks(), plan.memory)
        with on_signals(stop):
            session = RecordedMachine.record(
                plan.options, plan.output, backends, files, random_bytes, host, plan.existing
            )
            if plan.output is not None:
                remember(session.recording.path)
            beside(outputs.end_line)
            sessions.append(session)
            session.timeline.at_rest = outputs.settle
            if outputs.patience.hurried:
                session.machine.interrupt()
            try:
                yield Live(session, stop, hears)
            finally:
                files.close_all()
                session.close()


def _open_chardevs(plan: Plan, outputs: Outputs) -> dict[str, CharBackend]:
    """By device."""
    from ttd.host.chardev import open_chardev
    from ttd.host.terminal import Stdio

    uarts = dict(zip(plan.options.board.serials, plan.serials, strict=False))
    specs = {**uarts, **plan.added.chardevs}
    opened = {name: open_chardev(spec, say, outputs) for name, spec in specs.items()}
    for name in uarts:
        backend = opened[name]
        if isinstance(backend, Stdio) and plan.shared and plan.options.semihosting:
            backend.delay = _FIRST_SECONDS
    return opened


@contextmanager
def _input(plan: Plan, sessions: list[RecordedMachine]) -> Iterator[None]:
    """Take input from where `--input` says, for the session that there will be."""
    if plan.input is None:
        yield
        return
    from ttd.boards.extras import inputs_of
    from ttd.host.input_socket import InputSocket
    from ttd.replay.replay import Cause, Replay

    def begun() -> RecordedMachine:
        if not sessions:
            raise UserError("nothing enters yet: the machine has not begun")
        return sessions[0]

    def session() -> RecordedMachine:
        ended = begun().machine.ended
        if ended is not None:
            raise UserError(f"nothing enters any more: {ended.reason}")
        return begun()

    def put(groups: Mapping[str, list[tuple[int, int, int]]]) -> bool:
        return session().replay.input_groups(groups)

    def wake_up() -> None:
        begun().machine.wake_up()

    def ask(request: Callable[[Replay, Cause], None]) -> None:
        request(session().replay, Cause.HOST)

    devices = inputs_of(plan.options.board, plan.added.extras)
    commands: dict[str, Callable[[], None]] = {
        "system_reset": partial(ask, Replay.reset_request),
        "system_suspend": partial(ask, Replay.suspend_request),
        "system_wakeup": wake_up,
        "quit": partial(ask, Replay.shutdown_request),
    }
    listener = InputSocket(plan.input, devices, put, commands)
    try:
        yield
    finally:
        listener.close()
