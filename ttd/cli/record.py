"""`ttd record`: run a firmware on a board and record it."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ttd.cli.debugging import serve_debugger
from ttd.cli.memory import snapshot_memory
from ttd.cli.output import say
from ttd.cli.progress import progress
from ttd.cli.signals import on_signals
from ttd.errors import UserError

_FIRST_SECONDS = 0.5
"""How long semihosting has standard input for itself: a UART takes what comes, and a guest that
reads by semihosting does so soon."""

if TYPE_CHECKING:
    from ttd.host.additions import Additions
    from ttd.recorded import RecordedMachine, RecordOptions


@click.command(short_help="Run a firmware on a board and record it.")
@click.option("--board", required=True, metavar="NAME", help="The machine; see `ttd boards`.")
@click.option(
    "-o",
    "output",
    metavar="FILE",
    help="The recording to write. By default IMAGE's name with .ttd, in the current directory; "
    "with --gdb a temporary file.",
)
@click.option(
    "--serial",
    multiple=True,
    metavar="CHARDEV",
    help="Host side of the next UART: stdio, null, file:PATH, tcp:HOST:PORT[,server[,nowait]] or "
    "pty. Unless said otherwise UART 0 is stdio, the others null.",
)
@click.option(
    "--semihosting",
    metavar="[=DIR]",
    help="Answer semihosting calls of Arm and RISC-V; the guest reaches files inside DIR, or none.",
)
@click.option(
    "--clock", type=click.IntRange(1, 10**9), metavar="NS", help="Virtual nanoseconds per step."
)
@click.option("--steps", type=click.IntRange(0), metavar="N", help="End the recording at step N.")
@click.option("--gdb", metavar="PORT|stdio", help="Let GDB control the machine while it records.")
@click.option(
    "--device", multiple=True, metavar="DEVICE", help="Add a device; docs/devices.md lists them."
)
@click.option(
    "--drive",
    multiple=True,
    metavar="file=IMAGE[,id=NAME][,readonly=on]",
    help="A raw disk image for a device. The image is not changed.",
)
@click.option("--commit", is_flag=True, help="Change the images in the end, as the guest did.")
@click.option(
    "--no-embed", is_flag=True, help="What is read of images is not kept: to replay needs them."
)
@click.option(
    "--input", "input_", metavar="unix:PATH", help="Take keys and movements as QMP's JSON lines."
)
@click.option(
    "--netdev",
    multiple=True,
    metavar="SPEC",
    help="A network: dgram,id=ID,local=HOST:PORT,remote=HOST:PORT or tap,id=ID,ifname=NAME or "
    "pcap,id=ID,file=FILE[,pace=fast].",
)
@click.option(
    "--nic",
    metavar="netdev=ID[,mac=ADDRESS]",
    help="What the board's network interface is connected to; by default the first --netdev.",
)
@snapshot_memory
@click.option("--realtime", is_flag=True, help="A guest that sleeps takes its time.")
@click.option(
    "--priority-bits",
    type=int,
    metavar="N",
    help="Bits of an exception's priority that a Cortex-M3 has (3 to 8).",
)
@click.option("-m", "--memory", metavar="SIZE", help="How much memory, such as 256M (virt).")
@click.option("--kernel", metavar="FILE", help="Kernel that the firmware starts (virt).")
@click.option(
    "--bios", metavar="FILE|default|none", help="Firmware; default: OpenSBI, if there is a kernel."
)
@click.option("--initrd", metavar="FILE", help="Initial RAM disk, beside --kernel (virt).")
@click.option("--append", metavar="TEXT", help="Command line of the kernel (virt).")
@click.option("--cpu", metavar="MODEL", help="Processor of a raw board.")
@click.option("--ram", multiple=True, metavar="ADDRESS:SIZE", help="Memory of a raw board.")
@click.option("--load", multiple=True, metavar="FILE@ADDRESS", help="What is in it: blob or ELF.")
@click.option("--pc", metavar="ADDRESS", help="Where a raw board begins.")
@click.option("--sp", metavar="ADDRESS", help="Its stack pointer then.")
@click.option(
    "--uart", multiple=True, metavar="TYPE@ADDRESS[,irq=N]", help="A serial port of a raw board."
)
@click.argument("image", required=False)
def record(
    board: str,
    output: str | None,
    serial: tuple[str, ...],
    semihosting: str | None,
    clock: int | None,
    steps: int | None,
    gdb: str | None,
    device: tuple[str, ...],
    drive: tuple[str, ...],
    commit: bool,
    no_embed: bool,
    input_: str | None,
    netdev: tuple[str, ...],
    nic: str | None,
    realtime: bool,
    snapshot_memory: int,
    image: str | None,
    **machine: Any,
) -> None:
    """Run IMAGE on a board and record it, until the guest ends or Ctrl-C.

    IMAGE is an ELF or Intel HEX file, or FILE@ADDRESS for a raw binary. The exit code is that of
    the guest's exit (semihosting, test finisher), 1 after a lockup, else 0.
    """
    from ttd.boards import names
    from ttd.boards.numbers import BoardOptionError
    from ttd.host.machine_choice import MachineChoice

    if board not in names():
        raise click.UsageError(f"there is no board {board!r}; there are {', '.join(names())}")
    choice = MachineChoice(board, image, **machine)
    try:
        chosen, loads = choice.make()
    except BoardOptionError as error:
        raise click.UsageError(str(error)) from None
    port = _gdb_port(gdb)
    if port is not None:
        from ttd.gdbserver import check_port

        check_port("127.0.0.1", port)
    if commit and no_embed:
        raise click.UsageError(
            "--commit changes the images that a recording with --no-embed needs as they were"
        )
    if gdb is not None and steps is not None:
        raise click.UsageError("--steps is for recording without --gdb")
    if gdb == "stdio" and "stdio" in serial:
        raise click.UsageError("--gdb stdio has the terminal for itself: no --serial can have it")
    if len(serial) > len(chosen.serials):
        raise click.UsageError(
            f"{len(serial)} times --serial, but {board} has {len(chosen.serials)} UARTs"
        )
    from ttd.host.additions import parse_additions
    from ttd.host.net import open_networks
    from ttd.recorded import RecordOptions

    added = parse_additions(device, drive, not no_embed)
    if gdb == "stdio" and "stdio" in added.chardevs.values():
        raise click.UsageError("--gdb stdio has the terminal for itself: no chardev can have it")
    programs = [load for load in loads if load.role in ("image", "kernel", "load")]
    first = Path((programs or loads)[0].image.path)
    if output is None and gdb is None:
        output = f"{first.stem}.ttd"
    networks, added.nets = open_networks(chosen, netdev, nic, added.taken, say=say)
    options = RecordOptions(
        chosen,
        loads,
        clock or chosen.ns_per_step,
        semihosting is not None,
        first.name,
        extras=added.extras,
        drives=added.drives,
        networks=networks,
        realtime=realtime,
    )
    specs = list(serial) or (["null"] if gdb == "stdio" else ["stdio"])
    with (
        _recording(
            options,
            output,
            specs,
            semihosting,
            gdb == "stdio",
            added,
            not serial,
            snapshot_memory,
        ) as (
            session,
            stop,
        ),
        _input(session, input_),
    ):
        session.commit_drives = commit
        if gdb is None:
            code = _record(session, output or "", steps, "stdio" in specs)
        else:
            code = 0
            serve_debugger(session, port, "127.0.0.1", stop, partial(_leave, session))
    sys.exit(code)


def _leave(session: RecordedMachine) -> None:
    ended = session.machine.ended
    session.leave("the debugger ended the session" if ended is None else "")


@contextmanager
def _recording(
    options: RecordOptions,
    output: str | None,
    specs: list[str],
    folder: str | None,
    silent: bool,
    added: Additions,
    shared: bool,
    memory: int,
) -> Iterator[tuple[RecordedMachine, Callable[[], None]]]:
    """A session that records, with its connections to this host, and what interrupts it.

    `folder`: what `--semihosting` was given; `silent`: keep off standard input and output;
    `shared`: nobody has said that standard input is for a UART.
    `memory`: bytes that snapshots may take. From
    the moment when there is a recording a signal does not end this program, but the session:
    nothing of what is recorded, or of the end, is spoilt.
    """
    from ttd.host.chardev import open_chardev
    from ttd.host.clocks import HostClocks, random_bytes
    from ttd.host.console import Console
    from ttd.host.files import Null
    from ttd.host.semihost_files import SemihostFiles
    from ttd.host.terminal import Stdio
    from ttd.host.writer import Outputs
    from ttd.recorded import SEMIHOSTING, HostSides, RecordedMachine
    from ttd.replay.chars import CharBackend

    files = SemihostFiles(Path(folder) if folder else None)
    outputs = Outputs(say)
    opened = [open_chardev(spec, say, outputs) for spec in specs]
    for backend in opened:
        if isinstance(backend, Stdio) and shared and options.semihosting:
            backend.delay = _FIRST_SECONDS
    backends: dict[str, CharBackend] = {
        **dict(zip(options.board.serials, opened, strict=False)),
        **added.open_chardevs(say, outputs),
    }
    sessions: list[RecordedMachine] = []

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

    backends[SEMIHOSTING] = Null() if silent else Console(outputs, claim)
    host = HostSides(added.images, added.nets, HostClocks(), memory)

    def stop() -> None:
        outputs.patience.interrupt()
        for session in sessions:
            session.machine.interrupt()

    with on_signals(stop):
        session = RecordedMachine.record(options, output, backends, files, random_bytes, host)
        sessions.append(session)
        if outputs.patience.hurried:
            session.machine.interrupt()
        try:
            yield session, stop
        finally:
            files.close_all()
            session.close()


@contextmanager
def _input(session: RecordedMachine, spec: str | None) -> Iterator[None]:
    """Take input from where `--input` says while the session lasts."""
    if spec is None:
        yield
        return
    from ttd.boards.extras import INPUT_DEVICES
    from ttd.host.input_socket import InputSocket
    from ttd.recorded import extras_of
    from ttd.replay.replay import Cause

    replay = session.replay

    def put(groups: Mapping[str, list[tuple[int, int, int]]]) -> bool:
        check()
        return replay.input_groups(groups)

    def check() -> None:
        if session.machine.ended is not None:
            raise UserError(f"nothing enters any more: {session.machine.ended.reason}")

    def ask(request: Callable[[Cause], None]) -> None:
        check()
        request(Cause.HOST)

    devices = dict(session.machine.board.inputs) | {
        extra.name: extra.kind.removeprefix("virtio-")
        for extra in extras_of(session.recording.config)
        if extra.kind in INPUT_DEVICES
    }
    commands: dict[str, Callable[[], None]] = {
        "system_reset": partial(ask, replay.reset_request),
        "system_suspend": partial(ask, replay.suspend_request),
        "system_wakeup": session.machine.wake_up,
        "quit": partial(ask, replay.shutdown_request),
    }
    listener = InputSocket(spec, devices, put, commands)
    try:
        yield
    finally:
        listener.close()


def _record(session: RecordedMachine, output: str, steps: int | None, talks: bool) -> int:
    """Record to the end; returns the exit code. `talks`: the guest writes to the terminal."""
    shown = not talks and session.machine.semihosting is None
    with progress(session, output, shown) as tick:
        ended = session.run(steps, tick)
    session.finish(ended.reason, ended.code)
    if sys.stderr.isatty():
        say(f"{session.recording.status.steps} steps recorded in {output}: {ended.reason}")
    code = ended.code or 0
    # A process has 8 bits to say it; what is not success must not become success.
    return code & 0xFF or int(code != 0)


def _gdb_port(gdb: str | None) -> int | None:
    """The port of `--gdb`; None for stdio, or without it."""
    if gdb is None or gdb == "stdio":
        return None
    if not gdb.isascii() or not gdb.isdigit() or int(gdb) > 0xFFFF:
        raise click.UsageError(f"--gdb takes a port number or stdio, not {gdb!r}")
    return int(gdb)
