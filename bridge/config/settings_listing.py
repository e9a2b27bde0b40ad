"""`uapi-bridge settings`: every setting with its default and reason, as lines of an `.env` file."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import SecretStr

from bridge.config.setting_rules import variable
from bridge.config.settings import Settings

_FIELD = re.compile(r"    (\w+): ")
_INLINE = re.compile(r".*  # (.*)")


def settings_listing() -> str:
    """Comments as they stand in bridge/config/settings.py; each default is commented out."""
    lines: list[str] = []
    field = ""
    remark = ""

    def end_field() -> None:
        nonlocal field, remark
        if field:
            shown = text_of(Settings.model_fields[field].get_default(call_default_factory=True))
            lines.append(f"#{variable(field)}={shown}" + (f"  # {remark}" if remark else ""))
        field = remark = ""

    for line in inspect.getsource(Settings).splitlines()[1:]:
        if line.startswith("    @"):
            break
        found = _FIELD.match(line)
        if found is not None and found[1] in Settings.model_fields:
            end_field()
            field = found[1]
        elif line.startswith("    #") or not line:
            end_field()
            lines.append(line.strip())
        inline = _INLINE.match(line)
        if field and inline is not None:
            remark = inline[1]
    end_field()
    return "\n".join(lines).strip()


def text_of(default: Any) -> str:
    """As somebody writes it into the environment."""
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple | list | frozenset):
        return ",".join(map(text_of, default))
    return default.get_secret_value() if isinstance(default, SecretStr) else str(default)
