"""A client of debug adapters: the Debug Adapter Protocol over the adapter's standard streams."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from tests.integration.gdb_mi import HANG, ROOT

Message = dict[str, Any]


class Dap:
    """An adapter in a process of its own."""

    def __init__(self, command: Sequence[str], env: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=env,
        )
        self._data = b""
        self._number = 0
        self._waiting: list[Message] = []
        """Messages that nobody has asked for yet."""

    def send(self, command: str, **arguments: object) -> int:
        """Send a request; returns its number."""
        self._number += 1
        message = {"seq": self._number, "type": "request", "command": command}
        body = json.dumps({**message, "arguments": arguments}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()
        return self._number

    def ask(self, command: str, **arguments: object) -> Message:
        """Send a request that succeeds; returns the body of its response."""
        return self.answer(self.send(command, **arguments))

    def answer(self, number: int) -> Message:
        """The body of the response to a request."""
        found = self._await(lambda m: m["type"] == "response" and m.get("request_seq") == number)
        assert found["success"], found
        return dict(found.get("body") or {})

    def event(self, name: str) -> Message:
        """The body of the next event of this name."""
        found = self._await(lambda m: m["type"] == "event" and m["event"] == name)
        return dict(found.get("body") or {})

    def printed(self) -> str:
        """What was to be shown on the console since the last call."""
        outputs = [m for m in self._waiting if m.get("event") == "output"]
        self._waiting = [m for m in self._waiting if m.get("event") != "output"]
        return "".join(m["body"]["output"] for m in outputs)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _await(self, fits: Any) -> Message:
        for message in self._waiting:
            if fits(message):
                self._waiting.remove(message)
                return message
        give_up = time.monotonic() + HANG
        while True:
            message = self._receive(give_up)
            if fits(message):
                return message
            self._waiting.append(message)

    def _receive(self, give_up: float) -> Message:
        while True:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if found:
                length = int(head.partition(b"Content-Length:")[2].split()[0])
                if len(rest) >= length:
                    self._data = rest[length:]
                    return dict(json.loads(rest[:length]))
            assert self._process.stdout is not None
            patience = give_up - time.monotonic()
            if patience <= 0 or not select.select([self._process.stdout], [], [], patience)[0]:
                raise AssertionError(f"the adapter hangs; it has said {self._waiting}")
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            assert data, f"the adapter has ended; it has said {self._waiting}"
            self._data += data
