"""Reading the settings: everything wrong with them is said, one line each."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from bridge.config.setting_rules import variable
from bridge.config.settings import Settings
from bridge.config.settings_sources import SETTINGS_FILE, unknown_variables

_WHERE_IN_TOML = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class SettingsWrong(Exception):
    """`str()` has one line for each that is."""


def read_settings() -> Settings:
    """From the environment and the files that it names. Raises SettingsWrong."""
    try:
        settings = Settings()
    except FileNotFoundError as why:
        raise SettingsWrong(str(why)) from None
    except tomllib.TOMLDecodeError as why:
        raise SettingsWrong(_not_toml(str(why))) from None
    except (OSError, UnicodeDecodeError) as why:
        raise SettingsWrong(f"{os.environ.get(SETTINGS_FILE)} cannot be read: {why}") from None
    except SettingsError as why:
        raise SettingsWrong(_unreadable(why)) from None
    except ValidationError as why:
        raise SettingsWrong("\n".join(map(_problem, why.errors()))) from None
    if unknown := unknown_variables(Settings.model_fields):
        raise SettingsWrong("\n".join(_no_such_variable(x) for x in unknown))
    return settings


def _unreadable(why: SettingsError) -> str:
    """A file with a secret that this user may not read has no message of its own there."""
    if not isinstance(cause := why.__cause__, PermissionError):
        return str(why)
    return (
        f"{cause.filename} cannot be read by the user of this service. Give the file of a Docker "
        "secret mode 0644, in a folder that only its owner may enter"
    )


def _not_toml(why: str) -> str:
    found = _WHERE_IN_TOML.search(why)
    line = f":{found[1]}" if found is not None and found[1] else ""
    return f"{os.environ[SETTINGS_FILE]}{line}: not valid TOML: {_WHERE_IN_TOML.sub('', why)}"


def _problem(error: ErrorDetails) -> str:
    name = "_".join(map(str, error["loc"]))
    reason = error["msg"].removeprefix("Value error, ")
    if not name:  # several do not fit each other; the message names them
        return f"settings: {reason}"
    file = os.environ.get(SETTINGS_FILE, "")
    match error["loc"]:
        case ("pbx", int(number), str(field), *_):
            return f"{file or variable('pbx')}: table {number + 1} of [[pbx]]: {field}: {reason}"
    if error["type"] == "extra_forbidden":  # the environment is asked for known names only
        meant = f" (did you mean {near}?)" if (near := _nearest(name)) else ""
        form = "; here names are in lower case, without BRIDGE_" if name != name.lower() else ""
        return f"{file}: there is no setting {name}{meant}{form}"
    if file and variable(name) not in os.environ and name in _names_in(file):
        return f"{file}: {name}: {reason}"
    return f"setting {variable(name)}: {reason}"


def _names_in(file: str) -> set[str]:
    """Read a second time, to say where a wrong value is from."""
    return set(tomllib.loads(Path(file).read_text(encoding="utf-8")))


def _no_such_variable(name: str) -> str:
    meant = f" (did you mean {variable(near)}?)" if (near := _nearest(name)) else ""
    return f"there is no setting {name}{meant}; `uapi-bridge settings` lists them"


def _nearest(name: str) -> str:
    """The field that somebody may have meant; empty where none is like it."""
    wrong = name.lower().removeprefix("bridge_")
    return "".join(difflib.get_close_matches(wrong, Settings.model_fields, n=1, cutoff=0.7))
