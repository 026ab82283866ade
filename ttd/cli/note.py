"""`ttd note`: words that are kept with a recording."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import json

import click

from ttd.cli.latest import recording_argument
from ttd.cli.output import say

EXAMPLES = """\b
Examples:
  ttd note run.ttd "queue full, seen twice"
  ttd note run.ttd
"""


@click.command(epilog=EXAMPLES)
@recording_argument
@click.argument("text", required=False)
@click.option("--json", "as_json", is_flag=True, help="List them as one JSON array.")
def note(recording: str, text: str | None, as_json: bool) -> None:
    """Keep TEXT, with the date, in a recording; without it list what has been kept.

    Notes change nothing of what the recording replays; `ttd info` shows them, too.
    """
    from ttd.host.provenance import now
    from ttd.recording.recording import Recording

    opened = Recording.open(recording)
    if text is not None:
        if as_json:
            raise click.UsageError("--json goes with no TEXT")
        opened.file.remarks.add_note(now(), text)
        say(f"noted in {recording}")
        return
    notes = opened.file.remarks.notes()
    if as_json:
        print(json.dumps([{"date": date, "text": text} for date, text in notes]))
        return
    for date, line in notes:
        print(f"{date}  {line}")
