"""Names that QEMU has for keys, buttons and axes, and Linux's numbers for them.

Names: `QKeyCode`, `InputButton` and `InputAxis` of QEMU's QAPI schema (qapi/ui.json). Numbers:
linux/input-event-codes.h.
"""

from __future__ import annotations

EV_SYN, EV_KEY, EV_REL, EV_ABS = 0, 1, 2, 3
"""Types of input events."""

_ROWS = {
    1: "esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p bracket_left"
    " bracket_right ret ctrl a s d f g h j k l semicolon apostrophe grave_accent shift backslash"
    " z x c v b n m comma dot slash shift_r kp_multiply alt spc caps_lock f1 f2 f3 f4 f5 f6 f7 f8"
    " f9 f10 num_lock scroll_lock kp_7 kp_8 kp_9 kp_subtract kp_4 kp_5 kp_6 kp_add kp_1 kp_2 kp_3"
    " kp_0 kp_decimal",
    86: "less f11 f12 ro",
    92: "henkan hiragana muhenkan",
    96: "kp_enter ctrl_r kp_divide sysrq alt_r",
    102: "home up pgup left right end down pgdn insert delete",
    113: "audiomute volumedown volumeup power kp_equals",
    119: "pause",
    121: "kp_comma lang1 lang2 yen meta_l meta_r compose stop again props undo front copy open"
    " paste find cut help menu calculator",
    142: "sleep wake",
    155: "mail ac_bookmarks computer ac_back ac_forward",
    163: "audionext audioplay audioprev audiostop",
    172: "ac_home ac_refresh",
}
KEYS = {name: first + at for first, row in _ROWS.items() for at, name in enumerate(row.split())}
"""Code by name."""
KEYS |= {"print": KEYS["sysrq"], "asterisk": KEYS["kp_multiply"]}
BUTTONS = {"left": 0x110, "right": 0x111, "middle": 0x112, "side": 0x113, "extra": 0x114,
           "touch": 0x14A}  # fmt: skip
WHEEL = {"wheel-up": (8, 1), "wheel-down": (8, -1), "wheel-left": (6, 1), "wheel-right": (6, -1)}
"""Buttons that are a turn of a wheel: axis and direction."""
AXES = {"x": 0, "y": 1}


def key_event(text: str) -> tuple[int, int, int] | None:
    """`press KEY` or `release KEY`, as type, code and value; None if it is neither."""
    verb, _, key = text.strip().partition(" ")
    code = KEYS.get(key.strip())
    if verb not in ("press", "release") or code is None:
        return None
    return EV_KEY, code, int(verb == "press")
