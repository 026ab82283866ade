"""The input socket against peers that are rude."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ttd.errors import UserError
from ttd.host.input_socket import Event, InputSocket
from ttd.replay.errors import ReplayError
from ttd.replay.replay import Mode, Replay

PATIENCE = 30.0


class Rig:
    """A socket with a keyboard and a mouse behind it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.groups: list[dict[str, list[Event]]] = []
        self.refuse: Exception | None = None
        self.done: list[str] = []
        self.socket = InputSocket(
            f"unix:{path}",
            {"keyboard0": "keyboard", "mouse0": "mouse"},
            self.put,
            {"quit": self.command("quit"), "system_reset": self.command("system_reset")},
        )

    def put(self, groups: Mapping[str, list[Event]]) -> bool:
        if self.refuse is not None:
            raise self.refuse
        self.groups.append(dict(groups))
        return len(self.groups) < 1000

    def command(self, word: str) -> Callable[[], None]:
        def act() -> None:
            if self.refuse is not None:
                raise self.refuse
            self.done.append(word)

        return act

    def connect(self) -> socket.socket:
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE)
        peer.connect(str(self.path))
        return peer


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "input")
    yield made
    made.socket.close()


def key(code: int, down: bool = True) -> dict[str, object]:
    return {"type": "key", "data": {"down": down, "key": {"type": "number", "data": code}}}


def line(*events: object) -> bytes:
    return json.dumps({"events": events}).encode() + b"\n"


def ask(peer: socket.socket, text: bytes) -> dict[str, object]:
    peer.sendall(text)
    with peer.makefile("rb") as answers:
        answer = json.loads(answers.readline())
    assert isinstance(answer, dict)
    return answer


MALFORMED = [
    b"{\n",
    b"[]\n",
    b"null\n",
    b"{}\n",
    b"\xff\xfe\n",
    b'"\\ud800"\n',
    b'{"execute": []}\n',
    b'{"execute": "human-monitor-command"}\n',
    b'{"arguments": 7}\n',
    b'{"events": 7}\n',
    b'{"events": [7]}\n',
    b'{"events": [{"type": "key"}]}\n',
    b'{"events": [{"type": "\\ud800"}]}\n',
    line(key(10**30)),
    line({"type": "rel", "data": {"axis": "x", "value": 1 << 31}}),
    line({"type": "key", "data": {"down": True, "key": {"type": "number", "data": True}}}),
    b'{"events": [' + b"1" * 5000 + b"]}\n",
    b"[" * 50_000 + b"\n",
    b'{"events":' * 6000 + b"\n",
    b'{"events": [' + b"[" * 900 + b"]" * 900 + b"]}\n",
]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_what_cannot_be_followed_is_an_error(rig: Rig, text: bytes) -> None:
    with rig.connect() as peer:
        answer = ask(peer, text)
        assert set(answer) == {"error"}
        error = answer["error"]
        assert isinstance(error, dict)
        assert error["class"] == "GenericError"
        assert error["desc"] and "\n" not in error["desc"]
        assert ask(peer, line(key(30))) == {"return": {}}, "the thread lives"
    assert rig.groups == [{"keyboard0": [(1, 30, 1)]}]


def test_the_rest_of_a_huge_line_is_no_line(rig: Rig) -> None:
    with rig.connect() as peer:
        text = b" " * 65536 + b'{"execute": "quit"}' + b" " * 200_000 + b'{"execute": "quit"}\n'
        assert "error" in ask(peer, text)
        assert ask(peer, b'{"execute": "system_reset"}\n') == {"return": {}}
    assert rig.done == ["system_reset"]


@pytest.mark.parametrize("error", [ReplayError("in the past"), UserError("it has ended")])
def test_what_is_refused_is_an_error(rig: Rig, error: Exception) -> None:
    rig.refuse = error
    with rig.connect() as peer:
        for text in (line(key(30)), b'{"execute": "quit"}\n'):
            assert ask(peer, text) == {"error": {"class": "GenericError", "desc": str(error)}}


def test_a_line_is_one_request_for_all_its_devices(rig: Rig) -> None:
    move = {"type": "rel", "data": {"axis": "x", "value": -3}}
    with rig.connect() as peer:
        assert ask(peer, line(key(30), move, key(30, False))) == {"return": {}}
        assert "error" in ask(peer, line(key(31), {"type": "abs"}))
        peer.sendall(line(key(32))[:-9])
    with rig.connect() as other:
        assert ask(other, b'{"execute": "quit"}\n') == {"return": {}}
    assert rig.groups == [{"keyboard0": [(1, 30, 1), (1, 30, 0)], "mouse0": [(2, 0, -3)]}]


def test_peers_that_only_hold_on_are_few(rig: Rig) -> None:
    peers = [rig.connect() for _ in range(40)]
    # Those that were not let in are hung up on.
    gone = [peer for peer in peers[16:] if peer.recv(1) == b""]
    assert len(gone) == 24
    assert ask(peers[3], line(key(30))) == {"return": {}}
    for peer in peers:
        peer.close()


def test_groups_are_whole_or_not_there() -> None:
    """Two peers at a queue that becomes full: no group is cut, none is mixed with another."""
    replay = Replay()
    seen: dict[str, list[int | None]] = {"a": [], "b": []}
    for name, values in seen.items():
        driver = replay.register_input_driver(name)
        driver.connect(
            lambda kind, code, value, values=values: values.append(value),  # type: ignore[misc]
            lambda values=values: values.append(None),  # type: ignore[misc]
        )
    taken: list[int] = []

    def flood(first: int) -> None:
        for number in range(first, first + 500):
            groups = {"a": [(1, 30, number)] * (number % 13), "b": [(1, 31, number)] * 5}
            if replay.input_groups(groups):
                taken.append(number)

    threads = [threading.Thread(target=flood, args=(first,)) for first in (1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert 100 < len(taken) < 1000, "the queue was full"
    replay.attach(lambda: 0, lambda: 0)
    replay.start()
    replay.disable_events()
    found = {name: _groups(values) for name, values in seen.items()}
    assert sorted(number for number, _ in found["b"]) == sorted(taken)
    assert [size for _, size in found["b"]] == [5] * len(taken)
    assert all(size == number % 13 for number, size in found["a"] if size)


def _groups(values: list[int | None]) -> list[tuple[int, int]]:
    """(value, how often) of each group; a mixed one fails."""
    found: list[tuple[int, int]] = []
    group: list[int] = []
    for value in values:
        if value is not None:
            group.append(value)
            continue
        assert len(set(group)) <= 1, group
        found.append((group[0] if group else 0, len(group)))
        group.clear()
    assert not group
    return found


def test_there_is_no_way_into_the_past() -> None:
    replay = Replay()
    replay.register_input_driver("a")
    replay._at.mode = Mode.PLAY
    with pytest.raises(ReplayError, match="in the past"):
        replay.input_groups({"a": [(1, 30, 1)]})
