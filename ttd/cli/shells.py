"""Completion in bash, zsh and fish: what their scripts ask, and how they are answered.

A script gives the words up to the cursor, and gets a line for each candidate: its type, the
candidate, and what it is, between tabs.
"""

from __future__ import annotations

import os

from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

from ttd.cli.candidates import FOLDER
from ttd.cli.main import COMPLETE, cli, option_words

_BASH = r"""%(complete_func)s() {
    local kind value help
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        COMPREPLY+=("$value")
        case $kind in
            file | folder) compopt -o filenames ;;
            part) compopt -o nospace ;;
        esac
    done < <(TTD_WORDS="${COMP_LINE:0:COMP_POINT}" TTD_WORD="${COMP_WORDS[COMP_CWORD]}" \
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
} 2>/dev/null
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = r"""#compdef %(prog_name)s
%(complete_func)s() {
    local kind value help
    local -a values shown parts
    while IFS=$'\t' read -r kind value help; do
        if [[ $kind == part || $kind == folder ]]; then
            parts+=("$value")
        else
            values+=("$value")
            shown+=("$value${help:+  -- $help}")
        fi
    done < <(TTD_WORDS="${(F)${(@Q)words[1,CURRENT-1]}}"$'\n'"${(Q)PREFIX}" \
        %(complete_var)s=zsh_complete "${(Q)words[1]}" 2>/dev/null)
    (( $#values )) && compadd -l -d shown -a values
    (( $#parts )) && compadd -S '' -a parts
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = r"""function %(complete_func)s
    set -l word (commandline -ct)
    set -l plain (string unescape -- $word 2>/dev/null)
    set -q plain[1]; and set word $plain
    set -l words (commandline -opc) "$word"
    TTD_WORDS=(string join \n -- $words | string collect -N) %(complete_var)s=fish_complete \
        command $words[1] 2>/dev/null | while read -d \t -l kind value help
        printf '%%s\t%%s\n' $value $help
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Shell(ShellComplete):
    """What is the same in all of them."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Words before the one that is typed, and that one; of `--option=value` the value."""
        words = self._words(os.environ.get("TTD_WORDS", ""))[1:] or [""]
        *before, typed = words
        self._typed = typed
        option, equals, value = typed.partition("=")
        if equals and option.startswith("--") and "--" not in before:
            self._given = f"{option}="
            return [*option_words(before), option], value
        self._given = ""
        return option_words(before), typed

    def _words(self, line: str) -> list[str]:
        return line.split("\n")

    def format_completion(self, item: CompletionItem) -> str:
        """One line, without what its reader takes for something else."""
        help = " ".join((item.help or "").split())
        return f"{item.type}\t{self._shown(item)}\t{help}"

    def _shown(self, item: CompletionItem) -> str:
        return f"{self._given}{item.value}"

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Without names that no line can hold."""
        found = super().get_completions(args, incomplete)
        return [item for item in found if item.value.isprintable()]


class Bash(_Shell):
    """Readline takes a part of a word for a word, and knows itself what is a folder."""

    name = "bash"
    source_template = _BASH

    def _words(self, line: str) -> list[str]:
        words = split_arg_string(line)
        return words if line and not line[-1].isspace() else [*words, ""]

    def _shown(self, item: CompletionItem) -> str:
        # Readline's word begins behind the last `=` or `:` that is not quoted.
        word = os.environ.get("TTD_WORD", "")
        word = "" if word in ("=", ":") else "".join(split_arg_string(word))
        start = self._typed[: len(self._typed) - len(word)] if self._typed.endswith(word) else ""
        shown = super()._shown(item).removeprefix(start)
        return shown.removesuffix("/") if item.type == FOLDER else shown


class Zsh(_Shell):
    """Words are whole here."""

    name = "zsh"
    source_template = _ZSH


class Fish(_Shell):
    """Words are whole here, too."""

    name = "fish"
    source_template = _FISH

    def _words(self, line: str) -> list[str]:
        return line.removesuffix("\n").split("\n")


SHELLS = (Bash, Zsh, Fish)


def register() -> None:
    """Let click know them, instead of its own."""
    for shell in SHELLS:
        add_completion_class(shell)


def script(name: str) -> str:
    """What a shell reads."""
    shell = next(shell for shell in SHELLS if shell.name == name)
    return shell(cli, {}, "ttd", COMPLETE).source()
