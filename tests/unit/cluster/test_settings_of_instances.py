"""Settings of one instance among several that cannot work are refused at the start."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.config.settings import Settings

WHOLE = {
    "instance_name": "a",
    "instance_url": "http://127.0.0.1:8081",
    "cluster_secret": "x" * 32,
    "database_url": "postgresql+asyncpg://bridge@127.0.0.1/bridge",
}


def test_an_instance_of_several_is_taken() -> None:
    assert Settings(**WHOLE).instance_name == "a"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("instance_name", "", "need BRIDGE_INSTANCE_NAME"),
        ("instance_name", "A b", "instance_name"),
        ("instance_url", "", "needs BRIDGE_INSTANCE_URL"),
        ("cluster_secret", "x" * 31, "32 characters or more"),
        ("database_url", "", "needs a BRIDGE_DATABASE_URL of PostgreSQL"),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings(**{**WHOLE, name: value})  # type: ignore[arg-type]
