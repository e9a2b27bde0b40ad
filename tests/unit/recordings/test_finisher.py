"""When the size of a file counts as final."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.clock import now_ms
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.conversation import Conversation, StoredConversation
from bridge.recordings.finisher import Finisher
from bridge.recordings.measuring import stereo_header
from bridge.testing.eventually import eventually
from tests.integration.storage.conversations import conversation
from tests.lab.instant_time import instant

from .fakes import FakeWorld


@asynccontextmanager
async def finishing(
    world: FakeWorld, ended: Conversation, settle_ms: int = 0
) -> AsyncIterator[None]:
    world.records[ended.id] = StoredConversation(ended)
    finisher = Finisher(
        "main", world, world, KeyedLocks(), retry_s=60, settle_ms=settle_ms, close_limit_ms=60_000
    )
    finisher.start()
    finisher.soon(ended.id)
    yield
    await finisher.stop()


def just_ended(file_format: str, lasted_ms: int = 5_000) -> Conversation:
    at_ms = now_ms()
    ended = conversation(at_ms - lasted_ms, at_ms)
    [media] = ended.media
    media = replace(media, format=file_format, bytes=None, mixmonitor_id="0x1")
    return ended.with_media(media)


def size(world: FakeWorld, ended: Conversation) -> int | None:
    return world.records[ended.id].conversation.media[0].bytes


@instant
async def test_given_stereo_that_still_grows_then_it_is_measured_once_it_does_not() -> None:
    world, ended = FakeWorld(), just_ended("raw")
    name = ended.media[0].name
    world.files[name] = b"1"
    async with finishing(world, ended):
        for _ in range(8):
            await asyncio.sleep(0.2)
            world.files[name] += b"1"
        await eventually(lambda: size(world, ended) is not None)
    assert size(world, ended) == 9


@instant
async def test_given_a_file_that_appears_late_then_it_is_measured() -> None:
    world, ended = FakeWorld(), just_ended("raw", lasted_ms=500)
    async with finishing(world, ended, settle_ms=5_000):
        await asyncio.sleep(4.5)
        assert size(world, ended) is None
        world.files[ended.media[0].name] = b"1234"
        await eventually(lambda: size(world, ended) == 4)


@instant
async def test_given_a_file_of_which_only_the_header_is_there_yet_then_its_audio_is_awaited() -> (
    None
):
    """As Asterisk leaves it while it records: a second of audio is in its memory."""
    world, ended = FakeWorld(), just_ended("wav", lasted_ms=1_100)
    name = ended.media[0].name
    world.files[name] = b"\0" * 44
    with capture_logs() as lines:
        async with finishing(world, ended, settle_ms=2_000):
            await asyncio.sleep(1.0)
            assert size(world, ended) is None
            header = bytearray(b"\0" * 44)
            header[40:44] = (16_000).to_bytes(4, "little")
            world.files[name] = bytes(header) + b"ab" * 8_000
            await eventually(lambda: size(world, ended) == 16_044)
    assert world.records[ended.id].conversation.media[0].length_ms == 1_000
    assert lines == []


@instant
@pytest.mark.parametrize(
    ("lasted_ms", "content", "said"),
    [
        (2_500, b"\0" * 44, []),  # a phone may be silent for so long
        (3_500, b"\0" * 44, ["recording_empty", "recordings_empty_began"]),
        (900, b"", []),
        (1_500, b"", ["recording_empty", "recordings_empty_began"]),  # no header: a full disk
    ],
)
async def test_given_a_recording_without_audio_then_it_is_said_where_some_must_be_there(
    lasted_ms: int, content: bytes, said: list[str]
) -> None:
    world, ended = FakeWorld(), just_ended("wav", lasted_ms=lasted_ms)
    world.files[ended.media[0].name] = content
    with capture_logs() as lines:
        async with finishing(world, ended):
            await eventually(lambda: size(world, ended) == len(content), 90)
    assert [x["event"] for x in lines] == said


@instant
async def test_given_no_file_at_all_when_it_should_be_there_then_it_stays_unmeasured() -> None:
    world, ended = FakeWorld(), just_ended("wav")
    async with finishing(world, ended):
        await asyncio.sleep(3600)
        assert size(world, ended) is None
    world.files["another"] = b""
    async with finishing(world, ended):
        await eventually(lambda: size(world, ended) == 0)


@instant
async def test_given_a_short_call_without_audio_then_it_has_no_bytes() -> None:
    world, ended = FakeWorld(), just_ended("wav", lasted_ms=500)
    async with finishing(world, ended):
        await eventually(lambda: size(world, ended) == 0)


@instant
async def test_given_talks_without_audio_then_each_is_logged_and_the_condition_once() -> None:
    world, failed = FakeWorld(), list[str]()
    finisher = Finisher(
        "main",
        world,
        world,
        KeyedLocks(),
        retry_s=60,
        settle_ms=0,
        close_limit_ms=60_000,
        failed=failed.append,
    )
    header = b"\0" * 44
    calls = [just_ended("wav") for _ in range(3)]
    with capture_logs() as lines:
        finisher.start()
        for number, ended in enumerate(calls):
            world.records[ended.id] = StoredConversation(ended)
            world.files[ended.media[0].name] = (
                header if number < 2 else stereo_header(3_200) + b"ab" * 1_600
            )
            finisher.soon(ended.id)
            await eventually(lambda: size(world, ended) is not None)  # noqa: B023
            assert bool(finisher.empty.problem) is (number < 2)
        await finisher.stop()
    events = [x["event"] for x in lines if x["event"].startswith("recording")]
    assert events == [
        "recording_empty",
        "recordings_empty_began",
        "recording_empty",
        "recordings_empty_ended",
    ]
    assert [x["call_id"] for x in lines if x["event"] == "recording_empty"] == [
        x.call_id for x in calls[:2]
    ]
    assert failed == ["empty", "empty"]
