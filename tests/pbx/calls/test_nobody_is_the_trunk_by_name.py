"""Who calls himself the trunk is not believed: the public network is known by its address only."""

from __future__ import annotations

from collections import Counter

import aiohttp
import pytest

from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.raw_sip import RawSip, request, status

from .public_network import wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = (
    '"Bank of Trust" <sip:trunk@127.0.0.1>',
    "<sip:TRUNK@127.0.0.1>",
    "<sips:trunk@evil>",
    "<sip:trunk;x=1@127.0.0.1>",
    "<sip:%74runk@127.0.0.1>",
)
# A phone, a conference, an IVR, a queue, a phone of another organization, a public number.
NUMBERS = ("5550003210", "5550003500", "5550003400", "5550003300", "5550004210", "3235550200")
CLAIMS = "P-Asserted-Identity: <sip:trunk@127.0.0.1>\r\nRemote-Party-ID: <sip:trunk@127.0.0.1>\r\n"
OTHER_METHODS = ("REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "REFER", "PUBLISH")
REFUSED = {401, 404}
_LIMIT_S = 10.0


async def test_given_a_stranger_who_names_the_trunk_when_he_calls_then_nobody_is_rung(
    lab: RunningLab,
) -> None:
    server = (lab.asterisk.ports.bind_address, lab.asterisk.ports.sip)
    async with lab.phone("0003*210") as phone:
        seen: Counter[int] = Counter()
        with RawSip(server) as stranger:
            for sender in NAMES:
                for number in NUMBERS:
                    text = request("INVITE", number, sender=sender, more=CLAIMS)
                    seen[await stranger.status(text)] += 1
        assert sum(seen.values()) == 30
        assert set(seen) <= REFUSED, seen
        assert phone.incoming_invites == 0


async def test_given_the_trunks_name_when_other_requests_use_it_then_it_is_as_any_name(
    lab: RunningLab,
) -> None:
    server = (lab.asterisk.ports.bind_address, lab.asterisk.ports.sip)
    with RawSip(server) as stranger:
        for method in OTHER_METHODS:
            of_trunk, of_nobody = [
                await stranger.status(request(method, "5550003210", sender=f"<sip:{name}@x>"))
                for name in ("trunk", "nobody-knows-this")
            ]
            assert of_trunk == of_nobody, method
            assert of_trunk in REFUSED, (method, of_trunk)


async def test_given_a_web_page_that_names_the_trunk_when_it_calls_then_it_is_refused(
    lab: RunningLab,
) -> None:
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",)) as page,
    ):
        for sender in NAMES:
            invite = request("INVITE", "5550003210", sender=sender, via="WS x.invalid")
            await page.send_str(invite)
            answer = await page.receive_str(timeout=_LIMIT_S)
            assert status(answer) in REFUSED, answer


async def test_given_the_public_network_itself_when_it_calls_then_the_phone_rings(
    lab: RunningLab,
) -> None:
    async with lab.phone("0003*210") as phone:
        await lab.asterisk.call_in("5550003210")
        await phone.wait_ringing()
        await lab.asterisk.hang_up_public_network()
        await wait_public_calls(lab, "5550003210", 0)
