"""Settings of an edge that cannot work are refused at the start."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.config.settings import Settings
from bridge.pbx.pbx_settings import EdgeAddress
from bridge.wiring.http import sip_server
from bridge.wiring.pbx import edge_addresses, has_several_edges, phone_profile

WHOLE = {
    "edge_address": "[fd00::5]:5060",
    "database_url": "postgresql+asyncpg://bridge@127.0.0.1/bridge",
}


def test_phones_register_where_the_edge_is() -> None:
    settings = Settings(**WHOLE)  # type: ignore[arg-type]
    profile = phone_profile(settings)
    assert profile is not None
    assert profile.edges == (EdgeAddress("fd00::5", 5060),)
    assert sip_server(settings) == "[fd00::5]:5060"


def test_several_edges_are_separated_by_commas() -> None:
    several = {**WHOLE, "edge_address": "10.0.0.5:5060, 10.0.0.6:5060"}
    settings = Settings(**several)  # type: ignore[arg-type]
    assert edge_addresses(settings) == (
        EdgeAddress("10.0.0.5", 5060),
        EdgeAddress("10.0.0.6", 5060),
    )
    assert has_several_edges(settings)
    assert sip_server(settings) == "10.0.0.5:5060"
    assert not has_several_edges(Settings(**WHOLE))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("edge_address", "10.0.0.5:5060,", "IP address and a port"),
        ("edge_address", "10.0.0.5:5060,10.0.0.5:5060", "named twice"),
        ("edge_address", "10.0.0.5:5060,10.0.0.6:5070", "the same port"),
        ("edge_address", "edge.example:5060", "does not appear to be an IPv4 or IPv6 address"),
        ("edge_address", "10.0.0.5", "IP address and a port"),
        ("edge_address", "10.0.0.5:70000", "IP address and a port"),
        ("edge_address", "fd00::5:5060", "needs brackets"),
        ("edge_realm", 'edge"', "edge_realm"),
        ("provision_phones", False, "needs BRIDGE_PROVISION_PHONES"),
        ("database_url", "", "needs a BRIDGE_DATABASE_URL of PostgreSQL"),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings(**{**WHOLE, name: value})  # type: ignore[arg-type]
