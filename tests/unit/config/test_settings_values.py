"""`uapi-bridge settings --values`: the value in force of each, and where it is from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.command.commands import settings
from bridge.config.settings import Settings


@pytest.fixture
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting in each place; one of them in all."""
    for name in [x for x in os.environ if x.startswith("BRIDGE_")]:
        monkeypatch.delenv(name)
    file, secrets = tmp_path / "s.toml", tmp_path / "secrets"
    file.write_text('http_port = 1\ncalls_per_second = 7.0\npublic_base_url = "http://p"\n')
    secrets.mkdir()
    (secrets / "bridge_ari_secret").write_text("of-the-file")
    (secrets / "bridge_public_base_url").write_text("http://q")
    monkeypatch.setenv("BRIDGE_SETTINGS_FILE", str(file))
    monkeypatch.setenv("BRIDGE_SECRETS_DIR", str(secrets))
    monkeypatch.setenv("BRIDGE_HTTP_PORT", "2")
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "postgresql+asyncpg://u:pass@h/x?password=word")


@pytest.mark.usefixtures("_places")
def test_each_setting_has_its_value_its_origin_and_its_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings(values=False, json=True) == 0
    found = {x.pop("name"): x for x in json.loads(capsys.readouterr().out)}
    assert len(found) == len(Settings.model_fields)
    assert found["BRIDGE_HTTP_PORT"] == {"value": "2", "origin": "environment", "default": "8080"}
    assert found["BRIDGE_CALLS_PER_SECOND"]["origin"] == str(tmp_path / "s.toml")
    assert found["BRIDGE_PUBLIC_BASE_URL"] == {
        "value": "http://q",
        "origin": str(tmp_path / "secrets" / "bridge_public_base_url"),
        "default": "",
    }
    assert found["BRIDGE_STATE_DIR"]["origin"] == "default"


@pytest.mark.usefixtures("_places")
def test_no_secret_is_shown_and_what_somebody_has_set_comes_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert settings(values=True, json=False) == 0
    said = capsys.readouterr().out
    for secret in ("of-the-file", "pass@", "=word"):
        assert secret not in said
    first = [x.partition("=")[0] for x in said.splitlines()[:5]]
    assert sorted(first) == [
        "BRIDGE_ARI_SECRET",
        "BRIDGE_CALLS_PER_SECOND",
        "BRIDGE_DATABASE_URL",
        "BRIDGE_HTTP_PORT",
        "BRIDGE_PUBLIC_BASE_URL",
    ]
