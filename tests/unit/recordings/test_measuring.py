from __future__ import annotations

import hashlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bridge.recordings.audio_folder import AudioFolder
from bridge.recordings.conversation import Media
from bridge.recordings.measuring import measure, stereo_header
from bridge.recordings.recording_pbx import AudioError, AudioMissing

from .fakes import FakeWorld

_WAV = Media(1, "a-1", "wav", "1.1", 0)


def _wav(data: bytes, said: int | None = None) -> bytes:
    return b"\0" * 40 + struct.pack("<I", len(data) if said is None else said) + data


async def test_given_a_closed_file_then_length_and_checksum() -> None:
    world = FakeWorld()
    content = _wav(b"\1" * 16_000)
    world.files["a-1"] = content
    measured = await measure(_WAV, world)
    assert measured.closed
    assert (measured.media.bytes, measured.media.length_ms) == (16_044, 1000)
    assert measured.media.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("content", [b"", b"RIFF", _wav(b"\1" * 100, said=0)])
async def test_given_an_open_file_then_not_complete(content: bytes) -> None:
    world = FakeWorld()
    world.files["a-1"] = content
    assert not (await measure(_WAV, world)).closed


async def test_given_no_file_then_no_bytes_and_not_found() -> None:
    measured = await measure(_WAV, FakeWorld())
    assert (measured.found, measured.media.bytes, measured.media.sha256) == (False, 0, "")


async def test_given_stereo_then_the_file_does_not_tell_whether_it_is_closed() -> None:
    world = FakeWorld()
    world.files["a-1"] = b"1234"
    measured = await measure(replace(_WAV, format="raw"), world)
    assert (measured.closed, measured.media.bytes) == (None, 4)


def test_stereo_header_has_44_bytes_and_the_sizes() -> None:
    header = stereo_header(8)
    assert len(header) == 44
    assert struct.unpack_from("<I", header, 4) == (44,)
    assert struct.unpack_from("<HHII", header, 20) == (1, 2, 8000, 32_000)
    assert struct.unpack_from("<I", header, 40) == (8,)


async def test_given_a_shared_folder_then_read_and_deleted_there(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("shared")
    (folder / "a-1.wav").write_bytes(b"abc")
    audio = AudioFolder(folder)
    async with audio.read("a-1") as chunks:
        assert [x async for x in chunks] == [b"abc"]
    assert not await audio.is_empty()
    assert await audio.delete("a-1")
    assert not await audio.delete("a-1")
    assert await audio.is_empty()
    with pytest.raises(AudioMissing):
        async with audio.read("a-1"):
            pass
    for name in ("../a-1", "/etc/passwd", ".."):
        with pytest.raises(AudioError):
            await audio.delete(name)


async def test_given_a_shared_folder_that_is_not_mounted_then_nothing_counts_as_deleted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    audio = AudioFolder(tmp_path_factory.mktemp("shared") / "away")
    with pytest.raises(AudioError):
        await audio.delete("a-1")


class CountedWorld(FakeWorld):
    """Tells how much of a file was read."""

    read_bytes = 0

    @asynccontextmanager
    async def read(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            content = self.files[name]
            for begin in range(0, len(content), 1000):
                self.read_bytes += 1000
                yield content[begin : begin + 1000]

        yield chunks()


@pytest.mark.parametrize(("said", "read"), [(0, 1000), (2_000_000, 2_001_000)])
async def test_given_a_long_file_then_no_more_than_its_head_is_read_while_it_is_open(
    said: int, read: int
) -> None:
    world = CountedWorld()
    world.files["a-1"] = content = _wav(b"\1" * 2_000_000, said=said)
    measured = await measure(_WAV, world, even_if_open=False)
    assert world.read_bytes == read
    assert measured.closed is (said > 0)
    if said:
        assert measured.media.sha256 == hashlib.sha256(content).hexdigest()
    else:
        assert measured.media == _WAV
        whole = await measure(_WAV, world)
        assert whole.media.bytes == len(content)
