"""Recorded runs for programs: `ttd` itself hands on what is here, when it is asked for it."""

from ttd.api.branches import Branch
from ttd.api.console import Console, Line
from ttd.api.events import Event
from ttd.api.frames import Frame
from ttd.api.recorder import record
from ttd.api.run import Run, open
from ttd.api.stops import Hit, StopPoint
from ttd.api.threads import Thread
from ttd.api.trail import Trail
from ttd.history.named_place import Place

__all__ = [
    "Branch",
    "Console",
    "Event",
    "Frame",
    "Hit",
    "Line",
    "Place",
    "Run",
    "StopPoint",
    "Thread",
    "Trail",
    "open",
    "record",
]
