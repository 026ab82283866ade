"""`ttd console`: what the guest has printed."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from ttd.cli.expected import drive_option
from ttd.cli.latest import recording_argument
from ttd.cli.output import INTERRUPTED, beside, fail, interrupted, say
from ttd.cli.progress import progress
from ttd.cli.signals import on_signals

if TYPE_CHECKING:
    from ttd.recorded import RecordedMachine


@click.command(short_help="Print what the guest has printed.")
@recording_argument
@click.option(
    "--steps", is_flag=True, help="Before each line, the step that printed its beginning."
)
@click.option(
    "--serial",
    metavar="NAME|N",
    help="Only this device, or UART N, counted from 0 as on the board.",
)
@drive_option
def console(recording: str, steps: bool, serial: str | None, drive: tuple[str, ...]) -> None:
    """Print what the guest has printed: on UART 0, virtio consoles and by semihosting.

    Parts of the recording in which something was printed are run again.
    """
    from ttd.host.opened import opened
    from ttd.host.writer import Outputs
    from ttd.printed import Interrupted, Printed

    session = opened(recording, drive)
    printed = Printed(session.machine, session.snapshots)
    devices = _chosen(session, printed.devices, serial)
    outputs = Outputs(say)
    output = outputs.standard()
    beside(outputs.end_line)

    def put(data: bytes) -> None:
        error = output.write_all(data)
        if error:  # nobody reads any more
            raise OSError(error, os.strerror(error))

    numbered = _Numbered(put) if steps else None

    def stop() -> None:
        interrupted()
        outputs.patience.interrupt()
        session.machine.interrupt()

    ended = True
    with on_signals(stop):
        try:
            with progress(session, recording, not sys.stdout.isatty()) as tick:

                def show(name: str, step: int, data: bytes) -> None:
                    if numbered is None:
                        put(data)
                    else:
                        numbered.add(name, step, data)
                    tick(step)

                printed.read(devices, session.timeline.end, show)
            if numbered is not None:
                numbered.end()
        except Interrupted:
            ended = False
        finally:
            outputs.close(output)
    if not ended:
        at, end = session.machine.engine.step, session.timeline.end
        fail(f"interrupted at step {at} of {end}", INTERRUPTED)


def _chosen(session: RecordedMachine, devices: Sequence[str], serial: str | None) -> list[str]:
    """The devices that are meant."""
    serials = session.machine.board.serials
    if serial is None:
        return [name for name in devices if name not in serials[1:]]
    if serial.isascii() and serial.isdigit() and int(serial[:9]) < len(serials):
        return [serials[int(serial)]]
    if serial not in devices:
        there = ", ".join(devices) or "none"
        raise click.UsageError(f"there is no device {serial!r} that prints; there are {there}")
    return [serial]


class _Numbered:
    """Lines with the steps at which they began, each as soon as it is whole."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._begun: dict[str, tuple[int, bytearray]] = {}

    def add(self, name: str, step: int, data: bytes) -> None:
        from ttd.printed import LONGEST

        while data:
            line = self._begun.setdefault(name, (step, bytearray()))[1]
            part, newline, _ = data[: LONGEST - len(line)].partition(b"\n")
            line += part
            data = data[len(part) + len(newline) :]
            if newline or len(line) >= LONGEST:
                self._put(name)

    def end(self) -> None:
        """What has no end is put, too."""
        for name in list(self._begun):
            self._put(name)

    def _put(self, name: str) -> None:
        from ttd.replay.words import shown

        step, line = self._begun.pop(name)
        text = shown(bytes(line).rstrip(b"\r"))
        self._write(f"{step:>14}  {text}\n".encode())
