"""Receivers of single calls: in memory only while something of them waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallConnected, UninvitedPhone
from bridge.calls.state.phone_call import Flow, Origin, PhoneCall
from bridge.faults import StorageUnavailable
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


class OtherIsFaster(Secrets):
    """Another instance replaces the secret just before the first update of this one."""

    def __init__(self, *, removed: bool = False) -> None:
        self.kept = {"app": AppSecret("app", "key")}
        self.answers: list[object] = []
        self._was_asked = False
        self._removed = removed

    async def load(self) -> list[AppSecret]:
        return list(self.kept.values())

    async def update(self, secret: AppSecret, before: str, first: object) -> bool:
        if not self._was_asked:
            self._was_asked = True
            self.kept = {} if self._removed else {"app": AppSecret("app", "of the other")}
        if self.kept.get("app") is None or self.kept["app"].secret != before:
            return False
        self.kept["app"] = secret
        self.answers.append(first)
        return True

    async def heard(self) -> None:
        """At once."""


async def test_given_another_instance_when_both_replace_a_secret_then_neither_is_forgotten() -> (
    None
):
    store = OtherIsFaster()
    receivers = CallReceivers(
        cast("Any", store), RightsAsTold(), EventNumbers(shared=True), 60, lambda _: None
    )
    await receivers.start()
    after = await receivers.replace_secret("app", 60, lambda x: cast("Any", x.secret))
    assert [x.secret for x in after.old_secrets] == ["of the other"]
    assert store.kept == {"app": after}
    assert store.answers == [after.secret]  # the answer that is kept is that of this secret


async def test_given_a_removed_app_when_its_secret_is_replaced_then_it_can_be_tried_again() -> None:
    store = OtherIsFaster(removed=True)
    receivers = CallReceivers(
        cast("Any", store), RightsAsTold(), EventNumbers(shared=True), 60, lambda _: None
    )
    await receivers.start()
    with pytest.raises(StorageUnavailable):
        await receivers.replace_secret("app", 60)
