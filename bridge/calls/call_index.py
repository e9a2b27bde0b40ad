"""The live calls of one PBX and the indexes over them: by channel, Linkedid, extension, user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from bridge.calls.phone_call import Origin, PhoneCall, fork_channel_id

_Key = TypeVar("_Key", str, int)


class CallIndex:
    """Look-ups cost the same however many other calls live."""

    def __init__(self) -> None:
        self._calls: dict[str, PhoneCall] = {}
        self._by_linkedid: dict[str, str] = {}
        self._by_channel: dict[str, str] = {}
        self._by_extension: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_payer: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_user: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self._other_linkedids: defaultdict[str, list[str]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[PhoneCall]:
        return iter(list(self._calls.values()))

    def get(self, call_id: str) -> PhoneCall | None:
        return self._calls.get(call_id)

    def of_channel(self, uniqueid: str) -> PhoneCall | None:
        return self._calls.get(self._by_channel.get(uniqueid, ""))

    def of_linkedid(self, linkedid: str) -> PhoneCall | None:
        return self._calls.get(self._by_linkedid.get(linkedid, ""))

    def of_extension(self, extension: str) -> list[PhoneCall]:
        """Calls that the extension pays or is a party of, oldest first."""
        return [self._calls[x] for x in self._by_extension.get(extension, ())]

    def paid_by_extension(self, extension: str) -> int:
        return len(self._by_payer.get(extension, ()))

    def paid_by_user(self, user_id: int) -> int:
        return len(self._by_user.get(user_id, ()))

    def also_linked(self, call: PhoneCall, linkedid: str) -> None:
        """The PBX gave channels of this call another Linkedid."""
        if self._by_linkedid.get(linkedid) == call.id:
            return
        self._by_linkedid[linkedid] = call.id
        self._other_linkedids[call.id].append(linkedid)

    def linkedids(self, call: PhoneCall) -> list[str]:
        """Every Linkedid that channels of this call have, or had."""
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
        if before is None or _other_extensions(before, after):
            for extension in after.extensions:
                self._by_extension[extension].setdefault(after.id)

    def forget(self, call: PhoneCall) -> None:
        """Remove the call and every trace of it from the indexes."""
        known = self._calls.pop(call.id, call)
        for uniqueid in (known.id, fork_channel_id(known.id), *known.channels):
            if self._by_channel.get(uniqueid) == known.id:
                del self._by_channel[uniqueid]
        for linkedid in (known.linkedid, *self._other_linkedids.pop(known.id, ())):
            if self._by_linkedid.get(linkedid) == known.id:
                del self._by_linkedid[linkedid]
        for extension in known.extensions:
            _discard(self._by_extension, extension, known.id)
        if known.extension is not None:
            _discard(self._by_payer, known.extension, known.id)
        if known.user_id is not None:
            _discard(self._by_user, known.user_id, known.id)

    def _index_new(self, call: PhoneCall) -> None:
        self._by_linkedid[call.linkedid] = call.id
        if call.origin is Origin.API:
            self._by_channel[call.id] = call.id
            self._by_channel[fork_channel_id(call.id)] = call.id

    def _index_channels(self, before: PhoneCall | None, after: PhoneCall) -> None:
        for uniqueid in before.channels if before is not None else ():
            if uniqueid not in after.channels and self._by_channel.get(uniqueid) == after.id:
                del self._by_channel[uniqueid]
        for uniqueid in after.channels:
            self._by_channel[uniqueid] = after.id


def _other_extensions(before: PhoneCall, after: PhoneCall) -> bool:
    """Most changes are of a leg's phase: cheaper to see here than to collect and store again.

    A leg never changes its extension; calls only get more of them.
    """
    return (
        len(before.legs) != len(after.legs)
        or before.extension is not after.extension
        or before.called_service is not after.called_service
    )


def _discard(index: dict[_Key, dict[str, None]], key: _Key, call_id: str) -> None:
    ids = index.get(key)
    if ids is not None:
        ids.pop(call_id, None)
        if not ids:
            del index[key]
