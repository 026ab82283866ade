"""Builds `ttd.engine._native` with cffi when the package is installed."""

from __future__ import annotations

import re
from pathlib import Path

import unicorn
from cffi import FFI

SOURCES = (
    *("native", "run", "blocks", "ways", "ours", "aligned", "fill", "access", "devices", "outside"),
    *("hits", "code", "mpu", "riscv", "riscv_ours", "riscv_float", "flat", "demands", "whole"),
    *("patches", "x86", "sse", "x87", "x86_bits", "softfloat"),
)
HERE = Path(__file__).resolve().parent


def declarations() -> str:
    """The header as cffi reads it: without preprocessor lines."""
    text = (HERE / "native.h").read_text()
    return "\n".join(line for line in text.splitlines() if not re.match(r"\s*#", line))


ffi = FFI()
ffi.cdef(declarations())
ffi.cdef(
    """
    extern "Python+C" uint64_t ttd_host_read(void *handle, uint64_t address, int size);
    extern "Python+C" void ttd_host_write(void *handle, uint64_t address, int size, uint64_t value);
    extern "Python+C" void ttd_host_burst(void *handle, bool write, uint32_t *words, uint32_t n);
    """
)
ffi.set_source(
    "ttd.engine._native",
    '#include "native.h"\n',
    sources=[f"ttd/engine/{name}.c" for name in SOURCES],
    include_dirs=[str(HERE), str(Path(unicorn.__file__).resolve().parent / "include")],
    extra_compile_args=["-O2", "-std=gnu11", "-Wall", "-Wextra", "-fvisibility=hidden"],
    libraries=["dl"],
)
