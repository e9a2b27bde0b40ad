"""The fixtures of the kit where pytest-asyncio is missing: each says how to get it."""

from __future__ import annotations

import pytest

ADVICE = "uapi-bridge's fixtures need pytest-asyncio: pip install 'uapi-bridge[testing]'"


def _fail() -> None:
    raise pytest.UsageError(ADVICE)


NAMES = (
    *("uapi_lab", "uapi_journal", "uapi_api", "uapi_client", "uapi_phone", "uapi_scripted"),
    *("uapi_browser_phone", "uapi_events", "uapi_recordings", "uapi_public_number"),
)
for _name in NAMES:
    globals()[_name] = pytest.fixture(name=_name)(_fail)
