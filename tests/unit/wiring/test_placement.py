"""What an instance says of the PBXs that it holds."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

from bridge.calls.pbx import LinkStatus
from bridge.clock import now_ms
from bridge.cluster.lease import Lease, pbx_resource
from bridge.cluster.pbx_reports import HeldPbx
from bridge.cluster.placement_choice import PbxCondition
from bridge.http.node_services import HeldNodes
from bridge.wiring.placement import held_pbxs


def test_given_a_jump_of_the_wall_clock_then_a_pbx_is_away_for_as_long_as_it_was() -> None:
    an_hour_ago_ms = now_ms() - 3_600_000
    link = LinkStatus(False, an_hour_ago_ms, "it died", since_s=time.monotonic())
    node = SimpleNamespace(pbx=SimpleNamespace(name="one", link=link))
    lease = Lease(pbx_resource("one"), "a", 7, "http://127.0.0.1:1")
    leases: Any = SimpleNamespace(held=lambda _: lease)
    [(name, held)] = held_pbxs(cast("HeldNodes", [node]), leases).items()
    assert name == "one"
    assert held == HeldPbx(7, PbxCondition.DOWN, held.for_s)
    assert 0 <= held.for_s < 600
