"""A phone registers by SIP over WebSocket at the service's own port."""

from __future__ import annotations

import hashlib
import re
from uuid import uuid4

import aiohttp
import pytest

from bridge.http.sip_sender import sender_of
from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

USER = "0003*213"
_ANSWER_LIMIT_S = 10.0


def register(
    call_id: str, number: int, more: str = "", user: str = USER, contact: str = USER
) -> str:
    return (
        "REGISTER sip:pbx SIP/2.0\r\n"
        f"Via: SIP/2.0/WS phone.invalid;branch=z9hG4bK{uuid4().hex}\r\n"
        f"From: <sip:{user}@pbx>;tag=1\r\nTo: <sip:{user}@pbx>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {number} REGISTER\r\nMax-Forwards: 70\r\n"
        f"Contact: <sip:{contact}@phone.invalid;transport=ws>;expires=60\r\n"
        f"{more}Content-Length: 0\r\n\r\n"
    )


def digest(answer: str, password: str, user: str = USER) -> str:
    """The Authorization header for the challenge in `answer` (RFC 2617, qop=auth)."""
    realm, nonce = (re.findall(rf'{name}="([^"]*)"', answer)[0] for name in ("realm", "nonce"))
    opaque = re.findall(r'opaque="([^"]*)"', answer)

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - SIP's digest is MD5

    ha1, ha2 = md5(f"{user}:{realm}:{password}"), md5("REGISTER:sip:pbx")
    response = md5(f"{ha1}:{nonce}:00000001:abc:auth:{ha2}")
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", '
        f'uri="sip:pbx", response="{response}", algorithm=MD5, qop=auth, nc=00000001, '
        'cnonce="abc"' + (f', opaque="{opaque[0]}"' if opaque else "") + "\r\n"
    )


async def after_options(socket: aiohttp.ClientWebSocketResponse) -> str:
    """The next message that may not come at any moment.

    OPTIONS asks whether the phone is there, and NOTIFY sets the lamp of its mailbox.
    """
    while True:
        message = await socket.receive_str(timeout=_ANSWER_LIMIT_S)
        if not message.startswith(("OPTIONS", "NOTIFY")):
            return message


async def test_given_a_phone_on_websocket_when_it_registers_then_it_can_be_called(
    lab: RunningLab,
) -> None:
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    call_id = uuid4().hex
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",)) as socket,
        lab.client() as api,
    ):
        assert socket.protocol == "sip"
        await socket.send_str(register(call_id, 1))
        challenge = await socket.receive_str(timeout=_ANSWER_LIMIT_S)
        assert challenge.startswith("SIP/2.0 401"), challenge

        authorization = digest(challenge, lab.bridge.secret(f"sip/{USER}"))
        await socket.send_str(register(call_id, 2, authorization))
        accepted = await after_options(socket)
        assert accepted.startswith("SIP/2.0 200"), accepted
        assert sender_of(accepted) == USER  # who is known to the service from now on

        placed = await api.place([USER], ["0003*00"], extension="210")
        assert (await after_options(socket)).startswith("INVITE")
        assert (await api.hang_up("210", placed)).status == 200


async def test_given_no_sip_subprotocol_when_connected_then_400_in_json(lab: RunningLab) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{lab.bridge.base_url}/ws") as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "request_invalid"
