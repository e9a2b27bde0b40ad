"""Several PBXs: the entries `[[pbx]]` of the settings file, and the settings of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bridge.config.setting_values import CaFile, Host, IpAddress, Port, UrlPrefix

if TYPE_CHECKING:
    from bridge.config.settings import Settings

PbxName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$")]

# Of an entry: the field of Settings that it stands for, where that has another name.
_SETTING = {"name": "pbx_name", "host": "pbx_host", "ca_file": "pbx_ca_file"}


class PbxEntry(BaseModel):
    """One PBX. A field that it leaves out has the value of the setting for all PBXs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: PbxName
    host: Annotated[Host, Field(min_length=1)]
    ca_file: CaFile | None = None
    ami_tls: bool | None = None
    ami_port: Port | None = None
    ami_username: str | None = None
    ami_secret: SecretStr | None = None
    ami_recording_username: str | None = None
    ami_recording_secret: SecretStr | None = None
    ari_tls: bool | None = None
    ari_port: Port | None = None
    ari_prefix: UrlPrefix | None = None
    ari_username: str | None = None
    ari_secret: SecretStr | None = None
    phone_media_address: IpAddress | None = None
    queues_file: Path | None = None
    recording_folder: str | None = None
    recording_shared_folder: Path | None = None


def of_first_pbx(given: Any) -> Any:
    """`given`, as read, with the first of several PBXs as the one that the settings name.

    So whatever works with one PBX works with the first. Each entry has the values for all then.
    Raises ValueError if one PBX is named beside several.
    """
    entries = given.get("pbx") if isinstance(given, dict) else None
    if not isinstance(entries, list | tuple) or not all(isinstance(x, Mapping) for x in entries):
        return given  # what is wrong with it is said with the others
    if not entries:
        return given
    if given.get("pbx_host") or given.get("pbx_name"):
        raise ValueError("BRIDGE_PBX_HOST and BRIDGE_PBX_NAME are for one PBX, [[pbx]] for several")
    common = {x: given[_setting(x)] for x in PbxEntry.model_fields if _setting(x) in given}
    entries = [{**common, **x} for x in entries]
    first = {_setting(name): value for name, value in entries[0].items() if name in _FIELDS}
    return {**given, **first, "pbx": entries}


_FIELDS = frozenset(PbxEntry.model_fields)


def settings_of_pbxs(settings: Settings) -> tuple[Settings, ...]:
    """One for each PBX, in the order of the entries; without entries, the settings themselves."""
    return tuple(_of(settings, x) for x in settings.pbx) or (settings,)


def _of(settings: Settings, entry: PbxEntry) -> Settings:
    fields = type(settings).model_fields
    update = {}
    for name in PbxEntry.model_fields:
        value, setting = getattr(entry, name), _setting(name)
        update[setting] = fields[setting].default if value is None else value
    return settings.model_copy(update=update)


def _setting(name: str) -> str:
    return _SETTING.get(name, name)
