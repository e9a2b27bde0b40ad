"""An Asterisk on PATH: where its parts are, and why one cannot be used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge.local_asterisk import installation as module
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.installation import (
    Installation,
    asterisk_version,
    installation_in_root,
    installation_on_path,
)

from .programs import program


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path / "usr/sbin"))
    which = shutil.which
    # The folders beside PATH belong to the machine of the test.
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None if path else which(name))
    return tmp_path / "usr"


def asterisk(prefix: Path, says: str = "Asterisk 22.10.1") -> Path:
    return program(prefix / "sbin", "asterisk", f"echo '{says}'")


def modules_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "chan_pjsip.so").touch()
    return folder


async def test_given_none_on_path_then_it_is_said(prefix: Path) -> None:
    with pytest.raises(NoAsteriskError, match="there is no `asterisk` on PATH"):
        await installation_on_path()


async def test_given_an_old_one_then_its_version_is_told(prefix: Path) -> None:
    binary = asterisk(prefix, "Asterisk certified/13.21-cert6")
    with pytest.raises(NoAsteriskError, match=f"{binary} is 13.21, older than 16"):
        await installation_on_path()


async def test_given_one_that_names_no_version_then_what_it_says_is_told(prefix: Path) -> None:
    binary = asterisk(prefix, "cannot open shared object")
    with pytest.raises(NoAsteriskError, match="does not name a version: b'cannot open shared"):
        await asterisk_version(str(binary))


async def test_given_one_without_modules_then_the_place_is_named(prefix: Path) -> None:
    asterisk(prefix)
    with pytest.raises(NoAsteriskError, match=f"no Asterisk modules .* below {prefix}"):
        await installation_on_path()


@pytest.mark.parametrize(
    "folder",
    ["lib/x86_64-linux-gnu/asterisk/modules", "lib64/asterisk/modules", "lib/asterisk/modules"],
)
async def test_given_modules_below_its_prefix_then_they_are_found(
    prefix: Path, folder: str
) -> None:
    binary, modules = asterisk(prefix), modules_in(prefix / folder)
    (prefix / "share/asterisk").mkdir(parents=True)
    found = await installation_on_path()
    assert found == Installation("22.10.1", str(binary), modules, prefix / "share/asterisk")
    assert found.command(Path("/i"), ["-f"]) == [str(binary), "-f"]
    assert found.command_beside(1, ["-rx", "x"]) == [str(binary), "-rx", "x"]


async def test_given_a_configuration_of_the_packager_then_its_folders_count(prefix: Path) -> None:
    asterisk(prefix)
    modules = modules_in(prefix / "opt/modules")
    config = prefix / "etc/asterisk/asterisk.conf"
    config.parent.mkdir(parents=True)
    config.write_text(f"[directories]\nastmoddir => {modules}\nastdatadir = /nowhere ; a comment\n")
    found = await installation_on_path()
    assert found.modules_dir == modules
    assert found.data_dir == Path("/var/lib/asterisk")  # as the one that is named is not there


async def test_given_a_private_root_then_its_commands_run_inside_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    async def version(*command: str) -> str:
        asked.append(command)
        return "22.10.1"

    monkeypatch.setattr(module, "asterisk_version", version)
    modules_in(tmp_path / "usr/lib/x86_64-linux-gnu/asterisk/modules")
    found = await installation_in_root(tmp_path)
    assert asked == [("chroot", str(tmp_path), "asterisk")]
    assert found.modules_dir == Path("/usr/lib/x86_64-linux-gnu/asterisk/modules")
    command = found.command(Path("/state"), ["-f"])
    assert command[:4] == ["unshare", "--mount", "--propagation", "private"]
    assert command[-5:] == [str(tmp_path), "/state/root", "/state", "asterisk", "-f"]
    beside = found.command_beside(77, ["-rx", "core show channels"])
    assert beside[:2] == ["nsenter", "--target=77"]
    assert beside[-3:] == ["asterisk", "-rx", "core show channels"]
