"""The options of `ttd record`."""

# Names of boards are imported when they are asked for: `ttd --help` does not wait for them.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Any

import click

from ttd.cli import candidates
from ttd.cli.calls import keep_calls_option
from ttd.cli.memory import snapshot_memory
from ttd.cli.options import grouped
from ttd.cli.svd import svd

EXAMPLES = """\b
Examples:
  ttd record --board mps2-an385 firmware.elf
  ttd record --board mps2-an385 --semihosting -o crash.ttd firmware.elf
  ttd record --board microbit --gdb 1234 firmware.hex
  ttd record --board virt --kernel Image --append console=ttyS0 -m 256M
  ttd record --board raw --cpu cortex-m3 --ram 0:64K --load blob.bin@0
  ttd record --board virt --steps 1000000 --serial file:log.txt test.elf
Then: ttd gdb, ttd info, ttd replay; without a name they take the latest
recording (`ttd last`)."""


class _Board(click.types.StringParamType):
    """The name of a board, looked at where the machine is made."""

    def get_missing_message(
        self, param: click.Parameter, ctx: click.Context | None = None
    ) -> str | None:
        from ttd.boards import names

        return f"There are {', '.join(names())}."


_RECORDING = grouped(
    "Recording",
    click.option(
        "-o",
        "output",
        metavar="FILE",
        shell_complete=candidates.recordings,
        help="The recording to write. By default IMAGE's name with .ttd, in the current "
        "directory, numbered if it is there already; with --gdb a temporary file.",
    ),
    click.option(
        "--force",
        is_flag=True,
        envvar="TTD_FORCE",
        help="With -o: replace a recording that is there.",
    ),
    click.option(
        "--steps",
        type=click.IntRange(0),
        metavar="N",
        help="End at step N, or when the guest sleeps and nothing wakes it.",
    ),
    snapshot_memory,
)
_MACHINE = grouped(
    "Machine",
    click.option(
        "--board",
        required=True,
        type=_Board(),
        metavar="NAME",
        shell_complete=candidates.boards,
        help="The machine; see `ttd boards`.",
    ),
    click.option(
        "-m",
        "--memory",
        metavar="SIZE",
        help="How much memory, such as 256M (virt) or 32K (microbit).",
    ),
    click.option(
        "--clock", type=click.IntRange(1, 10**9), metavar="NS", help="Virtual nanoseconds per step."
    ),
    click.option(
        "--realtime/--fast",
        default=None,
        help="Whether a guest that sleeps takes its time, or skips it. It takes its time if a "
        "UART is on a terminal, otherwise not.",
    ),
    click.option(
        "--exact-interrupts",
        is_flag=True,
        help="Let timers interrupt any instruction, not only what follows a branch: shows races in "
        "gaps without a branch, and costs 20 us an interrupt.",
    ),
    click.option(
        "--priority-bits",
        type=int,
        metavar="N",
        help="Bits of an exception's priority that a Cortex-M3 has (3 to 8).",
    ),
)
_BOOT = grouped(
    "What a machine with a boot loader starts (virt, virt32)",
    click.option(
        "--kernel",
        metavar="FILE",
        shell_complete=candidates.files,
        help="Kernel that the firmware starts.",
    ),
    click.option(
        "--bios",
        metavar="FILE|default|none",
        shell_complete=candidates.firmware,
        help="Firmware; default: OpenSBI, if there is a kernel.",
    ),
    click.option(
        "--initrd",
        metavar="FILE",
        shell_complete=candidates.files,
        help="Initial RAM disk, beside --kernel.",
    ),
    click.option("--append", metavar="TEXT", help="Command line of the kernel."),
)
_RAW = grouped(
    "What a raw board is made of (raw)",
    click.option("--cpu", metavar="MODEL", shell_complete=candidates.cpus, help="Its processor."),
    click.option(
        "--ram",
        multiple=True,
        metavar="ADDRESS:SIZE",
        help="Memory. For other boards a SIZE is the same as -m.",
    ),
    click.option(
        "--load",
        multiple=True,
        metavar="FILE@ADDRESS",
        shell_complete=candidates.files,
        help="What is in it: blob or ELF.",
    ),
    click.option("--pc", metavar="ADDRESS", help="Where it begins."),
    click.option("--sp", metavar="ADDRESS", help="Its stack pointer then."),
    click.option(
        "--uart",
        multiple=True,
        metavar="TYPE@ADDRESS[,irq=N]",
        shell_complete=candidates.uarts,
        help="A serial port.",
    ),
)
_HOST = grouped(
    "Connections to this host",
    click.option(
        "--serial",
        multiple=True,
        metavar="CHARDEV",
        shell_complete=candidates.chardevs,
        help="Host side of the next UART: stdio, null, file:PATH, tcp:HOST:PORT[,server[,nowait]] "
        "or pty. Unless said otherwise UART 0 is stdio, the others null.",
    ),
    click.option(
        "--semihosting",
        metavar="[=DIR]",
        shell_complete=candidates.folders,
        help="Answer semihosting calls of Arm and RISC-V; the guest reaches files inside DIR, or "
        "none.",
    ),
    click.option(
        "--netdev",
        multiple=True,
        metavar="SPEC",
        shell_complete=candidates.netdevs,
        help="A network: dgram,id=ID,local=HOST:PORT,remote=HOST:PORT or tap,id=ID,ifname=NAME or "
        "pcap,id=ID,file=FILE[,pace=fast].",
    ),
    click.option(
        "--nic",
        metavar="netdev=ID[,mac=ADDRESS]",
        shell_complete=candidates.nics,
        help="What the board's network interface is connected to; by default the first --netdev.",
    ),
    click.option(
        "--input",
        "input_",
        metavar="unix:PATH",
        shell_complete=candidates.sockets(),
        help="Take keys and movements as QMP's JSON lines.",
    ),
)
_DEVICES = grouped(
    "Devices that are added",
    click.option(
        "--device",
        multiple=True,
        metavar="DEVICE",
        shell_complete=candidates.devices,
        help="Add a device; docs/devices.md lists them.",
    ),
    click.option(
        "--drive",
        multiple=True,
        metavar="file=IMAGE[,id=NAME][,readonly=on]",
        shell_complete=candidates.drives,
        help="A raw disk image for a device. The image is not changed.",
    ),
    click.option("--commit", is_flag=True, help="Change the images in the end, as the guest did."),
    click.option(
        "--no-embed",
        is_flag=True,
        help="What is read of images is not kept: to replay needs them.",
    ),
)
_DEBUGGER = grouped(
    "Debugger",
    click.option(
        "--gdb",
        metavar="PORT|stdio|unix:PATH",
        shell_complete=candidates.sockets("stdio"),
        help="Let GDB control the machine while it records.",
    ),
    keep_calls_option,
    svd,
)


def record_options(command: Any) -> Any:
    """All of them."""
    for group in (_DEBUGGER, _DEVICES, _HOST, _RAW, _BOOT, _MACHINE, _RECORDING):
        command = group(command)
    return command
