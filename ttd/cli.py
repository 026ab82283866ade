"""The `ttd` command; what it does is elsewhere."""

# Commands import what they need when they run: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click

from ttd.errors import UserError

if TYPE_CHECKING:
    from ttd.host.additions import Additions
    from ttd.session import Expected, HostSides, RecordOptions, Session

USER_ERROR = 2
DIVERGED = 3
INTERRUPTED = 130


def main() -> None:
    """Entry point: what a user can cause ends in one sentence, never in a traceback."""
    _open_standard_files()
    try:
        # An option with an optional value takes it only after "=", as in GNU programs.
        words = ["--semihosting=" if w == "--semihosting" else w for w in sys.argv[1:]]
        try:
            cli(words, prog_name="ttd", standalone_mode=False)
        finally:
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except UserError as error:
        from ttd.replay.errors import Divergence

        _fail(str(error), DIVERGED if isinstance(error, Divergence) else USER_ERROR)
    except OSError as error:
        _fail(_sentence(error), USER_ERROR)


def _open_standard_files() -> None:
    """Without this a program started with a closed stdout opens its recording in its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Python has none where there was no file.
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115


def _fail(text: str, code: int) -> None:
    print(f"ttd: {text}", file=sys.stderr)
    sys.exit(code)


def _sentence(error: OSError) -> str:
    why = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {why}" if error.filename else why


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ttd")
@click.option("--trace-packets", is_flag=True, help="Log every GDB packet to standard error.")
def cli(trace_packets: bool) -> None:
    """Record a whole machine, and go backwards through the run in GDB."""
    import logging

    logging.basicConfig(format="ttd: %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("ttd.rsp.packets").setLevel(
        logging.DEBUG if trace_packets else logging.WARNING
    )


@cli.command(short_help="Run a firmware on a board and record it.")
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
@click.option("--realtime", is_flag=True, help="A guest that sleeps takes its time.")
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
    from ttd.session import RecordOptions

    added = parse_additions(device, drive, not no_embed)
    if gdb == "stdio" and "stdio" in added.chardevs.values():
        raise click.UsageError("--gdb stdio has the terminal for itself: no chardev can have it")
    programs = [load for load in loads if load.role in ("image", "kernel", "load")]
    first = Path((programs or loads)[0].image.path)
    if output is None and gdb is None:
        output = f"{first.stem}.ttd"
    networks, added.nets = open_networks(chosen, netdev, nic, added.taken, say=_say)
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
        _recording(options, output, specs, semihosting, gdb == "stdio", added) as (session, stop),
        _input(session, input_),
    ):
        session.commit_drives = commit
        if gdb is None:
            code = _record(session, stop, output or "", steps, "stdio" in specs)
        else:
            code = 0
            _serve(session, port, "127.0.0.1", stop)
            ended = session.machine.ended
            session.leave("the debugger ended the session" if ended is None else "")
    sys.exit(code)


@contextmanager
def _recording(
    options: RecordOptions,
    output: str | None,
    specs: list[str],
    folder: str | None,
    silent: bool,
    added: Additions,
) -> Iterator[tuple[Session, Callable[[], None]]]:
    """A session that records, with its connections to this host, and what interrupts it.

    `folder`: what `--semihosting` was given; `silent`: keep off standard input and output.
    """
    from ttd.host.chardev import CharBackend, open_chardev
    from ttd.host.clocks import HostClocks, random_bytes
    from ttd.host.console import Console
    from ttd.host.files import Null
    from ttd.host.semihost_files import SemihostFiles
    from ttd.session import SEMIHOSTING, HostSides, Session

    files = SemihostFiles(Path(folder) if folder else None)
    console = Console()
    backends: dict[str, CharBackend] = {SEMIHOSTING: Null() if silent else console}
    opened = [open_chardev(spec, _say) for spec in specs]
    backends.update(zip(options.board.serials, opened, strict=False))
    backends.update(added.open_chardevs(_say))
    host = HostSides(disks=added.images, nets=added.nets, time=HostClocks())
    session = Session.record(options, output, backends, files, random_bytes, host)

    def stop() -> None:
        session.machine.interrupt()
        # The guest may be waiting for something to be typed.
        console.interrupt()

    try:
        yield session, stop
    finally:
        files.close_all()
        session.close()


@contextmanager
def _input(session: Session, spec: str | None) -> Iterator[None]:
    """Take input from where `--input` says while the session lasts."""
    if spec is None:
        yield
        return
    from ttd.boards.extras import INPUT_DEVICES
    from ttd.host.input_socket import InputSocket
    from ttd.replay.replay import Cause
    from ttd.session import extras_of

    replay = session.replay

    def put(name: str, group: list[tuple[int, int, int]]) -> bool:
        return all([replay.input_event(name, e) for e in group]) and replay.input_sync_event(name)

    devices = dict(session.machine.board.inputs) | {
        extra.name: extra.kind.removeprefix("virtio-")
        for extra in extras_of(session.recording.config)
        if extra.kind in INPUT_DEVICES
    }
    commands = {
        "system_reset": lambda: replay.reset_request(Cause.HOST),
        "system_suspend": lambda: replay.suspend_request(Cause.HOST),
        "system_wakeup": session.machine.wake_up,
        "quit": lambda: replay.shutdown_request(Cause.HOST),
    }
    listener = InputSocket(spec, devices, put, commands)
    try:
        yield
    finally:
        listener.close()


def _record(
    session: Session, stop: Callable[[], None], output: str, steps: int | None, talks: bool
) -> int:
    """Record to the end; returns the exit code. `talks`: the guest writes to the terminal."""
    shown = not talks and session.machine.semihosting is None
    # A second Ctrl-C must not spoil the end of a recording, so signals are held until then.
    with _on_signals(stop):
        with _progress(session, output, shown) as tick:
            ended = session.run(steps, tick)
        session.finish(ended.reason, ended.code)
    if sys.stderr.isatty():
        _say(f"{session.recording.status.steps} steps recorded in {output}: {ended.reason}")
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


@cli.command(short_help="Run a recording again and compare.")
@click.argument("recording")
@click.option(
    "--echo",
    is_flag=True,
    help="Print what the guest wrote to UART 0, to virtio consoles and to semihosting.",
)
@click.option("--verify", is_flag=True, help="Also read every stored snapshot and compare it.")
@click.option(
    "--drive", multiple=True, metavar="file=IMAGE,...", help="The image, as it was for `record`."
)
@click.option("--device", multiple=True, metavar="DEVICE", help="Refuse a recording without it.")
@click.option(
    "--netdev", multiple=True, metavar="SPEC", help="Refuse other networks; nothing is opened."
)
@click.option(
    "--clock", type=click.IntRange(1, 10**9), metavar="NS", help="Refuse another clock rate."
)
def replay(
    recording: str,
    echo: bool,
    verify: bool,
    drive: tuple[str, ...],
    device: tuple[str, ...],
    netdev: tuple[str, ...],
    clock: int | None,
) -> None:
    """Run a recording again and compare. Exit code 0: the same; 3: it diverged.

    With --device, --drive or --netdev the recording must be of a machine with exactly these, in
    this order.
    """
    from ttd.host.semihost_files import SemihostFiles
    from ttd.session import SEMIHOSTING, Session

    def show(name: str, data: bytes) -> None:
        if name == SEMIHOSTING or name not in session.machine.board.serials[1:]:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    host, expected = _expected(recording, device, drive, netdev, clock)
    session = Session.open(
        recording, SemihostFiles(None), show if echo else None, host=host, expected=expected
    )
    status = session.recording.status
    with _on_signals(session.machine.interrupt), _progress(session, recording, not echo) as tick:
        session.run(None, tick)
        at = session.machine.engine.step
        if at < status.steps:
            _fail(f"interrupted at step {at} of {status.steps}", INTERRUPTED)
    session.compare_end()
    if verify:
        session.verify_snapshots()
    checked = session.snapshots.checked
    cut = "" if status.complete else "; the recording was cut off there"
    _say(f"replayed {status.steps} steps, {checked} snapshots compared: the same{cut}")


def _expected(
    recording: str,
    device: tuple[str, ...],
    drive: tuple[str, ...],
    netdev: tuple[str, ...],
    clock: int | None,
) -> tuple[HostSides, Expected]:
    """What the user says that the recording is of, and the images for it."""
    from ttd.host.additions import parse_additions
    from ttd.host.net import netdev_name
    from ttd.replay.recording import Recording
    from ttd.session import Expected, HostSides, drives_of

    known = drives_of(Recording.open(recording).config) if drive else []
    added = parse_additions(device, drive, all(found.embed for found in known))
    expected = Expected(
        clock,
        added.extras if device else None,
        added.drives if drive else None,
        [netdev_name(text) for text in netdev] or None,
    )
    return HostSides(disks=added.images), expected


@cli.command(short_help="Let GDB move through a recording.")
@click.argument("recording")
@click.option(
    "--port", type=click.IntRange(0, 0xFFFF), metavar="N", default=1234, show_default=True
)
@click.option(
    "--host", metavar="A", default="127.0.0.1", show_default=True, help="Address to listen on."
)
@click.option("--stdio", is_flag=True, help="Speak RSP on standard input and output.")
@click.option(
    "--drive", multiple=True, metavar="file=IMAGE,...", help="The image, as it was for `record`."
)
def serve(recording: str, port: int, host: str, stdio: bool, drive: tuple[str, ...]) -> None:
    """Let GDB, LLDB or an IDE move through a recording in both directions."""
    from ttd.host.semihost_files import SemihostFiles
    from ttd.session import Session

    sides, expected = _expected(recording, (), drive, (), None)
    session = Session.open(recording, SemihostFiles(None), host=sides, expected=expected)
    _serve(session, None if stdio else port, host, lambda: None)


def _serve(session: Session, port: int | None, host: str, stop: Callable[[], None]) -> None:
    """Serve GDB on a port, or (None) on standard input and output, until it is over.

    `stop` interrupts what the timeline does not know of.
    """
    from ttd.gdbserver import serve_stdio, serve_tcp
    from ttd.inspection import LoggedEvents

    over = Event()

    def end() -> None:
        over.set()
        session.timeline.interrupt()
        stop()

    events = LoggedEvents(session.replay.log)

    def ready(bound: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        _say(f"in GDB: target remote {shown}:{bound}")

    with _on_signals(end):
        if port is None:
            serve_stdio(session.timeline, stop=over, events=events)
            return
        try:
            serve_tcp(session.timeline, host, port, ready=ready, stop=over, events=events)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise UserError(f"{host}:{port} cannot be listened on: {why}") from error


@cli.command()
@click.argument("recording")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def info(recording: str, as_json: bool) -> None:
    """Say what a recording holds."""
    from ttd.inspection import summary
    from ttd.replay.recording import Recording

    facts = summary(Recording.open(recording))
    if as_json:
        print(json.dumps(facts))
        return
    for key, value in facts.items():
        print(f"{key:12}  {_human(key, value)}")


def _human(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count:,} {name}" for name, count in value.items()) or "none"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and key != "exit_code":
        return f"{value:,}"
    text = ", ".join(value) if isinstance(value, list) else str(value)
    # A stranger's recording must not get at the terminal.
    return text if text.isprintable() else ascii(text)


@cli.command()
@click.argument("recording")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--kind", metavar="K", help="Only events of this kind, such as interrupt.")
@click.option("--from", "low", type=click.IntRange(0), default=0, metavar="N", help="First step.")
@click.option("--to", "high", type=click.IntRange(0), metavar="N", help="Last step.")
@click.option(
    "--pcap",
    metavar="FILE",
    help="Instead, write the packets that passed, in both directions, with virtual time.",
)
def events(
    recording: str, as_json: bool, kind: str | None, low: int, high: int | None, pcap: str | None
) -> None:
    """List the events of a recording."""
    if pcap is not None:
        if as_json or kind is not None:
            raise click.UsageError("--pcap goes with --from and --to only")
        _write_pcap(recording, pcap, low, high)
        return
    from ttd.inspection import event_rows
    from ttd.replay.events import Kind
    from ttd.replay.log import EventLog
    from ttd.replay.recording import Recording

    kinds = [known.name.lower() for known in Kind]
    if kind is not None and kind not in kinds:
        raise click.UsageError(f"there are no events of kind {kind!r}; there are {' '.join(kinds)}")
    for row in event_rows(EventLog(Recording.open(recording)), kind, low, high):
        print(json.dumps(row) if as_json else f"{row['step']:>14}  {row['text']}")


def _write_pcap(recording: str, path: str, low: int, high: int | None) -> None:
    from ttd.capture import write_capture
    from ttd.host.semihost_files import SemihostFiles
    from ttd.session import Session

    session = Session.open(recording, SemihostFiles(None))
    if os.path.exists(path) and os.path.samefile(path, recording):
        raise UserError(f"{path} is the recording itself")
    with (
        open(path, "wb") as file,
        _on_signals(session.machine.interrupt),
        _progress(session, recording, True) as tick,
    ):
        count = write_capture(session, file, low, high, tick)
    _say(f"{count} packets in {path}")


@cli.command()
def boards() -> None:
    """List the boards."""
    from ttd.boards import BOARDS, RAW, raw

    for name, board in BOARDS.items():
        print(f"{name:12}  {board.description}")
    print(f"{RAW:12}  {raw.DESCRIPTION}")


def _say(text: str) -> None:
    print(f"ttd: {text}", file=sys.stderr, flush=True)


@contextmanager
def _on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` for Ctrl-C, SIGTERM, and a terminal that is closed.

    On a thread of its own, which the signal wakes up at once: a signal handler runs on the main
    thread, when that comes back from the emulator, and may then hold the lock that `act` needs.
    """
    read, write = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(write, False)

    def watch() -> None:
        while os.read(read, 1) != b"\0":
            act()

    thread = Thread(target=watch, name="ttd-signals", daemon=True)
    thread.start()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        numbers.append(signal.SIGHUP)
    old_fd = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    old = {number: signal.signal(number, lambda number, frame: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_fd)
        os.write(write, b"\0")
        thread.join()
        os.close(read)
        os.close(write)


def _progress(
    session: Session, path: str, shown: bool
) -> AbstractContextManager[Callable[[int], None]]:
    """A line on a terminal while the machine runs; quiet otherwise."""
    if not shown or not sys.stderr.isatty():
        return nullcontext(lambda step: None)
    from ttd.progress import progress_line

    return progress_line(path, lambda: session.machine.virtual_ns)


if __name__ == "__main__":
    main()
