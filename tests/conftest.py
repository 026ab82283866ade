"""What all tests have in common."""

from __future__ import annotations

import gc

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


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: no collection of garbage has to walk over them."""
    gc.collect()
    gc.freeze()
