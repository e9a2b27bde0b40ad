"""The form of JSON that commands print."""

from __future__ import annotations

import json


def json_text(value: object) -> str:
    """Indented by 2; letters of every script stay as they are."""
    return json.dumps(value, ensure_ascii=False, indent=2)
