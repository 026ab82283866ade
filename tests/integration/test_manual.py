"""The manual page: every command and option in it, and nothing that a formatter stumbles over."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from tests.integration.cli_tools import ROOT
from ttd.cli.main import cli
from ttd.cli.manpage import page


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as a file."""
    path = tmp_path_factory.mktemp("manual") / "ttd.1"
    path.write_text(page("1.2.3"))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("mandoc", ["mandoc", "-Tlint", "-Wwarning"]),
        ("groff-base", ["groff", "-man", "-ww", "-z"]),
    ],
)
def test_formatters_have_nothing_to_say(manual: Path, package: str, command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        why = "the manual page is read by two formatters"
        subprocess.run([ROOT / "scripts/apt-install", why, package], check=True)
    done = subprocess.run([*command, manual], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_options_are_there(manual: Path) -> None:
    """Below the heading of their command."""
    _, *parts = re.split(r'^\.SS "ttd ([\w-]+)"$', manual.read_text(), flags=re.MULTILINE)
    texts = dict(zip(parts[::2], parts[1::2], strict=True))
    context = click.Context(cli)
    assert list(texts) == cli.list_commands(context)
    for name, text in texts.items():
        command = cli.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                if option.startswith("-"):
                    assert f"{option.replace('-', chr(92) + '-')}" in text, (name, option)
