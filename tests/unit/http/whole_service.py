"""The whole service in this process, linked with a PBX that a script plays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from pydantic import SecretStr

from bridge.calls.live import switchboard
from bridge.config.settings import Settings
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.wiring.service import Service
from tests.scripted_ami.server import ScriptedAmi, event


@dataclass(frozen=True)
class WholeService:
    """`ami`: the PBX; it takes each Originate and never makes a channel."""

    base_url: str
    service: Service
    ami: ScriptedAmi

    def client(self, client_id: str = "user-12") -> ApiClient:
        secret = self.service.directory.directory.apps[client_id].client_secret
        return ApiClient(self.base_url, client_id, secret)

    async def refuse_last(self) -> None:
        """The PBX says that the phone of the last Originate is not there."""
        action_id = self.ami.actions("Originate")[-1].value("ActionID")
        await self.ami.send(
            event(
                "OriginateResponse",
                ActionID=action_id,
                Response="Failure",
                Reason=5,
                Uniqueid="<unknown>",
            )
        )


@asynccontextmanager
async def whole_service(folder: Path, **settings: object) -> AsyncIterator[WholeService]:
    """`settings`: those of bridge/config/settings.py, beside what this needs itself."""
    async with ScriptedAmi() as ami:
        port, secret = free_http_port(), SecretStr(ami.secret)
        values: dict[str, object] = {
            "state_dir": folder / "state",
            "http_port": port,
            "pbx_host": "127.0.0.1",
            "ami_port": ami.port,
            "ami_secret": secret,
            "ami_recording_secret": secret,
            "ari_port": free_http_port(),  # nothing listens there
            "provision_phones": False,
            "refuse_unreachable_sources": False,
            "verba_lookup_sleep_ms": 0,
            **settings,
        }
        async with Service(Settings.model_validate(values)) as service:
            await eventually(lambda: service.node.link.link.up, timeout=20)
            # The script has no channel that its answer could overtake.
            with patch.object(switchboard, "ORIGINATE_OVERTAKES_S", 0.0):
                yield WholeService(f"http://127.0.0.1:{port}", service, ami)
