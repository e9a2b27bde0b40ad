"""PUT on phone calls: what is refused before a call is looked at, and which calls are meant."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE = "/uapi/phoneCalls/@me/210/b817d2618fe6f1804333"


@pytest.mark.parametrize("path", ["/uapi", "/unifiedapi"])
@pytest.mark.parametrize("end", ["", "/", "/b817d2618fe6f1804333", "/b817d2618fe6f1804333/"])
@pytest.mark.parametrize("extension", ["210", "0003*210", "@self"])
async def test_given_an_unknown_action_when_put_then_the_answer_names_the_known_ones(
    api: ApiClient, path: str, extension: str, end: str
) -> None:
    whole = f"{path}/phoneCalls/@me/{extension}{end}"
    answer = await api.request("PUT", whole, body={"action": "Hold"})
    assert (answer.status, answer.code) == (400, "pc_action_invalid")
    assert "OnHold, OffHold" in answer.message


@pytest.mark.parametrize("action", [None, 1, [], {}, "", "onhold", "x" * 5000, "OnHold\r\n"])
async def test_given_what_is_no_action_when_put_then_it_is_refused(
    api: ApiClient, action: object
) -> None:
    answer = await api.request("PUT", ONE, body={"action": action})
    assert (answer.status, answer.code) == (400, "pc_action_invalid")


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b'{"action":"OnHold","action":"Park"}'])
async def test_given_what_is_no_body_when_put_then_it_is_refused(
    api: ApiClient, body: bytes
) -> None:
    answer = await api.request("PUT", ONE, body=body)
    assert (answer.status, answer.code) == (400, "request_invalid")


async def test_given_no_token_when_put_then_access_is_denied(
    lab: RunningLab, api: ApiClient
) -> None:
    answer = await api.request(
        "PUT", ONE, body={"action": "OnHold"}, headers={"Authorization": "Bearer nothing"}
    )
    assert (answer.status, answer.code) == (401, "access_denied")
