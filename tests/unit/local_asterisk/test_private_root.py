"""Which version of Asterisk a private root holds, and what its packages are trusted for."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import threading
from pathlib import Path

import pytest

from bridge.local_asterisk import private_root as module
from bridge.local_asterisk.build_commands import BuildCommands, BuildStopped
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.local_asterisk import CONFIGURATION, PIN
from bridge.local_asterisk.private_root import (
    RootSource,
    default_root,
    install_builder,
    newest_root,
    private_root,
    remove_unused_roots,
    root_source,
    why_no_root,
)
from bridge.testing.eventually import eventually

_OLD, _PINNED = "1:22.9.0+dfsg-1", "1:22.10.1+dfsg+~cs6.17.60671434-1"


class Builder:
    """In the place of mmdebstrap."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.failure = ""

    def run(self, *command: str) -> None:
        self.commands.append(command)
        if self.failure:
            raise NoAsteriskError(self.failure)


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Builder:
    builder = Builder()
    monkeypatch.setattr(BuildCommands, "run", lambda _, *command: builder.run(*command))
    monkeypatch.setattr(module, "install_builder", lambda report, commands: None)
    return builder


def _root_with(folder: Path, version: str) -> Path:
    status = folder / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text(
        "Package: asterisk-modules\nStatus: install ok installed\nVersion: 9:9\n\n"
        "Package: asterisk\nStatus: install ok installed\nPriority: optional\n"
        f"Version: {version}\nDepends: x\n\nPackage: zlib\nVersion: 8:8\n"
    )
    return folder


async def test_given_a_root_of_the_pinned_version_when_asked_for_then_it_is_taken(
    builder: Builder, tmp_path: Path
) -> None:
    folder = _root_with(tmp_path / "root", _PINNED)
    assert await private_root(folder, print, RootSource(version=_PINNED)) == folder
    assert builder.commands == []


async def test_given_a_root_of_another_version_when_asked_for_then_a_new_one_is_made(
    builder: Builder, tmp_path: Path
) -> None:
    folder = _root_with(tmp_path / "root", _OLD)

    made = await private_root(folder, print, RootSource(version=_PINNED))

    assert made == tmp_path / f"root-{_PINNED}"
    assert made.is_dir()
    assert folder.is_dir()  # an Asterisk may run in it
    [command] = builder.commands
    assert f"--include=asterisk={_PINNED},ca-certificates" in command
    assert await private_root(folder, print, RootSource(version=_PINNED)) == made
    assert len(builder.commands) == 1


async def test_given_the_newest_when_asked_for_then_any_root_that_is_there_is_taken(
    builder: Builder, tmp_path: Path
) -> None:
    source = root_source("newest", tmp_path / "no such file", stale_mirror=False)
    folder = _root_with(tmp_path / "root", _OLD)
    assert await private_root(folder, print, source) == folder

    await private_root(tmp_path / "other", print, source)

    [command] = builder.commands
    assert "--include=asterisk,ca-certificates" in command


@pytest.mark.parametrize("stale", [False, True])
async def test_given_old_package_lists_when_made_then_only_the_setting_allows_them(
    builder: Builder, tmp_path: Path, stale: bool
) -> None:
    await private_root(tmp_path / "root", print, RootSource(stale_mirror=stale))
    [command] = builder.commands
    assert any("Check-Valid-Until" in x for x in command) == stale


@pytest.mark.parametrize(
    ("failure", "hint"),
    [
        ("E: Release file for x/InRelease is expired (invalid since 40d)", "BRIDGE_STALE_MIRROR"),
        (f"E: Version '{_PINNED}' for 'asterisk' was not found", "BRIDGE_ASTERISK_PACKAGE=newest"),
    ],
)
async def test_given_a_mirror_that_cannot_when_made_then_the_setting_that_helps_is_named(
    builder: Builder, tmp_path: Path, failure: str, hint: str
) -> None:
    builder.failure = failure
    with pytest.raises(NoAsteriskError, match=hint):
        await private_root(tmp_path / "root", print, RootSource(version=_PINNED))
    assert [x.name for x in tmp_path.iterdir()] == ["root.lock"]


def test_given_no_setting_when_asked_for_then_the_version_is_that_of_the_file() -> None:
    source = root_source("", CONFIGURATION / PIN, stale_mirror=False)
    assert source.version == (CONFIGURATION / PIN).read_text().strip()
    assert root_source("1:2-3", CONFIGURATION / PIN, stale_mirror=False).version == "1:2-3"


async def test_given_a_newer_version_when_asked_for_the_newest_then_its_folder_has_its_name(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(_: BuildCommands, *command: str) -> None:
        builder.run(*command)
        _root_with(Path(command[-1]), _PINNED)

    monkeypatch.setattr(BuildCommands, "run", made)
    folder = _root_with(tmp_path / "root", _OLD)

    newest = await newest_root(folder, print, RootSource(version=_OLD))

    assert newest == tmp_path / f"root-{_PINNED}"
    assert await newest_root(folder, print, RootSource()) == newest
    assert await private_root(folder, print, RootSource(version=_PINNED)) == newest
    assert sorted(x.name for x in tmp_path.iterdir() if x.is_dir()) == ["root", newest.name]


async def test_given_the_newest_is_there_then_no_second_one_is_kept(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        BuildCommands, "run", lambda _, *command: _root_with(Path(command[-1]), _OLD)
    )
    folder = _root_with(tmp_path / "root", _OLD)
    assert await newest_root(folder, print, RootSource()) == folder
    assert [x.name for x in tmp_path.iterdir() if x.is_dir()] == ["root"]


def test_given_several_roots_then_those_to_keep_and_those_being_built_stay(tmp_path: Path) -> None:
    kept, old = _root_with(tmp_path / "root", _PINNED), _root_with(tmp_path / "root-1", _OLD)
    building = tmp_path / "root.building-x"
    building.mkdir()
    assert remove_unused_roots(kept, {kept}) == ([old], [])
    assert kept.is_dir()
    assert building.is_dir()


def test_the_steps_of_a_command_are_told_as_they_come() -> None:
    steps: list[str] = []
    BuildCommands(steps.append).run("sh", "-c", "echo I: one; echo other; echo I: two >&2")
    assert steps == ["one", "two", ""]


def test_given_a_command_that_fails_then_its_last_lines_are_in_the_message() -> None:
    with pytest.raises(NoAsteriskError, match="the reason"):
        BuildCommands().run("sh", "-c", "echo the reason; exit 1")


def test_given_a_cache_folder_then_the_root_is_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert default_root() == Path("/cache/uapi-bridge/asterisk-root")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root() == tmp_path / ".cache/uapi-bridge/asterisk-root"


@pytest.mark.parametrize(
    ("user", "missing", "release", "why"),
    [
        (1000, (), "ID=debian\n", "not root"),
        (0, ("unshare", "setpriv"), "ID=debian\n", "unshare, setpriv missing"),
        (0, (), "ID=fedora\n", "neither Debian nor Ubuntu"),
        (0, (), None, "neither Debian nor Ubuntu"),
        (0, (), "NAME=x\nID=debian\n", None),
        (0, (), 'ID=mint\nID_LIKE="ubuntu debian"\n', None),
    ],
)
def test_given_a_machine_then_it_is_known_whether_it_can_have_a_root(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    user: int,
    missing: tuple[str, ...],
    release: str | None,
    why: str | None,
) -> None:
    file = tmp_path / "os-release"
    if release is not None:
        file.write_text(release)
    monkeypatch.setattr(module, "_OS_RELEASE", file)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda name: None if name in missing else f"/{name}")
    assert why_no_root() == why


def test_given_old_lists_when_the_builder_is_missing_then_they_are_renewed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[str] = []

    def run(_: BuildCommands, *command: str) -> None:
        ran.append(" ".join(command[:2]))
        if len(ran) == 1:
            raise NoAsteriskError("Unable to locate package mmdebstrap")

    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(BuildCommands, "run", run)
    install_builder(print, BuildCommands())
    assert ran == ["apt-get install", "apt-get update", "apt-get install"]


def test_given_a_stop_when_the_builder_is_installed_then_nothing_more_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[str] = []

    def run(commands: BuildCommands, *command: str) -> None:
        ran.append(command[1])
        commands.stop()
        raise NoAsteriskError("ended")

    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(BuildCommands, "run", run)
    with pytest.raises(BuildStopped):
        install_builder(print, BuildCommands())
    assert ran == ["install"]


async def test_given_another_builder_when_asked_for_then_its_root_is_waited_for_and_taken(
    builder: Builder, tmp_path: Path
) -> None:
    said: list[str] = []
    folder = tmp_path / "root"
    with (tmp_path / "root.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = asyncio.ensure_future(private_root(folder, said.append, RootSource()))
        await eventually(lambda: said)
        assert said == ["Another process is making the private Asterisk; waiting for it ..."]
        folder.mkdir()
    assert await waiting == folder
    assert builder.commands == []


async def test_given_a_build_when_it_is_cancelled_then_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = threading.Event()

    def run(commands: BuildCommands, *_: str) -> None:
        begun.set()
        while True:
            commands.wait()

    monkeypatch.setattr(module, "install_builder", lambda report, commands: None)
    monkeypatch.setattr(BuildCommands, "run", run)
    building = asyncio.ensure_future(private_root(tmp_path / "root", print, RootSource()))
    await eventually(begun.is_set)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    await eventually(lambda: [x.name for x in tmp_path.iterdir()] == ["root.lock"])


async def test_given_a_build_that_broke_off_when_made_then_its_folder_goes_unless_it_has_mounts(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned = tmp_path / "root.building-1"
    (abandoned / "proc").mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 2 0:1 / {abandoned}/proc rw - proc proc rw\n")
    monkeypatch.setattr(module, "_MOUNTS", mounts)
    with pytest.raises(NoAsteriskError, match="has something mounted inside; unmount it"):
        await private_root(tmp_path / "root", print, RootSource())
    assert (abandoned / "proc").is_dir()
    mounts.write_text("")
    await private_root(tmp_path / "root", print, RootSource())
    assert not abandoned.exists()


async def test_given_a_folder_without_packages_when_another_version_is_asked_for_then_it_is_left(
    builder: Builder, tmp_path: Path
) -> None:
    (tmp_path / "root").mkdir()
    made = await private_root(tmp_path / "root", print, RootSource(version=_PINNED))
    assert made.name == f"root-{_PINNED}"


async def test_given_a_failure_without_a_remedy_then_no_setting_is_named(
    builder: Builder, tmp_path: Path
) -> None:
    builder.failure = "E: Could not connect"
    with pytest.raises(NoAsteriskError) as failed:
        await private_root(tmp_path / "root", print, RootSource())
    assert str(failed.value) == "E: Could not connect"
