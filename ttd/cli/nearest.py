"""A group of commands that says what a misspelt one may have meant."""

from __future__ import annotations

import click


class NearestGroup(click.Group):
    """Its commands are known by `list_commands` alone, as they are imported when they are used."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from difflib import get_close_matches  # noqa: PLC0415

            if near := get_close_matches(args[0], self.list_commands(ctx)):
                ctx.fail(f"No such command '{args[0]}'. (Did you mean {' or '.join(near)}?)")
            raise
