"""Which version of Asterisk a private root holds, and what its packages are trusted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.local_asterisk import private_root as module
from bridge.local_asterisk.build_commands import BuildCommands
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.local_asterisk import CONFIGURATION, PIN
from bridge.local_asterisk.private_root import (
    RootSource,
    newest_root,
    private_root,
    remove_unused_roots,
    root_source,
)

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
