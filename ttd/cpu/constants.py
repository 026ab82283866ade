"""Unicorn's names of registers, models and modes, by architecture.

Each module of them is loaded when it is first imported from here, and nothing else of Unicorn's
package is (`engine/binding.py`).
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from ttd.engine.binding import constants

if TYPE_CHECKING:
    from unicorn import arm64_const, arm_const, riscv_const, unicorn_const, x86_const

__all__ = ["arm64_const", "arm_const", "riscv_const", "unicorn_const", "x86_const"]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(name)
    return constants(name)
