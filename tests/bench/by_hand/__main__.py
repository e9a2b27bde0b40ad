"""`python -m tests.bench.by_hand PORT ARI_URL DATABASE`.

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


async def _serve(port: int, ari_url: str, database: str) -> None:
    service = Service(ari_url, os.environ["ARI_SECRET"], os.environ["TOKEN"], Database(database))
    runner = web.AppRunner(service.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("ari_url")
    parser.add_argument("database")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with (
        contextlib.suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=event_loop_factory()) as runner,
    ):
        runner.run(_serve(arguments.port, arguments.ari_url, arguments.database))


if __name__ == "__main__":
    main()
