"""`python -m tests.bench.by_hand [--wall] PORT ARI_URL DATABASE`.

ARI_SECRET and TOKEN are in the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os

from aiohttp import web

from bridge.command.event_loop import event_loop_factory

from .database import Database
from .service import Service


async def _serve(port: int, ari_url: str, database: str, wall: bool) -> None:
    secret, token = os.environ["ARI_SECRET"], os.environ["TOKEN"]
    service = Service(ari_url, secret, token, Database(database), wall)
    runner = web.AppRunner(service.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wall", action="store_true", help="let the dialplan ring the source")
    parser.add_argument("port", type=int)
    parser.add_argument("ari_url")
    parser.add_argument("database")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with (
        contextlib.suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=event_loop_factory()) as runner,
    ):
        given = arguments
        runner.run(_serve(given.port, given.ari_url, given.database, given.wall))


if __name__ == "__main__":
    main()
