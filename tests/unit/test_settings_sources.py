"""Where a setting comes from when several sources name it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.settings import Settings


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
    assert Settings.unknown_names() == []


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
