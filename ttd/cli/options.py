"""Options of commands that have many: in groups in their help, with examples after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def groups(context: click.Context) -> dict[str, list[tuple[str, str]]]:
    """Options of a command and what its help says of them, by heading ("" where there is none), in
    the order in which these come first.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for parameter in context.command.get_params(context):
        shown = parameter.get_help_record(context)
        if shown is not None and isinstance(parameter, click.Option):
            found.setdefault(getattr(parameter, "heading", ""), []).append(shown)
    return found


class GroupedCommand(click.Command):
    """A command that shows options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, rows in groups(ctx).items():
            with formatter.section(heading or "Other"):
                formatter.write_dl(rows)


Decorator = Callable[[Any], Any]


def grouped(heading: str, *options: Decorator) -> Decorator:
    """Options that are shown under one heading, in this order."""

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
            command.__click_params__[-1].heading = heading
        return command

    return add
