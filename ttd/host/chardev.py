"""Host sides of serial lines, by the names that `--serial` takes."""

# Sockets and pseudoterminals are imported when somebody wants them.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable

from ttd.host.errors import ChardevError
from ttd.host.files import File, Null
from ttd.host.terminal import Stdio
from ttd.host.writer import Outputs
from ttd.replay.chars import CharBackend

KINDS = "stdio, null, file:PATH, tcp:HOST:PORT[,server[,nowait]] and pty"


def open_chardev(
    spec: str,
    say: Callable[[str], None] = lambda text: None,
    outputs: Outputs | None = None,
) -> CharBackend:
    """Open what `spec` names; `ChardevError` with one sentence if that is not possible.

    `say` is told what a person must know to connect (the path of a pty, a port). `outputs` are
    those of the session.
    """
    outputs = outputs or Outputs(say)
    kind, _, rest = spec.partition(":")
    if spec == "stdio":
        return Stdio(outputs)
    if spec == "null":
        return Null()
    if spec == "pty":
        from ttd.host.pseudoterminal import PseudoTerminal

        return PseudoTerminal(say)
    if kind == "file" and rest:
        return File(rest, outputs)
    if kind == "tcp":
        return _open_tcp(spec, rest, say)
    raise ChardevError(f"{spec!r} is not a serial backend; there are {KINDS}")


def is_over(backend: CharBackend) -> bool:
    """Whether no more input comes from there, unless the guest asks for it."""
    from ttd.host.console import Console
    from ttd.host.tcp import TcpClient

    if isinstance(backend, (Stdio, TcpClient)):
        return backend.over
    return isinstance(backend, (Null, Console))


def _open_tcp(spec: str, rest: str, say: Callable[[str], None]) -> CharBackend:
    from ttd.host.tcp import TcpClient, TcpServer

    address, *options = rest.split(",")
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise ChardevError(f"{spec!r} needs a host and a port, as in tcp:localhost:4000")
    if options not in ([], ["server"], ["server", "nowait"]):
        raise ChardevError(f"{spec!r}: after the port only ,server and ,server,nowait are known")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if options:
        return TcpServer(host, int(port), wait="nowait" not in options, say=say)
    return TcpClient(host, int(port))
