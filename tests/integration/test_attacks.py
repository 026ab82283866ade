"""A small form of `make fuzz`: what debuggers and files of strangers may do, from any seed."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import debugged, monitor, recordings, rsp

pytestmark = pytest.mark.slow


def test_packets() -> None:
    """A finished recording or a live one of every processor, and both of some."""
    _attack(rsp.run, len(debugged.KINDS) + 3)


def test_monitor_commands() -> None:
    _attack(monitor.run, 4)


def test_recordings() -> None:
    _attack(recordings.run, 30)


def _attack(run: debugged.Run, count: int) -> None:
    found: list[str] = []
    bad = run(count, random.randrange(1 << 30), found.append)
    assert not bad, "\n".join(found)
