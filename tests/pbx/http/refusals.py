"""A create request that would be accepted, to be spoiled, and what its refusal must look like."""

from __future__ import annotations

from bridge.testing.lab.api_client import Answer, ApiClient

RINGS_FOR_EVER = "3235550180"


async def create(
    api: ApiClient,
    query: dict[str, str] | None = None,
    view: dict[str, object] | None = None,
    body: dict[str, object] | None = None,
    user: str = "@me",
) -> Answer:
    """A request that would be accepted, but for the given differences."""
    views = [{"source": [RINGS_FOR_EVER], "destination": ["3235550201"], **(view or {})}]
    call = {"extension": "210", "phoneCallView": views, **(body or {})}
    return await api.request("POST", f"/uapi/phoneCalls/{user}/simple", params=query, body=call)


async def refused(answer: Answer, api: ApiClient, code: str) -> None:
    assert (answer.status, answer.code) == (400, code), answer.text
    assert answer.message
    assert answer.headers["Content-Type"].startswith("application/json")
    assert await api.calls() == []
