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
from ttd.host.input_words import Event, InputError, input_groups

_LONGEST_LINE = 1 << 16
_MOST_PEERS = 16


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
        groups = input_groups(self._devices, arguments if isinstance(arguments, dict) else {})
        if not self._put(groups):
            raise InputError(f"{' and '.join(groups)}: there is no room, the guest is far behind")


def _error(text: str) -> dict[str, Any]:
    """The answer to a line that cannot be followed; of the shape of QMP's."""
    return {"error": {"class": "GenericError", "desc": text}}
