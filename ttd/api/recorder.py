"""Recording a firmware from a program."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from ttd.api.patience import Patience, ctrl_c
from ttd.api.run import Run, open
from ttd.api.scripts import Answerer, Fingers, Script, Typist, scripts_of
from ttd.boards import names
from ttd.boards.extras import inputs_of
from ttd.debugger.interrupts import Interrupts
from ttd.errors import UserError
from ttd.host.additions import parse_additions
from ttd.host.chardev import is_over, open_chardev
from ttd.host.clocks import HostClocks, random_bytes
from ttd.host.machine_choice import MachineChoice
from ttd.host.provenance import provenance
from ttd.host.requested import Requested, program_name
from ttd.host.semihost_files import SemihostFiles
from ttd.host.writer import Outputs
from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine
from ttd.recording.schema import Existing, check_replaceable
from ttd.runs import Ended
from ttd.snapshot import MEMORY

_SEVERAL = ("ram", "load", "uart")
"""Of these a machine may have more than one."""
_INTERRUPTED = "it was interrupted"
_SLOWEST = 10**9


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
    embed: bool = True,
    commit: bool = False,
    netdevs: Sequence[str] = (),
    nic: str | None = None,
    serials: Sequence[str] | Mapping[str, str] = (),
    realtime: bool = False,
    exact_interrupts: bool = False,
    snapshot_memory: int | None = None,
    wait: float = 2.0,
    **machine: Any,
) -> Run:
    """Record a firmware until it ends, or at `steps`, or until it waits for what does not come; the
    run is at its first place.

    `board`, `image`, `devices`, `drives`, `netdevs`, `nic`, `realtime`, `exact_interrupts` and what
    else `ttd record` takes for a machine (`memory`, `kernel`, `bios`, `initrd`, `append`, `cpu`,
    `ram`, `load`, `pc`, `sp`, `uart`, `priority_bits`) are as there; `embed=False` is
    `--no-embed`, and `commit` changes the images in the end. `path`: the recording; without one it
    is gone when the run is closed. `replace`: one that is there. `inputs`: what is typed at the
    first UART, or by device: UARTs, consoles, `semihosting`, keyboards and other input devices.
    `serials`: chardevs (`file:PATH`, `tcp:HOST:PORT`, `pty`) of the UARTs in their order, or by
    device, at which nothing is typed then. `wait`: for so many seconds a guest that waits may get
    something from a network or a chardev. `semihosting`: answer such calls, with files in a folder,
    or (True) without. `seed`: of the random numbers that the guest gets of its host. `clock`:
    virtual nanoseconds per step. `snapshot_memory`: bytes that snapshots may take.
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
    if commit and not embed:
        raise UserError(
            "commit changes the images that a recording without embed needs as they were"
        )
    existing = Existing.REPLACE if replace else Existing.REFUSE
    if path is not None:
        check_replaceable(os.fspath(path), existing, by="replace=True")
    name = program_name(loads)
    said = f"ttd.record(board={board!r}, image={name!r})"
    with ExitStack() as undo:
        added = parse_additions(devices, drives, embed)
        undo.callback(added.close)
        keys = inputs_of(chosen, added.extras)
        scripts = scripts_of(chosen.serials, [*added.chardevs, *keys], bool(semihosting), inputs)
        answerer = Answerer(scripts.pop(SEMIHOSTING))
        fingers = [Fingers(name, kind, scripts.pop(name) or ()) for name, kind in keys.items()]
        specs = _chardevs(chosen.serials, added.chardevs, serials, scripts)
        typists = {n: Typist(n, script) for n, script in scripts.items() if n not in specs}
        options = Requested(
            chosen,
            loads,
            added,
            provenance() | {"command": said if seed is None else f"{said[:-1]}, seed={seed})"},
            clock=clock,
            semihosting=bool(semihosting),
            netdevs=netdevs,
            nic=nic,
            realtime=realtime,
            exact_interrupts=exact_interrupts,
        ).options(notes.append)
        for net in added.nets.values():
            undo.callback(net.close)
        outputs, opened = Outputs(notes.append), {}
        for device, spec in specs.items():
            opened[device] = open_chardev(spec, notes.append, outputs)
            undo.callback(opened[device].close)
        if path is None:
            folder = tempfile.mkdtemp(prefix="ttd-")
            path = os.path.join(folder, f"{Path(name).stem}.ttd")
            undo.callback(partial(shutil.rmtree, folder, ignore_errors=True))
        session = RecordedMachine.record(
            options,
            os.fspath(path),
            {**typists, **opened, SEMIHOSTING: answerer},
            SemihostFiles(files),
            random_bytes if seed is None else random.Random(seed).randbytes,
            HostSides(added.images, added.nets, HostClocks(), snapshot_memory or MEMORY),
            existing,
        )
        session.commit_drives = commit
        for each in fingers:
            each.connect(session.replay.input_groups)

        def hears() -> bool:
            return bool(added.nets) or not all(map(is_over, opened.values()))

        try:
            interrupts = Interrupts(session.machine.interrupt)
            typing: list[Typist | Fingers] = [*typists.values(), *fingers]
            with ctrl_c(interrupts, session.machine):
                with interrupts.moving():
                    ended = _run(session, steps, typing, interrupts, hears, wait)
                session.finish(ended.reason, ended.code)
        finally:
            session.close()
        run = open(path, drives=() if embed else drives)
        run.on_close(undo.pop_all().close)
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


def _chardevs(
    uarts: Sequence[str],
    consoles: Mapping[str, str],
    serials: Sequence[str] | Mapping[str, str],
    scripts: Mapping[str, Script],
) -> dict[str, str]:
    """What is opened on this host, by device."""
    if isinstance(serials, Mapping):
        said = dict(serials)
    elif len(serials) > len(uarts):
        raise UserError(f"{len(serials)} serials are too many: there are {len(uarts)} UARTs")
    else:
        said = dict(zip(uarts, serials, strict=False))
    said |= {name: spec for name, spec in consoles.items() if spec != "null"}
    for name, spec in said.items():
        if name not in uarts and name not in consoles:
            raise UserError(f"there is no {name}; there are {', '.join([*uarts, *consoles])}")
        if spec == "stdio":
            raise UserError(f"{name}: standard input and output are this program's own")
        if scripts[name]:
            raise UserError(f"{name} has {spec} on this host: nothing else is typed there")
    return said


def _run(
    session: RecordedMachine,
    steps: int | None,
    typists: Sequence[Typist | Fingers],
    interrupts: Interrupts,
    hears: Callable[[], bool],
    wait: float,
) -> Ended:
    """Run to the end, and type meanwhile. While something `hears`, the guest may wait so long."""
    machine = session.machine

    def more() -> bool:
        """The guest waits: what was to be typed at a later step comes now."""
        waiting = [typist for typist in typists if typist.step is not None]
        for typist in waiting[:1]:
            typist.type()
        return bool(waiting)

    machine.onlooker = patience = Patience(machine, interrupts, more, hears, wait)
    while True:
        goals = [typist.step for typist in typists if typist.step is not None]
        goal = min((step for step in (*goals, steps) if step is not None), default=None)
        ended = session.run(goal, lambda step: None, lambda: patience.verdict or _INTERRUPTED)
        over = machine.ended is not None or interrupts.pending or machine.engine.step < (goal or 0)
        if over or goal is None or (steps is not None and machine.engine.step >= steps):
            return ended
        for typist in typists:
            typist.at(machine.engine.step)
