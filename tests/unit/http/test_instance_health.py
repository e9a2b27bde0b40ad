"""What /health/ready of one of several instances says of the others."""

from __future__ import annotations

import pytest

from bridge.cluster.instances import Instance
from bridge.http.node_services import HeldNodes
from bridge.http.ops.instance_health import InstanceHealth
from bridge.http.stop_notice import StopNotice
from tests.unit.cluster.fake_leases import FakeLeases


@pytest.mark.parametrize("of_b", ["same", "another"])
def test_given_instances_with_their_directories_then_it_says_who_has_another_one(of_b: str) -> None:
    leases = FakeLeases("a")
    leases.instances = tuple(
        Instance(name, "", True, 0, False, directory, "1", 0, directory != "same")
        for name, directory in (("a", "same"), ("b", of_b))
    )
    told = InstanceHealth((), leases, leases, HeldNodes(), StopNotice()).instances()
    assert [(x["name"], x["sameDirectory"]) for x in told] == [("a", True), ("b", of_b == "same")]
    assert [x["oldDirectory"] for x in told] == [False, of_b != "same"]
