"""Receivers of single calls: in memory only while something of them waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallConnected, UninvitedPhone
from bridge.calls.state.phone_call import Flow, Origin, PhoneCall
from bridge.phone_call_events.call_receivers import CallReceivers
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.subscription import AppSecret, Subscription
from tests.integration.event_deliveries.in_process import RightsAsTold

CALL = PhoneCall(
    *("c" * 20, "pbx1", "c" * 20, Origin.API, Flow.LOCAL, 0),
    extension="0003*210",
    client_id="app",
    status_url="http://h/",
)
CONNECTED = Change(CALL, CALL, (CallConnected(5),))


class Secrets:
    """The one of `app`, and a receiver of an app without one."""

    async def load(self) -> list[AppSecret]:
        return [AppSecret("app", "key")]

    async def waiting_receivers(self) -> list[Subscription]:
        return [cast("Any", Subscription)(*["x"] * 8, "removed app", 0, call_id="c")]


async def started(rights: RightsAsTold, told: list[str]) -> CallReceivers:
    store = cast("Any", Secrets())
    receivers = CallReceivers(store, rights, EventNumbers(), 60, told.append)
    await receivers.start()
    assert list(receivers) == []
    return receivers


async def test_given_new_state_when_it_is_on_disk_then_its_receiver_is_told_though_let_go() -> None:
    told: list[str] = []
    receivers = await started(RightsAsTold(), told)
    rows = receivers.of_change(CONNECTED)
    assert rows is not None
    [receiver] = receivers
    receivers.let_go(receiver.id)
    rows.written()
    assert told == [receiver.id]
    assert receivers.get(receiver.id) == receiver


async def test_given_app_without_the_right_when_the_call_changes_then_nothing_is_kept() -> None:
    rights = RightsAsTold()
    receivers = await started(rights, [])
    rights.without.add("app")
    assert receivers.of_change(CONNECTED) is None
    assert list(receivers) == []


async def test_given_change_without_a_state_when_it_comes_then_nothing_is_kept() -> None:
    receivers = await started(RightsAsTold(), [])
    other = Change(CALL, CALL, (UninvitedPhone("u", "PJSIP/x"),))
    plain = replace(CALL, status_url=None)
    assert receivers.of_change(other) is None
    assert receivers.of_change(Change(plain, plain, (CallConnected(5),))) is None
    assert list(receivers) == []
