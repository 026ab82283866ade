"""The `monitor` commands: words for moving through time, over a debugger's session.

A command never moves: GDB would go on showing registers and memory of the old position. It *arms*
a position instead, and the next packet that resumes the target performs the seek and reports an
ordinary stop, upon which every front end refreshes itself.
"""

from ttd.monitor.commands import Question
from ttd.monitor.events import Events
from ttd.monitor.monitor import Monitor

__all__ = ["Events", "Monitor", "Question"]
