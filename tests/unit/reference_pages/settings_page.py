"""docs/reference/settings.md, made from the settings themselves: `make pages`.

The reasons are the comments of the class, as `uapi-bridge settings` prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from bridge.config.settings import Settings
from bridge.config.settings_listing import settings_listing

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "settings.md"

_HEAD = """\
# Every setting

This page is made from the code by `make pages`; edit the class `Settings` instead.

A setting is an environment variable, a file of that name in a folder of `BRIDGE_SECRETS_DIR`, or a
line of the TOML file that `BRIDGE_SETTINGS_FILE` names. In that file it is written in lower case
and without `BRIDGE_`. `uapi-bridge settings` prints the same list as lines of an `.env` file.
`uapi-bridge check` says which settings are wrong."""
_LINE = re.compile(r"#BRIDGE_(\w+)=(.*?)(?:  # (.*))?")
# By the end of a name; the first that fits counts.
_UNITS = {
    "_bytes_per_s": "bytes per second",
    "_frames_per_s": "frames per second",
    "_per_second": "per second",
    "_per_minute": "per minute",
    "_ms": "milliseconds",
    "_s": "seconds",
    "_days": "days",
    "_bytes": "bytes",
    "_chars": "characters",
    "_port": "port",
    "_port_min": "port",
    "_port_max": "port",
}


@dataclass(frozen=True, slots=True)
class ListedSetting:
    """`name` as in the TOML file, `default` as in the environment."""

    section: str
    name: str
    default: str
    reason: str


def listed_settings() -> Iterator[ListedSetting]:
    """Every setting in the order of the class. A comment holds for the setting that follows it."""
    section, said, begins = "", list[str](), True
    for line in settings_listing().splitlines():
        if found := _LINE.fullmatch(line):
            name, default, remark = found[1].lower(), found[2], found[3] or ""
            yield ListedSetting(section, name, default, " ".join([*said, remark]).strip())
            said = []
        elif line and begins:
            section = line.removeprefix("# ")
        elif line:
            said.append(line.removeprefix("# "))
        begins = not line


def unit_of(name: str) -> str:
    """What a value is: its unit and bounds, or the words that it may be."""
    field = Settings.model_fields[name]
    words = _words(field.annotation)
    if words:
        return ", ".join(f"`{x}`" for x in words)
    if field.annotation is bool:
        return "`true`, `false`"
    unit = next((x for end, x in _UNITS.items() if name.endswith(end)), "")
    if field.annotation in (int, float):
        return " ".join(filter(None, [unit or "number", _bounds(field)]))
    return "path" if "Path" in str(field.annotation) else "text"


def settings_page() -> str:
    """The whole page as Markdown."""
    lines, section = [_HEAD], ""
    for setting in listed_settings():
        if setting.section != section:
            section = setting.section
            lines += [f"\n## {section}\n", "| setting | unit or values | default | reason |"]
            lines.append("|---|---|---|---|")
        default = f"`{setting.default}`" if setting.default else "empty"
        cells = [f"`BRIDGE_{setting.name.upper()}`", unit_of(setting.name), default]
        cells.append(_sentence(setting.reason))
        lines.append("| " + " | ".join(x.replace("|", "\\\\|") for x in cells) + " |")
    return "\n".join(lines) + "\n"


def _sentence(reason: str) -> str:
    """With a capital, unless it begins with a name."""
    first = reason.split(" ")[0].rstrip(",:")
    return reason[:1].upper() + reason[1:] if first.isalpha() else reason


def _words(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _bounds(field: FieldInfo) -> str:
    low = [f"{x.ge} or more" for x in field.metadata if isinstance(x, Ge)]
    low += [f"above {x.gt}" for x in field.metadata if isinstance(x, Gt)]
    high = [f"{x.le} at most" for x in field.metadata if isinstance(x, Le)]
    return f"({', '.join(low + high)})" if low or high else ""


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(settings_page())
