"""The Verba API of a service that records nothing."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.lab.running_lab import open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaClient

from .conftest import QUICK


async def test_given_status_next_when_a_call_begins_then_it_is_not_found_while_the_call_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ensure_phone_tools()
    settings = QUICK | {"recording": "false", "verba_next_call_wait_s": "60"}
    lab = await open_lab(tmp_path_factory.mktemp("lab"), settings)
    try:
        async with (
            lab.client() as api,
            VerbaClient(lab.bridge.base_url, lab.bridge.secret("verba-key/erasure")) as verba,
            lab.phone("0003*210", answer="auto"),
            lab.phone("0003*214", answer="auto", tone_hz=1000),
        ):
            waiting = [
                asyncio.create_task(verba.ask(action, extension="214", status="next"))
                for action in ("GetCallInformation", "GetMedia", "GetCallID")
            ]
            await asyncio.sleep(0.3)  # in which a request that does not wait is answered
            assert not any(x.done() for x in waiting)
            call_id = await api.place(["210"], ["214"], extension="210")
            for answer in await asyncio.wait_for(asyncio.gather(*waiting), 20):
                assert (answer.code, answer.message) == (-50, "The next call was not recorded.")
            assert await api.call(call_id) is not None, "the answers came while the call lived"
            await api.hang_up("210", call_id)
            await api.wait_ended(call_id)
    finally:
        await lab.close()
