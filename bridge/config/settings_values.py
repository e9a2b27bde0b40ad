"""`uapi-bridge settings --values`: the value of every setting in force, and where it is from."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import SecretsSettingsSource

from bridge.config.setting_rules import variable
from bridge.config.settings import Settings
from bridge.config.settings_listing import text_of
from bridge.config.settings_sources import SECRETS_DIR, SETTINGS_FILE

_HIDDEN = "********"
_DEFAULT = "default"
_PASSWORD = re.compile(r"(://[^/@\s]*:|[?&]password=)[^@&\s]+")
"""Of a database's address."""


@dataclass(frozen=True, slots=True)
class SettingValue:
    """`origin`: `environment`, the path of a file, or `default`. A secret is hidden in each."""

    name: str
    value: str
    origin: str
    default: str


def settings_values(settings: Settings) -> list[SettingValue]:
    """Each setting in the order of its declaration."""
    origins = _origins()
    return [
        SettingValue(
            variable(name),
            _shown(getattr(settings, name)),
            origins.get(name, _DEFAULT),
            _shown(field.get_default(call_default_factory=True)),
        )
        for name, field in Settings.model_fields.items()
    ]


def as_lines(found: Sequence[SettingValue]) -> str:
    """Those that somebody has set come first; `name=value` and the origin, one a line."""
    return "\n".join(
        f"{x.name}={x.value}"
        + ("" if x.origin == _DEFAULT else f"  # {x.origin}; default: {x.default or 'none'}")
        for x in sorted(found, key=lambda x: x.origin == _DEFAULT)
    )


def as_objects(found: Sequence[SettingValue]) -> list[dict[str, str]]:
    """For JSON."""
    return [asdict(x) for x in found]


def _origins() -> dict[str, str]:
    """The place of each value that somebody has set; the environment counts most."""
    found: dict[str, str] = {}
    path = os.environ.get(SETTINGS_FILE, "")
    if path:
        found |= dict.fromkeys(tomllib.loads(Path(path).read_text(encoding="utf-8")), path)
    folders = [x for x in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if Path(x).is_dir()]
    for folder in folders:
        for name in SecretsSettingsSource(Settings, secrets_dir=folder)():
            found[name] = str(Path(folder, variable(name).lower()))
    for name in Settings.model_fields:
        if os.environ.get(variable(name)):
            found[name] = "environment"
    return found


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return _HIDDEN if value.get_secret_value() else ""
    return _PASSWORD.sub(rf"\1{_HIDDEN}", text_of(value))
