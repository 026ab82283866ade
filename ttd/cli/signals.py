"""Ctrl-C and its kin while a machine runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread


@contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` for Ctrl-C, SIGTERM, and a terminal that is closed.

    On a thread of its own, which the signal wakes up at once: a signal handler runs on the main
    thread, when that comes back from the emulator, and may then hold the lock that `act` needs.
    """
    read, write = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(write, False)

    def watch() -> None:
        while os.read(read, 1) != b"\0":
            act()

    thread = Thread(target=watch, name="ttd-signals", daemon=True)
    thread.start()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        numbers.append(signal.SIGHUP)
    old_fd = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    old = {number: signal.signal(number, lambda number, frame: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_fd)
        os.write(write, b"\0")
        thread.join()
        os.close(read)
        os.close(write)
