"""What all tests have in common."""

from __future__ import annotations

import gc
import signal

from hypothesis import HealthCheck, settings

from tests.examples import examples

# Nothing is timed: on a busy machine an example may take as long as it likes.
settings.register_profile(
    "untimed",
    settings.default,
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """A shell lets what it starts in the background ignore Ctrl-C, which tests and their children
    have to hear."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: no collection of garbage has to walk over them."""
    gc.collect()
    gc.freeze()
