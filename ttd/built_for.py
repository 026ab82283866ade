"""Whether an image was built for the processor of a board."""

from __future__ import annotations

from ttd.boards.base import Board
from ttd.cpu.models import CPUS
from ttd.elf_attributes import ArmAttributes, arm_attributes, riscv_extensions
from ttd.images import Image, ImageError

_SPOKEN = {
    "EM_386": "x86",
    "EM_68K": "68000",
    "EM_AARCH64": "AArch64",
    "EM_ARM": "Arm",
    "EM_RISCV": "RISC-V",
    "EM_X86_64": "x86-64",
}
_PROFILES = {"A": "application processors", "R": "real-time processors", "S": "processors with MMU"}
_LETTERS = "iemafdcghsu"
"""Extensions that a hart has, or that change nothing for a program that has no use for them."""
_BEYOND = (
    *("x", "zve", "zvl", "zvf", "zvk", "zvb", "zb", "zk", "zfh", "zfa", "zfb", "zfinx", "zdinx"),
    *("zhinx", "zcb", "zcmp", "zcmt", "zcmop", "zicond", "zicbo", "zimop", "zawrs", "zacas"),
    *("zabha", "zalasr", "zilsd", "zclsd", "zicfi"),
)
"""How extensions begin whose instructions RV64GC and RV32GC do not have."""


def check_built_for(image: Image, board: Board) -> str:
    """Raise `ImageError` if the processor of the board cannot run the image.

    Returns a sentence if there may be instructions in it that the processor does not have, or an
    empty string.
    """
    check_machine(image, board)
    match image.elf:
        case ("EM_ARM", _):
            return _check_arm(image.path, arm_attributes(image.data), board)
        case ("EM_RISCV", _):
            _check_riscv(image, board)
    return ""


def check_machine(image: Image, board: Board) -> None:
    """Raise `ImageError` if the image is for processors of another kind."""
    wanted = CPUS[board.cpu].elf
    if image.elf not in (None, wanted):
        assert image.elf is not None
        ours, theirs = _machine(*wanted), _machine(*image.elf)
        raise ImageError(f"{image.path} is for {theirs}; {board.name} needs {ours}.")


def _machine(elf: str, bits: int) -> str:
    """What people call it: EM_RISCV and 64 are "RISC-V, 64 bits"."""
    return f"{_SPOKEN.get(elf, elf.removeprefix('EM_'))}, {bits} bits"


def _check_arm(path: str, built: ArmAttributes, board: Board) -> str:
    model = CPUS[board.cpu]
    ours = f"{board.name} has a {model.name}"
    name = f"Arm{built.architecture}" if built.architecture else "Arm"
    whose = _PROFILES.get(built.profile)
    if whose is not None:
        name = f"{name}-{built.profile}" if built.architecture == "v7" else name
        raise ImageError(f"{path} is for {name}, that is {whose}; {ours}.")
    micro = built.profile == "M"
    if built.arm and not micro and (built.named or not built.thumb):
        raise ImageError(f"{path} is for {name} with instructions of Arm state; {ours}, which has "
                         "Thumb only.")  # fmt: skip
    if built.floats:
        raise ImageError(
            f"{path} was built for a floating-point unit; {ours}, which has none: build it for "
            "that, with -mfloat-abi=soft."
        )
    if not micro or built.architecture in model.architectures:
        return ""
    name = "Armv7-M" if built.architecture == "v7" else name
    if built.architecture == "v7E-M" and "v7" in model.architectures:
        return (
            f"{path} is for {name}, such as a Cortex-M4; {ours}, on which DSP instructions are "
            "undefined"
        )
    best = "Armv7-M" if "v7" in model.architectures else "Armv6-M"
    raise ImageError(f"{path} is for {name}; {ours}, which is {best}.")


def _check_riscv(image: Image, board: Board) -> None:
    missing = [
        name
        for name in riscv_extensions(image.data)
        if (name not in _LETTERS if len(name) == 1 else name.startswith(_BEYOND))
    ]
    if missing:
        bits = CPUS[board.cpu].elf[1]
        # Those that another one brings along say nothing more.
        first = next((name.upper() for name in missing if len(name) == 1), missing[0])
        raise ImageError(
            f"{image.path} was built for the RISC-V extension {first}, which the processor of "
            f"{board.name} does not have: build it for that, with -march=rv{bits}gc."
        )
