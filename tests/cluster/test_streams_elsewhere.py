"""Streams of calls at an instance that does not hold the PBXs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord
from bridge.clock import now_ms
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.server_sent_events import EventReader, read_events
from tests.cluster.several_instances import HOME, Several, several_instances
from tests.cluster.test_over_several_pbxs import two_pbxs

PHONE, PUBLIC = "210", "3235742879"
STREAM = f"/uapi/phoneCalls/@me/{PHONE}/stream"


def end(several: Several, name: str, pbx: str, call_id: str) -> None:
    final = FinalRecord(now_ms(), Disposition.FAILED, EndedBy.PBX, "for the test")
    several.instances[name].nodes[pbx].switchboard.end(call_id, final)


async def test_a_stream_of_one_pbx_is_told_as_it_comes(tmp_path: Path, postgresql_url: str) -> None:
    async with several_instances(tmp_path, postgresql_url) as several:
        await several.hold("one", "a")
        at_b = await several.client("b")
        async with read_events(at_b, STREAM) as reader:
            assert (await reader.next()).data == {"entry": []}
            created = await at_b.create(["5354353"], [PUBLIC], extension=PHONE)
            call_id = created.json[0]["id"]
            end(several, "a", "one", call_id)
            assert (await reader.next()).data["id"] == call_id
            # Its holder ends: the reader is told so by the end of the stream.
            await several.instances["a"].end_node("one")
            try:
                while True:
                    await reader.next()
            except EOFError:
                pass
        # The reader comes back, and goes on where another instance holds the PBX now.
        await several.hold("one", "b")
        async with read_events(at_b, STREAM, last_id=reader.last_id) as again:
            assert (await again.next()).kind in ("state", "call")


async def test_a_stream_of_another_instance_does_not_hold_the_stop_up(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(tmp_path, postgresql_url) as several:
        await several.hold("one", "a")
        at_b, b = await several.client("b"), several.instances["b"]
        async with read_events(at_b, STREAM) as reader:
            await reader.next()
            async with asyncio.timeout(b.settings.shutdown_timeout_s / 2):
                await b.__aexit__(None, None, None)
            with pytest.raises(EOFError):
                await reader.next()


async def test_a_reader_that_left_gives_its_place_back(tmp_path: Path, postgresql_url: str) -> None:
    async with several_instances(tmp_path, postgresql_url, call_streams_per_app_max=1) as several:
        await several.hold("one", "a")
        at_b = await several.client("b")
        async with read_events(at_b, STREAM) as reader:
            await reader.next()
            refused = await at_b.request("GET", STREAM)
            assert (refused.status, refused.code) == (429, "too_many_streams")

        places = several.instances["a"].stream_places
        await eventually(lambda: places.limit(at_b.client_id).remaining == 1)


async def test_a_stream_over_two_pbxs_goes_on_when_one_changes_hands(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with two_pbxs(tmp_path, postgresql_url) as (several, client):
        ids = [f"{x:020d}" for x in range(6)]
        async with read_events(client, STREAM) as reader:
            state = await reader.next()
            assert state.kind == "state"
            assert sorted(x["id"] for x in state.data["entry"]) == ids
            end(several, "a", "one", ids[0])
            end(several, "b", "two", ids[1])
            ended = {(await reader.next()).data["id"] for _ in range(2)}
            assert ended == {ids[0], ids[1]}
            await several.instances["b"].end_node("two")
            await several.instances["b"].write_queue.caught_up()  # as a hand-over does
            await several.hold("two", "c")  # the instance that the reader asks
            event = await reader.next(15)
            while event.kind != "state":  # what ended before may be told again
                event = await reader.next()
            assert sorted(x["id"] for x in event.data["entry"]) == ids[2:]
            end(several, "c", "two", ids[3])
            event = await reader.next()
            while event.data.get("id") != ids[3]:
                event = await reader.next()
            assert "ended" in event.data
        end(several, "a", "one", ids[2])
        await several.instances["a"].write_queue.caught_up()
        await _missed(client, reader.last_id, ids[2], ids[4:])


async def _read_on(reader: EventReader) -> None:
    while True:
        await reader.next()


@pytest.mark.parametrize("asked", ["a", "c"])  # its holder, and another one
async def test_a_stream_of_presence_ends_when_its_organization_moves(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    path = f"/uapi/extensions/@me/{PHONE}/presence/stream"
    async with two_pbxs(tmp_path, postgresql_url) as (several, _):
        client = await several.client(asked)
        async with read_events(client, path) as reader:
            assert (await reader.next()).kind == "state"
            monkeypatch.setitem(HOME, "0003", "two")
            with pytest.raises((EOFError, aiohttp.ClientError)):
                await _read_on(reader)
        async with read_events(client, path) as again:
            assert (await again.next()).kind == "state"
        await eventually(lambda: not several.instances["a"].stream_places.open)


async def _missed(client: ApiClient, last_id: str, missed: str, live: list[str]) -> None:
    """The final record that it missed, and then the state."""
    async with read_events(client, STREAM, last_id=last_id) as again:
        seen = []
        event = await again.next()
        while event.kind != "state":
            seen.append(event.data["id"])
            event = await again.next()
        assert missed in seen
        assert len(set(seen)) == len(seen)
        assert sorted(x["id"] for x in event.data["entry"]) == live
