"""Builds `ttd.recording._native` with cffi when the package is installed."""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

NATIVE = Path(__file__).resolve().parent / "native"
ROOT = NATIVE.parents[2]
HEADER = NATIVE / "columns.h"

ffi = FFI()
# As cffi reads it: without preprocessor lines.
ffi.cdef(re.sub(r"(?m)^\s*#.*$", "", HEADER.read_text()))
ffi.set_source(
    "ttd.recording._native",
    f'#include "{HEADER.relative_to(ROOT)}"\n',
    sources=[str(path.relative_to(ROOT)) for path in sorted(NATIVE.glob("*.c"))],
    include_dirs=[str(ROOT)],
    extra_compile_args=["-O2", "-std=gnu11", "-Wall", "-Wextra", "-fvisibility=hidden"],
)
