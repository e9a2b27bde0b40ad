"""Logs when a phone takes the place of another one; the one that lost it does not know."""

from __future__ import annotations

from collections import OrderedDict

import structlog

from bridge.calls.state.pbx_events import PhoneRegistered, PhoneUnregistered

log = structlog.get_logger()

_WITHIN_MS = 200
"""Asterisk takes the oldest contact away in the moment in which there is one too many."""
_MOST = 10_000


class ReplacedPhones:
    """Remembers the newest contact of each endpoint, and logs a contact that it replaced."""

    def __init__(self) -> None:
        # By endpoint, the phone that came last; the oldest are forgotten.
        self._came: OrderedDict[str, PhoneRegistered] = OrderedDict()

    def registered(self, event: PhoneRegistered) -> None:
        """Remember the newest registration of the endpoint; the oldest is forgotten if there are
        too many."""
        self._came[event.endpoint] = event
        self._came.move_to_end(event.endpoint)
        if len(self._came) > _MOST:
            self._came.popitem(last=False)

    def unregistered(self, event: PhoneUnregistered) -> None:
        """Log an old contact that goes soon after another contact of its endpoint came."""
        came = self._came.get(event.endpoint)
        if came is None or came.contact == event.contact:
            return
        if event.at_ms - came.at_ms <= _WITHIN_MS:
            log.info("phone_replaced", endpoint=event.endpoint, old=event.contact, new=came.contact)
