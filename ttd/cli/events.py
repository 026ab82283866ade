"""`ttd events`: the events of a recording, or its packets."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import json
import os
import sys

import click

from ttd.cli import candidates
from ttd.cli.latest import recording_argument
from ttd.cli.output import USER_ERROR, say
from ttd.cli.progress import progress
from ttd.cli.signals import on_signals
from ttd.cli.which_branch import branch_option
from ttd.errors import UserError
from ttd.text import printable

EXAMPLES = """\b
Examples:
  ttd events --kind exception
  ttd events run.ttd --from 1000 --to 2000 --json
  ttd events run.ttd --pcap packets.pcap
"""


@click.command(epilog=EXAMPLES)
@recording_argument
@branch_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--kind",
    metavar="K",
    shell_complete=candidates.kinds,
    help="Only events of this kind, such as interrupt.",
)
@click.option("--from", "low", type=click.IntRange(0), default=0, metavar="N", help="First step.")
@click.option("--to", "high", type=click.IntRange(0), metavar="N", help="Last step.")
@click.option(
    "--pcap",
    metavar="FILE",
    shell_complete=candidates.captures,
    help="Instead, write the packets that passed, in both directions, with virtual time.",
)
def events(
    recording: str,
    branch: str,
    as_json: bool,
    kind: str | None,
    low: int,
    high: int | None,
    pcap: str | None,
) -> None:
    """List the events of a recording: the step, the kind, and what it was.

    Kinds are those that a wrong --kind lists, such as interrupt, exception, char_read, net,
    debug_write and end.
    """
    if pcap is not None:
        if as_json or kind is not None:
            raise click.UsageError("--pcap goes with --from and --to only")
        _write_pcap(recording, branch, pcap, low, high)
        return
    from ttd.inspection import event_rows, event_words
    from ttd.recording.events import Kind
    from ttd.recording.log import EventLog
    from ttd.recording.recording import Recording

    kinds = [known.name.lower() for known in Kind]
    if kind is not None and kind not in kinds:
        raise click.UsageError(f"there are no events of kind {kind!r}; there are {' '.join(kinds)}")
    opened = Recording.open(recording, branch)
    for row in event_rows(EventLog(opened), event_words(opened), kind, low, high):
        print(json.dumps(row) if as_json else f"{row['step']:>14}  {printable(row['text'])}")


def _write_pcap(recording: str, branch: str, path: str, low: int, high: int | None) -> None:
    from ttd.capture.export import write_capture
    from ttd.host.files import CaptureFile
    from ttd.host.semihost_files import SemihostFiles
    from ttd.host.writer import Outputs
    from ttd.recorded import RecordedMachine

    session = RecordedMachine.open(recording, SemihostFiles(None), branch=branch)
    if os.path.exists(path) and os.path.samefile(path, recording):
        raise UserError(f"{path} is the recording itself")
    outputs = Outputs(say)
    file = CaptureFile(path, outputs)

    def stop() -> None:
        outputs.patience.interrupt()
        session.machine.interrupt()

    with on_signals(stop):
        try:
            with progress(session, recording, True) as tick:
                count = write_capture(session, file, low, high, tick)
        finally:
            file.close()
    if outputs.lost:
        sys.exit(USER_ERROR)
    say(f"{count} packets in {path}")
