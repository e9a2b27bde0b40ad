"""The places that the values of settings are read from.

The environment comes first (`BRIDGE_…`; an empty variable counts as none). Then come files named as
the variables in the folders of `BRIDGE_SECRETS_DIR` (Docker secrets; of several folders, separated
by `:`, the last counts). A TOML file named by `BRIDGE_SETTINGS_FILE` comes last.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    TomlConfigSettingsSource,
)

from bridge.config.setting_rules import variable

SETTINGS_FILE, SECRETS_DIR = "BRIDGE_SETTINGS_FILE", "BRIDGE_SECRETS_DIR"


def file_sources(settings_cls: type[BaseSettings]) -> list[PydanticBaseSettingsSource]:
    """The sources below the environment. Raises FileNotFoundError for a TOML file that is none."""
    sources: list[PydanticBaseSettingsSource] = []
    folders = [x for x in os.environ.get(SECRETS_DIR, "").split(os.pathsep) if Path(x).is_dir()]
    if folders:
        sources.append(SecretsSettingsSource(settings_cls, secrets_dir=folders))
    path = os.environ.get(SETTINGS_FILE)
    if path:
        if not Path(path).is_file():
            raise FileNotFoundError(f"BRIDGE_SETTINGS_FILE names no file: {path}")
        sources.append(TomlConfigSettingsSource(settings_cls, Path(path)))
    return sources


def unknown_variables(settings: Iterable[str]) -> list[str]:
    """Variables of the environment that look like one of these settings and are not: misspelled."""
    known = {variable(name) for name in settings} | {SETTINGS_FILE, SECRETS_DIR}
    return sorted(
        name
        for name in os.environ
        # BRIDGE_COMPOSE_… are docker-compose.yml's own.
        if name.startswith("BRIDGE_") and not name.startswith("BRIDGE_COMPOSE_")
        if name not in known
    )
