"""The events of several streams of calls as those of one."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from bridge.cluster.forward_client import ForwardBroken
from bridge.http.cluster import sent_events
from bridge.http.cluster.merged_calls import MergedCalls
from bridge.http.cluster.sent_events import SentEvent, events_of


def state(*ids: str, at_ms: int = 10_000) -> SentEvent:
    return SentEvent("state", at_ms, json.dumps({"entry": [{"id": x} for x in ids]}).encode())


def call(call_id: str, *, ended: bool = False, at_ms: int = 10_000) -> SentEvent:
    body = {"id": call_id, **({"ended": "…"} if ended else {})}
    return SentEvent("call", at_ms, json.dumps(body).encode())


def told(merged: MergedCalls, pbx: str, event: SentEvent) -> list[tuple[str, list[str]]]:
    """Kind and ids of the calls."""
    found = []
    for text in merged.told(pbx, event):
        fields = dict(x.split(": ", 1) for x in text.decode().strip().split("\n"))
        data = json.loads(fields["data"])
        found.append((fields["event"], [x["id"] for x in data.get("entry", [data])]))
    return found


def test_the_reader_gets_one_state_once_all_have_told_theirs() -> None:
    merged = MergedCalls(["one", "two"])
    assert told(merged, "two", state("b")) == []
    assert not merged.complete
    assert told(merged, "one", state("a")) == [("state", ["a", "b"])]
    assert merged.complete


def test_a_state_that_comes_again_does_not_forget_the_calls_of_the_other() -> None:
    merged = MergedCalls(["one", "two"])
    told(merged, "one", state("a"))
    told(merged, "two", state("b"))
    assert told(merged, "one", call("c")) == [("call", ["c"])]
    assert told(merged, "two", call("b", ended=True)) == [("call", ["b"])]
    assert told(merged, "two", state("d")) == [("state", ["a", "c", "d"])]
    gone = SentEvent("gone", 10_000, b'{"id": "c"}')
    assert told(merged, "one", gone) == [("gone", ["c"])]
    assert told(merged, "two", state()) == [("state", ["a"])]


def test_a_final_record_that_each_holder_read_from_the_database_is_told_once() -> None:
    merged = MergedCalls(["one", "two"])
    assert told(merged, "one", call("x", ended=True)) == [("call", ["x"])]
    assert told(merged, "two", call("x", ended=True)) == []


def test_an_id_is_a_moment_that_any_holder_understands() -> None:
    merged = MergedCalls(["one"])
    [text] = merged.told("one", state("a", at_ms=0x5000))
    assert text.startswith(b"id: 0-0-%x\n" % (0x5000 - 2_000))


@pytest.mark.parametrize("data", [b"[]", b"{}", b"7", b"not JSON"])
def test_an_event_that_no_stream_has_is_refused(data: bytes) -> None:
    merged = MergedCalls(["one"])
    for kind in ("state", "call", "gone", "other"):
        with pytest.raises(ValueError):  # noqa: PT011 - of JSON, and ours
            list(merged.told("one", SentEvent(kind, 0, data)))


def reader() -> StreamReader:
    loop = asyncio.get_running_loop()
    return StreamReader(BaseProtocol(loop), 65_536, loop=loop)


async def test_events_are_read_wherever_the_bytes_are_cut() -> None:
    text = (
        b"retry: 2000\n\n: heartbeat\n\nid: 1-2-3e8\nevent: call\ndata: {}\n\n"
        b'event: gone\ndata: {"id": "a"}\n\n'
    )
    content = reader()
    for place in range(len(text)):
        content.feed_data(text[place : place + 1])
    content.feed_eof()
    assert [x async for x in events_of(content)] == [
        SentEvent("call", 1000, b"{}"),
        SentEvent("gone", 0, b'{"id": "a"}'),
    ]


async def test_an_event_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_events, "EVENT_MAX_BYTES", 1000)
    content = reader()
    content.feed_data(b"data: " + b"x" * 1001)
    with pytest.raises(ForwardBroken, match="longer"):
        await anext(events_of(content))
