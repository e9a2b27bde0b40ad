"""An app that subscribes to events, over the API."""

from __future__ import annotations

from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient

DIAL_IN, DIAL_OUT, HANG_UP, ANSWER_INCOMING, ANSWER_OUTGOING = range(5)
TYPES = (DIAL_IN, DIAL_OUT, HANG_UP, ANSWER_INCOMING, ANSWER_OUTGOING)


def events_path(extension: str, *more: object) -> str:
    parts = [f"/uapi/extensions/@me/{extension}/phoneCallEvents", *map(str, more)]
    return "/".join(parts)


async def try_subscribe(api: ApiClient, extension: str, **body: object) -> Answer:
    return await api.request("POST", events_path(extension), body=body)


async def subscribe(
    api: ApiClient, extension: str, kind: int, url: str, method: int = 1, **more: object
) -> tuple[str, str]:
    """The id of the new subscription, and its secret."""
    answer = await try_subscribe(api, extension, type=kind, url=url, method=method, **more)
    assert answer.status == 200, answer.text
    return str(answer.json["id"]), answer.headers["X-Event-Secret"]


async def unsubscribe_all(api: ApiClient, *extensions: str) -> None:
    for extension in extensions:
        answer = await api.request("DELETE", events_path(extension))
        assert answer.status in (200, 204), answer.text


async def deliveries(
    api: ApiClient, extension: str, kind: int, subscription_id: str, **query: str
) -> list[Any]:
    """Newest first."""
    path = events_path(extension, kind, subscription_id, "deliveries")
    answer = await api.request("GET", path, params={"count": "5000", **query})
    assert answer.status == 200, answer.text
    return list(answer.json["entry"])


async def wait_delivered(
    api: ApiClient, extension: str, kind: int, subscription_id: str, time_limit_s: float = 10.0
) -> list[Any]:
    """As `deliveries`, once none waits: a request that has come may still be under way."""
    found: list[Any] = []

    async def none_waits() -> bool:
        nonlocal found
        found = await deliveries(api, extension, kind, subscription_id)
        return all(x["state"] == "delivered" for x in found)

    await eventually(none_waits, time_limit_s)
    return found
