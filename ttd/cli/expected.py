"""What the user says that a recording is of."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ttd.cli import candidates

if TYPE_CHECKING:
    from ttd.recorded import Expected, HostSides

drive_option = click.option(
    "--drive",
    multiple=True,
    metavar="file=IMAGE,...",
    shell_complete=candidates.drives,
    help="The image, as it was for `record`.",
)


def expectations(
    recording: str,
    device: tuple[str, ...],
    drive: tuple[str, ...],
    netdev: tuple[str, ...],
    clock: int | None,
) -> tuple[HostSides, Expected]:
    """What the user says that the recording is of, and the images for it."""
    from ttd.host.additions import parse_additions
    from ttd.host.clocks import HostClocks
    from ttd.host.net import netdev_name
    from ttd.recorded import Expected, HostSides, drives_of
    from ttd.recording.recording import Recording

    known = drives_of(Recording.open(recording).config) if drive else []
    added = parse_additions(device, drive, all(found.embed for found in known))
    expected = Expected(
        clock,
        added.extras if device else None,
        added.drives if drive else None,
        [netdev_name(text) for text in netdev] or None,
    )
    return HostSides(disks=added.images, time=HostClocks()), expected
