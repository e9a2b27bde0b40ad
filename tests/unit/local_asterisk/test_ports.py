"""Addresses and ports of a local Asterisk: what each error says, and what leaves room for what."""

from __future__ import annotations

import asyncio
import errno
import os
import socket

import pytest

from bridge.local_asterisk import ports as module
from bridge.local_asterisk.errors import LocalAsteriskError, PortTakenError
from bridge.local_asterisk.ports import AsteriskPorts, management_address


def test_given_an_ipv6_address_then_the_trunk_has_ipv4_beside_it() -> None:
    assert AsteriskPorts(bind_address="::1").trunk_address == "127.0.0.1"
    assert AsteriskPorts(bind_address="10.0.0.7").trunk_address == "10.0.0.7"


def test_given_an_address_of_the_network_then_ami_and_ari_stay_on_loopback() -> None:
    assert management_address("0.0.0.0") == "127.0.0.1"
    assert management_address("::") == "127.0.0.1"
    assert management_address("127.0.0.5") == "127.0.0.5"


@pytest.mark.parametrize(
    ("bind_address", "address", "taken"),
    [
        ("::", "127.0.0.2", True),
        ("0.0.0.0", "127.0.0.2", True),
        ("0.0.0.0", "::1", False),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.2", "127.0.0.2", True),
        ("::1", "127.0.0.1", True),  # the trunk
    ],
)
def test_given_an_address_of_the_pbx_then_it_is_known_where_its_sip_is(
    bind_address: str, address: str, taken: bool
) -> None:
    assert AsteriskPorts(bind_address=bind_address).takes(address) is taken


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (
            errno.EADDRINUSE,
            "is taken by another program. Stop that program or choose another port with "
            "BRIDGE_PUBLIC_NETWORK_PORT.",
        ),
        (
            errno.EACCES,
            "may not be used by this user. Choose another port with BRIDGE_PUBLIC_NETWORK_PORT.",
        ),
        (
            errno.EADDRNOTAVAIL,
            "cannot be used: this machine has no such address. Choose one that it has with "
            "BRIDGE_PUBLIC_NETWORK_ADDRESS.",
        ),
        (
            errno.EAFNOSUPPORT,
            "cannot be used: this machine has no IPv6. Choose one that it has with "
            "BRIDGE_PUBLIC_NETWORK_ADDRESS.",
        ),
        (
            errno.EINVAL,
            "cannot be used: Invalid argument. Choose another port with "
            "BRIDGE_PUBLIC_NETWORK_PORT.",
        ),
    ],
)
def test_given_a_port_that_cannot_be_used_then_the_setting_that_helps_is_named(
    monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "try_to_bind", fails)
    with pytest.raises(PortTakenError) as refused:
        AsteriskPorts(public_network_sip=5070).check_public_network()
    assert str(refused.value) == f"UDP port 5070 on 127.0.0.2 {says}"
    assert refused.value.setting == "BRIDGE_PUBLIC_NETWORK_PORT"


@pytest.mark.parametrize(
    ("bind_address", "looked_at"),
    [
        ("127.0.0.1", {("127.0.0.1", 5060), ("127.0.0.1", 8088), ("127.0.0.1", 5038)}),
        (
            "::",
            {("::", 5060), ("0.0.0.0", 5060), ("127.0.0.1", 8088), ("127.0.0.1", 5038)},
        ),
        ("::1", {("::1", 5060), ("127.0.0.1", 5060), ("::1", 8088), ("::1", 5038)}),
    ],
)
def test_given_an_address_when_the_pbx_is_checked_then_each_socket_of_it_is_tried(
    monkeypatch: pytest.MonkeyPatch, bind_address: str, looked_at: set[tuple[str, int]]
) -> None:
    tried: set[tuple[str, int]] = set()
    monkeypatch.setattr(module, "try_to_bind", lambda _, address, port: tried.add((address, port)))
    AsteriskPorts(bind_address=bind_address).check_pbx()
    assert tried == looked_at


async def test_given_an_external_address_that_is_none_then_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    await AsteriskPorts().check_external_address()  # none is wanted
    with pytest.raises(LocalAsteriskError) as refused:
        await AsteriskPorts(external_address="pbx.example").check_external_address()
    assert str(refused.value) == (
        "BRIDGE_EXTERNAL_ADDRESS: pbx.example is neither an address nor a name that can be "
        "resolved (Name or service not known)"
    )
