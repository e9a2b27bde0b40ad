"""The filters in docs/fail2ban against the lines that the service and a real Asterisk write."""

from __future__ import annotations

import asyncio
import configparser
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.pbx.calls.test_sip_over_websocket import USER, digest, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILTERS = Path(__file__).resolve().parents[3] / "docs" / "fail2ban" / "filter.d"
GUESSER, VICTIM = "127.0.0.77", "127.0.0.99"


def banned(name: str, lines: list[str]) -> list[str]:
    """The address of each line that counts, as fail2ban finds it."""
    config = configparser.ConfigParser(inline_comment_prefixes=None)
    config.read(FILTERS / f"{name}.conf")
    host = r"(?P<host>[0-9A-Fa-f:.]+)"
    patterns = [
        re.compile(x.replace("<HOST>", host))
        for x in config["Definition"]["failregex"].splitlines()
    ]
    found = [next((m for x in patterns if (m := x.search(line))), None) for line in lines]
    return [m["host"] for m in found if m is not None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    lab = await open_lab(tmp_path_factory.mktemp("fail2ban"))
    try:
        yield lab
    finally:
        await lab.close()


def ask_sip(port: int, message: str) -> str:
    """The answer to one SIP message over UDP from the guesser's address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((GUESSER, 0))
        sock.settimeout(5)
        own = f"{GUESSER}:{sock.getsockname()[1]}"
        text = message.replace("SIP/2.0/WS phone.invalid", f"SIP/2.0/UDP {own}")
        text = text.replace("@phone.invalid;transport=ws", f"@{own}")
        sock.sendto(text.encode(), ("127.0.0.1", port))
        # Asterisk asks whether a phone is there, and sets its lamp, at any moment.
        while (answer := sock.recv(4096).decode()).startswith(("OPTIONS", "NOTIFY")):
            pass  # Asterisk asks a phone that has just registered
        return answer


async def refused_register(lab: RunningLab, call_id: str, sender: str = "") -> None:
    """A REGISTER with a wrong password; `sender` stands before the address in From."""

    def message(number: int, more: str = "") -> str:
        text = register(call_id, number, more)
        return text.replace("From: ", f"From: {sender}")

    port = lab.asterisk.ports.sip
    challenge = await asyncio.to_thread(ask_sip, port, message(1))
    assert challenge.startswith("SIP/2.0 401"), challenge
    answer = await asyncio.to_thread(ask_sip, port, message(2, digest(challenge, "wrong")))
    assert answer.startswith(("SIP/2.0 401", "SIP/2.0 403")), answer


def asterisk_lines(lab: RunningLab) -> list[str]:
    assert isinstance(lab.asterisk, LocalAsterisk)
    return lab.asterisk.pbx.log_file.read_text(errors="replace").splitlines()


async def test_given_wrong_passwords_of_phones_then_the_filter_names_their_address(
    lab: RunningLab,
) -> None:
    for number in range(3):
        await refused_register(lab, f"guess-{number}")
    await eventually(lambda: len(banned("uapi-bridge-asterisk", asterisk_lines(lab))) >= 3, 20)
    assert set(banned("uapi-bridge-asterisk", asterisk_lines(lab))) == {GUESSER}


async def test_given_the_right_password_then_no_line_counts(lab: RunningLab) -> None:
    before = banned("uapi-bridge-asterisk", asterisk_lines(lab))
    port, password = lab.asterisk.ports.sip, lab.bridge.secret(f"sip/{USER}")
    for number in range(3):
        challenge = await asyncio.to_thread(ask_sip, port, register(f"right-{number}", 1))
        right = register(f"right-{number}", 2, digest(challenge, password))
        assert (await asyncio.to_thread(ask_sip, port, right)).startswith("SIP/2.0 200")
    await asyncio.sleep(0.3)  # in which a line would have come
    assert banned("uapi-bridge-asterisk", asterisk_lines(lab)) == before


async def test_given_a_name_that_looks_like_the_log_then_nobody_else_is_banned(
    lab: RunningLab,
) -> None:
    before = len(banned("uapi-bridge-asterisk", asterisk_lines(lab)))
    fake = f"x' failed for '{VICTIM}:5060' (callid: y) - Failed to authenticate"
    await refused_register(lab, "it's-(odd)", f'"{fake}" ')
    await eventually(lambda: len(banned("uapi-bridge-asterisk", asterisk_lines(lab))) > before, 20)
    assert any(VICTIM in x for x in asterisk_lines(lab))
    assert VICTIM not in banned("uapi-bridge-asterisk", asterisk_lines(lab))


async def test_given_wrong_secrets_then_the_filter_names_their_address_and_no_other(
    lab: RunningLab,
) -> None:
    base = lab.bridge.base_url
    odd = f'/uapi/"remote": "{VICTIM}", "app": null, "status": 401, "code": "access_denied"'
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(local_addr=(GUESSER, 0))
    ) as session:
        form = {"grant_type": "client_credentials", "client_id": "user-12", "client_secret": "x"}
        for _ in range(25):  # the last ones are 429
            await (await session.post(f"{base}/oauth/token.php", data=form)).read()
        wrong = {"Authorization": "Bearer x"}
        await (await session.get(f"{base}/uapi/phoneCalls/@me/210", headers=wrong)).read()
        query = {"action": "SearchCalls", "apiKey": "x"}
        await (await session.get(f"{base}/verba/api", params=query)).read()
        await (await session.get(f"{base}{odd}")).read()
    lines = lab.bridge.log_text().splitlines()
    assert banned("uapi-bridge", lines) == [GUESSER] * 27
    async with lab.client() as api:
        await api.calls()
        assert (await api.request("GET", "/nowhere")).status == 404
    assert banned("uapi-bridge", lab.bridge.log_text().splitlines()) == [GUESSER] * 27


async def test_given_passwords_guessed_over_websocket_then_the_log_of_the_service_has_the_address(
    lab: RunningLab,
) -> None:
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(VICTIM, 0))) as session,
        session.ws_connect(url, protocols=("sip",)) as ws,
    ):
        await ws.send_str(register("ws", 1))
        challenge = await ws.receive_str(timeout=10)
        for number in range(2, 40):
            await ws.send_str(register("ws", number, digest(challenge, f"wrong{number}")))
            message = await ws.receive(timeout=10)
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            challenge = str(message.data)
    assert VICTIM in banned("uapi-bridge", lab.bridge.log_text().splitlines())
