"""What passed on the networks of a recorded machine, as a capture."""

from __future__ import annotations

from collections.abc import Callable

from ttd.capture.pcap import PcapWriter, Sink
from ttd.recorded import RecordedMachine


def write_capture(
    session: RecordedMachine,
    file: Sink,
    low: int,
    high: int | None,
    tick: Callable[[int], None],
) -> int:
    """Write the packets of the steps `low` to `high` (None: the end); returns how many.

    By replaying: the log holds of a packet that the guest sent no more than its checksum, and of
    virtual time only what does not follow from the steps (docs/network.md).
    """
    machine, writer = session.machine, PcapWriter(file)

    def note(name: str, sent: bool, packet: bytes) -> None:
        step = machine.engine.step
        if low <= step and (high is None or step <= high):
            writer.write(machine.virtual_ns, packet)

    before = session.snapshots.nearest(low - 1) if low else None
    if before is not None:
        session.snapshots.restore(before)
    for net in session.replay.filters:
        net.capture = note
    session.run(None if high is None else high + 1, tick)
    return writer.packets
