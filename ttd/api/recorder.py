"""Recording a firmware from a program."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

from ttd.api.patience import Patience, ctrl_c
from ttd.api.run import Run, open
from ttd.boards import names
from ttd.errors import UserError
from ttd.host.additions import parse_additions
from ttd.host.clocks import HostClocks, random_bytes
from ttd.host.files import Null
from ttd.host.machine_choice import MachineChoice
from ttd.host.provenance import provenance
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine, RecordOptions
from ttd.recording.schema import Existing, check_replaceable
from ttd.runs import Ended

Text: TypeAlias = "str | bytes"
Script: TypeAlias = "Text | Sequence[tuple[int | str, Text]]"
"""What is typed at a device: all at once, or one after the other, each at a step, or when the
device has printed a text."""
_SEVERAL = ("ram", "load", "uart")
"""Of these a machine may have more than one."""
_INTERRUPTED = "it was interrupted"
_SLOWEST = 10**9
_MOST_TYPED = 1 << 16
"""Characters that one device gets: so many wait for the guest."""


class Typist(Null):
    """The host side of a serial line or a console: types what a script says."""

    def __init__(self, device: str, script: Script) -> None:
        parts = [(0, script)] if isinstance(script, (str, bytes)) else list(script)
        self._parts = [
            (when, text.encode() if isinstance(text, str) else text) for when, text in parts
        ]
        if sum(len(text) for _, text in self._parts) > _MOST_TYPED:
            raise UserError(f"at most {_MOST_TYPED} characters are typed at {device}")
        self._seen = b""
        self._on_input: Callable[[bytes], None] = lambda data: None

    @property
    def waits(self) -> bool:
        """There is something left to be typed."""
        return bool(self._parts)

    @property
    def step(self) -> int | None:
        """The step at which the next part is typed, if it is one."""
        when = self._parts[0][0] if self._parts else None
        return when if isinstance(when, int) else None

    def start(self, on_input: Callable[[bytes], None]) -> None:
        self._on_input = on_input
        self.at(0)

    def at(self, step: int) -> None:
        """The machine is at this step: type what is due."""
        while (due := self.step) is not None and due <= step:
            self.type()

    def type(self) -> None:
        """Type the next part."""
        _, text = self._parts.pop(0)
        if text:  # an empty one would wait for room, too
            self._on_input(text)

    def room(self) -> int:
        """While a text is waited for, characters come one by one, in their steps."""
        return 0 if self._parts and self.step is None else super().room()

    def write(self, data: bytes) -> int:
        if self._parts and self.step is None:
            self._seen += data
            wanted = str(self._parts[0][0]).encode()
            found = self._seen.find(wanted)
            if found >= 0:
                self._seen = self._seen[found + len(wanted) :]
                self.type()
        return len(data)


class Answerer(Null):
    """Semihosting's console: what it reads is there when it reads, and in the end nothing is."""

    def __init__(self, script: Script) -> None:
        parts = [script] if isinstance(script, (str, bytes)) else [text for _, text in script]
        self._rest = b"".join(t.encode() if isinstance(t, str) else t for t in parts)

    def read_all(self, count: int) -> bytes:
        data, self._rest = self._rest[:count], self._rest[count:]
        return data


def record(
    *,
    board: str,
    image: str | os.PathLike[str] | None = None,
    steps: int | None = None,
    path: str | os.PathLike[str] | None = None,
    replace: bool = False,
    inputs: Script | Mapping[str, Script] | None = None,
    semihosting: bool | str | os.PathLike[str] = False,
    seed: int | None = None,
    clock: int | None = None,
    devices: Sequence[str] = (),
    drives: Sequence[str] = (),
    **machine: Any,
) -> Run:
    """Record a firmware until it ends, or at `steps`, or until it waits for what does not come; the
    run is at its first place.

    `board`, `image`, `devices`, `drives` and what else `ttd record` takes for a machine (`memory`,
    `kernel`, `bios`, `initrd`, `append`, `cpu`, `ram`, `load`, `pc`, `sp`, `uart`, `priority_bits`)
    are as there. `path`: the recording; without one it is gone when the run is closed. `replace`:
    one that is there. `inputs`: what is typed at the first UART, or by device, `semihosting` among
    them. `semihosting`: answer such calls, with files in a folder, or (True) without. `seed`: of
    the random numbers that the guest gets of its host. `clock`: virtual nanoseconds per step.
    """
    if board not in names():
        raise UserError(f"there is no board {board}; there are {', '.join(names())}")
    words = _words(machine)
    if clock is not None and not 0 < clock <= _SLOWEST:
        raise UserError(f"a step takes 1 to {_SLOWEST} ns, not {clock}")
    if steps is not None and steps < 0:
        raise UserError(f"a recording has no {steps} steps")
    files = None if isinstance(semihosting, bool) else Path(semihosting)
    if files is not None and not files.is_dir():
        raise UserError(f"{files} is no folder, for semihosting to have files in")
    notes: list[str] = []
    chosen, loads = MachineChoice(
        board, None if image is None else os.fspath(image), say=notes.append, **words
    ).make()
    added = parse_additions(devices, drives, True)
    first = next((load for load in loads if load.role in ("image", "kernel", "load")), loads[0])
    name = Path(first.image.path).name
    said = f"ttd.record(board={board!r}, image={name!r})"
    options = RecordOptions(
        chosen,
        loads,
        clock or chosen.ns_per_step,
        bool(semihosting),
        name,
        extras=added.extras,
        drives=added.drives,
        made=provenance() | {"command": said if seed is None else f"{said[:-1]}, seed={seed})"},
    )
    options.check()
    scripts = _scripts(chosen.serials, [*added.chardevs], bool(semihosting), inputs)
    answerer = Answerer(scripts.pop(SEMIHOSTING))
    typists = {name: Typist(name, script) for name, script in scripts.items()}
    folder: str | None = None
    if path is None:
        folder = tempfile.mkdtemp(prefix="ttd-")
        path = os.path.join(folder, f"{Path(name).stem}.ttd")

    def clean_up() -> None:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        existing = Existing.REPLACE if replace else Existing.REFUSE
        check_replaceable(os.fspath(path), existing)
        session = RecordedMachine.record(
            options,
            os.fspath(path),
            {**typists, SEMIHOSTING: answerer},
            SemihostFiles(files),
            random_bytes if seed is None else random.Random(seed).randbytes,
            HostSides(added.images, time=HostClocks()),
            existing,
        )
        try:
            with ctrl_c(session.machine):
                ended = _run(session, steps, typists)
                session.finish(ended.reason, ended.code)
        finally:
            session.close()
        run = open(path)
        run.on_close(clean_up)
    except BaseException:
        clean_up()
        raise
    run.say(*notes)
    return run


def _words(machine: Mapping[str, Any]) -> dict[str, Any]:
    """What a machine is told, as the command line has it: numbers and paths are taken, too."""
    known = {field.name for field in fields(MachineChoice)} - {"board", "image", "say"}
    for name in machine:
        if name not in known:
            raise UserError(f"a machine has no {name}; it may have {', '.join(sorted(known))}")

    def word(value: object) -> str:
        if isinstance(value, int):
            return hex(value)
        if isinstance(value, (str, os.PathLike)):
            return str(os.fspath(value))
        raise UserError(f"a machine cannot be told {value!r}")

    found: dict[str, Any] = {}
    for name, value in machine.items():
        if value is None or name == "priority_bits":
            found[name] = value
        elif name in _SEVERAL and isinstance(value, Sequence) and not isinstance(value, str):
            found[name] = [word(part) for part in value]
        else:
            found[name] = [word(value)] if name in _SEVERAL else word(value)
    return found


def _scripts(
    serials: Sequence[str],
    consoles: Sequence[str],
    semihosting: bool,
    inputs: Script | Mapping[str, Script] | None,
) -> dict[str, Script]:
    """What is typed at each device; at some of them nothing is."""
    devices = [*serials, *consoles, *([SEMIHOSTING] if semihosting else [])]
    if inputs is None:
        inputs = {}
    elif not isinstance(inputs, Mapping):
        if not serials:
            raise UserError("the board has no UART: say for which device the input is")
        inputs = {serials[0]: inputs}
    for name in inputs:
        if name not in devices:
            raise UserError(f"nobody can type at {name}; there are {', '.join(devices)}")
    return {name: inputs.get(name, b"") for name in (*devices, SEMIHOSTING)}


def _run(session: RecordedMachine, steps: int | None, typists: Mapping[str, Typist]) -> Ended:
    """Run to the end, and type meanwhile."""
    machine = session.machine

    def more() -> bool:
        """The guest waits: what was to be typed at a later step comes now."""
        waiting = [typist for typist in typists.values() if typist.step is not None]
        for typist in waiting[:1]:
            typist.type()
        return bool(waiting)

    machine.onlooker = patience = Patience(machine, more)
    while True:
        goals = [typist.step for typist in typists.values() if typist.step is not None]
        goal = min((step for step in (*goals, steps) if step is not None), default=None)
        ended = session.run(goal, lambda step: None, lambda: patience.verdict or _INTERRUPTED)
        interrupted = bool(patience.verdict) or machine.interruption.asked
        over = machine.ended is not None or interrupted or machine.engine.step < (goal or 0)
        if over or goal is None or (steps is not None and machine.engine.step >= steps):
            return ended
        for typist in typists.values():
            typist.at(machine.engine.step)
