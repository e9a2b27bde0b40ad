"""A phone behind Docker's UDP proxy, which forgets a phone that is silent for 90 s."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.softphones.phone_observer import PhoneError

from .compose_system import ComposeSystem
from .container_lab import ContainerLab

_FORGOTTEN_S = 100
_QUIET = "0003*211"

# A phone that Asterisk does not ask whether it is there: what would be without that.
_ASKED_EVERY = """
import base64, json, urllib.request
secret = open("/run/pbx-secrets/bridge_ari_secret").read().strip()
fields = [{"attribute": "qualify_frequency", "value": "%d"}]
urllib.request.urlopen(urllib.request.Request(
    "http://asterisk:8088/ari/asterisk/config/dynamic/res_pjsip/aor/%s",
    data=json.dumps({"fields": fields}).encode(),
    headers={
        "Content-Type": "application/json",
        "Authorization": "Basic " + base64.b64encode(b"bridge:" + secret.encode()).decode(),
    },
    method="PUT",
), timeout=10)
"""


def _ask_every(system: ComposeSystem, seconds: int) -> None:
    system.exec("bridge", "python3", "-c", _ASKED_EVERY % (seconds, _QUIET))


@pytest.mark.asyncio(loop_scope="session")
async def test_given_phones_when_nobody_calls_for_long_then_the_one_that_is_asked_still_rings(
    lab: ContainerLab, compose_system: ComposeSystem
) -> None:
    """Neither phone registers again meanwhile: they do so every 10 minutes."""
    await asyncio.to_thread(_ask_every, compose_system, 0)
    try:
        async with lab.phone("0003*210") as alice, lab.phone(_QUIET) as quiet:
            await asyncio.sleep(_FORGOTTEN_S)  # the proxy counts by its own clock

            await lab.asterisk.call_in("5550003210")
            await alice.wait_ringing()
            await lab.asterisk.hang_up_public_network()

            # So the silence was long enough to make a difference.
            await lab.asterisk.call_in("5550003211")
            with pytest.raises(PhoneError):
                await quiet.wait_ringing()
            await lab.asterisk.hang_up_public_network()
    finally:
        await asyncio.to_thread(_ask_every, compose_system, 45)
