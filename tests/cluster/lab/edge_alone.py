"""An edge with its tables and some numbers, and nothing behind it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import text

from bridge.cluster.edge.tables import make_edge_tables
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.raw_sip import request
from bridge.testing.softphones.sip_digest import credentials
from bridge.testing.softphones.sip_message import SipMessage, parse_sip_message
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .cluster import libpq_environment
from .kamailio import KamailioEdge

PASSWORD = "open sesame"
NODE = ("127.0.0.65", 5999)
"""Nobody is there, unless a test is."""


@asynccontextmanager
async def edge_alone(
    folder: Path,
    postgresql: PrivatePostgresql,
    numbers: Mapping[str, int],
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[KamailioEdge]:
    """`numbers`: each with the second at which its PASSWORD ends, or 0. `settings` of render.sh."""
    url = postgresql.new_database()
    engine = open_engine(url)
    await migrate(engine)
    await make_edge_tables(engine)
    add = text("INSERT INTO edge.subscriber (username, ha1, until_s) VALUES (:n, :ha1, :until)")
    async with engine.begin() as connection:
        for number, until_s in numbers.items():
            ha1 = hashlib.md5(f"{number}:edge:{PASSWORD}".encode()).hexdigest()  # noqa: S324
            await connection.execute(add, {"n": number, "ha1": ha1, "until": until_s})
    await engine.dispose()
    address = "127.0.0.64", free_port()
    made = KamailioEdge(folder, address, {"node1": NODE}, libpq_environment(url), settings)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


class Sender(Protocol):
    """Sends a request, and gives its final response."""

    async def response(self, text: str) -> str: ...


async def challenged(sender: Sender, number: str, method: str = "REGISTER") -> SipMessage:
    asked = request(method, number, sender=f"<sip:{number}@127.0.0.1>")
    return parse_sip_message(await sender.response(asked), sent=False)


def proved(number: str, challenge: SipMessage, secret: str, method: str = "REGISTER") -> str:
    """That request with the answer to a challenge."""
    answer = credentials(number, secret, method, f"sip:{number}@127.0.0.1", challenge)
    return request(method, number, sender=f"<sip:{number}@127.0.0.1>", more=answer)
