"""GDB's own debug adapter (`gdb -i=dap`) with the requests that go backwards.

`ttd-gdb.py` loads this where GDB is one. Debug Adapter Protocol, "StepBack" and "ReverseContinue":
editors that find `supportsStepBack` among the capabilities show buttons for them.
"""

from __future__ import annotations

from gdb.dap.events import exec_and_expect_stop
from gdb.dap.server import capability, request
from gdb.dap.state import set_thread


def step_back(*, threadId: int, granularity: str = "statement", **args: object) -> None:
    """As GDB's `next`, the other way."""
    set_thread(threadId)
    exec_and_expect_stop("reverse-stepi" if granularity == "instruction" else "reverse-next")


def reverse_continue(*, threadId: int, **args: object) -> None:
    """As GDB's `continue`, the other way."""
    set_thread(threadId)
    exec_and_expect_stop("reverse-continue &")


request("stepBack", response=False)(capability("supportsStepBack")(step_back))
request("reverseContinue", response=False)(reverse_continue)
