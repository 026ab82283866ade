"""What completion offers is what the options take."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from ttd.boards.extras import ALIASES, DEVICES
from ttd.cli import candidates
from ttd.errors import UserError
from ttd.host.additions import parse_additions
from ttd.host.net import KINDS, open_netdev

CONTEXT = click.Context(click.Command("record"))
PARAMETER = click.Option(["--any"])


def offered(those: candidates.Candidates, typed: str) -> list[str]:
    return [item.value for item in those(CONTEXT, PARAMETER, typed)]


def keys(those: candidates.Candidates, kind: str) -> list[str]:
    return [word.removeprefix(f"{kind},") for word in offered(those, f"{kind},")]


DEVICES_NEED = {"virtio-blk": f"file={__file__},", "virtio-net": "netdev=n,"}
NETDEVS_NEED = {
    "dgram": "local=:0,remote=:1,",
    "tap": "ifname=no-such-name-anywhere,",
    "pcap": f"file={__file__},",
}


@pytest.mark.parametrize("kind", [*DEVICES, *ALIASES])
def test_devices_know_what_is_offered_for_them(kind: str) -> None:
    assert kind in offered(candidates.devices, "")
    needed = DEVICES_NEED.get(ALIASES.get(kind, kind), "")
    with pytest.raises(UserError) as error:
        parse_additions([f"{kind},{needed}nothing=1"], [], True)
    known = str(error.value).rpartition("there are ")[2].split(", ")
    # Instead of an image of its own a disk may name a drive.
    assert set(keys(candidates.devices, kind)) - {"drive="} == {
        f"{key}=" for key in known if key not in ("format", "if")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_netdevs_know_what_is_offered_for_them(kind: str) -> None:
    assert kind in offered(candidates.netdevs, "")
    with pytest.raises(UserError) as error:
        open_netdev(f"{kind},id=n,{NETDEVS_NEED[kind]}nothing=1")
    known = str(error.value).rpartition("there are ")[2].split(", ")
    assert set(keys(candidates.netdevs, kind)) == {f"{key}=" for key in known if key != "filter"}


def test_keys_are_offered_once() -> None:
    assert keys(candidates.devices, "virtio-blk,file=x") == ["drive=", "readonly=", "id=", "bus="]


def test_files_of_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.ttd", ".hidden.ttd"):
        Path(name).touch()
    assert offered(candidates.recordings, "") == ["a.ttd"]
    # Where none is of the kind, anything may be meant.
    assert offered(candidates.programs, "") == ["a.ttd", "b.txt"]
    Path("c").write_bytes(b"\x7fELF")
    assert offered(candidates.programs, "") == ["c"]
    assert offered(candidates.recordings, "nowhere/x") == []
