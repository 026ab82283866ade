"""Builds `ttd.engine._native` with cffi when the package is installed."""

from __future__ import annotations

import re
from pathlib import Path

import unicorn
from cffi import FFI

HERE = Path(__file__).resolve().parent
NATIVE = HERE / "native"
ROOT = HERE.parents[1]
DEVICES = HERE.parent / "devices" / "native"
# The engine's own, what each architecture adds in a folder of its own, and what devices do.
SOURCES = [
    str(path.relative_to(ROOT))
    for folder in (NATIVE, *sorted(HERE.parent.glob("cpu/*/native")), DEVICES)
    for path in sorted(folder.glob("*.c"))
]


# What Python sees: of the engine, and of each architecture's own half that it has to itself.
OF_ENGINE = ("native.h", "marks.h", "stuck.h", "core.h", "declared.h", "outbox.h")
HEADERS = [
    *(NATIVE / name for name in OF_ENGINE),
    *sorted(HERE.parent.glob("cpu/*/native/api.h")),
    *sorted(DEVICES.glob("*.h")),
]


def declarations(header: Path) -> str:
    """A header as cffi reads it: without preprocessor lines."""
    lines = header.read_text().splitlines()
    return "\n".join(line for line in lines if not re.match(r"\s*#", line))


ffi = FFI()
for header in HEADERS:
    ffi.cdef(declarations(header))
ffi.cdef(
    """
    extern "Python+C" uint64_t ttd_host_read(void *handle, uint64_t address, int size);
    extern "Python+C" void ttd_host_write(void *handle, uint64_t address, int size, uint64_t value);
    extern "Python+C" void ttd_host_due(void *handle);
    extern "Python+C" void ttd_host_output(void *handle, ttd_registers *r);
    extern "Python+C" void ttd_host_lines(void *handle, ttd_registers *r);
    extern "Python+C" void ttd_host_packets(void *handle, ttd_outbox *box);
    """
)
ffi.set_source(
    "ttd.engine._native",
    "".join(f'#include "{header.relative_to(ROOT)}"\n' for header in HEADERS),
    sources=SOURCES,
    include_dirs=[
        str(NATIVE),
        str(ROOT),
        str(Path(unicorn.__file__).resolve().parent / "include"),
    ],
    extra_compile_args=["-O2", "-std=gnu11", "-Wall", "-Wextra", "-fvisibility=hidden"],
    libraries=["dl"],
)
