"""Which addresses count as one remote."""

from __future__ import annotations

import pytest

from bridge.http.remote_address import remote_of


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        (None, "unknown"),
        ("", "unknown"),
        ("/run/socket", "unknown"),
    ],
)
def test_remote(address: str | None, remote: str) -> None:
    assert remote_of(address) == remote
