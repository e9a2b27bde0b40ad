"""Whether a call may be connected with a public number. Pure.

An app's wish (`allowPublicTransfer`) counts once a public number is in the call: a second one is
refused then (docs/calls.md).
"""

from __future__ import annotations

from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import Leg, PhoneCall


def is_local_only(call: PhoneCall) -> bool:
    """Whether the rule of the call, as it is now, forbids public numbers.

    The rights of extensions that came into it later are not looked at.
    """
    if call.local_transfers_only:
        return True
    return not call.allow_public_transfer and any(is_public(x.leg) for x in views_of(call))


def is_public(leg: Leg) -> bool:
    """Whether the party is a public number. A number of an organization has a `*`."""
    return leg.extension is None and "*" not in leg.number
