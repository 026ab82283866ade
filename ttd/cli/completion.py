"""`ttd completion`: what a shell reads to complete ttd's words."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import click


@click.command(short_help="Print what a shell needs to complete words.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what SHELL (bash, zsh or fish) reads to complete options, boards, processors,
    devices, kinds of events and files of the right kind.

    \b
      bash:  eval "$(ttd completion bash)"                  in ~/.bashrc
      zsh:   eval "$(ttd completion zsh)"                   in ~/.zshrc, after compinit
      fish:  ttd completion fish > ~/.config/fish/completions/ttd.fish
    """
    from ttd.cli.shells import script

    click.echo(script(shell), nl=False)
