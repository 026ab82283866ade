"""docs/cli.md has every option and argument of every command, and none that there is not."""

from __future__ import annotations

import re

import click
import pytest

from tests.docs.recipes import ROOT
from ttd.cli.main import cli

CONTEXT = click.Context(cli, info_name="ttd", **cli.context_settings)
COMMANDS = cli.list_commands(CONTEXT)


def documented() -> dict[tuple[str, ...], set[str]]:
    """What stands in the first column of tables, by the commands that the section is about; before
    all of these is `ttd` itself.
    """
    names: tuple[str, ...] = ()
    found: dict[tuple[str, ...], set[str]] = {}
    for line in (ROOT / "docs/cli.md").read_text().splitlines():
        if line.startswith("## "):
            names = tuple(word for word in line[3:].split() if word in COMMANDS)
            if not names:
                break
        row = re.match(r"\| ((?:[^|\\]|\\.)*) \|", line)
        codes = re.findall(r"`([^`]*)`", row[1]) if row is not None else []
        words = [re.match(r"--?[a-z][a-z-]*|[A-Z]+$", code) for code in codes]
        found.setdefault(names, set()).update(word[0] for word in words if word is not None)
    return found


def known(name: str) -> set[str]:
    """What a command takes, without `--help`, which all do and which is said once."""
    command = cli.get_command(CONTEXT, name)
    assert command is not None
    return {
        word.upper() if isinstance(parameter, click.Argument) else word
        for parameter in command.params
        for word in [*parameter.opts, *parameter.secondary_opts]
    }


def test_every_command_has_one_section() -> None:
    assert sorted(name for names in documented() for name in names) == sorted(COMMANDS)


@pytest.mark.parametrize("names", [names for names in documented() if names], ids=" ".join)
def test_commands(names: tuple[str, ...]) -> None:
    assert documented()[names] == set().union(*map(known, names))


def test_ttd_itself() -> None:
    options = {name for parameter in cli.get_params(CONTEXT) for name in parameter.opts}
    assert documented()[()] == options
