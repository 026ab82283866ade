"""The server: a desk, its tools, and the guide that tells an agent how to go about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files

from mcp.server.mcpserver import MCPServer

import ttd
from ttd.mcp.desk import Desk
from ttd.mcp.sources import Sources
from ttd.mcp.tools import add_tools

GUIDE_URI = "ttd://guide"


def guide() -> str:
    """How to find a bug in a recording, for agents: Markdown with a head of YAML."""
    return files(__package__).joinpath("SKILL.md").read_text()


def make_server(
    recording: str | None, sources: Sequence[str] = (), *, temporary: bool = False
) -> MCPServer[Desk]:
    """A server on a recording, or on those that it is told to open. Run it on one transport.

    `sources`: folders with sources, beside the current one.
    """
    desk = Desk(Sources([".", *sources]), temporary=temporary)
    if recording is not None:
        desk.open_now(recording)

    @asynccontextmanager
    async def lifespan(server: MCPServer[Desk]) -> AsyncIterator[Desk]:
        try:
            yield desk
        finally:
            desk.close()

    text = guide()
    server: MCPServer[Desk] = MCPServer(
        "ttd",
        title="ttd: recordings of whole machines",
        version=ttd.__version__,
        instructions=text.split("---\n", 2)[2].strip(),
        lifespan=lifespan,
        log_level="WARNING",
    )
    add_tools(server)

    @server.resource(GUIDE_URI, name="guide", mime_type="text/markdown")
    def _guide() -> str:
        """How to find a bug in a recording."""
        return text

    return server
