"""What must hold between the calls of a CallIndex and its look-ups, whatever happened."""

from __future__ import annotations

import pickle
from collections.abc import Iterable

from bridge.calls.live.call_index import CallIndex
from bridge.calls.state.phone_call import Origin, PhoneCall, fork_channel_id


class IndexCheck:
    """Remembers everything that calls were ever found by, to ask for it again when they are gone.

    `uniqueids`: channels that may be known beyond those of the calls that are looked at.
    """

    def __init__(self, uniqueids: Iterable[str] = ()) -> None:
        self._uniqueids = set(uniqueids)
        self._ids: set[str] = set()
        self._extensions: set[str] = set()
        self._users: set[int] = set()

    def check(self, index: CallIndex) -> None:
        """Raises AssertionError where a look-up misses a call, or finds one that is not there."""
        calls = {call.id: call for call in index}
        assert len(index) == len(calls)
        for call in calls.values():
            assert call.final is None
            assert index.get(call.id) is call
            assert all(index.of_linkedid(x) is call for x in index.linkedids(call))
            assert all(index.find(x) is call for x in call.joined)
            assert all(index.of_channel(x) is call for x in call.channels)
            self._remember(call, index)
        for uniqueid in self._uniqueids:
            found = index.of_channel(uniqueid)
            assert found is None or uniqueid in _channels(found)
        for call_id in self._ids:
            found = index.find(call_id)
            assert found is None or call_id in (found.id, *found.joined)
            assert (found is not None) or call_id not in calls
        for extension in self._extensions:
            those = {x.id for x in calls.values() if extension in x.extensions}
            assert {x.id for x in index.of_extension(extension)} == those
            paid = sum(x.extension == extension for x in calls.values())
            assert index.paid_by_extension(extension) == paid
        for user_id in self._users:
            owned = sum(x.user_id == user_id for x in calls.values())
            assert index.paid_by_user(user_id) == owned

    def _remember(self, call: PhoneCall, index: CallIndex) -> None:
        self._ids |= {call.id, *call.joined}
        self._uniqueids |= {*_channels(call), *index.linkedids(call)}
        self._extensions |= call.extensions
        if call.user_id is not None:
            self._users.add(call.user_id)


def _channels(call: PhoneCall) -> set[str]:
    announced = {call.id, fork_channel_id(call.id)} if call.origin is Origin.API else set()
    return announced | set(call.channels)


def is_empty(index: CallIndex) -> bool:
    """Whether nothing at all is left in it: then it is as a new one, to the last byte."""
    return pickle.dumps(index) == pickle.dumps(CallIndex())
