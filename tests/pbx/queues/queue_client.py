"""What the tests ask of queues, as an app does."""

from __future__ import annotations

from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient

QUEUE = "/uapi/extensions/@me/0003*300/queue"


async def agents(api: ApiClient, **query: str) -> dict[str, str]:
    """The status of each agent."""
    answer = await api.request("GET", f"{QUEUE}/agents/", params=query)
    assert answer.status == 200, answer.text
    return {x["agentNumber"]: x["status"] for x in answer.json["entry"]}


async def put_status(api: ApiClient, agent: str, status: object) -> Answer:
    return await api.request("PUT", f"{QUEUE}/agents/{agent}", body={"status": status})


async def set_status(api: ApiClient, status: object, *numbers: str) -> None:
    for number in numbers:
        answer = await put_status(api, number, status)
        assert answer.status == 200, answer.text
        assert [x["status"] for x in answer.json] == [str(status)]


async def only(api: ApiClient, *numbers: str) -> None:
    """These agents are online, and all others logged out."""
    for number in await agents(api):
        await set_status(api, 1 if number in numbers else 0, number)


async def callers(api: ApiClient) -> Any:
    answer = await api.request("GET", f"{QUEUE}/callers")
    assert answer.status == 200, answer.text
    return answer.json["entry"]


async def wait_callers(api: ApiClient, count: int) -> Any:
    """The callers, as soon as so many wait."""
    found: Any = None

    async def so_many() -> bool:
        nonlocal found
        found = await callers(api)
        return len(found) == count

    await eventually(so_many, 10, why=lambda: found)
    return found
