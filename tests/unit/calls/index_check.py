"""What must hold between the calls of a CallIndex and its indexes, whatever happened."""

from __future__ import annotations

from bridge.calls.call_index import CallIndex
from bridge.calls.phone_call import Origin, PhoneCall, fork_channel_id


def check_index(index: CallIndex) -> None:
    """Raises AssertionError where an index misses a call, or knows one that is not there."""
    calls = {call.id: call for call in index}
    assert len(index) == len(calls)
    assert all(call.final is None for call in calls.values())
    _check_channels(index, calls)
    assert set(index._by_linkedid.values()) <= set(calls)
    assert set(index._other_linkedids) <= set(calls)
    for call in calls.values():
        linked = {x: index._by_linkedid.get(x) for x in index.linkedids(call)}
        assert set(linked.values()) == {call.id}, (call.id, linked)
    parties = {(x, call.id) for call in calls.values() for x in call.extensions}
    assert parties == {(x, i) for x, ids in index._by_extension.items() for i in ids}
    payers = {(x.extension, x.id) for x in calls.values() if x.extension is not None}
    assert payers == {(x, i) for x, ids in index._by_payer.items() for i in ids}
    users = {(x.user_id, x.id) for x in calls.values() if x.user_id is not None}
    assert users == {(x, i) for x, ids in index._by_user.items() for i in ids}


def _check_channels(index: CallIndex, calls: dict[str, PhoneCall]) -> None:
    for uniqueid, call_id in index._by_channel.items():
        call = calls[call_id]
        announced = {call.id, fork_channel_id(call.id)} if call.origin is Origin.API else set()
        assert uniqueid in announced | set(call.channels)
    for call in calls.values():
        assert all(index.of_channel(x) is call for x in call.channels)


def is_empty(index: CallIndex) -> bool:
    """Whether nothing at all is left in it."""
    return not any(
        (
            index._calls,
            index._by_linkedid,
            index._by_channel,
            index._by_extension,
            index._by_payer,
            index._by_user,
            index._other_linkedids,
        )
    )
