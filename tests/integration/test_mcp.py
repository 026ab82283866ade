"""`ttd mcp`, asked by a real client of the protocol."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

import ttd
from tests.integration.inside import FIRMWARE

pytestmark = pytest.mark.slow
"""`make check` does without."""

DEMO = Path(__file__).resolve().parents[2] / "examples" / "lost-event" / "lost-event.elf"
TTD = [sys.executable, "-m", "ttd"]

END_OF_BRANCH = {
    "last": {"at": "b1:9634687"},
    "values": {"begin": "b1:9600000", "end": "b1:9634687"},
    "origin": {"at": "b1:9634687"},
}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mcp") / "run.ttd"
    ttd.record(board="mps2-an385", image=DEMO, semihosting=True, path=path).close()
    return path


def session(arguments: list[str], story: Callable[[Client], Awaitable[None]]) -> None:
    """Play a client's part with a server of its own, which has to end by itself afterwards, and
    says nothing of Python's."""

    async def play(heard: IO[str]) -> None:
        command = StdioServerParameters(command=TTD[0], args=[*TTD[1:], "mcp", *arguments])
        async with Client(stdio_client(command, heard)) as client:
            await asyncio.wait_for(story(client), 120)

    with TemporaryFile("w+") as heard:
        asyncio.run(play(heard))
        heard.seek(0)
        assert "Traceback" not in heard.read()


async def ask(client: Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in answer.content if part.type == "text")
    assert not answer.is_error, text
    return text


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return "".join(part.text for part in answer.content if part.type == "text")


def first_places(text: str) -> list[str]:
    """The places that lines of an answer begin with."""
    return re.findall(r"^ *((?:\w+:)?\d+)  ", text, re.MULTILINE)


def test_the_bug_of_the_demo_is_found_without_a_human(recording: Path) -> None:
    """Nothing here knows a step, or where the bug is: only what a reader of the source knows, that
    `todo` says what is to be done, and that its bit 0 stands for events in the queue."""

    async def story(client: Client) -> None:
        symptom = await ask(client, "summary")
        assert "PANIC: queue full" in symptom
        dies = first_places(await ask(client, "output", what="PANIC"))[0]
        assert "  Sensor_Handler at" in await ask(client, "backtrace", at=dies)
        # The queue is full of events, but nothing is to be done: who took that away?
        assert await ask(client, "value", what="queue.head - queue.tail", at=dies) == (
            "queue.head - queue.tail = 2048"
        )
        assert await ask(client, "value", what="todo", at=dies) == "todo = NOTHING"
        loses, sets = first_places(await ask(client, "last", what="todo", at=dies, count=2))
        assert int(loses.split(":")[1]) - int(sets.split(":")[1]) < 10, "a few instructions apart"
        assert "#0  main at" in await ask(client, "where", at=loses)
        assert "#0  Sensor_Handler at" in await ask(client, "where", at=sets)
        call = await ask(client, "calls", what="without", at=loses, count=1)
        assert "without(work=TICK, done=TICK) = NOTHING, from main" in call
        assert "todo = without(todo, TICK)" in await ask(client, "source", at=loses, around=3)
        assert "handler of IRQ 8, timer0" in await ask(client, "why", at=sets)
        # The proof: with the bit kept the machine runs on beyond where it died.
        future = await ask(
            client,
            "branch",
            at=loses,
            reason="the bit stays",
            set={"$r0": "EVENTS"},
            steps=1_000_000,
        )
        assert "There it goes on." in future and "PANIC" not in future
        # A question about the branch leaves no trace in the next one.
        assert "b1:9634687" in await ask(client, "where", at="b1:9634687")
        for question in ("last", "values", "origin"):
            told = await ask(client, question, what="todo", **END_OF_BRANCH[question])
            assert "b1:" in told and "main:" not in told
        assert "main:8700000 of" in await ask(client, "where", at="8700000")
        assert dies.startswith("main:") and "main:8731349" in await ask(client, "where")
        await ask(client, "bookmark", name="race", at=loses, note="todo loses EVENTS")

    session([str(recording)], story)
    with ttd.open(recording) as run:
        assert [str(branch) for branch in run.branches] == ["main", "b1"]
        assert run.goto("race").step == 8634687


def test_answers_are_bounded(recording: Path) -> None:
    async def story(client: Client) -> None:
        await ask(client, "open", recording=str(recording))
        for tool in (await client.list_tools()).tools:
            assert tool.description and len(tool.model_dump_json()) < 2500
        events = await ask(client, "events", count=200)
        assert len(events) < 13_000
        assert events.endswith("(There is more: ask again from the last of these places)")
        assert len((await ask(client, "events", count=3)).splitlines()) == 4
        assert len(await ask(client, "value", what="queue")) < 12_010
        assert "from 1 to 200, not '201'" in await refused(client, "events", count=201)

    session([], story)


def test_what_is_wrong_is_a_sentence(recording: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttd"
    broken.write_bytes(recording.read_bytes()[:5000])

    async def story(client: Client) -> None:
        assert "No recording is open" in await refused(client, "summary")
        assert "No such file" in await refused(client, "open", recording=str(tmp_path / "no.ttd"))
        for path in (broken, tmp_path, DEMO):
            text = await refused(client, "open", recording=str(path))
            assert len(text) < 300 and "Traceback" not in text
        await ask(client, "open", recording=str(recording))
        assert "nowhere" in await refused(client, "value", what="nowhere")
        assert "nowhere" in await refused(client, "last", what="nowhere")
        assert "goto takes" in await refused(client, "where", at="yesterday")
        assert "nothing at" in await refused(client, "value", what="*(int *)0xfffffff0")
        # One that fails leaves what was open.
        assert "No such file" in await refused(client, "open", recording=str(tmp_path / "no.ttd"))
        assert "PANIC" in await ask(client, "summary")

    session([], story)


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("last", {"variable": "todo"}, "last has no argument 'variable': say 'what'."),
        ("value", {"what": "todo", "step": "5"}, "value has no argument 'step': say 'at'."),
        ("values", {"what": "todo", "first": "5"}, "values has no argument 'first': say 'begin'."),
        ("last", {"what": "todo", "limit": 3}, "last has no argument 'limit': say 'count'."),
        ("why", {"whom": 1}, "why has no argument 'whom': it takes at."),
        ("summary", {"at": "5"}, "summary has no argument 'at': it takes nothing."),
        ("last", {}, "last needs 'what'; it takes what, at, forward, access, changes, count."),
        ("last", {"what": ["todo"]}, "last: 'what' is text, not"),
        ("last", {"what": "todo", "access": "rw"}, "last: 'access' is 'w' or 'r', not 'rw'."),
        ("last", {"what": "todo", "count": 0}, "'count' is a whole number from 1 to 200, not '0'."),
        ("last", {"what": "todo", "count": True}, "a whole number from 1 to 200, not 'True'."),
        ("branch", {"at": "5", "reason": "x", "set": {"todo": [1]}}, "is a whole number or text"),
        ("branch", {"at": "5", "reason": "x", "edits": "drop"}, "'edits' is a list, not 'drop'."),
        ("who", {}, "There is no tool 'who'; there are open, summary,"),
    ],
)
def test_wrong_arguments(recording: Path, tool: str, given: dict[str, Any], told: str) -> None:
    async def story(client: Client) -> None:
        text = await refused(client, tool, **given)
        assert told in text and len(text) < 250 and "\n" not in text

    session([str(recording)], story)


def test_what_takes_long_can_be_given_up(recording: Path, tmp_path: Path) -> None:
    """The next question is answered, and by the right place."""
    endless = tmp_path / "endless.ttd"
    image = FIRMWARE / "soak" / "soak-rv32.elf"
    ttd.record(board="virt32", image=image, path=endless, steps=40_000_000).close()
    told: list[float] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async def story(client: Client) -> None:
        asked = asyncio.create_task(
            # It changes by itself, so it is compared step by step: that takes minutes.
            client.call_tool("last", {"what": "$mcycleh", "count": 200}, progress_callback=heard)
        )
        await asyncio.sleep(1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert "main:5 of" in await ask(client, "where", at=5)

    session([str(endless)], story)
    assert told == sorted(told)


def test_the_guide_is_shipped(recording: Path) -> None:
    async def story(client: Client) -> None:
        found = await client.read_resource("ttd://guide")
        names = {tool.name for tool in (await client.list_tools()).tools}
        text = found.contents[0].text
        for word in re.findall(r"`([a-z]+)`", text):
            if word not in ("start", "end", "at", "changed"):
                assert word in names, f"the guide speaks of {word}"

    session([str(recording)], story)
    printed = subprocess.run([*TTD, "mcp", "--guide"], capture_output=True, text=True, check=True)
    assert printed.stdout.startswith("---\nname: ttd\n")
