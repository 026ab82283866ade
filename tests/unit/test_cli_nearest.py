"""Commands and questions that are misspelt."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ttd.cli.main import cli


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["recrod"], "No such command 'recrod'. (Did you mean record?)"),
        (["lst", "run.ttd", "x"], "No such command 'lst'. (Did you mean last"),
        (["ask", "run.ttd", "valus", "x"], "No such command 'valus'. (Did you mean values"),
        (["qqq"], "No such command 'qqq'"),
    ],
)
def test_what_may_have_been_meant(said: list[str], told: str) -> None:
    result = CliRunner().invoke(cli, said)
    assert result.exit_code == 2
    assert told in result.output


def test_nothing_is_guessed_from_far_away() -> None:
    assert "Did you mean" not in CliRunner().invoke(cli, ["qqq"]).output
