"""Where events may be sent to: the rules of a URL, and of the address behind it."""

from __future__ import annotations

import ipaddress
import socket

import hypothesis.strategies as st
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given

from bridge.config.setting_values import port_ranges
from bridge.phone_call_events.special_networks import SPECIAL_IPV4, SPECIAL_IPV6
from bridge.phone_call_events.target_address import (
    PublicResolver,
    TargetRefused,
    TargetRules,
    is_public,
)
from bridge.phone_call_events.url_rules import UrlInvalid, check_url

_PUBLIC, _PRIVATE = TargetRules(private=False), TargetRules(private=True)


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
        "192.0.0.192",
        "192.88.99.1",
        "168.63.129.16",
        "3fff::1",
        "2001:db8::1",
        "2606:2800:220:1:0:5efe:8.8.8.8",
        "2606:2800:220:1:248:1893:25c8:1946%eth0",
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
    check_url(url, 200, _PUBLIC)


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
        "http://1.1.1.1%00.example.com/",
        "http://exa%6dple.com/",
        "http://[fe80::1%25eth0]/",
        "http://example.com:22/",
        "https://example.com:25/",
        "http://example.com:1023/",
        "http://example.com/" + "x" * 200,
    ],
)
def test_given_url_that_is_none_when_checked_then_it_is_refused_in_any_case(url: str) -> None:
    with pytest.raises(UrlInvalid):
        check_url(url, 200, _PRIVATE)


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
    check_url(url, 200, _PRIVATE)
    with pytest.raises(UrlInvalid):
        check_url(url, 200, _PUBLIC)


@pytest.mark.parametrize(("port", "url"), [(25, "http://example.com:25/"), (80, "http://h/")])
def test_given_other_ports_in_the_setting_when_checked_then_those_count(
    port: int, url: str
) -> None:
    check_url(url, 200, TargetRules(private=False, ports=port_ranges(f"1-2, {port}")))
    with pytest.raises(UrlInvalid, match=f"port {port}"):
        check_url(url, 200, TargetRules(private=False, ports=((1, 2),)))


@pytest.mark.parametrize("text", ["", "0", "65536", "9-8", "80,", "http", "-1"])
def test_given_ports_that_are_none_when_read_then_they_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|not a range of ports"):
        port_ranges(text)


_special_ipv4 = st.sampled_from(SPECIAL_IPV4).flatmap(lambda x: st.ip_addresses(network=x))
_special_ipv6 = st.sampled_from(SPECIAL_IPV6).flatmap(lambda x: st.ip_addresses(network=x))


def _holding(ip: ipaddress.IPv4Address, low: int) -> list[ipaddress.IPv6Address]:
    """Every form of IPv6 that leads to that IPv4 address; `low` fills what is free."""
    return [
        ipaddress.IPv6Address(0xFFFF << 32 | int(ip)),
        ipaddress.IPv6Address((0x64FF9B << 96) | int(ip)),
        ipaddress.IPv6Address(0x2002 << 112 | int(ip) << 80 | low),
        # Teredo has it inverted, as the client's, and plain, as the server's.
        ipaddress.IPv6Address(0x20010000 << 96 | low << 32 | (int(ip) ^ 0xFFFFFFFF)),
        ipaddress.IPv6Address(0x20010000 << 96 | int(ip) << 64 | low & 0xFFFFFFFF),
        ipaddress.IPv6Address(0x26062800 << 96 | 0x5EFE << 32 | int(ip)),
    ]


@given(_special_ipv4, st.integers(0, 2**64 - 1))
def test_no_special_ipv4_address_is_public_in_any_form(ip: ipaddress.IPv4Address, low: int) -> None:
    assert not is_public(str(ip))
    for form in _holding(ip, low):
        assert not is_public(str(form)), form
        with pytest.raises(UrlInvalid):
            check_url(f"http://[{form}]/", 200, _PUBLIC)


@given(_special_ipv6)
def test_no_special_ipv6_address_is_public(ip: ipaddress.IPv6Address) -> None:
    assert not is_public(str(ip))


@given(st.ip_addresses())
def test_what_is_public_is_so_for_the_interpreter_too(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """It knows less in its older versions, never more; but for what holds an IPv4 address."""
    if is_public(str(ip)) and not (isinstance(ip, ipaddress.IPv6Address) and ip.sixtofour):
        assert ip.is_global
        assert not ip.is_multicast


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_when_it_is_mapped(ip: ipaddress.IPv4Address) -> None:
    assert is_public(f"::ffff:{ip}") == is_public(f"64:ff9b::{ip}") == is_public(str(ip))
