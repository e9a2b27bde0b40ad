"""The fakes that other tests use keep the promises of the protocols."""

from __future__ import annotations

from bridge.cluster.hints import Hints
from bridge.cluster.instances import Instances
from bridge.cluster.lease import Lease, Leases

from .fake_leases import FakeHints, FakeLeases


class Noted:
    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []

    def won(self, lease: Lease) -> None:
        self.heard.append(("won", lease.epoch))

    def paused(self, lease: Lease) -> None:
        self.heard.append(("paused", lease.epoch))

    def resumed(self, lease: Lease) -> None:
        self.heard.append(("resumed", lease.epoch))

    def lost(self, lease: Lease) -> None:
        self.heard.append(("lost", lease.epoch))

    async def hand_over(self, lease: Lease) -> None:
        self.heard.append(("hand_over", lease.epoch))


async def test_given_fakes_when_used_as_the_protocols_then_the_order_of_events_is_theirs() -> None:
    fake = FakeLeases()
    leases: Leases = fake
    instances: Instances = fake
    noted = Noted()
    leases.listen("pbx:", noted)

    fake.win("pbx:one")
    fake.pause("pbx:one")
    assert leases.held("pbx:one") is None
    fake.resume("pbx:one")
    await fake.release("pbx:one")
    fake.win("pbx:one")
    other = fake.give("pbx:one", "b", "http://127.0.0.1:8081")

    story = "won 1, paused 1, resumed 1, hand_over 1, lost 1, won 2, lost 2"
    assert ", ".join(f"{what} {epoch}" for what, epoch in noted.heard) == story
    assert leases.holder_of("pbx:one") == other
    assert leases.held("pbx:one") is None
    assert instances.own == "a"


def test_given_a_hint_when_given_then_who_listens_hears_it() -> None:
    hints: Hints = FakeHints()
    heard: list[str] = []
    hints.listen("shards", heard.append)
    hints.notify("shards", "3")
    hints.notify("other", "4")
    assert heard == ["3"]
