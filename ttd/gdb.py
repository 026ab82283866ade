"""What debuggers are given of ttd: `python -m ttd.gdb` prints where the file of GDB commands is.

In a `.gdbinit`, or anywhere: `source` and what it prints (docs/gdb.md).
"""

from __future__ import annotations

from pathlib import Path

_SHARE = Path(__file__).resolve().parent / "share"
COMMANDS = _SHARE / "ttd-gdb.py"
"""Runs inside GDB."""
LLDB_COMMANDS = _SHARE / "ttd_lldb.py"
"""Runs inside LLDB."""

if __name__ == "__main__":
    print(COMMANDS)
