"""`ttd ask`: questions about a recorded run, which also are commands of their own."""

# A command imports what it needs when it runs: `ttd boards` does not wait for an emulator.
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ttd.cli.expected import drive_option
from ttd.cli.latest import latest
from ttd.cli.nearest import NearestGroup
from ttd.cli.output import INTERRUPTED, fail, interrupted, say
from ttd.cli.progress import share_line
from ttd.cli.signals import on_signals
from ttd.cli.svd import svd
from ttd.cli.which_branch import branch_option
from ttd.cli.workers import at_work, executor_option
from ttd.debugger.asking import ASKINGS, Asking, Option
from ttd.errors import UserError

if TYPE_CHECKING:
    from ttd.cli.asked import Asked
    from ttd.register_names import Block

NOTHING = 1
"""Exit code if nothing was found."""
EXAMPLES = """\b
Examples:
  ttd ask run.ttd irqs timer0
  ttd irqs run.ttd timer0 --from 50% --limit 10
  ttd diff run.ttd 1000 end
`ttd ask QUESTION --help` says more. Without RECORDING it is the latest one.
"""


class Questions(NearestGroup):
    """A command for each; the word before may be the recording."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in ASKINGS:
            ctx.obj = args[0]
            args = args[1:]
            if not args:
                raise UserError(f"what is asked of {ctx.obj}? There is {', '.join(ASKINGS)}")
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(ASKINGS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return question(cmd_name) if cmd_name in ASKINGS else None


@click.group(
    cls=Questions,
    short_help="Ask what happened in a recorded run, and when.",
    subcommand_metavar="[RECORDING] QUESTION ...",
    epilog=EXAMPLES,
)
def ask() -> None:
    """Ask what happened in a recorded run. Each line of an answer begins with its place, which
    `monitor goto` and other questions take. Exit code 1: nothing was found.

    Questions are commands, too: `ttd irqs run.ttd` is `ttd ask run.ttd irqs`.
    """


_OPTIONS = {
    "at": click.option(
        "--at", metavar="PLACE", help="Ask as if that was the present.  [default: the end]"
    ),
    "from": click.option(
        "--from", "low", metavar="PLACE", help="Only what happened then or later."
    ),
    "to": click.option("--to", "high", metavar="PLACE", help="Only what happened before that."),
    "limit": click.option("--limit", type=click.IntRange(1), metavar="N", help="So many at most."),
    "backward": click.option("--backward", is_flag=True, help="The latest first."),
}
_SESSION = (branch_option, drive_option, svd, executor_option)
_WRITERS = {"json": "one JSON object a line", "csv": "comma-separated values, with titles"}
_OWN_WRITERS = {
    "coverage": {"lcov": "a tracefile for genhtml and IDEs"},
    "profile": {
        "folded": "collapsed stacks, as flamegraph.pl takes them",
        "speedscope": "a file for speedscope.app",
    },
}


def question(name: str) -> click.Command:
    """The command of one question."""
    asking = ASKINGS[name]
    writers = _WRITERS | _OWN_WRITERS.get(name, {})
    metavar = f"[RECORDING] {asking.arguments}".strip()
    options = [click.argument("question", nargs=-1, metavar=metavar)]
    options += [_OPTIONS[name] for name in asking.takes]
    options += [_option(option) for option in asking.options]
    options += [_option(Option(word, text)) for word, text in writers.items()]

    def answer(**given: Any) -> None:
        chosen = [word for word in writers if given.pop(word)]
        if name == "last" and not given["question"]:
            print(latest())
        else:
            _answer(asking, chosen, **given)

    command: Any = answer
    for option in reversed((*options, *_SESSION)):
        command = option(command)
    text = f"Say {asking.text}."
    if name == "last":
        text += " Without EXPR: the path of the latest recording made in this directory."
    return click.command(name, help=text, short_help=text)(command)


def _option(option: Option) -> Callable[[Any], Any]:
    text = f"{option.text[0].upper()}{option.text[1:]}."
    if not option.metavar:
        return click.option(f"--{option.name}", is_flag=True, help=text)
    kind = click.IntRange(1)
    return click.option(f"--{option.name}", type=kind, metavar=option.metavar, help=text)


def _answer(
    asking: Asking,
    writers: list[str],
    question: tuple[str, ...],
    branch: str,
    drive: tuple[str, ...],
    svd: Sequence[Block],
    executor: str | None,
    at: str | None = None,
    low: str | None = None,
    high: str | None = None,
    limit: int | None = None,
    backward: bool = False,
    **own: Any,
) -> None:
    from ttd.cli.answered import Answered
    from ttd.cli.asked import Asked

    if len(writers) > 1:
        raise click.UsageError(f"{' and '.join(f'--{each}' for each in writers)}: one of them")
    recording, words = _recording(asking, list(question))
    writer = writers[0] if writers else ""
    asked = Asked(asking, words, own, writer, at, low, high, limit, backward)
    # What is in other files may be otherwise the next time.
    kept = None if drive or svd else Answered.of(recording, branch)
    lines = None if kept is None else kept.recall(asked.said(recording))
    if lines is None:
        lines = _found(asked, recording, branch, drive, svd, executor)
        if kept is not None:
            kept.keep(asked.said(recording), lines)
            kept.flush()
    for text in lines:
        print(text)
    if not lines:
        say(f"{asking.name}: there is none")
        sys.exit(NOTHING)


def _found(
    asked: Asked,
    recording: str,
    branch: str,
    drive: tuple[str, ...],
    svd: Sequence[Block],
    executor: str | None,
) -> list[str]:
    """The lines of an answer that has to be found; none if there is nothing."""
    from ttd.host.opened import opened
    from ttd.questions.past import Interrupted, Past

    session = opened(recording, drive, branch=branch)
    past = Past(session, svd)

    def stop() -> None:
        interrupted()
        session.timeline.interrupt()

    with on_signals(stop), at_work(session, executor):
        try:
            with share_line(asked.asking.name) as past.report:
                rows = asked.answer(past, branch)
        except Interrupted:
            fail("interrupted before there was an answer", INTERRUPTED)
    return list(asked.written(past, recording, rows))


def _recording(asking: Asking, words: list[str]) -> tuple[str, list[str]]:
    """The recording, and what is asked of it: said before the question, or as its first word."""
    said = click.get_current_context().obj
    if isinstance(said, str):
        return said, words
    named = len(words) > asking.least and os.path.isfile(words[0])
    if words and (named or len(words) > asking.most or words[0].endswith(".ttd")):
        return words[0], words[1:]
    return latest(), words
