"""The address of the service in links: as the client called it (RFC 9112 §3.2)."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request

from bridge.http.base_url import authority, base_url, require_host
from bridge.http.errors import UapiError

HERE = "http://bridge.example:8080"


@pytest.mark.parametrize(
    ("target", "headers", "public", "expected"),
    [
        ("/uapi", {"Host": "bridge.example:8080"}, "", HERE),
        ("/uapi", {"Host": "[2001:db8::1]:8080"}, "", "http://[2001:db8::1]:8080"),
        ("/uapi", {"Host": "other"}, "https://public.example/", "https://public.example"),
        (f"{HERE}/uapi", {"Host": "other"}, "", HERE),
    ],
)
def test_a_link_begins_as_the_client_called_the_service(
    target: str, headers: dict[str, str], public: str, expected: str
) -> None:
    request = make_mocked_request("GET", target, headers)
    require_host(request)
    assert base_url(request, public) == expected


@pytest.mark.parametrize(
    ("host", "expected"), [("192.0.2.1", "http://192.0.2.1:80"), ("::1", "http://[::1]:80")]
)
def test_without_a_host_it_is_the_address_that_was_called(host: str, expected: str) -> None:
    transport = Mock()
    transport.get_extra_info = lambda name: (host, 80) if name == "sockname" else None
    request = make_mocked_request("GET", "/uapi", transport=transport)
    require_host(request)
    assert base_url(request, "") == expected == f"http://{authority(host, 80)}"


@pytest.mark.parametrize(
    ("method", "target", "host"),
    [
        ("GET", "/uapi", "a b"),
        ("GET", "/uapi", "bridge.example:99999"),
        ("GET", "/uapi", "bridge.example/x"),
        ("GET", "ftp://bridge.example/uapi", "bridge.example"),
        ("CONNECT", "bridge.example:443", "bridge.example"),
    ],
)
def test_what_no_link_can_be_made_of_is_refused(method: str, target: str, host: str) -> None:
    with pytest.raises(UapiError, match="Host must be"):
        require_host(make_mocked_request(method, target, {"Host": host}))
