"""The server: a desk, its tools, and the guide that tells an agent how to go about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, InputRequiredResult

import ttd
from ttd.errors import UserError
from ttd.mcp.arguments import checked
from ttd.mcp.desk import Desk
from ttd.mcp.sources import Sources
from ttd.mcp.tools import all_tools
from ttd.text import shown

GUIDE_URI = "ttd://guide"


def guide() -> str:
    """How to find a bug in a recording, for agents: Markdown with a head of YAML."""
    return files(__package__).joinpath("SKILL.md").read_text()


class Server(MCPServer[Desk]):
    """One that says in a sentence what is wrong with what a tool is given."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Desk, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        tools = {tool.name: tool for tool in await self.list_tools()}
        try:
            if name not in tools:
                raise UserError(f"There is no tool {shown(name)}; there are {', '.join(tools)}.")
            arguments = checked(name, tools[name].input_schema, arguments)
        except UserError as error:
            raise ToolError(str(error)) from error
        return await super().call_tool(name, arguments, context)


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
    server = Server(
        "ttd",
        title="ttd: recordings of whole machines",
        version=ttd.__version__,
        instructions=text.split("---\n", 2)[2].strip(),
        lifespan=lifespan,
        log_level="WARNING",
        tools=all_tools(),
    )

    @server.resource(GUIDE_URI, name="guide", mime_type="text/markdown")
    def _guide() -> str:
        """How to find a bug in a recording."""
        return text

    return server
