"""Options of commands that have many: in groups in their help, with examples after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


class GroupedCommand(click.Command):
    """A command that shows options under headings, in the order in which these come first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        headings: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            shown = parameter.get_help_record(ctx)
            if shown is not None and isinstance(parameter, click.Option):
                headings.setdefault(getattr(parameter, "heading", "Other"), []).append(shown)
        for heading, rows in headings.items():
            with formatter.section(heading):
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
