"""Rows of what is known of intervals: in the recording, or in memory until they are."""

from __future__ import annotations

import os
from contextlib import suppress

from ttd.recording.blob import digest, expand, shrink
from ttd.recording.errors import RecordingError
from ttd.recording.recording import MAX_KNOWN, Recording
from ttd.recording.varint import Reader, varint

MOST_MEMORY = 64 << 20
"""Bytes that are kept in memory because they cannot be written."""
_SMALLER = 2
"""A row refers to another one if it is so many times smaller then."""


class Sharing:
    """Rows of one kind, which are much like each other: each refers to one that stands alone, if
    that makes it shorter."""

    def __init__(self) -> None:
        self._base = -1
        self._raw = b""

    def shrink(self, number: int, raw: bytes) -> bytes:
        """A row as it is stored."""
        alone = shrink(raw)
        if self._base >= 0:
            short = shrink(raw, like=self._raw)
            if _SMALLER * len(short) < len(alone):
                return varint(self._base + 1) + short
        self._base, self._raw = number, raw
        return varint(0) + alone


class Rows:
    """The table `known` of a recording, as one line of history has it.

    Methods do not raise for a file that cannot be written: what has been learned is kept in memory
    then. Reading raises `RecordingError` for a row that cannot be believed.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._new: dict[tuple[int, str], bytes] = {}
        """Not written yet."""
        self._size = 0
        self._sharing: dict[str, Sharing] = {}
        self._given_up = False

    def row(self, number: int, kind: str) -> bytes | None:
        """A row that may refer to another one."""
        stored = self._stored(number, kind)
        if stored is None:
            return None
        base, body = _base_of(stored)
        like = b""
        if base >= 0:
            other = self._stored(base, kind)
            if other is None:
                return None
            its, whole = _base_of(other)
            if its >= 0:
                raise RecordingError("the recording is damaged: a row refers to one that does")
            like = expand(whole, MAX_KNOWN)
        return expand(body, MAX_KNOWN, like)

    def keep(self, number: int, kind: str, raw: bytes) -> None:
        """Such a row is known from now on."""
        self._keep(number, kind, self._sharing.setdefault(kind, Sharing()).shrink(number, raw))

    def answer(self, number: int, key: bytes) -> bytes | None:
        """What has been kept under a key."""
        try:
            stored = self._stored(number, _kind_of(key))
            return None if stored is None else expand(stored, MAX_KNOWN)
        except RecordingError:
            return None

    def keep_answer(self, number: int, key: bytes, data: bytes) -> None:
        """Keep something under a key."""
        self._keep(number, _kind_of(key), shrink(data))

    def _stored(self, number: int, kind: str) -> bytes | None:
        found = self._new.get((number, kind))
        return self._recording.known(number, kind) if found is None else found

    def _keep(self, number: int, kind: str, data: bytes) -> None:
        if self._size + len(data) <= MOST_MEMORY:
            self._new[number, kind] = data
            self._size += len(data)

    def write(self, *, patient: bool = True) -> None:
        """Write what is new; `RecordingError` if that cannot be, or were longer than all else."""
        if self._new:
            if not self._has_room():
                path = self._recording.path
                raise RecordingError(f"what is known of {path} would be longer than the rest of it")
            self._recording.learn(self._new, patient=patient)
            self._new, self._size = {}, 0

    def flush(self) -> None:
        """Write what is new, if that can be."""
        if not self._given_up:
            try:
                self.write(patient=False)
            except RecordingError:
                # Who is in the way may be gone later.
                path = self._recording.path
                self._given_up = not os.access(path, os.W_OK) or not self._has_room()

    def _has_room(self) -> bool:
        """What is known of a recording takes no more than the rest of it."""
        recording = self._recording
        known = recording.known_bytes()
        with suppress(OSError):
            return known + self._size <= os.path.getsize(recording.path) - known
        return True  # a temporary one


def _base_of(stored: bytes) -> tuple[int, bytes]:
    reader = Reader(stored)
    base = reader.varint() - 1
    return base, reader.bytes(reader.left)


def _kind_of(key: bytes) -> str:
    return "answer " + digest(key).hex()
