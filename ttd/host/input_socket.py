"""Input events over a Unix socket: JSON lines of the shape of QEMU's QMP `input-send-event`.

A line is `{"execute": "input-send-event", "arguments": {"events": [...]}}`, or the arguments
alone; its events are a group, which enters whole or not at all. `system_reset`, `system_suspend`,
`system_wakeup` and `quit` are understood too. Each line is answered by `{"return": {}}` or
`{"error": {...}}`.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, Thread
from typing import Any

from ttd.errors import UserError, reason
from ttd.keys import AXES, BUTTONS, EV_ABS, EV_KEY, EV_REL, KEYS, WHEEL

_LONGEST_LINE = 1 << 16
_MOST_PEERS = 16
_NEEDS = {"key": ("keyboard",), "rel": ("mouse",), "abs": ("tablet",), "btn": ("mouse", "tablet")}

Event = tuple[int, int, int]


class InputError(UserError):
    """Input cannot be taken; one sentence for people."""


class InputSocket:
    """Listens at `path`; several connections at a time.

    `devices` are the kinds (keyboard, mouse, tablet) by name. `put` takes a group for each of
    some devices, all or none of them, and says whether there was room; `commands` are the other
    words understood. Both may raise `UserError`.
    """

    def __init__(
        self,
        spec: str,
        devices: Mapping[str, str],
        put: Callable[[Mapping[str, list[Event]]], bool],
        commands: Mapping[str, Callable[[], None]],
    ) -> None:
        kind, _, self.path = spec.partition(":")
        if kind != "unix" or not self.path:
            raise InputError(f"--input {spec}: unix:PATH is what it takes")
        self._devices = devices
        self._put = put
        self._commands = commands
        self._lock = Lock()
        self._peers: set[socket.socket] = set()
        self._closed = False
        with suppress(OSError):
            if stat.S_ISSOCK(os.lstat(self.path).st_mode):
                os.unlink(self.path)
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(self.path)
            self._listener.listen()
        except (OSError, ValueError) as error:
            self._listener.close()
            why = reason(error)
            raise InputError(f"--input {spec}: it cannot be listened on: {why}") from error
        Thread(target=self._accept, name="ttd-input", daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._closed = True
            ends = [self._listener, *self._peers]
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        with suppress(OSError):
            os.unlink(self.path)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closed:
                    peer.close()
                    return
                if len(self._peers) >= _MOST_PEERS:
                    peer.close()
                    continue
                self._peers.add(peer)
            Thread(target=self._serve, args=(peer,), name="ttd-input", daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            with peer, peer.makefile("rb") as lines:
                while line := lines.readline(_LONGEST_LINE):
                    if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                        answer = _error(f"a line has at most {_LONGEST_LINE - 1} bytes")
                        while line and not line.endswith(b"\n"):
                            line = lines.readline(_LONGEST_LINE)
                    elif line.strip():
                        answer = self.execute(line)
                    else:
                        continue
                    peer.sendall(json.dumps(answer).encode() + b"\n")
        except OSError:
            pass
        finally:
            with self._lock:
                self._peers.discard(peer)

    def execute(self, line: bytes) -> dict[str, Any]:
        """Do what a line says; its answer."""
        try:
            self._do(json.loads(line))
        except (UserError, ValueError, RecursionError) as error:
            return _error(str(error))
        return {"return": {}}

    def _do(self, command: Any) -> None:
        if not isinstance(command, dict):
            raise InputError("a line is an object")
        word = command.get("execute", "input-send-event")
        if word != "input-send-event":
            act = self._commands.get(word) if isinstance(word, str) else None
            if act is None:
                known = ", ".join(("input-send-event", *self._commands))
                raise InputError(f"{word!r} is none of {known}")
            act()
            return
        arguments = command.get("arguments", command)
        events = arguments.get("events") if isinstance(arguments, dict) else None
        if not isinstance(events, list):
            raise InputError("there are no events")
        groups: dict[str, list[Event]] = {}
        found = [self._translate(event) for event in events]
        kinds = {kind for kind, _ in found}
        wanted = arguments.get("device")
        for kind, parts in found:
            groups.setdefault(self._route(kind, kinds, wanted), []).extend(parts)
        if not self._put(groups):
            raise InputError(f"{' and '.join(groups)}: there is no room, the guest is far behind")

    def _route(self, kind: str, kinds: set[str], wanted: object) -> str:
        """The device that an event is for: the first that can send it."""
        needs = _NEEDS[kind]
        if kind == "btn" and "abs" in kinds:
            needs = ("tablet",)
        for need in needs:
            for name, have in self._devices.items():
                if have == need and wanted in (None, name):
                    return name
        raise InputError(f"there is no {' or '.join(needs)} for an event of type {kind}")

    @staticmethod
    def _translate(event: Any) -> tuple[str, list[Event]]:
        match event:
            case {"type": "key", "data": {"down": bool(down), "key": key}}:
                match key:
                    case {"type": "qcode", "data": str(name)} if name in KEYS:
                        return "key", [(EV_KEY, KEYS[name], int(down))]
                    case {"type": "number", "data": int(code)} if (
                        code is not True and 0 < code < 249
                    ):
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


def _error(text: str) -> dict[str, Any]:
    """The answer to a line that cannot be followed; of the shape of QMP's."""
    return {"error": {"class": "GenericError", "desc": text}}
