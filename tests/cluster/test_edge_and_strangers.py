"""What a stranger can make the edge do: no node, and no service, is needed for that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.cluster.edge.tables import make_edge_tables
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.raw_sip import RawSip, request
from bridge.testing.softphones.sip_digest import credentials
from bridge.testing.softphones.sip_message import parse_sip_message
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.cluster import libpq_environment
from .lab.kamailio import KamailioEdge

NODE = ("127.0.0.65", 5999)
NAME = "elsewhere.invalid"
GUESSES_MAX = 20  # the default of render.sh


@asynccontextmanager
async def edge_alone(folder: Path, postgresql: PrivatePostgresql) -> AsyncIterator[KamailioEdge]:
    url = postgresql.new_database()
    engine = open_engine(url)
    await migrate(engine)
    await make_edge_tables(engine)
    await engine.dispose()
    address = "127.0.0.64", free_port()
    edge = KamailioEdge(folder, address, {"node1": NODE}, libpq_environment(url))
    try:
        await edge.start()
        yield edge
    finally:
        await edge.stop()


async def test_given_a_host_name_in_a_forged_dialog_then_the_edge_looks_no_name_up(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> None:
    """Each worker of the edge would wait for the answer, and the name may mean a node just once."""
    async with edge_alone(tmp_path_factory.mktemp("short"), postgresql) as edge:
        host, port = edge.address
        for method in ("INVITE", "BYE"):
            routes = f"Route: <sip:{host}:{port};lr>\r\nRoute: <sip:{NAME};lr>\r\n"
            text = request(method, "210", sender="<sip:0003*210@127.0.0.1>", more=routes)
            text = text.replace("To: <sip:210@127.0.0.1>", "To: <sip:210@127.0.0.1>;tag=x1")
            with RawSip(edge.address, "127.0.0.92") as stranger:
                assert await stranger.status(text) == 403
    assert NAME not in edge.log_text()


async def test_given_guesses_with_the_address_of_another_then_that_one_is_still_answered(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> None:
    """A sender of forged packets hears no answer, so it needs a nonce of an address of its own."""
    sender = "<sip:0003*210@127.0.0.1>"
    async with edge_alone(tmp_path_factory.mktemp("short"), postgresql) as edge:
        with RawSip(edge.address, "127.0.0.92") as stranger:
            asked = await stranger.response(request("REGISTER", "0003*210", sender=sender))
            challenge = parse_sip_message(asked, sent=False)
        with RawSip(edge.address, "127.0.0.93") as victim:
            for _ in range(GUESSES_MAX + 5):
                guess = credentials(
                    "0003*210", "wrong", "REGISTER", "sip:0003*210@127.0.0.1", challenge
                )
                forged = request("REGISTER", "0003*210", sender=sender, more=guess)
                assert await victim.status(forged) == 401
        # With its own nonce each wrong password counts.
        answered = 0
        with contextlib.suppress(TimeoutError), RawSip(edge.address, "127.0.0.92") as stranger:
            async with asyncio.timeout(2):
                while True:
                    forged = request("REGISTER", "0003*210", sender=sender, more=guess)
                    assert await stranger.status(forged) == 401
                    answered += 1
    assert GUESSES_MAX <= answered <= GUESSES_MAX + 1
