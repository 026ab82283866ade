"""`ttd info`: what a recording holds."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Any

import click

from ttd.cli.latest import recording_argument
from ttd.cli.which_branch import branch_option
from ttd.text import printable


@click.command()
@recording_argument
@branch_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def info(recording: str, branch: str, as_json: bool) -> None:
    """Say what a recording holds."""
    from ttd.inspection import MADE, summary
    from ttd.recording.recording import Recording

    facts = summary(Recording.open(recording, branch))
    if as_json:
        import json

        print(json.dumps(facts))
        return
    notes, branches = facts.pop("notes"), facts.pop("branches")
    bookmarks = facts.pop("bookmarks")
    for key, value in facts.items():
        if value is not None or key not in MADE:
            print(f"{key:13} {_human(key, value)}")
    for made in branches if len(branches) > 1 else ():
        print(f"{'branch':13} {_branch(made)}")
    for name, mark in bookmarks.items():
        note = f"  {printable(mark['note'])}" if mark["note"] else ""
        print(f"{'bookmark':13} {printable(name)} at {mark['branch']}:{mark['step']}{note}")
    for note in notes:
        print(f"{'note':13} {note['date']}  {note['text']}")


def _branch(made: dict[str, Any]) -> str:
    begin = f"from {made['from']} at {made['fork']:,}, " if made["from"] else ""
    reason = f": {printable(made['reason'])}" if made["reason"] else ""
    return f"{made['name']}, {begin}to {made['steps']:,}{reason}"


def _human(key: str, value: Any) -> str:
    if isinstance(value, dict):
        if key in ("build_ids", "git"):
            return (
                ", ".join(f"{printable(text)} ({name})" for name, text in value.items()) or "none"
            )
        return ", ".join(f"{count:,} {name}" for name, count in value.items()) or "none"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and key != "exit_code":
        return f"{value:,}"
    return ", ".join(map(printable, value)) if isinstance(value, list) else printable(str(value))
