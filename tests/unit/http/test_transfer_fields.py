"""The fields of Transfer and SendDTMF: which party of a live call is meant, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient

from .whole_service import WholeService

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = "/uapi/phoneCalls/@me/@self"
FROM, KEPT = "transferFromNumber", "transferNumber"
FROM_INVALID, KEPT_INVALID = "pc_transferfromnumber_invalid", "pc_transfernumber_invalid"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live_call(running: WholeService, api: ApiClient) -> AsyncIterator[str]:
    """210 is called; the PBX has taken that, and says nothing more."""
    call_id = await api.place("210", "211")
    yield call_id
    await api.hang_up("@self", call_id)
    await running.refuse_last()
    await api.wait_ended(call_id)


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({FROM: True}, FROM_INVALID, "must be the number of a party"),
        ({KEPT: "no number"}, KEPT_INVALID, "must be the number of a party"),
        ({FROM: "212"}, FROM_INVALID, "must be the number of a party"),
        ({KEPT: "0004*210"}, KEPT_INVALID, "must be the number of a party"),
        ({"phoneCallViewId": "77"}, "pc_view_invalid", "names no view"),
        ({FROM: "210", KEPT: "210"}, KEPT_INVALID, "is the party that transfers"),
        ({FROM: 210, "phoneCallViewId": "01"}, "pc_view_invalid", "neither of the two numbers"),
        ({"sendCallTo": "210"}, "pc_sendcallto_invalid", "is a party of this call already"),
        ({"sendCallTo": None}, "pc_sendcallto_invalid", "must be the number to call"),
        ({"waitForPickup": 0}, "pc_timeout_invalid", "waitForPickup"),
    ],
)
async def test_given_a_transfer_that_names_nobody_then_the_answer_says_which_field(
    api: ApiClient, live_call: str, body: dict[str, object], code: str, says: str
) -> None:
    order = {"action": "Transfer", "sendCallTo": "212", **body}
    answer = await api.request("PUT", f"{CALLS}/{live_call}", body=order)
    assert (answer.status, answer.code) == (400, code), answer.text
    assert says in answer.message


@pytest.mark.parametrize("body", [{}, {FROM: 210}, {KEPT: "0003*210"}, {"phoneCallViewId": 0}])
async def test_given_a_party_that_nobody_has_answered_yet_then_it_transfers_nobody(
    api: ApiClient, live_call: str, body: dict[str, object]
) -> None:
    order = {"action": "Transfer", "sendCallTo": "212", **body}
    answer = await api.request("PUT", f"{CALLS}/{live_call}", body=order)
    assert (answer.status, answer.code) == (409, "pc_action_failed"), answer.text


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"sendCallTo": "300"}, "pc_sendcallto_invalid", "sendCallTo"),
        ({"sendCallTo": "3235550200"}, "pc_sendcallto_invalid", "sendCallTo"),
        ({FROM: "212"}, FROM_INVALID, "must be the number of a party"),
    ],
)
async def test_given_a_mailbox_that_is_none_then_the_answer_says_so(
    api: ApiClient, live_call: str, body: dict[str, object], code: str, says: str
) -> None:
    order = {"action": "TransferToVoicemail", **body}
    answer = await api.request("PUT", f"{CALLS}/{live_call}", body=order)
    assert (answer.status, answer.code) == (400, code), answer.text
    assert says in answer.message


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"digits": "1" * 11, "duration": 1000}, "pc_digits_invalid", "longer than 10 seconds"),
        ({"digits": "12x"}, "pc_digits_invalid", "1 to 32 of"),
        ({"digits": "12", "duration": 79}, "pc_dtmf_invalid", "duration"),
        ({"digits": "12", "pressed": "yes"}, "pc_dtmf_invalid", "pressed"),
    ],
)
async def test_given_digits_that_cannot_be_sent_then_the_answer_says_why(
    api: ApiClient, live_call: str, body: dict[str, object], code: str, says: str
) -> None:
    order = {"action": "SendDTMF", **body}
    answer = await api.request("PUT", f"{CALLS}/{live_call}", body=order)
    assert (answer.status, answer.code) == (400, code), answer.text
    assert says in answer.message


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("SendDTMF", {"digits": "1", "duration": None, "pressed": None}),
        ("OnHold", {}),
        ("OffHold", {}),
        ("Park", {}),
    ],
)
async def test_given_a_call_that_nobody_has_answered_then_nothing_is_done_with_it(
    api: ApiClient, live_call: str, action: str, body: dict[str, object]
) -> None:
    answer = await api.request("PUT", f"{CALLS}/{live_call}", body={"action": action, **body})
    assert (answer.status, answer.code) == (409, "pc_action_failed"), answer.text
