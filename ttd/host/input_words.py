"""Events of keyboards, mice and tablets, in the words of QEMU's QMP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ttd.errors import UserError
from ttd.keys import AXES, BUTTONS, EV_ABS, EV_KEY, EV_REL, KEYS, WHEEL

_NEEDS = {"key": ("keyboard",), "rel": ("mouse",), "abs": ("tablet",), "btn": ("mouse", "tablet")}

Event = tuple[int, int, int]


class InputError(UserError):
    """Input cannot be taken; one sentence for people."""


def input_groups(
    devices: Mapping[str, str], arguments: Mapping[str, Any]
) -> dict[str, list[Event]]:
    """What each device gets of the `events` of `input-send-event`, which may name a `device`.

    `devices` are the kinds (keyboard, mouse, tablet) by name.
    """
    events = arguments.get("events")
    if not isinstance(events, list):
        raise InputError("there are no events")
    groups: dict[str, list[Event]] = {}
    found = [_translate(event) for event in events]
    kinds = {kind for kind, _ in found}
    for kind, parts in found:
        device = _route(devices, kind, kinds, arguments.get("device"))
        groups.setdefault(device, []).extend(parts)
    return groups


def _route(devices: Mapping[str, str], kind: str, kinds: set[str], wanted: object) -> str:
    """The device that an event is for: the first that can send it."""
    needs = _NEEDS[kind]
    if kind == "btn" and "abs" in kinds:
        needs = ("tablet",)
    for need in needs:
        for name, have in devices.items():
            if have == need and wanted in (None, name):
                return name
    raise InputError(f"there is no {' or '.join(needs)} for an event of type {kind}")


def _translate(event: Any) -> tuple[str, list[Event]]:
    match event:
        case {"type": "key", "data": {"down": bool(down), "key": key}}:
            match key:
                case {"type": "qcode", "data": str(name)} if name in KEYS:
                    return "key", [(EV_KEY, KEYS[name], int(down))]
                case {"type": "number", "data": int(code)} if code is not True and 0 < code < 249:
                    return "key", [(EV_KEY, code, int(down))]
        case {"type": "btn", "data": {"down": bool(down), "button": str(name)}}:
            if name in WHEEL:
                axis, way = WHEEL[name]
                return "rel", [(EV_REL, axis, way)] if down else []
            if name in BUTTONS:
                return "btn", [(EV_KEY, BUTTONS[name], int(down))]
        case {"type": "rel", "data": {"axis": "x" | "y" as axis, "value": int(value)}}:
            if -(1 << 31) <= value < 1 << 31:
                return "rel", [(EV_REL, AXES[axis], value)]
        case {"type": "abs", "data": {"axis": "x" | "y" as axis, "value": int(value)}}:
            if 0 <= value <= 0x7FFF:
                return "abs", [(EV_ABS, AXES[axis], value)]
    raise InputError(f"{json.dumps(event)[:200]} is not an input event")
