"""The recording that is open, and the one thread that works on it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError

from ttd.api import Run
from ttd.api import open as open_run
from ttd.errors import UserError
from ttd.mcp.sources import Sources

R = TypeVar("R")
NOTHING_OPEN = "No recording is open: call open with the path of one."
_PROGRESS_EVERY = 0.5
"""Seconds between two words of progress."""


class Desk:
    """One recording at a time; what is asked of it is done in a row, by one thread.

    The event loop does not wait for that thread: a client can give up what it has asked, which
    ends soon then, and hears how far it is.
    """

    def __init__(self, sources: Sources, *, temporary: bool = False) -> None:
        """`temporary`: new branches are in no file."""
        self.sources = sources
        self._temporary = temporary
        self._run: Run | None = None
        self._worker = ThreadPoolExecutor(1, "recording")
        self._lock = threading.Lock()
        self._current: object = None
        """What is being done, for those who give it up: only that must end early."""

    async def open(self, path: str, context: Context[Any, Any]) -> None:
        """Open another recording in the place of this one, which stays if that fails."""

        def change() -> None:
            before, self._run = self._run, self._opened(path)
            if before is not None:
                before.close()

        await self._do(change, context)

    def open_now(self, path: str) -> None:
        """As `open`, before anybody asks. Raises what `ttd.open` does."""
        self._run = self._worker.submit(self._opened, path).result()

    def _opened(self, path: str) -> Run:
        return open_run(os.path.expanduser(path), temporary=self._temporary)

    async def ask(self, work: Callable[[Run], R], context: Context[Any, Any]) -> R:
        """What `work` finds. `ToolError`, with a sentence, if it finds that something is wrong."""

        def do() -> R:
            if self._run is None:
                raise ToolError(NOTHING_OPEN)
            first = self._run.branches[0].name
            if self._run.place.branch != first:
                # What was looked at before is forgotten: a step without a branch is on this one.
                self._run.branch(first)
            self._run.progress = _teller(context, asyncio_loop)
            try:
                return work(self._run)
            finally:
                self._run.progress = None

        asyncio_loop = asyncio.get_running_loop()
        return await self._do(do, context)

    async def _do(self, work: Callable[[], R], context: Context[Any, Any]) -> R:
        token = object()

        def on_thread() -> R:
            with self._lock:
                self._current = token
            try:
                return work()
            except (UserError, OSError) as error:
                raise ToolError(str(error)) from error
            finally:
                with self._lock:
                    self._current = None
                    if self._run is not None:
                        self._run.go_ahead()

        future: Future[R] = self._worker.submit(on_thread)
        found = asyncio.wrap_future(future)
        # Who has given up hears nothing of how it ended.
        found.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(found)
        except asyncio.CancelledError:
            if not future.cancel():
                with self._lock:
                    if self._current is token and self._run is not None:
                        self._run.interrupt()
            raise

    def close(self) -> None:
        """Let go of the recording."""
        with self._lock:
            if self._run is not None and self._current is not None:
                self._run.interrupt()
        self._worker.submit(self._close).result()
        self._worker.shutdown()

    def _close(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.close()


def _teller(
    context: Context[Any, Any], loop: asyncio.AbstractEventLoop
) -> Callable[[float, str], None]:
    """Tells a client how far a movement is: what it is told has to grow, over several of them."""
    said, next_at = 0, time.monotonic() + _PROGRESS_EVERY

    def tell(fraction: float, text: str) -> None:
        nonlocal said, next_at
        if time.monotonic() < next_at:
            return
        said, next_at = said + 1, time.monotonic() + _PROGRESS_EVERY
        message = f"{text}: {fraction:.0%}"
        asyncio.run_coroutine_threadsafe(context.report_progress(said, message=message), loop)

    return tell
