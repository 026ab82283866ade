"""The envelope of everything stored in a recording: a checksum, a size, lz4.

The checksum is verified before anything is decompressed, and covers a context, so that a blob
that was moved to another row is not believed either. It protects from accidents; against a
malicious file the bounds protect, which are checked too.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import lz4.block
import msgpack

from ttd.recording._native import ffi, lib
from ttd.recording.errors import RecordingError

DIGEST_BYTES = 16
_BLOCK = 128
"""Bytes that BLAKE2b takes at a time."""
_AT_ONCE = 64
"""Parts that are hashed while they are in the processor's cache."""
MAX_RAW = 64 << 20
"""No blob is larger than this before compression (64 MiB)."""
_SIZE = struct.Struct("<I")


def digest(data: bytes | memoryview, context: bytes = b"") -> bytes:
    """blake2b of 16 bytes over the length of `context`, `context` and `data`."""
    if not context:
        return blake2b(data, digest_size=DIGEST_BYTES).digest()
    state = blake2b(_SIZE.pack(len(context)) + context, digest_size=DIGEST_BYTES)
    state.update(data)
    return state.digest()


def digests(parts: Sequence[bytes]) -> list[bytes]:
    """`digest` of each: faster, for many parts of one size, a multiple of 128 bytes."""
    found: list[bytes] = []
    for first in range(0, len(parts), _AT_ONCE):
        some = parts[first : first + _AT_ONCE]
        size = len(some[0])
        if not size or size % _BLOCK or any(len(part) != size for part in some):
            found += map(digest, some)
            continue
        names = ffi.new("uint8_t[]", DIGEST_BYTES * len(some))
        data = ffi.from_buffer("uint8_t[]", b"".join(some))
        lib.page_digests(data, len(some), size, names)
        raw = ffi.buffer(names)[:]
        found += [raw[at : at + DIGEST_BYTES] for at in range(0, len(raw), DIGEST_BYTES)]
    return found


def seal(raw: bytes, context: bytes, *, tight: bool = False, like: bytes = b"") -> bytes:
    """Checksum, size before compression (u32 LE), lz4 block.

    `tight` takes ten times as long: for what is written once and kept. Of what is in `like`, the
    last 64 KiB of it, there are references only; who reads the blob must have the same.
    """
    if len(raw) > MAX_RAW:
        raise RecordingError(f"{len(raw)} bytes are too many for one entry of a recording")
    body = shrink(raw, tight=tight, like=like)
    return digest(body, context) + body


def unseal(blob: object, context: bytes, limit: int = MAX_RAW, like: bytes = b"") -> bytes:
    """Inverse of `seal`; raises `RecordingError` if the checksum or a bound does not hold."""
    if not isinstance(blob, bytes):
        raise RecordingError("the recording is damaged: an entry is not one of bytes")
    body = memoryview(blob)[DIGEST_BYTES:]
    if len(body) < _SIZE.size or blob[:DIGEST_BYTES] != digest(body, context):
        raise RecordingError("the recording is damaged: a checksum does not match")
    return expand(body, limit, like)


def reseal(blob: bytes, before: bytes, after: bytes) -> bytes:
    """The same for another context; raises `RecordingError` if the checksum does not hold."""
    body = blob[DIGEST_BYTES:]
    if blob[:DIGEST_BYTES] != digest(body, before):
        raise RecordingError("the recording is damaged: a checksum does not match")
    return digest(body, after) + body


def shrink(raw: bytes, *, tight: bool = False, like: bytes = b"") -> bytes:
    """Size (u32 LE), lz4 block; `tight` and `like` as for `seal`."""
    mode = "high_compression" if tight else "default"
    packed: bytes = lz4.block.compress(raw, store_size=False, mode=mode, dict=like)
    return _SIZE.pack(len(raw)) + packed


def expand(packed: object, limit: int, like: bytes = b"") -> bytes:
    """Inverse of `shrink`; raises `RecordingError` if the result were longer than `limit`."""
    if not isinstance(packed, bytes | memoryview) or len(packed) < _SIZE.size:
        raise RecordingError("the recording is damaged: an entry is too short")
    (size,) = _SIZE.unpack_from(packed)
    if size > limit:
        raise RecordingError("the recording is damaged: an entry claims to be too large")
    try:
        block = memoryview(packed)[_SIZE.size :]
        raw: bytes = lz4.block.decompress(block, uncompressed_size=size, dict=like)
    except (lz4.block.LZ4BlockError, ValueError, OverflowError, MemoryError):
        raise RecordingError("the recording is damaged: an entry does not decompress") from None
    if len(raw) != size:
        raise RecordingError("the recording is damaged: an entry has the wrong size")
    return raw


def pack(data: object) -> bytes:
    """Plain data (str keys or not, integers of at most 64 bits) as msgpack."""
    packed: bytes = msgpack.packb(data)
    return packed


def unpack(raw: bytes) -> Any:
    """Inverse of `pack`, for data from a file; tuples come back as lists."""
    try:
        return msgpack.unpackb(raw, strict_map_key=False)
    except (ValueError, TypeError, RecursionError, OverflowError, MemoryError):
        raise RecordingError("the recording is damaged: an entry is not readable") from None
