"""What all tests have in common."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Nothing is timed: on a busy machine an example may take as long as it likes.
settings.register_profile(
    "untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")
