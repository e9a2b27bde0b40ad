"""The examples of Transfer in docs/actions.md, as they are written there."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

from .acting import views
from .test_examples_of_send_call_to import BODIES

EXAMPLES = [x for x in BODIES if x["action"] == "Transfer"]


def test_the_page_has_an_example_by_number_and_one_by_view() -> None:
    assert ["transferFromNumber" in x for x in EXAMPLES] == [True, False]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("body", EXAMPLES, ids=["by number", "by view"])
async def test_given_an_example_of_the_page_when_sent_then_the_target_has_the_party(
    lab: RunningLab, api: ApiClient, body: dict[str, Any]
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto"),
        lab.phone("0003*212", answer="auto") as carol,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)

        answer = await api.request("PUT", f"/uapi/phoneCalls/@me/0003*210/{call_id}", body=body)

        assert answer.status == 200, answer.text
        assert views(answer.json, "extension") == ["0003*211", "0003*212"]
        await alice.wait_closed()
        await carol.wait_established()
        await api.leave_no_call()
