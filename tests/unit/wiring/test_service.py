"""The service as a whole: a start that fails, a reload, and a PBX that is not ready."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import structlog

from bridge.access.token_service import TokenService
from bridge.config.settings import Settings
from bridge.directory.loader import EXAMPLE_FILE
from bridge.directory.problems import DirectoryError
from bridge.faults import StorageUnavailable
from bridge.http.server import CannotListen
from bridge.metrics.exposition import Exposition
from bridge.pbx.pbx_settings import PhoneProfile
from bridge.supervision.tasks import supervisor
from bridge.testing.eventually import eventually
from bridge.wiring import database_wait
from bridge.wiring import service as wired
from bridge.wiring.metrics import serve_metrics
from bridge.wiring.pbx import ami_settings, asterisk_secrets, pbx_url, phone_profile
from bridge.wiring.service import Service
from tests.unit.http.whole_service import whole_service


async def test_given_a_port_that_is_taken_when_started_then_all_that_began_is_stopped(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path / "first") as first:
        taken = first.service.settings.http_port
        living = set(supervisor().living)
        settings = first.service.settings.model_copy(
            update={"state_dir": tmp_path / "second", "http_port": taken}
        )
        with pytest.raises(CannotListen, match=f"127.0.0.1:{taken}"):
            async with Service(settings):
                pytest.fail("it must not start")
        await eventually(lambda: set(supervisor().living) == living)


async def test_given_a_directory_that_changes_when_reloaded_then_it_is_in_force_and_tokens_go_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "directory.yaml"
    file.write_text(EXAMPLE_FILE.read_text())

    async def unavailable(_: TokenService) -> None:
        raise StorageUnavailable("the database is down")

    async with whole_service(
        tmp_path, directory_file=file, recording_shared_folder=tmp_path
    ) as running:
        service = running.service
        await eventually(service.node.phones.ready.is_set)
        await service.wait_until_ready(1.0)
        service.node.phones.ready.clear()
        with pytest.raises(TimeoutError, match=r"^the PBX is not ready: "):
            await service.wait_until_ready(0.0)
        before = service.directory.directory
        file.write_text("organizations: nonsense\n")
        with pytest.raises(DirectoryError):
            await service.reload()
        assert service.directory.directory is before
        file.write_text(EXAMPLE_FILE.read_text().replace("Alice", "Alicia"))
        monkeypatch.setattr(TokenService, "purge", unavailable)
        with structlog.testing.capture_logs() as logs:
            await service.reload()
        assert service.directory.directory is not before
        events = [x["event"] for x in logs]
        assert "directory_reloaded" in events
        assert "token_purge_put_off" in events


def test_given_tls_then_the_urls_and_the_ami_settings_have_it(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "pbx_host": "pbx.example",
            "ari_tls": True,
            "ami_tls": True,
            "ari_port": 8089,
            "ari_prefix": "/asterisk",
            "ami_secret": "ami-secret",
            "ami_recording_secret": "recording-secret",
            "ari_secret": "ari-secret",
        }
    )
    assert pbx_url(settings, "/ari") == "https://pbx.example:8089/asterisk/ari"
    secrets = Service(settings.model_copy(update={"state_dir": tmp_path})).secrets
    assert ami_settings(settings, secrets).tls is not None
    made = asterisk_secrets(settings, secrets)
    assert (made.ami_secret, made.ami_recording_secret, made.ari_secret) == (
        "ami-secret",
        "recording-secret",
        "ari-secret",
    )


def test_given_phones_of_the_pbx_then_there_is_no_profile_of_ours() -> None:
    assert phone_profile(Settings.model_validate({"provision_phones": False})) is None
    profile = phone_profile(Settings.model_validate({"video_codecs": ""}))
    assert isinstance(profile, PhoneProfile)
    assert not profile.codecs.endswith(",")


async def test_given_a_slow_start_then_it_is_alive_until_the_service_itself_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The routing of several instances still asks the database just before that."""
    monkeypatch.setattr(database_wait, "_SILENT_S", 0.05)
    told: list[int] = []

    async def slow(stack: AsyncExitStack, settings: Settings, text: Exposition) -> None:
        url = f"http://127.0.0.1:{settings.http_port}/health/live"

        async def alive() -> bool:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with aiohttp.ClientSession() as client, asyncio.timeout(2):
                    told.append((await client.get(url)).status)
            return bool(told)

        await eventually(alive, 10)
        await serve_metrics(stack, settings, text)

    monkeypatch.setattr(wired, "serve_metrics", slow)
    async with whole_service(tmp_path):
        assert told == [200]
