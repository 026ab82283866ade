"""Executes what the documentation shows, and compares what it prints.

A fenced block of language `console` is a transcript. `$ ` begins a command of the shell, `(gdb) `,
maybe behind the step as in `[100] (gdb) `, one of GDB's command line; the lines below are what it
prints. Blank lines do not count; `...` stands for any text in a line, and alone for any lines; `^C`
below a command of GDB interrupts it. A GDB once started stays for the section. `(lldb) ` begins a
command of LLDB's, which gets all of them in batch mode. Words after `console` say more:

    setup       runs once per document, before everything else
    session     a section that uses GDB without starting it gets one as the last line here does
    background  the command goes on running, as in a terminal of its own
    figures     the numbers are those of one run, others will do
    slow        the section is only run by the complete test run
    not-run     not executed

A block of another language with `file=NAME` is written into that file first, with `append=NAME` at
its end.

`python -m tests.docs.recipes FILE...` writes what is really printed into FILE, where that differs;
with `--figures` the numbers of this run, too.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HANG = 60.0
PROMPT = re.compile(r"((?:\[(?:\S+:)?\d+\] )?)\(gdb\) ")
PROMPT_AT_END = re.compile(rf"{PROMPT.pattern}$")
GDB = ("$ gdb-multiarch ", "$ ttd gdb ")
"""Commands that end at a prompt of GDB's."""
LLDB_PROMPT = "(lldb) "
LLDB = ("$ lldb", "$ ttd lldb ")
"""Commands that are followed by some of LLDB's."""
PORT = "1234"
"""What the documents use; a free one takes its place."""


@dataclass
class Step:
    """One command, and the lines that follow it in the document."""

    command: str
    line: int
    """Where the command stands, counted from 0."""
    shown: list[str] = field(default_factory=list)
    figures: bool = False

    @property
    def interrupted(self) -> bool:
        return "^C" in self.shown


@dataclass
class Block:
    """One fenced block."""

    section: str
    language: str
    flags: set[str]
    line: int
    """Of its first line of text, counted from 0."""
    text: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        """The transcript."""
        steps: list[Step] = []
        for number, line in enumerate(self.text, self.line):
            if line.startswith(("$ ", LLDB_PROMPT)) or PROMPT.match(line):
                steps.append(Step(line, number, figures="figures" in self.flags))
            else:
                steps[-1].shown.append(line)
        return steps


def blocks(document: Path) -> list[Block]:
    """All fenced blocks of a document."""
    found: list[Block] = []
    section, inside = "", False
    for number, line in enumerate(document.read_text().splitlines()):
        if line.startswith("```"):
            inside = not inside
            if inside:
                language, *flags = line[3:].split() or [""]
                found.append(Block(section, language, set(flags), number + 1))
        elif inside:
            found[-1].text.append(line)
        elif line.startswith("## "):
            section = line[3:]
    return found


def transcripts(document: Path) -> list[Block]:
    return [b for b in blocks(document) if b.language == "console" and "not-run" not in b.flags]


def sections(document: Path) -> dict[str, bool]:
    """The sections with something to execute, and whether that is slow."""
    found: dict[str, bool] = {}
    for block in transcripts(document):
        if "setup" not in block.flags:
            found[block.section] = found.get(block.section, False) or "slow" in block.flags
    return found


@dataclass
class Outcome:
    """What a step printed."""

    step: Step
    printed: list[str]

    @property
    def right(self) -> bool:
        return self._match() is not None

    @property
    def updated(self) -> list[str]:
        """What is shown, with the figures that were printed now."""
        match = self._match()
        assert match is not None
        printed = iter(match.groups())
        lines = []
        for line in self.step.shown:
            told = line.strip() not in ("", "...") and line != "^C"
            text = next(printed).rstrip() if told else line
            lines.append(line if "..." in line or line.rstrip() == text else text)
        return lines

    def _match(self) -> re.Match[str] | None:
        pattern = ""
        for line in self.step.shown:
            if line.strip() == "...":
                pattern += "(?:.*\n)*?"
            elif line.strip() and line != "^C":
                text = ".*".join(map(re.escape, line.rstrip().split("...")))
                if self.step.figures:
                    text = re.sub(r"(?:\d|,(?=\d))+", r"[\\d,]+", text)
                    text = re.sub(r"(?:\\ )+", r"\\s+", text)
                pattern += f"({text})\n"
        lines = [line.rstrip() + "\n" for line in self.printed if line.strip() and line != "^C"]
        return re.fullmatch(pattern, "".join(lines))

    def __str__(self) -> str:
        lines = [f"line {self.step.line + 1}: {self.step.command}", "printed:", *self.printed]
        return "\n".join([*lines, "the document shows:", *self.step.shown])


class Terminal:
    """What a reader has: a folder that looks like the repository, a shell, a GDB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = 0
        self._port = _free_port()
        self._gdb: subprocess.Popen[bytes] | None = None
        self._step = ""
        """What the last prompt began with."""
        self._others: list[subprocess.Popen[bytes]] = []

    @staticmethod
    def furnish(folder: Path, changes: set[str]) -> None:
        """`changes`: folders that the document changes, and of which there is a copy."""
        for name in ("examples", "tests", "ttd"):
            if name in changes:
                shutil.copytree(ROOT / name, folder / name)
            else:
                (folder / name).symlink_to(ROOT / name)

    def close(self) -> None:
        for process in [*self._others, *([self._gdb] if self._gdb else [])]:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def run(self, blocks: Sequence[Block], session: str = "") -> Iterator[Outcome]:
        """Execute one section; `session`: how to start a GDB."""
        first = next((step.command for block in blocks for step in block.steps), "")
        if session and PROMPT.match(first):
            self._start_gdb(shlex.split(session[2:]))
        for block in blocks:
            steps = block.steps
            if steps[0].command.startswith(LLDB):
                yield from self._batch(steps)
                continue
            for step in steps:
                command = re.sub(rf"\b{PORT}\b", str(self._port), step.command)
                prompt = PROMPT.match(command)
                if prompt is not None:
                    right = re.sub(r"\d+", r"\\d+", self._step) if step.figures else self._step
                    right = right.replace("[", r"\[").replace("]", r"\]")
                    assert re.fullmatch(right, prompt[1]), f"{command}: after {self._step}(gdb)"
                    text = self._say(command[prompt.end() :], step.interrupted)
                elif command.startswith(GDB):
                    text = self._start_gdb(shlex.split(command[2:]))
                elif "background" in block.flags:
                    text = self._start(command[2:], len(step.shown))
                else:
                    text = self._shell(command[2:])
                lines = re.sub(rf"\b{self._port}\b", PORT, text).splitlines()
                if step.interrupted:
                    lines.insert(1, "^C")
                yield Outcome(step, lines)

    def _batch(self, steps: Sequence[Step]) -> Iterator[Outcome]:
        """A block that starts an LLDB, with what is typed there."""
        first, *others = steps
        typed = [step.command.removeprefix(LLDB_PROMPT) for step in others]
        script = "".join(f"{re.sub(rf'{PORT}', str(self._port), line)}\n" for line in typed)
        (self.folder / "commands").write_text(f"settings set use-color false\n{script}")
        source = "command source -e false -c false commands"
        ours = shlex.join(["--no-lldbinit", "-b", "-o", source])
        start = first.command[2:]
        text = self._shell(f"{start} {'-- ' if start.startswith('ttd') else ''}{ours} </dev/null")
        text = re.sub(rf"\b{self._port}\b", PORT, text)
        text = re.sub(r"^\[\S+\] \(lldb\) ", LLDB_PROMPT, text, flags=re.MULTILINE)
        before, found, text = text.partition(f"{LLDB_PROMPT}settings set use-color false\n")
        assert found, before
        yield Outcome(first, [])
        for step, line in zip(others, typed, strict=True):
            before, found, text = text.partition(f"{LLDB_PROMPT}{line}\n")
            assert found and not before, f"{line!r} was not executed: {before}{text}"
            printed, prompt, rest = text.partition(LLDB_PROMPT)
            text = prompt + rest
            yield Outcome(step, printed.splitlines())

    def _start_gdb(self, words: list[str]) -> str:
        # As on a terminal of 80 columns, without colours, and without the user's own settings.
        ours = ["-nx", "-iex", "set width 80", "-iex", "set style enabled off"]
        if self._gdb is not None:
            self._gdb.kill()
        if words[0] == "ttd":
            words += ours if "--" in words else ["--", *ours]
        else:
            words[1:1] = ours
        self._gdb = self._popen(words, stdin=subprocess.PIPE)
        return self._until_prompt()

    def _say(self, command: str, interrupt: bool) -> str:
        assert self._gdb is not None and self._gdb.stdin is not None, "no GDB was started"
        self._gdb.stdin.write(command.encode() + b"\n")
        self._gdb.stdin.flush()
        return self._until_prompt(interrupt)

    def _until_prompt(self, interrupt: bool = False) -> str:
        assert self._gdb is not None and self._gdb.stdout is not None
        text = ""
        give_up = time.monotonic() + HANG
        while (prompt := PROMPT_AT_END.search(text)) is None:
            if interrupt and "Continuing." in text:
                time.sleep(0.2)
                self._gdb.send_signal(signal.SIGINT)
                interrupt = False
            data = self._read(self._gdb, give_up)
            if not data:
                return text
            text += data
        self._step = prompt[1]
        return text[: prompt.start()]

    def _start(self, command: str, lines: int) -> str:
        process = self._popen(shlex.split(command), stdin=subprocess.DEVNULL)
        self._others.append(process)
        text = ""
        give_up = time.monotonic() + HANG
        while text.count("\n") < lines and (data := self._read(process, give_up)):
            text += data
        return text

    def _shell(self, command: str) -> str:
        result = subprocess.run(
            ["sh", "-c", command.replace("$?", str(self.code))],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=HANG,
            check=False,
        )
        self.code = result.returncode
        return result.stdout.decode()

    def _popen(self, words: list[str], stdin: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=self._environment(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ours = {"PATH": path, "TERM": "dumb", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(self.folder)}
        return {**os.environ, **ours}

    @staticmethod
    def _read(process: subprocess.Popen[bytes], give_up: float) -> str:
        assert process.stdout is not None
        patience = give_up - time.monotonic()
        if patience <= 0 or not select.select([process.stdout], [], [], patience)[0]:
            raise AssertionError("it hangs")
        return os.read(process.stdout.fileno(), 1 << 16).decode(errors="replace")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    made = Terminal(folder)
    try:
        yield made
    finally:
        made.close()


def _session(document: Path) -> str:
    """The command that starts a GDB where a section does not say it."""
    found = [block for block in transcripts(document) if "session" in block.flags]
    starts = [line for block in found for line in block.text if line.startswith(GDB)]
    return starts[-1] if starts else ""


def run_setup(document: Path, folder: Path) -> list[Outcome]:
    files = [
        (folder / name, mode, "\n".join(block.text) + "\n")
        for block in blocks(document)
        for mode, equals, name in (flag.partition("=") for flag in block.flags)
        if equals
    ]
    Terminal.furnish(folder, {path.relative_to(folder).parts[0] for path, _, _ in files})
    for path, mode, text in files:
        with path.open({"file": "w", "append": "a"}[mode]) as file:
            file.write(text)
    with terminal(folder) as made:
        return list(made.run([b for b in transcripts(document) if "setup" in b.flags]))


def run_section(document: Path, section: str, folder: Path) -> list[Outcome]:
    ours = [
        block
        for block in transcripts(document)
        if block.section == section and "setup" not in block.flags
    ]
    with terminal(folder) as made:
        return list(made.run(ours, _session(document)))


def main() -> None:
    """Bring documents up to date."""
    figures = "--figures" in sys.argv
    for document in map(Path, (word for word in sys.argv[1:] if word != "--figures")):
        with tempfile.TemporaryDirectory() as name:
            outcomes = run_setup(document, Path(name))
            for section in sections(document):
                outcomes += run_section(document, section, Path(name))
        broken = [o for o in outcomes if "Traceback" in "".join(o.printed)]
        if broken:
            sys.exit(f"{document} is left alone:\n{broken[0]}")
        lines = document.read_text().splitlines()
        for outcome in sorted(outcomes, key=lambda o: o.step.line, reverse=True):
            if not outcome.right:
                print(outcome, end="\n\n")
                begin = outcome.step.line + 1
                lines[begin : begin + len(outcome.step.shown)] = outcome.printed
            elif figures and outcome.step.figures:
                begin = outcome.step.line + 1
                lines[begin : begin + len(outcome.step.shown)] = outcome.updated
        document.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
