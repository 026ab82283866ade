"""The MPU's registers (DDI0403E B3.5), which are native (`mpu_registers.c`)."""

from __future__ import annotations

from typing import Any, ClassVar

from ttd.devices.base import Stateful
from ttd.engine._native import lib
from ttd.state import State

from .core import Field, ListField


class Mpu(Stateful):
    """A view of them."""

    STATE: ClassVar[tuple[str, ...]] = ("control", "number", "bases", "attributes")
    control, number = Field("mpu"), Field("mpu")
    bases, attributes = ListField("mpu"), ListField("mpu")

    def __init__(self, core: Any) -> None:
        self.core = core
        self.count: int = core.mpu.regions
        """How many regions there are."""

    def load(self, state: State) -> None:
        super().load(state)
        lib.armv7m_refresh_mpu(self.core)
