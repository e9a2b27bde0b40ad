"""POST …/callback: what is refused, field by field; a phone in place of a Callback extension."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient

from .refusals import RINGS_FOR_EVER

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEW = {"source": [RINGS_FOR_EVER], "destination": ["3235550201"]}


async def callback(
    api: ApiClient, query: str = "", extension: object = "600", **view: Any
) -> Answer:
    body = {"extension": extension, "phoneCallView": [{**VIEW, **view}]}
    return await api.request("POST", f"/uapi/phoneCalls/@me/callback?{query}", body=body)


@pytest.mark.parametrize(
    ("extension", "why"),
    [
        (None, "must be the number of a Callback extension"),
        ("@self", "must be the number of a Callback extension"),
        ("0003*999", "it must be the number of an extension"),
        ("0003*500", "must be a Callback or a Phone Terminal"),
        ("0003*214", "must not call public numbers"),
        ("0003*220", "it must be the number of an extension"),  # of another user
    ],
)
async def test_given_an_extension_that_cannot_pay_when_called_back_then_it_is_invalid(
    api: ApiClient, extension: object, why: str
) -> None:
    answer = await callback(api, extension=extension)
    assert (answer.status, answer.code) == (400, "extension_invalid")
    assert why in answer.message


@pytest.mark.parametrize(
    ("view", "code"),
    [
        ({"source": ["0003*210"]}, "pc_source_invalid"),
        ({"source": ["600"]}, "pc_source_invalid"),
        ({"source": []}, "pc_source_invalid"),
        ({"destination": ["211"]}, "pc_destination_invalid"),
        ({"destination": "0003*00"}, "pc_destination_invalid"),
        ({"callerId": "x <y>"}, "pc_callerid_invalid"),
    ],
)
async def test_given_a_party_that_is_not_public_when_called_back_then_it_is_invalid(
    api: ApiClient, view: dict[str, Any], code: str
) -> None:
    answer = await callback(api, **view)
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("waitForPickup=0", "pc_timeout_invalid"),
        ("callDuration=x", "pc_duration_invalid"),
        ("callduration=60", "pc_duration_invalid"),
    ],
)
async def test_given_a_wrong_time_when_called_back_then_it_is_invalid(
    api: ApiClient, query: str, code: str
) -> None:
    answer = await callback(api, query)
    assert (answer.status, answer.code) == (400, code)


async def test_given_a_phone_terminal_when_called_back_then_the_phone_pays(api: ApiClient) -> None:
    answer = await callback(api, extension="0003*210")
    assert answer.status == 202, answer.text
    assert answer.json[0]["extension"] == "0003*210"


async def test_given_a_callback_extension_when_called_simply_then_it_is_refused(
    api: ApiClient,
) -> None:
    payer = await api.create([RINGS_FOR_EVER], ["3235550201"], extension="600")
    assert (payer.status, payer.code) == (400, "extension_invalid")
    called = await api.create(["210"], ["600"])
    assert (called.status, called.code) == (400, "pc_destination_invalid")
    assert "cannot be called" in called.message


async def test_the_example_of_the_page_is_accepted(api: ApiClient) -> None:
    text = (Path(__file__).parents[3] / "docs" / "calls.md").read_text()
    found = re.search(r"^    POST (/\S+/callback\S*)\n    (\{.*\})$", text, re.MULTILINE)
    assert found is not None
    answer = await api.request("POST", found[1], body=json.loads(found[2]))
    assert answer.status == 202, answer.text
