"""Exact execution on Unicorn; the hot path is native (`native.c`)."""

from ttd.engine.engine import Engine
from ttd.engine.isa import Isa
from ttd.engine.port import BusFault, EngineError, EngineFault
from ttd.engine.state import Context
from ttd.engine.types import FRAME, Access, EngineStop, StopReason, WatchHit

__all__ = [
    "FRAME",
    "Access",
    "BusFault",
    "Context",
    "Engine",
    "EngineError",
    "EngineFault",
    "EngineStop",
    "Isa",
    "StopReason",
    "WatchHit",
]
