"""The service written by hand as a process of its own, beside the stage's Asterisk."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.testing.eventually import eventually
from bridge.testing.softphones.ports import free_port

from .bare_http import BareHttp
from .stage import ADDRESS, Stage

_READY_LIMIT_S = 20
_STOP_LIMIT_S = 15


class PeerByHand:
    def __init__(self, stage: Stage, *, wall: bool = False) -> None:
        self._stage = stage
        self._options = ("--wall",) if wall else ()
        self._port = free_port()
        self._token = secrets.token_hex(16)
        self._process: asyncio.subprocess.Process

    @property
    def database(self) -> Path:
        return self._stage.folder / "by-hand.db"

    @property
    def pid(self) -> int:
        return self._process.pid

    def api(self) -> BareHttp:
        """Requests to it, with its token."""
        return BareHttp("127.0.0.1", self._port, f"Authorization: Bearer {self._token}\r\n")

    async def start(self) -> None:
        """Returns when calls can be placed."""
        ari_url = f"http://{ADDRESS}:{self._stage.asterisk.ports.http}"
        environment = {"ARI_SECRET": self._stage.ari_secret, "TOKEN": self._token}
        with (self._stage.folder / "by-hand.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.bench.by_hand", *self._options),
                *(str(self._port), ari_url, str(self.database)),
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )
        http = self.api()

        async def ready() -> bool:
            try:
                return (await http.request("GET", "/ready"))[0] == 200
            except OSError:
                return False

        await eventually(ready, _READY_LIMIT_S)
        await http.close()

    async def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        await asyncio.wait_for(self._process.wait(), _STOP_LIMIT_S)


@asynccontextmanager
async def peer_by_hand(stage: Stage, *, wall: bool = False) -> AsyncIterator[PeerByHand]:
    """A running one. It has a database of its own in the folder of the stage.

    `wall`: it has its sources rung as the service does.
    """
    peer = PeerByHand(stage, wall=wall)
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()
