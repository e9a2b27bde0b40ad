"""The stream of an extension: its calls at once, then every change, over breaks and restarts."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.lab.server_sent_events import SentEvent, read_stream

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWERS, TALKS = "3235550201", "3235550202"
ON_CALL, LIMIT = 5, 8


async def place(api: ApiClient) -> str:
    return await api.place([ANSWERS], [TALKS], extension="210")


def is_up(event: SentEvent) -> bool:
    return event.kind == "call" and event.data["phoneCallView"][0]["status"] == ON_CALL


def has_ended(event: SentEvent) -> bool:
    return event.kind == "call" and "ended" in event.data


async def test_given_a_reader_when_a_call_is_made_then_each_change_comes_once_in_order(
    api: ApiClient,
) -> None:
    async with read_stream(api) as stream:
        first = await stream.next()
        assert (first.kind, first.data) == ("state", {"entry": []})
        call_id = await place(api)
        await stream.until(is_up)
        assert stream.events[-1].data == await api.call(call_id)  # the form of the list
        await api.hang_up("210", call_id)
        ended = await stream.until(has_ended)
        assert ended.data == await api.wait_ended(call_id)
        told: list[Any] = [x.data for x in stream.events[1:]]
        assert all(x["id"] == call_id for x in told)
        assert all(x != y for x, y in pairwise(told))
        assert len({x.id for x in stream.events}) == len(stream.events)


async def test_given_a_live_call_when_a_reader_comes_then_it_has_it_at_once(
    api: ApiClient,
) -> None:
    call_id = await place(api)
    await api.wait_status(call_id, ON_CALL)
    for extension in ("210", "@self"):
        async with read_stream(api, extension) as stream:
            state = await stream.next()
            assert state.data["entry"] == await api.calls(extension)
    async with read_stream(api, "211") as stream:
        assert (await stream.next()).data == {"entry": []}


async def test_given_a_break_when_it_reads_on_then_it_has_what_an_unbroken_one_has(
    api: ApiClient,
) -> None:
    async with read_stream(api) as unbroken:
        await unbroken.next()
        async with read_stream(api) as stream:
            await stream.next()
            first_id = await place(api)
            await stream.until(is_up)
            last_id = stream.last_id
        await api.hang_up("210", first_id)
        await api.wait_ended(first_id)
        second_id = await place(api)
        await api.wait_status(second_id, ON_CALL)
        await api.hang_up("210", second_id)
        async with read_stream(api, last_id=last_id) as stream:
            for reader in (unbroken, stream):
                await reader.until(lambda x: has_ended(x) and x.data["id"] == second_id)
        ids = [x.id for x in unbroken.events]
        assert stream.events == unbroken.events[ids.index(last_id) + 1 :]


async def test_given_a_restart_when_it_reads_on_then_the_missed_end_comes_and_the_state(
    lab: RunningLab, api: ApiClient
) -> None:
    stays = await place(api)
    async with read_stream(api) as stream:
        await stream.next()
        ends = await place(api)
        await stream.until(lambda x: is_up(x) and x.data["id"] == ends)
        last_id = stream.last_id
    await api.hang_up("210", ends)
    await api.wait_ended(ends)
    await lab.bridge.stop()
    await lab.bridge.start()
    async with read_stream(api, last_id=last_id) as stream:
        ended = await stream.next()
        assert has_ended(ended)
        assert ended.data["id"] == ends
        state = await stream.next()
        assert state.kind == "state"
        assert [x["id"] for x in state.data["entry"]] == [stays]


async def test_given_a_reader_when_the_service_stops_then_the_stream_ends_at_once(
    lab: RunningLab, api: ApiClient
) -> None:
    async with read_stream(api) as stream:
        await stream.next()
        await lab.bridge.stop()
        with pytest.raises(EOFError):
            await stream.next()
    await lab.bridge.start()


async def test_given_an_id_that_is_none_when_it_reads_on_then_the_state_comes(
    api: ApiClient,
) -> None:
    for last_id in ("17", "x-y-z", "f" * 300):
        for asked in ({"last_id": last_id}, {"lastEventId": last_id}):
            async with read_stream(api, **asked) as stream:
                assert (await stream.next()).kind == "state"


async def test_given_as_many_streams_as_may_be_when_one_more_comes_then_it_is_refused(
    lab: RunningLab, api: ApiClient
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(LIMIT):

            async def opened() -> bool:
                return await opens(stack, api)

            await eventually(opened)  # those of the tests before have just left
        refused = await api.request("GET", "/uapi/phoneCalls/@me/@self/stream")
        assert (refused.status, refused.code) == (429, "too_many_streams")
        async with lab.client("user-13") as other, read_stream(other) as stream:
            await stream.next()

    async def there_is_room() -> bool:
        async with AsyncExitStack() as stack:
            return await opens(stack, api)

    await eventually(there_is_room)


async def opens(stack: AsyncExitStack, api: ApiClient) -> bool:
    try:
        await stack.enter_async_context(read_stream(api))
    except AssertionError:
        return False
    return True


async def test_given_no_right_when_asked_then_refused_as_the_list_is(api: ApiClient) -> None:
    for path in ("@me/999", "@me/0009*210", "77/@self"):
        listed = await api.request("GET", f"/uapi/phoneCalls/{path}")
        streamed = await api.request("GET", f"/uapi/phoneCalls/{path}/stream")
        assert (streamed.status, streamed.code) == (listed.status, listed.code)
    async with api.http.get(f"{api.base_url}/uapi/phoneCalls/@me/@self/stream") as answer:
        assert answer.status == 401


async def test_head_is_answered_without_a_stream(api: ApiClient) -> None:
    answer = await api.request("HEAD", "/uapi/phoneCalls/@me/@self/stream")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")


async def test_given_an_app_that_is_removed_when_time_passes_then_its_stream_ends(
    lab: RunningLab, directory_file: Path
) -> None:
    """Looked at every 15 s."""
    text = EXAMPLE_FILE.read_text()
    start = text.index("  - client_id: user-13")
    rest = text[start + 1 :]
    end = start + 1 + rest.index("\n  - client_id") + 1 if "\n  - client_id" in rest else len(text)
    async with lab.client("user-13") as other, read_stream(other) as stream:
        await stream.next()
        directory_file.write_text(text[:start] + text[end:])
        lab.bridge.reload()
        try:
            with pytest.raises(EOFError):
                await stream.next(time_limit_s=60)
        finally:
            directory_file.write_text(text)
            lab.bridge.reload()
