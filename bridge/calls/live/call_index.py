"""The live calls of one PBX and the indexes over them: by channel, Linkedid, extension, user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from bridge.calls.state.phone_call import Leg, Origin, PhoneCall, fork_channel_id

LINKEDIDS_MAX = 16
"""Kept of one call beside its own: those that its channels got last."""

_Key = TypeVar("_Key", str, int)


class CallIndex:
    """Look-ups cost the same however many other calls live."""

    def __init__(self) -> None:
        self._calls: dict[str, PhoneCall] = {}
        self._by_linkedid: dict[str, str] = {}
        self._by_joined_id: dict[str, str] = {}
        self._by_channel: dict[str, str] = {}
        self._by_extension: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_payer: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_user: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self._other_linkedids: defaultdict[str, list[str]] = defaultdict(list)
        self._by_shared_linkedid: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[PhoneCall]:
        return iter(list(self._calls.values()))

    def get(self, call_id: str) -> PhoneCall | None:
        """The live call with that id; None if it has ended or was never known."""
        return self._calls.get(call_id)

    def find(self, call_id: str) -> PhoneCall | None:
        """The call with that id, or the one that a call with that id has joined."""
        return self._calls.get(call_id) or self._calls.get(self._by_joined_id.get(call_id, ""))

    def of_channel(self, uniqueid: str) -> PhoneCall | None:
        """The live call that has this channel (Uniqueid)."""
        call_id = self._by_channel.get(uniqueid)
        return None if call_id is None else self._calls.get(call_id)

    def of_linkedid(self, linkedid: str) -> PhoneCall | None:
        """The live call of this Linkedid; the oldest of several that share it."""
        call = self._calls.get(self._by_linkedid.get(linkedid, ""))
        if call is None and linkedid in self._by_shared_linkedid:
            return self._calls[next(iter(self._by_shared_linkedid[linkedid]))]
        return call

    def is_shared(self, linkedid: str) -> bool:
        """Whether the PBX gives this Linkedid to channels of several live calls."""
        shared = self._by_shared_linkedid  # nearly always empty
        return bool(shared) and len(shared.get(linkedid, ())) > 1

    def sharing(self, linkedid: str) -> list[PhoneCall]:
        """The live calls that share this Linkedid, oldest first."""
        return [self._calls[x] for x in self._by_shared_linkedid.get(linkedid, ())]

    def of_own_linkedid(self, linkedid: str) -> PhoneCall | None:
        """The live call of this Linkedid, if there is only one."""
        return None if self.is_shared(linkedid) else self.of_linkedid(linkedid)

    def of_extension(self, extension: str) -> list[PhoneCall]:
        """Calls that the extension pays or is a party of, oldest first."""
        return [self._calls[x] for x in self._by_extension.get(extension, ())]

    def paid_by_extension(self, extension: str) -> int:
        """How many live calls this extension pays."""
        return len(self._by_payer.get(extension, ()))

    def paid_by_user(self, user_id: int) -> int:
        """How many live calls the extensions of this user pay."""
        return len(self._by_user.get(user_id, ()))

    def also_linked(self, call: PhoneCall, linkedid: str) -> None:
        """The PBX gave channels of this call another Linkedid; the oldest of too many is forgotten.

        A channel of the call is found by its Uniqueid, whatever its Linkedid."""
        if self._by_linkedid.get(linkedid) == call.id:
            return
        self._by_linkedid[linkedid] = call.id
        others = self._other_linkedids[call.id]
        others.append(linkedid)
        if len(others) > LINKEDIDS_MAX:
            oldest = others.pop(0)
            if self._by_linkedid.get(oldest) == call.id:
                del self._by_linkedid[oldest]

    def linkedids(self, call: PhoneCall) -> list[str]:
        """The Linkedid of the call, and those that its channels got since."""
        return [call.linkedid, *self._other_linkedids.get(call.id, ())]

    def store(self, before: PhoneCall | None, after: PhoneCall) -> None:
        """Keep `after` in place of `before` (None: a new call); touches only what changed."""
        self._calls[after.id] = after
        if before is None:
            self._index_new(after)
        if after.extension is not None and (before is None or before.extension is None):
            self._by_payer[after.extension][after.id] = None
            if after.user_id is not None:
                self._by_user[after.user_id][after.id] = None
        if before is None or before.channels is not after.channels:
            self._index_channels(before, after)
        for call_id in after.joined[len(before.joined) if before is not None else 0 :]:
            self._by_joined_id[call_id] = after.id
        if before is None or before.shared_linkedids is not after.shared_linkedids:
            for linkedid in after.shared_linkedids:
                self._by_shared_linkedid[linkedid][after.id] = None
        if before is None or _other_extensions(before, after):
            self._index_extensions(before, after)

    def forget(self, call: PhoneCall) -> None:
        """Remove the call and every trace of it from the indexes."""
        known = self._calls.pop(call.id, call)
        linkedids = known.linkedid, *self._other_linkedids.pop(known.id, ())
        _drop(self._by_channel, known.id, (known.id, fork_channel_id(known.id), *known.channels))
        _drop(self._by_linkedid, known.id, linkedids)
        _drop(self._by_joined_id, known.id, known.joined)
        for linkedid in known.shared_linkedids:
            _discard(self._by_shared_linkedid, linkedid, known.id)
        for extension in known.extensions:
            _discard(self._by_extension, extension, known.id)
        if known.extension is not None:
            _discard(self._by_payer, known.extension, known.id)
        if known.user_id is not None:
            _discard(self._by_user, known.user_id, known.id)

    def _index_new(self, call: PhoneCall) -> None:
        had = self._other_linkedids.get(self._by_linkedid.get(call.linkedid, ""), [])
        if call.linkedid in had:
            had.remove(call.linkedid)  # it had joined that call, and goes out of it again
        self._by_linkedid[call.linkedid] = call.id
        if call.origin is Origin.API:
            self._by_channel[call.id] = call.id
            self._by_channel[fork_channel_id(call.id)] = call.id

    def _index_extensions(self, before: PhoneCall | None, after: PhoneCall) -> None:
        for extension in after.extensions:
            self._by_extension[extension].setdefault(after.id)
        # A caller may go on from one mailbox to another.
        for extension in before.extensions - after.extensions if before is not None else ():
            _discard(self._by_extension, extension, after.id)

    def _index_channels(self, before: PhoneCall | None, after: PhoneCall) -> None:
        if before is not None and before.channels.keys() == after.channels.keys():
            return  # one of them is in another state
        for uniqueid in before.channels if before is not None else ():
            if uniqueid not in after.channels and self._by_channel.get(uniqueid) == after.id:
                del self._by_channel[uniqueid]
        for uniqueid in after.channels:
            self._by_channel[uniqueid] = after.id


def _other_parties(before: tuple[Leg, ...], after: tuple[Leg, ...]) -> bool:
    if before is after:
        return False
    if len(before) != len(after):
        return True
    for old, new in zip(before, after, strict=True):  # no generator: each change comes here
        if old is not new and old.extension is not new.extension:
            return True
    return False


def _other_extensions(before: PhoneCall, after: PhoneCall) -> bool:
    """Most changes are of a leg's phase: cheaper to see here than to collect and store again.

    A leg gets an extension at most once, where the number that was asked for turns out to be one's.
    """
    return (
        _other_parties(before.legs, after.legs)
        or before.extension is not after.extension
        or before.called_service is not after.called_service
        or before.mailbox is not after.mailbox
    )


def _drop(index: dict[str, str], call_id: str, keys: Iterable[str]) -> None:
    for key in keys:
        if index.get(key) == call_id:
            del index[key]


def _discard(index: dict[_Key, dict[str, None]], key: _Key, call_id: str) -> None:
    ids = index.get(key)
    if ids is not None:
        ids.pop(call_id, None)
        if not ids:
            del index[key]
