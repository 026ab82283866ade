"""`ttd replay`: run a recording again and compare."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import click

from ttd.cli import candidates
from ttd.cli.expected import drive_option
from ttd.cli.latest import recording_argument
from ttd.cli.output import INTERRUPTED, beside, fail, interrupted, say
from ttd.cli.progress import progress
from ttd.cli.signals import on_signals
from ttd.cli.which_branch import branch_option

EXAMPLES = """\b
Examples:
  ttd replay
  ttd replay run.ttd --verify
  ttd replay run.ttd --echo
"""


@click.command(short_help="Run a recording again and compare.", epilog=EXAMPLES)
@recording_argument
@click.option(
    "--echo",
    is_flag=True,
    help="Print what the guest wrote to UART 0, to virtio consoles and to semihosting.",
)
@branch_option
@click.option("--verify", is_flag=True, help="Also read every stored snapshot and compare it.")
@drive_option
@click.option(
    "--device",
    multiple=True,
    metavar="DEVICE",
    shell_complete=candidates.devices,
    help="Refuse a machine without this device.",
)
@click.option(
    "--netdev",
    multiple=True,
    metavar="SPEC",
    shell_complete=candidates.netdevs,
    help="Refuse a machine with other networks; nothing is opened.",
)
@click.option(
    "--clock", type=click.IntRange(1, 10**9), metavar="NS", help="Refuse another clock rate."
)
def replay(
    recording: str,
    echo: bool,
    branch: str,
    verify: bool,
    drive: tuple[str, ...],
    device: tuple[str, ...],
    netdev: tuple[str, ...],
    clock: int | None,
) -> None:
    """Run a recording again, as fast as it goes, and compare it with what was recorded. Exit code
    0: the same; 3: it diverged, and the sentence says where.

    With --device, --drive or --netdev the recording must be of a machine with exactly these, in
    this order.
    """
    from ttd.host.expected import expectations
    from ttd.host.semihost_files import SemihostFiles
    from ttd.host.writer import Outputs
    from ttd.recorded import SEMIHOSTING, RecordedMachine

    outputs = Outputs(say)
    output = outputs.standard()
    beside(outputs.end_line)

    def show(name: str, data: bytes) -> None:
        if name == SEMIHOSTING or name not in session.machine.board.serials[1:]:
            output.write_all(data)

    def stop() -> None:
        interrupted()
        outputs.patience.interrupt()
        session.machine.interrupt()

    host, expected = expectations(recording, device, drive, netdev, clock)
    session = RecordedMachine.open(
        recording,
        SemihostFiles(None),
        show if echo else None,
        host=host,
        expected=expected,
        branch=branch,
    )
    status = session.recording.status
    with on_signals(stop):
        try:
            with progress(session, recording, not echo) as tick:
                session.run(None, tick)
        finally:
            outputs.close(output)
    at = session.machine.engine.step
    if at < status.steps:
        fail(f"interrupted at step {at} of {status.steps}", INTERRUPTED)
    session.compare_end()
    if verify:
        session.verify_snapshots()
    checked = session.snapshots.checked
    cut = "" if status.complete else "; the recording was cut off there"
    snapshots = "1 snapshot" if checked == 1 else f"{checked} snapshots"
    steps = status.steps - session.recording.file.begin.step
    say(f"replayed {steps} steps, {snapshots} compared: the same{cut}")
