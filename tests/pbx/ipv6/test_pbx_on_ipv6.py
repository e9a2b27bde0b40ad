"""A PBX that has nothing but an IPv6 address: calls, phones, ARI and SIP over WebSocket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.pbx.ami.connection import AmiConnection
from bridge.pbx.ari.client import AriClient
from bridge.testing.eventually import eventually
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.wiring.pbx import ami_settings, ari_settings
from tests.pbx.readiness.test_check_pbx import check

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("ipv6")
    ports = free_asterisk_ports(bind_address="::1")
    lab = await open_lab(folder, ports=ports)
    yield lab
    await lab.close()


@pytest.mark.parametrize("destination", ["211", "3235550202"])
async def test_given_a_pbx_on_ipv6_when_its_phones_call_then_audio_flows_and_the_delete_ends_it(
    lab: RunningLab, destination: str
) -> None:
    """Also over the trunk, which is of IPv4: an echo of its tone comes from the phone."""
    async with lab.scripted("0003*210") as alice, lab.scripted("0003*211"), lab.client() as api:
        call_id = await api.place("210", destination, extension="210")
        await api.wait_status(call_id, 5)
        if destination != "211":  # two phones that echo what they hear are silent
            await until_received(lab, "0003*210")
        assert (await api.hang_up("210", call_id)).status == 200
        await alice.wait_closed()


async def until_received(lab: RunningLab, phone: str) -> None:
    """Until the PBX has audio of that phone."""

    async def received() -> bool:
        table = await lab.asterisk.pbx.console("pjsip show channelstats")
        [line] = [x for x in table.splitlines() if phone in x]
        after_codec = line.split("ulaw")[1].split()
        return int(after_codec[0]) > 0

    await eventually(received, timeout=10)


async def test_given_a_pbx_on_ipv6_when_a_phone_connects_by_websocket_then_it_is_let_in(
    lab: RunningLab,
) -> None:
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",)) as phone,
    ):
        assert phone.protocol == "sip"


@pytest.mark.parametrize("spelling", ["::1", "[::1]", "[0::1]"])
async def test_given_any_spelling_of_its_address_when_checked_then_ami_and_ari_are_found(
    lab: RunningLab, spelling: str
) -> None:
    state = lab.bridge.state_dir
    done = await check(lab.asterisk.ports, pbx_host=spelling, state_dir=str(state), **no_secrets())
    assert done.code == 0, done.output


async def test_given_a_name_with_ipv6_only_when_connected_then_ami_and_ari_find_it(
    lab: RunningLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = socket.getaddrinfo

    def only_ipv6(host: str, *more: Any, **named: Any) -> Any:
        return asked("::1" if host == "pbx.test" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", only_ipv6)
    ports = lab.asterisk.ports
    settings = Settings(pbx_host="pbx.test", ami_port=ports.ami, ari_port=ports.http)
    secrets = ThrowawaySecrets.like(lab.bridge.state_dir / "secrets.json")
    async with AriClient(ari_settings(settings, secrets)) as ari:
        assert await ari.version()
    connection = AmiConnection(ami_settings(settings, secrets), lambda _: None, lambda _: None)
    await connection.open()
    connection.lose("seen")


def no_secrets() -> dict[str, str]:
    """Those of the state folder count."""
    return {"ami_secret": "", "ari_secret": "", "ami_recording_secret": ""}
