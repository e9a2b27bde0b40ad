"""Finds the call of an Originate of somebody else that has failed.

The PBX tells everybody how an Originate ended, and the extension to which its source would have
gone. If it failed, the PBX tells its dial string instead of its channel.
"""

from __future__ import annotations

from bridge.calls.live.call_index import CallIndex
from bridge.calls.live.held_answers import HELD_MS, HeldAnswers
from bridge.calls.state.legs import endpoint_of_dial
from bridge.calls.state.pbx_events import DialStatus, OriginateEnded
from bridge.calls.state.phone_call import PhoneCall

_WITH_A_CHANNEL = (1, 3, 5, 8)
"""Reasons: hung up, no answer, busy, congestion. After any other there may have been no channel."""


class OthersOriginates:
    """The calls that Originates of others have begun, by the endpoint of their first channel."""

    def __init__(self) -> None:
        self._by_endpoint: dict[str, dict[str, None]] = {}
        self._endpoints: dict[str, str] = {}
        self._told_before: dict[str, OriginateEnded] = {}

    def __len__(self) -> int:
        return len(self._endpoints)

    def note(self, call: PhoneCall, endpoint: str) -> None:
        """Take up a new call; `endpoint`: of its first channel."""
        if call.originated:
            self._by_endpoint.setdefault(endpoint, {})[call.id] = None
            self._endpoints[call.id] = endpoint

    def forget(self, call_id: str) -> None:
        """The call has ended; does nothing if it was no such call."""
        self._told_before.pop(call_id, None)
        endpoint = self._endpoints.pop(call_id, None)
        if endpoint is None:
            return
        of_endpoint = self._by_endpoint[endpoint]
        del of_endpoint[call_id]
        if not of_endpoint:
            del self._by_endpoint[endpoint]

    def failed(self, event: OriginateEnded, live: CallIndex, held: HeldAnswers) -> PhoneCall | None:
        """The call of this failed Originate; None where it could be one of several.

        `held`: ends that are held back.
        """
        if event.succeeded or event.call_id:
            return None
        found = [
            call
            for call in map(live.get, self._by_endpoint.get(endpoint_of_dial(event.dialled), ()))
            if call is not None and not any(x.answered_ms is not None for x in call.legs)
        ]
        gone = [x for x in found if _is_over(x, held)]
        if not gone and event.reason not in _WITH_A_CHANNEL:
            if len(found) == 1:
                self._told_before[found[0].id] = event
            return None
        found = gone or found
        return found[0] if len(found) == 1 else None

    def told_before(self, call_id: str, at_ms: int) -> OriginateEnded | None:
        """The failure that came just before the end of this call's only channel at `at_ms`.

        Asterisk tells both from threads of their own, so either may come first.
        """
        told = self._told_before.pop(call_id, None)
        return told if told is not None and told.at_ms + HELD_MS >= at_ms else None


def _is_over(call: PhoneCall, held: HeldAnswers) -> bool:
    """Whether its source refuses, is hung up, or is gone."""
    if any(x.dial_status not in (None, DialStatus.ANSWER) for x in call.legs):
        return True
    return any(x.asked_to_go or x.uniqueid in held for x in call.channels.values())
