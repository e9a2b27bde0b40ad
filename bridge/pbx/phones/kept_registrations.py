"""The registrations of a phone whose aor is removed, or made anew.

Asterisk 22 deletes them after the aor, in a task of its own. One that is put back before that task
would be lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress

from bridge.pbx.ari.errors import AriRefused
from bridge.pbx.phones.phone_store import PhoneStore
from bridge.pbx.phones.registrations import is_permanent

ContactsOf = Callable[[str], Awaitable[Collection[str]]]
"""The ids of the contacts of an aor, registered or permanent."""


class KeptRegistrations:
    """Outlives a run: what one that ended half-way has taken, the next one puts back.

    Methods raise AriError, and what `contacts_of` raises.
    """

    def __init__(self, ari: PhoneStore, contacts_of: ContactsOf) -> None:
        self._ari = ari
        self._contacts_of = contacts_of
        self._kept: dict[str, Mapping[str, Mapping[str, str]]] = {}  # by aor, by id of the contact

    @property
    def aors(self) -> Collection[str]:
        """Those that have registrations to be put back."""
        return self._kept.keys()

    async def has_permanent(self, aor: str) -> bool:
        """Whether the aor has a contact that never expires."""
        return any(map(is_permanent, await self._contacts_of(aor)))

    async def remove(self, aor: str) -> None:
        """Remove what is registered there, and what is kept of it."""
        self._kept.pop(aor, None)
        for contact in await self._registered(aor):
            await self._ari.delete_dynamic_object("contact", contact)

    async def take(self, aor: str) -> None:
        """Remove what is registered there, and keep it for `put_back`."""
        kept = dict(self._kept.get(aor, {}))
        for contact in await self._registered(aor):
            fields = await self._ari.dynamic_object("contact", contact)
            if fields is not None:
                kept[contact] = fields
            await self._ari.delete_dynamic_object("contact", contact)
        if kept:
            self._kept[aor] = kept

    async def put_back(self, aor: str) -> None:
        """Once Asterisk has digested the new aor: it could delete them with the old one."""
        for contact, fields in self._kept[aor].items():
            with suppress(AriRefused):
                await self._ari.put_dynamic_object("contact", contact, fields)
        del self._kept[aor]

    async def _registered(self, aor: str) -> Iterable[str]:
        return [x for x in await self._contacts_of(aor) if not is_permanent(x)]
