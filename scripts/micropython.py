"""Debian's MicroPython for the micro:bit, and what is typed at it in the demo and in the tests."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "firmware-microbit-micropython"
FIRMWARE = Path("/usr/share/firmware-microbit-micropython/firmware.hex")
PROMPT, MORE, INDENTED = b">>> ", b"\r\n... ", b"\r\n...     "
"""For a line, for another line, for another line of an indented block."""
SESSION = (
    ("1+1", PROMPT),
    ("for i in range(3):", INDENTED),
    ("print(i * i)", INDENTED),
    ("", INDENTED),
    ("", MORE),
    ("", PROMPT),
    ("import math", PROMPT),
    ("math.sqrt(2)", PROMPT),
    ("1/0", PROMPT),
    ("from microbit import *", PROMPT),
    ("display.show(Image.HEART)", PROMPT),
    ("sleep(50)", PROMPT),
)
"""Lines, and the prompt that comes after each."""
