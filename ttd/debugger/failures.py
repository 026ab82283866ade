"""What went wrong, in words: for whoever asked for it, and in the log if it is ttd's own fault."""

from __future__ import annotations

import logging
from pathlib import Path

from ttd.errors import UserError
from ttd.text import printable

log = logging.getLogger("ttd.debugger")


def sentence(error: Exception) -> str:
    """What has happened, for people. What should not have happened is also logged, in one line."""
    if isinstance(error, UserError):
        return printable(str(error))
    where, trace = "", error.__traceback__
    while trace is not None:
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    text = printable(f"an error in ttd itself: {type(error).__name__}: {error} ({where})")
    log.error("%s", text)
    return f"This could not be done: {text}"
