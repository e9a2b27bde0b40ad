"""The stream of presence: the state at once, then each change, with real phones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.lab.server_sent_events import EventReader, SentEvent, read_events
from tests.pbx.queues.queue_client import only

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (Path(__file__).parents[3] / "docs" / "presence.md").read_text()
ALL = [f"0003*{x}" for x in range(210, 215)]
UNKNOWN, ONLINE, RINGING, BUSY = "0", "1", "2", "3"


def stream_of(extension: str) -> str:
    return f"/uapi/extensions/@me/{extension}/presence/stream"


async def comes(stream: EventReader, extension: str, status: str) -> SentEvent:
    return await stream.until(
        lambda x: (x.data["extension"], x.data["status"]) == (extension, status)
    )


async def all_busy(stream: EventReader, *extensions: str) -> None:
    waited = set(extensions)
    while waited:
        told = (await stream.next()).data
        if told["status"] == BUSY:
            waited.discard(told["extension"])


async def now(api: ApiClient, extension: str) -> Any:
    answer = await api.request("GET", f"/uapi/extensions/@me/{extension}/presence")
    return answer.json["entry"]


async def test_given_a_reader_when_phones_come_ring_talk_and_go_then_each_change_comes_once(
    lab: RunningLab, api: ApiClient
) -> None:
    async with read_events(api, stream_of("@self")) as stream:
        first = await stream.next()
        assert (first.kind, first.data) == ("state", {"entry": await now(api, "@self")})
        async with lab.phone("0003*210") as alice, lab.phone("0003*211", answer="auto"):
            here = await comes(stream, "0003*210", ONLINE)
            [entry] = [x for x in await now(api, "@self") if x["extension"] == "0003*210"]
            assert here.data == entry
            assert here.data["registration"][0]["agent"].startswith("baresip")
            await comes(stream, "0003*211", ONLINE)
            await api.place(["210"], ["211"])
            ringing = await comes(stream, "0003*210", RINGING)
            assert ringing.data == {"extension": "0003*210", "status": RINGING}
            await alice.accept()
            await all_busy(stream, "0003*210", "0003*211")
            await alice.hangup()
            await comes(stream, "0003*210", ONLINE)
        gone = await comes(stream, "0003*210", UNKNOWN)
        assert gone.data["registration"] == [{"registration": "-1"}]
        told = [x.data for x in stream.events[1:] if x.data["extension"] == "0003*210"]
        assert [x["status"] for x in told] == [ONLINE, RINGING, BUSY, ONLINE, UNKNOWN]
        assert {x.kind for x in stream.events[1:]} == {"presence"}


async def test_the_example_of_the_page(lab: RunningLab, api: ApiClient) -> None:
    [path] = re.findall(r"http://127.0.0.1:8080(\S+/stream)", PAGE)
    shown = [json.loads(x) for x in re.findall(r"^data: (.*)$", PAGE, re.MULTILINE)]
    async with lab.phone("0003*210"), read_events(api, path) as stream:
        state = await stream.next()
        await api.place(["210"], ["3235550201"])
        changed = await comes(stream, "0003*210", RINGING)
        await api.leave_no_call()
    [like_the_page] = [x for x in state.data["entry"] if x["extension"] == "0003*210"]
    assert re.findall(r"^event: (.*)$", PAGE, re.MULTILINE) == [state.kind, changed.kind]
    [[example], change] = [shown[0]["entry"], shown[1]]
    assert example.keys() == like_the_page.keys()
    assert example["registration"][0].keys() == like_the_page["registration"][0].keys()
    assert changed.data == change


async def test_given_one_extension_when_a_second_phone_comes_then_its_registration_is_told(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*213"),
        read_events(api, stream_of("213")) as stream,
        read_events(api, stream_of("213"), fields="extension,status") as brief,
    ):
        [entry] = (await stream.next()).data["entry"]
        assert entry == (await now(api, "213"))[0]
        assert (await brief.next()).data == {"entry": [{"extension": "213", "status": ONLINE}]}
        async with lab.phone("0003*213"):  # takes the place of the first one
            other = await stream.next()
            while other.data["registration"][0].get("address") in (
                None,
                entry["registration"][0]["address"],
            ):
                other = await stream.next()
            assert other.data["status"] == ONLINE
        assert len(brief.events) == 1


async def test_given_a_wrong_request_when_opened_then_it_is_refused_as_the_list_is(
    api: ApiClient,
) -> None:
    for path, code in (
        (stream_of("0003*999"), "extension_invalid"),
        (stream_of("210") + "?fields=phone", "fields_invalid"),
        (stream_of("210").replace("@me", "13"), "user_invalid"),
    ):
        refused = await api.request("GET", path)
        assert (refused.status, refused.code) == (400, code), path


async def test_given_a_queue_when_its_agents_log_out_then_nobody_can_answer_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210"), read_events(api, stream_of("300")) as stream:
        assert (await stream.next()).data["entry"][0]["status"] == ONLINE
        await only(api)
        try:
            told = await stream.next()
            assert told.data == {"extension": "300", "status": UNKNOWN}
        finally:
            await only(api, *ALL)
