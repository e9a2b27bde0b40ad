"""Where a setting comes from when several sources name it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bridge.config.settings import Settings
from bridge.config.settings_reading import SettingsWrong, read_settings
from bridge.config.settings_sources import unknown_variables


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders of secrets, as compose mounts them; one more that is not there."""
    made, given = tmp_path / "made", tmp_path / "given"
    made.mkdir()
    given.mkdir()
    named = os.pathsep.join(map(str, (made, tmp_path / "absent", given)))
    monkeypatch.setenv("BRIDGE_SECRETS_DIR", named)
    return made, given


def ami_secret() -> str:
    return Settings().ami_secret.get_secret_value()


def test_given_secrets_in_files_when_read_then_the_last_folder_counts_and_line_ends_do_not(
    folders: tuple[Path, Path],
) -> None:
    made, given = folders
    assert ami_secret() == ""
    (made / "bridge_ami_secret").write_text("made\n")
    assert ami_secret() == "made"
    (given / "bridge_ami_secret").write_text("given\n")
    assert ami_secret() == "given"
    (given / "something_else").write_text("not ours")
    assert unknown_variables(Settings.model_fields) == []


def test_given_a_variable_when_read_then_it_counts_before_files_and_empty_it_counts_as_none(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders[0] / "bridge_ami_secret").write_text("made")
    monkeypatch.setenv("BRIDGE_AMI_SECRET", "from the environment")
    assert ami_secret() == "from the environment"
    monkeypatch.setenv("BRIDGE_AMI_SECRET", "")
    assert ami_secret() == "made"
    monkeypatch.setenv("BRIDGE_SIP_PORT", "")
    assert Settings().sip_port == 5060


def test_given_a_secret_that_cannot_be_read_when_started_then_the_file_and_the_way_are_said(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, given = folders
    secret = given / "bridge_ami_secret"
    secret.write_text("x")
    read_text = Path.read_text

    def refused(path: Path, encoding: str | None = None, errors: str | None = None) -> str:
        if path == secret:  # root, as whom tests may run, can read anything
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_text(path, encoding, errors)

    monkeypatch.setattr(Path, "read_text", refused)

    with pytest.raises(SettingsWrong, match=f"{secret} cannot be read.*0644"):
        read_settings()
