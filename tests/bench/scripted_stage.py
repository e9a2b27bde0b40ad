"""The service on a scripted AMI server: more calls than Asterisk can hold on one machine."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.eventually import eventually
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.softphones.ports import free_port

from .bare_http import BareHttp
from .directory_file import LISTENER_ID, user_of, write_directory
from .generated_calls import CallTemplate
from .scripted_pbx import ScriptedPbx
from .stage import UNLIMITED, api

_SETTLE_LIMIT_S = 120
_POLL_S = 0.02
_ORDERED_AT_ONCE = 50
TALKS = b'"answeredMs":'
"""In the document of a call once its destination has answered; a view has its own "answered"."""
_WITHOUT_ARI = ("dialplan_values_not_told",)


class ScriptedStage(ScriptedPbx):
    """That PBX with a service."""

    service: BridgeProcess
    http: BareHttp
    """With the token of the app of the two phones."""
    others_http: BareHttp
    """With that of the app of the whole organization."""

    async def order(self, source: str, destination: str) -> str:
        """POST a call; returns its id once the PBX has told of it, up to the ringing."""
        call = {
            "extension": source,
            "phoneCallView": [{"source": [source], "destination": [destination]}],
        }
        path = f"/uapi/phoneCalls/{user_of(source)}/simple"
        status, answer = await self.others_http.request("POST", path, json.dumps(call).encode())
        assert status == 202, answer
        call_id = str(json.loads(answer)[0]["id"])
        await self.told(call_id)
        return call_id

    async def add_live_calls(self, parties: list[tuple[str, str]]) -> list[str]:
        """Calls that an app has ordered between these sources and destinations, now in talk.

        Returns their ids.
        """
        ids: list[str] = []
        for begin in range(0, len(parties), _ORDERED_AT_ONCE):
            some = parties[begin : begin + _ORDERED_AT_ONCE]
            ids += await asyncio.gather(*(self.order(*x) for x in some))
            for call_id in ids[begin:]:
                await self.answer(call_id)
            # More events than the service queues would make it drop the link.
            await self._wait_answered(some[-1][0], ids[-1])
        return ids

    async def _wait_answered(self, source: str, call_id: str) -> None:
        path = f"/uapi/phoneCalls/{user_of(source)}/{source}/{call_id}"

        async def shown() -> bool:
            return TALKS in (await self.others_http.request("GET", path))[1]

        await eventually(shown, _SETTLE_LIMIT_S)

    async def wait_live_calls(self, count: int) -> None:
        """Until the service knows of that many."""

        async def so_many() -> bool:
            _, body = await self.http.request("GET", "/health/ready")
            return bool(json.loads(body)["liveCalls"] == count)

        await eventually(so_many, _SETTLE_LIMIT_S)


def _assert_taken_for_real(service: BridgeProcess) -> None:
    """The service has seen nothing in the played calls that would not be there in life."""
    errors = [x for x in service.log_lines() if x["level"] == "error"]
    unexpected = [x for x in errors if not str(x["event"]).startswith(_WITHOUT_ARI)]
    assert not unexpected, unexpected[:3]


@asynccontextmanager
async def open_scripted_stage(
    folder: Path,
    template: CallTemplate,
    others: int,
    more: Mapping[str, str] | None = None,
    *,
    as_in_life: bool = False,
    module: str = "",
) -> AsyncIterator[ScriptedStage]:
    """`others`: how many extensions the directory has beside the two that are called.

    `more` settings of the service. `as_in_life`: as for the stage. `module`: is run instead of
    `uapi-bridge`.
    """
    stage = ScriptedStage(template, as_in_life=as_in_life)
    folder.mkdir()
    write_directory(folder / "directory.yaml", others)
    async with stage.ami:
        ports = AsteriskPorts(ami=stage.ami.port, http=free_port())
        settings = {
            **UNLIMITED,
            "directory_file": str(folder / "directory.yaml"),
            "ami_secret": stage.ami.secret,
            "recording": "false",
            "provision_phones": "false",
            "refuse_unreachable_sources": "false",
            **(more or {}),
        }
        stage.service = BridgeProcess(folder / "state", ports, free_port(), settings)
        if module:
            stage.service.command = (sys.executable, "-m", module)
        await stage.service.start()
        try:
            stage.http = await api(stage.service)
            stage.others_http = await api(stage.service, LISTENER_ID)
            yield stage
            await stage.http.close()
            await stage.others_http.close()
        finally:
            await stage.service.stop()
        _assert_taken_for_real(stage.service)
