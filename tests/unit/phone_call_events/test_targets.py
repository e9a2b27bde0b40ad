"""Where events may be sent to: the rules of a URL, and of the address behind it."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bridge.phone_call_events.target_address import PublicResolver, TargetRefused, is_public
from bridge.phone_call_events.url_rules import UrlInvalid, check_url


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"],
)
def test_given_address_of_the_internet_when_checked_then_it_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "64:ff9b:1::7f00:1",
        "::ffff:0:7f00:1",
        "::7f00:1",
        "fec0::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "",
        "nonsense",
    ],
)
def test_given_address_inside_when_checked_then_it_is_not_public(address: str) -> None:
    assert not is_public(address)


class Names(AbstractResolver):
    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=x, port=port, family=family, proto=0, flags=0)
            for x in self._addresses
        ]

    async def close(self) -> None: ...


async def test_given_mixed_addresses_when_name_is_resolved_then_only_public_ones_stay() -> None:
    found = await PublicResolver(Names("10.0.0.1", "8.8.8.8", "::1")).resolve("x", 80)
    assert [x["host"] for x in found] == ["8.8.8.8"]


async def test_given_name_that_leads_inside_when_resolved_then_it_is_refused() -> None:
    with pytest.raises(TargetRefused):
        await PublicResolver(Names("127.0.0.1", "fe80::1")).resolve("rebound.example", 80)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com:8443/a/b?c=d&e=%2B+x#f",
        "HTTPS://Example.COM./",
        "http://93.184.216.34/",
        "http://[2606:2800:220:1:248:1893:25c8:1946]/",
        "http://xn--bcher-kva.example/",
        "http://1.example/",
    ],
)
def test_given_url_of_the_internet_when_checked_then_it_passes(url: str) -> None:
    check_url(url, 200, private_targets=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "/hook",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://user@example.com/",
        "http://user:key@example.com/",
        "http://@example.com/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com/ž",
        "http://example.com/%zz",
        "http://example.com/%",
        "http://[::1",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://example.com/" + "x" * 200,
    ],
)
def test_given_url_that_is_none_when_checked_then_it_is_refused_in_any_case(url: str) -> None:
    with pytest.raises(UrlInvalid):
        check_url(url, 200, private_targets=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://LOCALHOST.:8080/",
        "http://a.localhost/",
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_given_url_that_leads_inside_when_checked_then_only_the_setting_allows_it(url: str) -> None:
    check_url(url, 200, private_targets=True)
    with pytest.raises(UrlInvalid):
        check_url(url, 200, private_targets=False)
