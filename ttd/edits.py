"""An input of the past, made otherwise: in words, as an event of the log and a change to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ttd.errors import UserError
from ttd.recording.events import Event, Kind
from ttd.recording.log import EventLog
from ttd.replay.again import INPUT, Change
from ttd.replay.words import EventWords
from ttd.text import number, printable

EDITABLE = (*INPUT, Kind.CHAR_READ_ALL, Kind.RANDOM)
"""Kinds of events that can be otherwise on a branch."""
USAGE = "drop, later STEPS, chars TEXT, packet HEX or random HEX"
_MOST_LATER = 1 << 60
_ESCAPES = "\\'\"abfnrtvx01234567"


class Edit(NamedTuple):
    """Where the branch begins on which an input is otherwise, why, and what is."""

    step: int
    reason: str
    changes: dict[int, Change]


def edit(log: EventLog, words: EventWords, text: str) -> Edit:
    """`STEP[.N] HOW`: what is otherwise with the input of that step, or with number N of several.

    HOW is `drop`, `later STEPS`, `chars TEXT` (with escapes as in C), `packet HEX`, `random HEX`.
    The branch begins one step before, as an input is there at its own step already. A `UserError`
    if there is no such input, or it cannot be changed so.
    """
    where, _, how = text.strip().partition(" ")
    at, _, which = where.partition(".")
    try:
        step, nth = number(at), number(which or "1")
    except ValueError:
        text = f"an edit begins with the step of an input, such as 1234: {USAGE}"
        raise UserError(text) from None
    changed, event = _input_at(log, step, nth)
    name, _, argument = how.strip().partition(" ")
    change = _HOW.get(name)
    if change is None:
        raise UserError(f"an edit ends with {USAGE}, not with '{printable(how)}'")
    told = words.text(event)
    if step == 0:
        raise UserError("what came at step 0 was there before anything ran")
    return Edit(
        step - 1, f"{told} at step {step} was changed: {how}", {changed: change(event, argument)}
    )


def without(log: EventLog, begin: int, device: bytes) -> dict[int, Change]:
    """Nothing that a character device got from event `begin` on comes again."""
    changes = {}
    number = begin
    while (found := log.next_of((Kind.CHAR_READ, Kind.CHAR_READ_ALL), number)) is not None:
        number = found[0] + 1
        if found[1].payload.startswith(device):
            changes[found[0]] = Change(None)
    return changes


def _input_at(log: EventLog, step: int, which: int) -> tuple[int, Event]:
    there = [*log.select(EDITABLE, step, step)]
    if not there:
        before = log.last_of(EDITABLE, log.first_at(step))
        after = log.next_of(EDITABLE, log.first_at(step + 1))
        near = " and ".join(str(found[1].step) for found in (before, after) if found is not None)
        where = f"; the nearest ones are at {near}" if near else ", nor anywhere else"
        raise UserError(f"no input came at step {step}{where}")
    if not 1 <= which <= len(there):
        raise UserError(f"{len(there)} inputs came at step {step}, numbered from 1")
    return there[which - 1]


def _drop(event: Event, argument: str) -> Change:
    _need(not argument, "drop takes nothing more")
    _need(event.kind in INPUT, "what the guest asked for has an answer, and is not dropped")
    return Change(None)


def _later(event: Event, argument: str) -> Change:
    try:
        later = number(argument)
    except ValueError:
        raise UserError("later takes a number of steps") from None
    _need(event.kind in INPUT, "what the guest asked for is answered when it asks")
    _need(later < _MOST_LATER, "that is too late")
    return Change(event.payload, later)


def _chars(event: Event, argument: str) -> Change:
    _need(event.kind in (Kind.CHAR_READ, Kind.CHAR_READ_ALL), "what came there were no characters")
    data = unescaped(argument)
    _need(data or event.kind is Kind.CHAR_READ_ALL, "chars takes the characters that come instead")
    return Change(event.payload[:1] + data)


def _packet(event: Event, argument: str) -> Change:
    _need(event.kind is Kind.NET, "what came there was no packet")
    # The device, and its flags: those of a packet without anything before it.
    return Change(event.payload[:2] + _bytes(argument))


def _random(event: Event, argument: str) -> Change:
    _need(event.kind is Kind.RANDOM, "what came there were no random bytes")
    data = _bytes(argument)
    count = len(event.payload)
    _need(len(data) == count, f"{count} random bytes were asked for, not {len(data)}")
    return Change(data)


def _bytes(argument: str) -> bytes:
    try:
        data = bytes.fromhex(argument)
    except ValueError:
        data = b""
    _need(bool(data), "bytes are written in hexadecimal digits, such as 0a ff")
    return data


def _need(holds: object, sentence: str) -> None:
    if not holds:
        raise UserError(sentence)


_HOW: dict[str, Callable[[Event, str], Change]] = {
    "drop": _drop,
    "later": _later,
    "chars": _chars,
    "packet": _packet,
    "random": _random,
}


def unescaped(text: str) -> bytes:
    """What people type with escapes as in C, such as \\n, \\t, \\x1b and \\\\; the rest in UTF-8.

    Raises `UserError` for an escape that is none.
    """
    plain = text.encode().decode("latin-1")
    for found in re.finditer(r"\\(.?)", plain, re.DOTALL):
        _need(
            found[1] and found[1] in _ESCAPES,
            f"'\\{printable(found[1])}' is no escape; a backslash is \\\\",
        )
    try:
        return plain.encode("latin-1").decode("unicode_escape").encode("latin-1")
    except UnicodeError:
        raise UserError("an escape such as \\x1b has two hexadecimal digits") from None


def merged(edits: Sequence[Edit]) -> Edit:
    """Several at once, on one branch, which begins before the first."""
    changes = {number: change for one in edits for number, change in one.changes.items()}
    return Edit(min(one.step for one in edits), "; ".join(one.reason for one in edits), changes)
