"""`ttd cut`: a part of a recording as a recording of its own."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os

import click

from ttd.cli.expected import drive_option
from ttd.cli.latest import recording_argument
from ttd.cli.output import say
from ttd.errors import UserError

EXAMPLES = """\b
Examples:
  ttd cut run.ttd --from 27,000 --to 31,000 -o bug.ttd
  ttd cut run.ttd --from 90% -o end.ttd
"""


@click.command(short_help="Make a recording of a part of one.", epilog=EXAMPLES)
@recording_argument
@click.option(
    "--from", "begin", metavar="STEP", default="start", help="Where it begins: N, P%, a bookmark."
)
@click.option(
    "--to", "end", metavar="STEP", default="end", help="Where it ends: N, P%, a bookmark."
)
@click.option("-o", "output", metavar="FILE", required=True, help="The recording to write.")
@click.option("--force", is_flag=True, help="Replace a recording that is there.")
@drive_option
def cut(
    recording: str, begin: str, end: str, output: str, force: bool, drive: tuple[str, ...]
) -> None:
    """Put a part of RECORDING into a recording of its own: smaller, and all of it is what matters.

    It begins at the last snapshot at or before --from. Steps keep their numbers.
    """
    from ttd.cut import cut_out
    from ttd.debugger.places import find_place
    from ttd.host.opened import opened
    from ttd.host.provenance import provenance
    from ttd.recording.schema import Existing

    if os.path.exists(output) and os.path.exists(recording) and os.path.samefile(output, recording):
        raise UserError(f"{output} is the recording that is cut")
    session = opened(recording, drive)
    existing = Existing.REPLACE if force else Existing.REFUSE
    first = find_place(session.timeline, begin, "--from")
    last = find_place(session.timeline, end, "--to")
    if first.branch != last.branch:
        raise UserError("--from and --to are on different branches")
    session.timeline.go_to(last)
    made = cut_out(session, first.step, last.step, output, existing=existing, made=provenance())
    say(f"steps {made.step} to {last.step} of {recording} are in {output}")
