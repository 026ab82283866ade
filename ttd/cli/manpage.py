"""The manual page ttd(1), made of what the commands' `--help` says.

`python -m ttd.cli.manpage [VERSION]` prints it, of ttd as it is installed unless it says another.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import time
from collections.abc import Iterator

import click

import ttd
from ttd.cli.main import cli
from ttd.cli.options import groups

_END = """\
.SH ENVIRONMENT
.TP
.B NO_COLOR
Nothing is shown in colours.
.TP
.B _TTD_COMPLETE
Set by the scripts of
.BR "ttd completion" .
.SH FILES
.TP
.I latest.ttd
In the current directory, a link to the recording that was made last from there; what commands take
that are given no name.
.SH SEE ALSO
.BR gdb (1),
.BR lldb (1)
"""


def page(release: str) -> str:
    """The whole page in the man(7) language, for a version of ttd."""
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    date = time.strftime("%Y-%m-%d", time.gmtime(moment))
    context = click.Context(cli, info_name="ttd", **cli.context_settings)
    lines = [
        f'.TH TTD 1 "{date}" "ttd {release}" "User commands"',
        ".SH NAME",
        r"ttd \- record a whole machine, and go backwards through the run",
        ".SH SYNOPSIS",
        *_usage(context),
        ".SH DESCRIPTION",
        *_paragraphs(cli.help or ""),
        ".SH OPTIONS",
        *_options(context),
        ".SH COMMANDS",
    ]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        within = click.Context(command, info_name=name, parent=context)
        lines += [f'.SS "ttd {name}"', *_usage(within), *_paragraphs(command.help or "")]
        lines += [*_options(within, "--help"), *_paragraphs(command.epilog or "")]
    lines += [".SH EXIT STATUS", *_paragraphs(cli.epilog or "")]
    # The first paragraph below a heading begins by itself.
    text = re.sub(r"^(\.S[HS] .*\n)\.PP\n", r"\1", "\n".join(lines), flags=re.MULTILINE)
    return f"{text}\n{_END}"


def _usage(context: click.Context) -> Iterator[str]:
    # The "...", the brackets and the words in capitals are as in `--help`.
    words = " ".join(context.command.collect_usage_pieces(context))
    yield ".PP"
    yield f".B {_text(context.command_path)}"
    yield _line(words)


def _options(context: click.Context, known: str = "") -> Iterator[str]:
    """All but one that is `known` from elsewhere."""
    for heading, rows in groups(context).items():
        shown = [row for row in rows if not known or known not in row[0]]
        if heading and shown:
            yield f".PP\n.I {_text(heading)}"
        for option, help in shown:
            yield ".TP"
            yield ".B " + _text(option)
            yield _line(help)


def _paragraphs(text: str) -> Iterator[str]:
    r"""Help as click has it: paragraphs; one that begins with `\b` keeps its lines."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        lines = paragraph.splitlines()
        if lines and lines[0].strip() == "\b":
            yield ".PP\n.nf"
            yield from map(_line, lines[1:])
            yield ".fi"
        elif lines:
            yield ".PP"
            yield _line(" ".join(map(str.strip, lines)))


def _line(text: str) -> str:
    """A line of text, which is no request."""
    return (r"\&" if text[:1] in (".", "'") else "") + _text(text)


def _text(text: str) -> str:
    return text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga").replace("'", r"\(aq")


if __name__ == "__main__":
    click.echo(page(sys.argv[1] if sys.argv[1:] else ttd.__version__), nl=False)
