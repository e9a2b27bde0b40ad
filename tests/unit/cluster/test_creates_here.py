"""Whether a create that failed here may be carried out by another instance."""

from __future__ import annotations

from typing import cast
from unittest.mock import AsyncMock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.calls.pbx import PbxUnavailable
from bridge.cluster.lease import Lease
from bridge.faults import Fenced
from bridge.http.cluster.creates import Creates, NothingAccepted, created_here
from bridge.http.cluster.holders import Holders
from bridge.http.forwarded import ACCEPTED


@pytest.mark.parametrize(
    ("fault", "accepted", "held", "raised"),
    [
        (Fenced("taken over"), False, True, NothingAccepted),
        (Fenced("taken over"), True, False, Fenced),
        (PbxUnavailable("away"), False, False, NothingAccepted),
        (PbxUnavailable("away"), False, True, PbxUnavailable),
        (PbxUnavailable("away"), True, False, PbxUnavailable),
    ],
)
async def test_a_call_that_is_on_disk_is_placed_by_nobody_else(
    fault: Exception, accepted: bool, held: bool, raised: type[Exception]
) -> None:
    request = cast("web.Request", {ACCEPTED: True} if accepted else {})

    async def handler(_: web.Request) -> web.StreamResponse:
        raise fault

    with pytest.raises(raised):
        await created_here(request, handler, lambda: held)


class _Leases:
    def held(self, resource: str) -> Lease:
        """Not released yet."""
        return Lease(resource, "a", 1, "")

    async def look_again(self) -> None:
        pass


class _Holders:
    """The node is here until it is handed over; then another instance answers."""

    def __init__(self) -> None:
        self.leases = _Leases()
        self.here = True

    def takes(self, *_: object, **__: object) -> bool:
        return self.here

    async def forwarded(self, *_: object, **__: object) -> web.StreamResponse:
        return web.Response(status=202)


async def test_a_create_that_waits_while_its_node_is_handed_over_is_placed_elsewhere() -> None:
    holders = _Holders()

    async def handler(_: web.Request) -> web.StreamResponse:
        holders.here = False
        raise PbxUnavailable("stopped")

    creates = Creates(cast("Holders", holders), AsyncMock(), AsyncMock(), create_limit_s=1)
    request = make_mocked_request("POST", "/uapi/phoneCalls/@me/simple")
    assert (await creates.carried_out(request, handler, "one")).status == 202
