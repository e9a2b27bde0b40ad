"""Which channels are together."""

from __future__ import annotations

from bridge.calls.live.bridges import KEPT_MAX, Bridges


def test_given_two_channels_of_a_bridge_when_one_enters_another_then_they_are_apart() -> None:
    bridges = Bridges()
    assert bridges.enter("1.1", "a") == ()
    assert bridges.enter("1.2", "a") == ("1.1",)
    assert bridges.enter("1.1", "b") == ()
    assert bridges.enter("1.3", "a") == ("1.2",)


def test_given_a_channel_that_is_gone_when_another_comes_then_it_is_alone() -> None:
    bridges = Bridges()
    bridges.enter("1.1", "a")
    bridges.enter("1.2", "b")
    bridges.leave("1.1")
    bridges.leave("9.9")
    assert bridges.enter("1.3", "a") == ()
    bridges.keep_only({"1.3"})
    assert bridges.enter("1.4", "b") == ()
    assert bridges.enter("1.4", "a") == ("1.3",)


def test_given_many_channels_in_one_bridge_when_another_enters_then_only_the_last_are_known() -> (
    None
):
    bridges = Bridges()
    names = [f"1.{x}" for x in range(100)]
    for name in names:
        bridges.enter(name, "a")
    assert bridges.enter("2.1", "a") == tuple(names[-KEPT_MAX:])
    bridges.leave(names[0])  # forgotten already
    bridges.leave(names[-1])
    assert bridges.enter("2.2", "a") == (*names[1 - KEPT_MAX : -1], "2.1")
