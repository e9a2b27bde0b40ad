"""The Verba API at an instance that holds none of the PBXs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from bridge.recordings.store.conversation_store import ConversationStore
from bridge.testing.verba_client import VerbaClient
from tests.cluster.several_instances import Several, several_instances
from tests.integration.storage.conversations import conversation


async def _stored(several: Several, pbx: str) -> str:
    service = several.instances["c"]
    made = replace(conversation(ended_ms=9_000), pbx=pbx)
    await ConversationStore(service.engine, service.write_queue).create(made)
    return made.id


async def test_a_conversation_is_the_matter_of_its_holder(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(
        tmp_path,
        postgresql_url,
        names=("a", "b", "c"),
        pbx_names=("one", "two"),
        verba_next_call_wait_s=1.0,
    ) as several:
        await several.hold("one", "a")
        await several.hold("two", "b")
        ids = {x: await _stored(several, x) for x in ("one", "two")}
        key = several.instances["c"].directory.directory.verba_keys[0].key
        async with VerbaClient(several.base_url("c"), key) as client:
            found = await client.ask("SearchCalls", start="1970-01-01 00:00:00")
            assert len(found.calls) == 2
            for pbx, call_id in ids.items():
                told = await client.ask("GetCallInformation", callID=call_id)
                assert told.code == 0, (pbx, told.text)
                added = await client.post(
                    "AddMarker", callID=call_id, mname="here", mstart="1", mend="2"
                )
                assert added.code == 0, added.text
                markers = await client.ask("GetMarkers", callID=call_id)
                assert "here" in markers.text
            assert (await client.ask("GetCallInformation", callID="0" * 36)).code == -50
            assert (await client.ask("GetCallInformation")).code == -20
            assert (await client.ask("Nothing")).code == -30
            # The next call of a number may come on either PBX: both are asked, and both give up.
            began_s = asyncio.get_running_loop().time()
            nothing = await client.ask("GetCallInformation", extension="0003*210", status="next")
            assert nothing.code == -50, nothing.text
            assert 0.9 < asyncio.get_running_loop().time() - began_s < 5
            several.relays["b"].cut()
            several.relays["b"].refuses = True
            began_s = asyncio.get_running_loop().time()
            lost = await client.ask("GetCallInformation", callID=ids["two"])
            assert (lost.status, lost.code) == (503, -1)
            assert lost.headers["Retry-After"] == "2"
            assert asyncio.get_running_loop().time() - began_s < 6
        async with VerbaClient(several.base_url("c"), "0" * 36) as stranger:
            assert (await stranger.ask("GetCallInformation", callID=ids["one"])).code == -41
