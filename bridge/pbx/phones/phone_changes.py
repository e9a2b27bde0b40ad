"""The endpoints that have had a change: another phone is registered, or none can be reached."""

from __future__ import annotations

from bridge.calls.state.pbx_events import (
    PbxEvent,
    PhoneReachability,
    PhoneRegistered,
    PhoneUnregistered,
)
from bridge.pbx.phones.registrations import address_of

CONTACTS_MAX = 20  # known of one endpoint; the oldest is forgotten


class PhoneChanges:
    """Counts changes. A reader that has seen `count` of them asks for the endpoints that have had
    one since.

    A phone that only renews its registration changes nothing.
    """

    def __init__(self) -> None:
        self.count = 0
        self._of_all = 0
        self._of: dict[str, int] = {}
        self._reachable: dict[str, bool] = {}
        self._contacts: dict[str, dict[str, int]] = {}

    def since(self, seen: int, endpoint: str) -> bool:
        """Whether the endpoint has had a change after the first `seen` changes."""
        return max(self._of_all, self._of.get(endpoint, 0)) > seen

    def registered_since_ms(self, endpoint: str, address: str) -> int | None:
        """When the phone at this address registered; None if it was before the link came up."""
        contacts = self._contacts.get(endpoint, {})
        return next((at for uri, at in contacts.items() if address_of(uri) == address), None)

    def take(self, event: PbxEvent) -> None:
        """Any event of the PBX; those that are not about phones change nothing."""
        if isinstance(event, PhoneReachability):
            if self._reachable.get(event.endpoint) is not event.reachable:
                self._reachable[event.endpoint] = event.reachable
                self._changed(event.endpoint)
        elif isinstance(event, PhoneRegistered):
            contacts = self._contacts.setdefault(event.endpoint, {})
            if event.contact not in contacts:
                contacts[event.contact] = event.at_ms
                if len(contacts) > CONTACTS_MAX:
                    del contacts[next(iter(contacts))]
                self._changed(event.endpoint)
        elif isinstance(event, PhoneUnregistered):
            self._contacts.get(event.endpoint, {}).pop(event.contact, None)
            self._changed(event.endpoint)

    def all_anew(self) -> None:
        """The link has come up: any endpoint may have had a change."""
        self._reachable.clear()
        self._contacts.clear()
        self._of.clear()
        self.count += 1
        self._of_all = self.count

    def _changed(self, endpoint: str) -> None:
        self.count += 1
        self._of[endpoint] = self.count
