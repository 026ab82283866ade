"""What may be typed for a parameter: words and files for the completion of shells."""

# Like a command, a candidate imports what it needs when it is wanted.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Items: TypeAlias = "list[CompletionItem]"
Candidates: TypeAlias = Callable[[click.Context, click.Parameter, str], Items]
"""What click calls, with what has been typed of the word."""
Values: TypeAlias = "Sequence[str] | Callable[[str], Items]"
"""What may follow `key=`: words, or a function of what is typed there."""

PART = "part"
"""Type of an item behind which the same word goes on."""
FILE = "file"
FOLDER = "folder"
"""Type of an item that is a folder; its value ends in a slash."""


def _item(value: str, kind: str) -> CompletionItem:
    from click.shell_completion import CompletionItem

    return CompletionItem(value, type=kind)


def _words(words: Iterable[str], typed: str, prefix: str = "") -> Items:
    """Those that begin as typed; what ends in one of `=:,@` is only a part of a word."""
    return [
        _item(prefix + word, PART if word[-1] in "=:,@" else "plain")
        for word in words
        if word.startswith(typed)
    ]


def _is_program(entry: os.DirEntry[str]) -> bool:
    from ttd.elf import MAGIC

    if entry.name.lower().endswith((".hex", ".ihex")):
        return True
    try:
        with open(entry.path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _is_recording(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".ttd")


def _is_capture(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".pcap")


def _files(
    typed: str, wanted: Callable[[os.DirEntry[str]], bool] = lambda entry: True, prefix: str = ""
) -> Items:
    """Folders, and the wanted files; all files where there is neither."""
    folder, slash, stem = typed.rpartition("/")
    try:
        with os.scandir(os.path.expanduser(folder + slash) or ".") as entries:
            found = sorted((e for e in entries if e.name.startswith(stem)), key=lambda e: e.name)
    except OSError:
        return []
    if not stem.startswith("."):
        found = [entry for entry in found if not entry.name.startswith(".")]
    folders = [entry for entry in found if entry.is_dir()]
    # A FIFO or a device is not opened to see what it is.
    files = [entry for entry in found if not entry.is_dir()]
    kept = [entry for entry in files if entry.is_file() and wanted(entry)]
    if not kept and not folders:
        kept = files
    before = prefix + folder + slash
    return [
        *(_item(before + entry.name, FILE) for entry in kept),
        *(_item(f"{before}{entry.name}/", FOLDER) for entry in folders),
    ]


def _folders(typed: str) -> Items:
    return [item for item in _files(typed) if item.type == FOLDER]


def _chardevs(typed: str, prefix: str = "") -> Items:
    if typed.startswith("file:"):
        return _files(typed.removeprefix("file:"), prefix=f"{prefix}file:")
    found = _words(("stdio", "null", "pty", "file:", "tcp:"), typed, prefix)
    if typed.startswith("tcp:"):
        address = typed.partition(",")[0]
        if address[-1].isdigit():
            found += _words((f"{address},server", f"{address},server,nowait"), typed, prefix)
    return found


def _listed(typed: str, keys: Mapping[str, Values]) -> Items:
    """The next of `key=value,key=value...`, behind a last comma."""
    before, comma, last = typed.rpartition(",")
    before += comma
    key, equals, value = last.partition("=")
    if equals:
        values = keys.get(key, ())
        prefix = f"{before}{key}="
        if not callable(values):
            return _words(values, value, prefix)
        return [_item(prefix + item.value, item.type) for item in values(value)]
    used = {word.partition("=")[0] for word in before.split(",")}
    return _words((f"{key}=" for key in keys if key not in used), last, before)


def _kinds(typed: str, kinds: Mapping[str, Mapping[str, Values]]) -> Items:
    """`kind,key=value...`"""
    kind, comma, rest = typed.partition(",")
    if not comma:
        return _words(kinds, typed)
    found = _listed(rest, kinds.get(kind, {}))
    return [_item(f"{kind},{item.value}", item.type) for item in found]


_ID: Mapping[str, Values] = {"id": ()}
_DRIVE: Mapping[str, Values] = {"file": _files, "readonly": ("on", "off"), **_ID}
_NETDEVS: Mapping[str, Mapping[str, Values]] = {
    "dgram": {**_ID, "local": (), "remote": ()},
    "tap": {**_ID, "ifname": ()},
    "pcap": {**_ID, "file": lambda typed: _files(typed, _is_capture), "pace": ("fast",)},
}
_DEVICES: Mapping[str, Mapping[str, Values]] = {
    "virtio-blk": {"drive": (), **_DRIVE},
    "virtio-net": {"netdev": (), **_ID},
    "virtio-console": {"chardev": _chardevs, **_ID},
    "pl031": {"clock": ("host", "rt", "vm"), **_ID},
}
"""Kinds that take more than a name."""


def words(*those: str) -> Candidates:
    """A choice of words; what ends in one of `=:,@` goes on behind that."""
    return lambda context, parameter, typed: _words(those, typed)


def boards(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """What `--board` takes."""
    from ttd.boards import names

    return _words(names(), typed)


def cpus(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Models of processors."""
    from ttd.cpu.models import CPUS

    return _words(CPUS, typed)


def uarts(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """What `--uart` takes."""
    from ttd.boards.raw import UARTS

    return _words((f"{kind}@" for kind in UARTS), typed)


def kinds(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Kinds of events."""
    from ttd.recording.events import Kind

    return _words((kind.name.lower() for kind in Kind), typed)


def recordings(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Recordings."""
    return _files(typed, _is_recording)


def captures(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Captures of packets."""
    return _files(typed, _is_capture)


def programs(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """ELF and Intel HEX files, or whatever there is."""
    return _files(typed, _is_program)


def files(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Any file."""
    return _files(typed)


def folders(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Folders."""
    return _folders(typed)


def firmware(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """What `--bios` takes."""
    return [*_words(("default", "none"), typed), *_files(typed)]


def sockets(*others: str) -> Candidates:
    """`unix:PATH`, or one of the others."""

    def candidates(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
        if typed.startswith("unix:"):
            return _files(typed.removeprefix("unix:"), prefix="unix:")
        return _words((*others, "unix:"), typed)

    return candidates


def chardevs(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """Host sides of serial lines."""
    return _chardevs(typed)


def devices(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """What `--device` takes."""
    from ttd.boards.extras import ALIASES, BUS, DEVICES

    keys: dict[str, Mapping[str, Values]] = {}
    for name in (*DEVICES, *ALIASES):
        kind = ALIASES.get(name, name)
        places = {"bus": (BUS,)} if kind.startswith("virtio-") else {}
        keys[name] = {**_DEVICES.get(kind, _ID), **places}
    return _kinds(typed, keys)


def drives(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """What `--drive` takes."""
    return _listed(typed, _DRIVE)


def netdevs(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """What `--netdev` takes."""
    return _kinds(typed, _NETDEVS)


def nics(context: click.Context, parameter: click.Parameter, typed: str) -> Items:
    """What `--nic` takes: names of netdevs that stand before it."""
    specs = context.params.get("netdev") or ()
    pairs = (word.partition("=") for spec in specs for word in spec.split(","))
    return _listed(typed, {"netdev": [name for key, _, name in pairs if key == "id"], "mac": ()})
