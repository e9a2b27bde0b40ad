"""What tests ask of listed calls, and how they wait for calls that no request has created."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient


def statuses(call: Any) -> list[int]:
    """The status of each view, in their order."""
    return [view["status"] for view in call["phoneCallView"]]


def extensions(call: Any) -> list[str | None]:
    """The extension of each view, None for parties outside the directory."""
    return [view.get("extension") for view in call["phoneCallView"]]


async def wait_statuses(api: ApiClient, call_id: str, *wanted: int) -> Any:
    """Poll until the views of the call have these statuses."""
    return await api.wait_call(call_id, lambda call: statuses(call) == list(wanted))


async def wait_only_call(
    api: ApiClient,
    extension: str = "@self",
    wanted: Callable[[Any], bool] = lambda _: True,
    time_limit_s: float = 10.0,
) -> Any:
    """Poll until the extension has exactly one live call and that is as wanted."""
    last: list[Any] = []

    async def as_wanted() -> Any:
        nonlocal last
        last = await api.calls(extension)
        return last[0] if len(last) == 1 and wanted(last[0]) else None

    return await eventually(
        as_wanted, time_limit_s, why=lambda: f"{extension} did not get there: {last}"
    )


async def wait_no_calls(api: ApiClient, extension: str = "@self", time_limit_s: float = 10) -> None:
    """Poll until the extension has no live call."""
    last: list[Any] = []

    async def none() -> bool:
        nonlocal last
        last = await api.calls(extension)
        return not last

    await eventually(none, time_limit_s, why=lambda: f"{extension} still has {last}")


def public_call(api: ApiClient, **more: Any) -> Any:
    """A call that needs no phone: two numbers of the public network that answer at once."""
    return api.place(["3235550202"], ["3235550201"], extension="210", **more)


def assert_lasted(lasted_ms: int, limit_ms: int) -> None:
    """About as long as the limit; on a machine that stands still for a moment, longer."""
    assert 0.8 * limit_ms <= lasted_ms <= limit_ms + 8_000, lasted_ms
