"""What a stranger can make the edge do: no node, and no service, is needed for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cluster.edge.tables import make_edge_tables
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.raw_sip import RawSip, request
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.cluster import libpq_environment
from .lab.kamailio import KamailioEdge

NODE = ("127.0.0.65", 5999)
NAME = "elsewhere.invalid"


async def test_given_a_host_name_in_a_forged_dialog_then_the_edge_looks_no_name_up(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> None:
    """Each worker of the edge would wait for the answer, and the name may mean a node just once."""
    url = postgresql.new_database()
    engine = open_engine(url)
    await migrate(engine)
    await make_edge_tables(engine)
    await engine.dispose()
    folder: Path = tmp_path_factory.mktemp("short")
    edge = KamailioEdge(
        folder, ("127.0.0.64", free_port()), {"node1": NODE}, libpq_environment(url)
    )
    try:
        await edge.start()
        host, port = edge.address
        for method in ("INVITE", "BYE"):
            routes = f"Route: <sip:{host}:{port};lr>\r\nRoute: <sip:{NAME};lr>\r\n"
            text = request(method, "210", sender="<sip:0003*210@127.0.0.1>", more=routes)
            text = text.replace("To: <sip:210@127.0.0.1>", "To: <sip:210@127.0.0.1>;tag=x1")
            with RawSip(edge.address, "127.0.0.92") as stranger:
                assert await stranger.status(text) == 403
    finally:
        await edge.stop()
    assert NAME not in edge.log_text()
