"""`uapi-bridge serve`: what ends it, in which order its parts end, and what it says then."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from bridge.command import serving
from bridge.command.serving import ServeError, serve
from bridge.config.settings import Settings
from bridge.config.state_folder import StateFolderInUse, state_folder_locked
from bridge.directory.problems import DirectoryError
from bridge.faults import DatabaseTooNew, StorageUnusable
from bridge.http.server import CannotListen
from bridge.supervision.tasks import must_live
from bridge.testing.eventually import eventually


class Stage:
    """An Asterisk and a service that only note what is done with them."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.settings: Settings | None = None
        self.asterisk_starts: Callable[[], Awaitable[None]] = self._at_once
        self.service_starts: Callable[[], Awaitable[None]] = self._at_once
        self.notice: Callable[[asyncio.Event], Awaitable[None]] = self._none
        self.reload: Callable[[], None] = lambda: None
        self.asterisk_ended = asyncio.Event()
        self.ready = asyncio.Event()

    async def _at_once(self) -> None:
        """It takes no time."""

    async def _none(self, hurry: asyncio.Event) -> None:
        """As of an instance that is alone."""

    @property
    def runs(self) -> bool:
        return "service started" in self.diary


class Asterisk:
    """As RunnableAsterisk."""

    media_address = "127.0.0.9"
    queues_file = Path("/queues.conf")
    where_logs_are = "its log is in /log"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def start(self) -> None:
        await self._stage.asterisk_starts()
        self._stage.diary.append("asterisk started")

    async def stop(self) -> None:
        self._stage.diary.append("asterisk stopped")

    async def wait_until_ended(self) -> str:
        await self._stage.asterisk_ended.wait()
        return "Asterisk"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"state_dir": tmp_path / "state"})


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()

    class FakeService:
        def __init__(self, settings: Settings) -> None:
            stage.settings = settings
            self.settings = settings
            phones = type("Phones", (), {"ready": stage.ready})
            self.node: Any = type("Node", (), {"phones": phones})

        async def __aenter__(self) -> FakeService:
            await stage.service_starts()
            stage.diary.append("service started")
            return self

        async def __aexit__(self, *_: object) -> None:
            stage.diary.append("service stopped")

        async def give_notice(self, hurry: asyncio.Event) -> None:
            await stage.notice(hurry)

        async def wait_until_ready(self, _: float) -> None:
            raise TimeoutError("the PBX is not ready: by the test")

        async def reload(self) -> None:
            stage.diary.append("reloaded")
            stage.reload()

    async def open_local_asterisk(_: Settings) -> Asterisk:
        return Asterisk(stage)

    monkeypatch.setattr(serving, "open_local_asterisk", open_local_asterisk)
    monkeypatch.setattr(serving, "_load_service", lambda: FakeService)
    return stage


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """Handlers of signals belong to the process of the test."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(x) for x in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


WHOLE_RUN = ["asterisk started", "service started", "service stopped", "asterisk stopped"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_given_a_running_service_when_told_to_end_then_it_ends_before_its_asterisk(
    stage: Stage, settings: Settings, number: signal.Signals
) -> None:
    serving_now = asyncio.ensure_future(serve(settings))
    await eventually(lambda: stage.runs)
    os.kill(os.getpid(), number)
    await serving_now
    assert stage.diary == WHOLE_RUN
    assert stage.settings is not None
    assert stage.settings.phone_media_address == "127.0.0.9"
    assert stage.settings.queues_file == Path("/queues.conf")
    with state_folder_locked(settings):
        pass  # it is free again


async def test_given_settings_that_name_them_then_the_values_of_the_asterisk_do_not_count(
    stage: Stage, settings: Settings
) -> None:
    given = settings.model_copy(
        update={"phone_media_address": "127.0.0.3", "queues_file": Path("/own")}
    )
    serving_now = asyncio.ensure_future(serve(given))
    await eventually(lambda: stage.runs)
    os.kill(os.getpid(), signal.SIGTERM)
    await serving_now
    assert stage.settings == given


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_given_a_notice_when_told_to_end_again_then_it_hurries_and_ends_in_order(
    stage: Stage, settings: Settings, number: signal.Signals
) -> None:
    async def notice(hurry: asyncio.Event) -> None:
        stage.diary.append("notice given")
        await hurry.wait()
        stage.diary.append("hurried")

    stage.notice = notice
    serving_now = asyncio.ensure_future(serve(settings))
    await eventually(lambda: stage.runs)
    os.kill(os.getpid(), signal.SIGTERM)
    await eventually(lambda: "notice given" in stage.diary)
    assert stage.diary[-1] == "notice given"
    os.kill(os.getpid(), number)
    await serving_now
    assert stage.diary == [*WHOLE_RUN[:2], "notice given", "hurried", *WHOLE_RUN[2:]]


async def test_given_an_asterisk_that_ends_by_itself_then_the_service_ends_and_says_so(
    stage: Stage, settings: Settings
) -> None:
    serving_now = asyncio.ensure_future(serve(settings))
    await eventually(lambda: stage.runs)
    stage.asterisk_ended.set()
    with pytest.raises(ServeError, match=r"^Asterisk ended by itself; its log is in /log$"):
        await serving_now
    assert stage.diary == WHOLE_RUN


async def test_given_a_part_that_dies_then_the_service_ends_and_names_it(
    stage: Stage, settings: Settings
) -> None:
    async def broken() -> None:
        raise RuntimeError("a defect")

    async def starts() -> None:
        must_live(broken(), "write_queue")

    stage.service_starts = starts
    with pytest.raises(ServeError, match="write_queue has ended: RuntimeError: a defect; its log"):
        await serve(settings)
    assert stage.diary[-1] == "asterisk stopped"


@pytest.mark.parametrize("part", ["asterisk", "service"])
async def test_given_a_part_that_starts_when_told_to_end_then_it_is_not_waited_for(
    stage: Stage, settings: Settings, part: str
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def starts() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    setattr(stage, f"{part}_starts", starts)
    serving_now = asyncio.ensure_future(serve(settings))
    await begun.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await serving_now  # no fault: somebody wanted it
    assert ended.is_set()
    assert stage.diary[-1] == "asterisk stopped"
    assert not stage.runs


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (CannotListen("cannot listen on 127.0.0.1:8080"), "cannot listen on 127.0.0.1:8080"),
        (StorageUnusable("no such database"), "the database cannot be used: no such database"),
        (DatabaseTooNew("it is of version 9"), "the database cannot be used: it is of version 9"),
        (OSError(28, "No space left on device"), "cannot start: .*No space left on device"),
    ],
)
async def test_given_a_service_that_cannot_start_then_one_line_says_why(
    stage: Stage, settings: Settings, fault: Exception, says: str
) -> None:
    async def starts() -> None:
        raise fault

    stage.service_starts = starts
    with pytest.raises(ServeError, match=f"^{says}$"):
        await serve(settings)
    assert stage.diary == ["asterisk started", "asterisk stopped"]


async def test_given_a_state_folder_that_is_used_or_cannot_be_then_nothing_is_started(
    stage: Stage, settings: Settings, tmp_path: Path
) -> None:
    with state_folder_locked(settings), pytest.raises(StateFolderInUse, match="uses the state"):
        await serve(settings)
    (tmp_path / "file").touch()
    unusable = settings.model_copy(update={"state_dir": tmp_path / "file/state"})
    with pytest.raises(ServeError, match=r"the state folder .* cannot be used"):
        await serve(unusable)
    assert stage.diary == []


async def test_given_a_directory_that_is_wrong_when_told_to_reload_then_the_next_time_works(
    stage: Stage, settings: Settings
) -> None:
    faults: list[Exception] = [DirectoryError(()), RuntimeError("a defect")]

    def reload() -> None:
        if faults:
            raise faults.pop(0)

    stage.reload = reload
    with structlog.testing.capture_logs() as logs:
        serving_now = asyncio.ensure_future(serve(settings))
        await eventually(lambda: stage.runs)

        def reloaded(times: int) -> bool:
            return stage.diary.count("reloaded") == times

        for times in (1, 2, 3):
            await eventually(lambda: signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGHUP)
            await eventually(partial(reloaded, times))
        os.kill(os.getpid(), signal.SIGTERM)
        await serving_now
    events = [x["event"] for x in logs if x["log_level"] == "error"]
    assert [x for x in events if x != "not_ready_yet"] == [
        "directory_not_reloaded",
        "directory_reload_failed",
    ]


async def test_given_a_pbx_that_is_late_then_it_is_said_and_the_greeting_comes_later(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("bridge.command.greeting.greeting", lambda _: "ready now")
    with structlog.testing.capture_logs() as logs:
        serving_now = asyncio.ensure_future(serve(settings))
        await eventually(lambda: any(x["event"] == "not_ready_yet" for x in logs))
        assert "ready now" not in capsys.readouterr().out
        stage.ready.set()
        await eventually(lambda: "ready now" in capsys.readouterr().out)
        os.kill(os.getpid(), signal.SIGTERM)
        await serving_now


async def test_given_few_file_descriptors_then_it_is_said_how_many_are_needed(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "raise_descriptor_limit", lambda: 64)
    with structlog.testing.capture_logs() as logs:
        serving_now = asyncio.ensure_future(serve(settings))
        await eventually(lambda: stage.runs)
        os.kill(os.getpid(), signal.SIGTERM)
        await serving_now
    [line] = [x for x in logs if x["event"] == "file_descriptors_too_few"]
    assert (line["limit"], line["http_connections_max"]) == (64, 1)
    assert line["needed"] > 64


def test_given_the_modules_of_the_service_when_loaded_then_collections_begin() -> None:
    gc.disable()
    try:
        assert serving._load_service().__name__ == "Service"  # noqa: SLF001 - runs in a thread
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.enable()
