"""Whether a create that failed here may be carried out by another instance."""

from __future__ import annotations

from typing import cast

import pytest
from aiohttp import web

from bridge.calls.pbx import PbxUnavailable
from bridge.cluster.lease import Lease, Leases
from bridge.faults import Fenced
from bridge.http.cluster.creates import NothingAccepted, created_here
from bridge.http.forwarded import ACCEPTED


class _Leases:
    def __init__(self, lease: Lease | None) -> None:
        self._lease = lease

    def held(self, _: str) -> Lease | None:
        return self._lease


MINE = Lease("pbx:one", "a", 1, "")


@pytest.mark.parametrize(
    ("fault", "accepted", "lease", "raised"),
    [
        (Fenced("taken over"), False, MINE, NothingAccepted),
        (Fenced("taken over"), True, None, Fenced),
        (PbxUnavailable("away"), False, None, NothingAccepted),
        (PbxUnavailable("away"), False, MINE, PbxUnavailable),
        (PbxUnavailable("away"), True, None, PbxUnavailable),
    ],
)
async def test_a_call_that_is_on_disk_is_placed_by_nobody_else(
    fault: Exception, accepted: bool, lease: Lease | None, raised: type[Exception]
) -> None:
    request = cast("web.Request", {ACCEPTED: True} if accepted else {})

    async def handler(_: web.Request) -> web.StreamResponse:
        raise fault

    with pytest.raises(raised):
        await created_here(request, handler, cast("Leases", _Leases(lease)), "one")
