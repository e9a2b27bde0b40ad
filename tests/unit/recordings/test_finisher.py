"""When the size of a file counts as final."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bridge.calls.switchboard import now_ms
from bridge.recordings import finisher as module
from bridge.recordings.call_locks import CallLocks
from bridge.recordings.conversation import Conversation, StoredConversation
from bridge.recordings.finisher import Finisher
from tests.scripted_ami.eventually import eventually
from tests.storage.conversations import conversation

from .fakes import FakeWorld


@asynccontextmanager
async def finishing(
    world: FakeWorld, ended: Conversation, settle_ms: int = 0
) -> AsyncIterator[None]:
    world.records[ended.id] = StoredConversation(ended)
    finisher = Finisher(
        "main", world, world, CallLocks(), retry_s=60, settle_ms=settle_ms, close_limit_ms=60_000
    )
    finisher.start()
    finisher.soon(ended.id)
    yield
    await finisher.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CLOSE_POLL_MS", 50)


def just_ended(file_format: str, lasted_ms: int = 5_000) -> Conversation:
    at_ms = now_ms()
    ended = conversation(at_ms - lasted_ms, at_ms)
    [media] = ended.media
    media = replace(media, format=file_format, bytes=None, mixmonitor_id="0x1")
    return ended.with_media(media)


def size(world: FakeWorld, ended: Conversation) -> int | None:
    return world.records[ended.id].conversation.media[0].bytes


async def test_given_stereo_that_still_grows_then_it_is_measured_once_it_does_not() -> None:
    world, ended = FakeWorld(), just_ended("raw")
    name = ended.media[0].name
    world.files[name] = b"1"
    async with finishing(world, ended):
        for _ in range(8):
            await asyncio.sleep(0.02)
            world.files[name] += b"1"
        await eventually(lambda: size(world, ended) is not None)
    assert size(world, ended) == 9


async def test_given_a_file_that_appears_late_then_it_is_measured() -> None:
    world, ended = FakeWorld(), just_ended("raw", lasted_ms=500)
    async with finishing(world, ended, settle_ms=5_000):
        await asyncio.sleep(0.2)
        assert size(world, ended) is None
        world.files[ended.media[0].name] = b"1234"
        await eventually(lambda: size(world, ended) == 4)


async def test_given_no_file_at_all_when_it_should_be_there_then_it_stays_unmeasured() -> None:
    world, ended = FakeWorld(), just_ended("wav")
    async with finishing(world, ended):
        await asyncio.sleep(0.2)
        assert size(world, ended) is None
    world.files["another"] = b""
    async with finishing(world, ended):
        await eventually(lambda: size(world, ended) == 0)


async def test_given_a_short_call_without_audio_then_it_has_no_bytes() -> None:
    world, ended = FakeWorld(), just_ended("wav", lasted_ms=500)
    async with finishing(world, ended):
        await eventually(lambda: size(world, ended) == 0)
