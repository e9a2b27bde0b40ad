"""What this service uses of libraries that they do not document.

A new version of a library fails here first, by the name of what it changed. docs/architecture.md
has a line for each of them.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from bridge.config.settings import Settings
from bridge.http.server import close_http, start_http
from bridge.testing.softphones.ports import free_port
from bridge.wiring.http import server_settings

ROOT = Path(__file__).resolve().parents[2]

# Modules of libraries that these do not document, and who imports them.
UNDOCUMENTED_MODULES = {
    ("bridge/http/server.py", "aiohttp.http_exceptions"),
    ("bridge/http/errors.py", "aiohttp.http_exceptions"),
    ("bridge/pbx/ami/connection.py", "panoramisk.ami_protocol"),
}
_DOCUMENTED = {"aiohttp", "aiohttp.web", "aiohttp.abc", "aiohttp.resolver", "panoramisk"}


def test_no_other_undocumented_module_is_imported() -> None:
    found = set()
    for file in (ROOT / "bridge").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [x.name for x in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            found |= {
                (str(file.relative_to(ROOT)), name)
                for name in names
                if name.partition(".")[0] in ("aiohttp", "panoramisk") and name not in _DOCUMENTED
            }
    assert found == UNDOCUMENTED_MODULES


@pytest.mark.parametrize("name", ["_request_in_progress", "_close", "_force_close"])
def test_aiohttp_request_handler_has_the_flag(name: str) -> None:
    """Set and reset by bridge/http/server.py around `data_received`."""
    assert name in web.RequestHandler.__slots__
    assert f"self.{name} = False" in inspect.getsource(web.RequestHandler.__init__)


async def test_aiohttp_request_handler_takes_the_rest_of_a_request_while_it_stops() -> None:
    """With the flags of the test before: without them the body would be dropped."""
    arrived = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        arrived.set()
        return web.Response(body=await request.read())

    app = web.Application()
    app.router.add_post("/", handle)
    settings = Settings(http_port=free_port(), shutdown_timeout_s=10)
    runner = await start_http(app, server_settings(settings))
    reader, writer = await asyncio.open_connection(settings.http_host, settings.http_port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
    await arrived.wait()
    idle, idle_writer = await asyncio.open_connection(settings.http_host, settings.http_port)
    idle_writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
    await idle.readuntil(b"}}")
    stopping = asyncio.create_task(close_http(runner))
    async with asyncio.timeout(10):
        assert await idle.read() == b""  # it is closed when the stop begins
    idle_writer.close()
    await idle_writer.wait_closed()
    writer.write(b"cd")

    async with asyncio.timeout(10):
        answer = await reader.read()
        await stopping

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nabcd")
    writer.close()
    await writer.wait_closed()


async def test_aiohttp_request_handler_is_made_of_a_server_and_keywords() -> None:
    """As bridge/http/server.py makes it: for `loop.create_server`, which takes any protocol."""
    parameters = inspect.signature(web.RequestHandler.__init__).parameters
    assert [x for x, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == [
        "self",
        "manager",
    ]
    assert {"loop", "access_log", "keepalive_timeout", "max_line_size", "max_field_size"} < set(
        parameters
    )

    async def nobody(request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    assert web.Server(nobody).request_handler is nobody


def test_aiohttp_line_too_long_tells_the_limit() -> None:
    fault = LineTooLong(b"the line", 8190)
    assert fault.args[1] == 8190
    assert isinstance(fault, BadHttpMessage)
    assert isinstance(fault.message, str)


def test_panoramisk_protocol_and_manager_have_what_ami_connection_overrides() -> None:
    """An own name that panoramisk no longer calls would be dead, and its own one alive."""
    for name in ("connection_made", "data_received", "connection_lost", "close"):
        assert name in vars(AMIProtocol), name
    for name in ("connect", "connection_lost"):
        assert name in vars(Manager), name
    assert "__init__" not in vars(AMIProtocol)  # it is not called


async def test_panoramisk_protocol_writes_to_the_transport_that_it_keeps() -> None:
    protocol = AMIProtocol()
    transport = asyncio.Transport()
    protocol.connection_made(transport)
    assert protocol.transport is transport
