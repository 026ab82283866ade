"""What somebody says that a recording is of."""

from __future__ import annotations

from collections.abc import Sequence

from ttd.host.additions import parse_additions
from ttd.host.clocks import HostClocks
from ttd.host.net import netdev_name
from ttd.recorded import Expected, HostSides, drives_of
from ttd.recording.recording import Recording


def expectations(
    recording: str,
    devices: Sequence[str],
    drives: Sequence[str],
    netdevs: Sequence[str],
    clock: int | None,
) -> tuple[HostSides, Expected]:
    """What the recording is said to be of, as on the command line, and the images for it, which are
    open."""
    known = drives_of(Recording.open(recording).config) if drives else []
    added = parse_additions(devices, drives, all(found.embed for found in known))
    expected = Expected(
        clock,
        added.extras if devices else None,
        added.drives if drives else None,
        [netdev_name(text) for text in netdevs] or None,
    )
    return HostSides(disks=added.images, time=HostClocks()), expected
