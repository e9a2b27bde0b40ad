"""Where the service listens, and that its links and its greeting lead there."""

from __future__ import annotations

import socket
from pathlib import Path

import aiohttp
import pytest

from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation
from tests.pbx.serving.test_commands import run


async def answers_at(base: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{base}/health/live") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


@pytest.mark.parametrize(
    ("hosts", "ipv4", "ipv6"),
    [
        ("127.0.0.1", True, False),
        ("::1", False, True),
        ("[::1]", False, True),
        ("127.0.0.1, ::1", True, True),
        ("::", True, True),
        ("::,0.0.0.0", True, True),
        ("0.0.0.0", True, False),
    ],
)
async def test_given_addresses_when_served_then_it_answers_at_each_of_them_and_no_other(
    tmp_path: Path, hosts: str, ipv4: bool, ipv6: bool
) -> None:
    port = free_http_port()
    settings = {"http_host": hosts, "ami_port": "1"}
    service = BridgeProcess(tmp_path / "s", AsteriskPorts(), port, settings)
    await service.start(wait_ready=False)
    try:
        service.base_url = f"http://127.0.0.1:{port}" if ipv4 else f"http://[::1]:{port}"
        await service.wait_health(503)
        assert await answers_at(f"http://127.0.0.1:{port}") is ipv4
        assert await answers_at(f"http://[::1]:{port}") is ipv6
    finally:
        await service.stop()


def test_given_one_taken_address_of_two_when_served_then_that_one_is_named(tmp_path: Path) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        done = run(
            "serve",
            state_dir=str(tmp_path / "state"),
            http_host="127.0.0.1,::1",
            http_port=str(port),
            pbx_host="127.0.0.1",
        )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"[::1]:{port}" in last
    assert "BRIDGE_HTTP_PORT" in last


@pytest.mark.parametrize(("bind_address", "shown"), [("::1", "[::1]"), ("::", "127.0.0.1")])
async def test_given_an_asterisk_of_ours_on_ipv6_when_served_then_the_first_call_works(
    tmp_path_factory: pytest.TempPathFactory, bind_address: str, shown: str
) -> None:
    folder = tmp_path_factory.mktemp("six")
    ports = free_asterisk_ports(bind_address=bind_address)
    installation = await test_installation()
    service = BridgeProcess(
        folder / "s",
        ports,
        free_http_port(),
        {
            "pbx_host": "",
            "asterisk": "path" if installation.root is None else "root",
            "bind_address": bind_address,
            "phone_media_address": "",
            "public_network_port": str(ports.public_network_sip),
            "http_host": bind_address,
        },
    )
    service.base_url = service.base_url.replace("127.0.0.1", shown)
    await service.start()
    try:
        async with service.client() as api:
            answer = await api.create(["5354353"], ["3235742879"], extension="210")
            assert answer.json[0]["links"]["self"].startswith(f"{service.base_url}/")
            await api.wait_status(answer.json[0]["id"], 5)
        assert service.log_lines("error") == []
        assert f"  SIP server           {shown}:{ports.sip}" in service.log_text()
        assert f"{service.base_url}/uapi/\n" in service.log_text()
    finally:
        await service.stop()


def test_given_an_ipv6_address_that_this_machine_lacks_when_served_then_the_address_is_named(
    tmp_path: Path,
) -> None:
    done = run("serve", state_dir=str(tmp_path / "s"), bind_address="2001:db8::77", asterisk="root")
    last = done.stderr.strip().splitlines()[-1]
    assert "this machine has no such address" in last
    assert "BRIDGE_BIND_ADDRESS" in last
    assert "BRIDGE_SIP_PORT" not in last
