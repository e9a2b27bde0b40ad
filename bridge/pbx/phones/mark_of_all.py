"""One mark for all phones of a PBX, where they are many.

To read the mark of each of 100,000 phones takes minutes of the service and of Asterisk. That would
come at every start of the link. So a run that left all phones as they should be says that
on the PBX: an aor of its own, without an endpoint, whose mark is a hash of all marks. It is removed
before a phone is changed, and so a run that ends half-way leaves none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bridge.pbx.phones.phone_objects import MARK_FIELD, MARK_PREFIX
from bridge.pbx.phones.phone_store import PhoneStore

NAME = "uapi-bridge-phones"

FEW = 500
"""So many phones are looked at one by one: that takes no second, and it mends more."""


class MarkOfAll:
    """`marks`: of all phones that shall be there, by number. Methods raise AriError."""

    def __init__(self, ari: PhoneStore, marks: Mapping[str, str]) -> None:
        self._ari = ari
        self._wanted = mark_of(marks) if len(marks) > FEW else ""
        self._found = ""

    @property
    def holds(self) -> bool:
        """Whether the PBX said, when it was read, that all phones are as they should be."""
        return bool(self._wanted) and self._found == self._wanted

    async def read(self) -> None:
        """Ask the PBX."""
        aor = await self._ari.dynamic_object("aor", NAME)
        self._found = (aor or {}).get(MARK_FIELD, "")

    async def remove(self) -> None:
        """Before a phone is changed.

        Of many also where none was read: a run that was broken off may just have written it.
        """
        if self._found or self._wanted:
            await self._ari.delete_dynamic_object("aor", NAME)
            self._found = ""

    async def put(self) -> None:
        """All phones are as they should be."""
        if self._found == self._wanted:
            return
        if self._wanted:
            await self._ari.put_dynamic_object("aor", NAME, {MARK_FIELD: self._wanted})
            self._found = self._wanted
        else:
            await self.remove()


def mark_of(marks: Mapping[str, str]) -> str:
    """The mark of all phones, of the mark of each by its number."""
    found = hashlib.sha256()
    for number, mark in sorted(marks.items()):
        found.update(f"{number} {mark}\n".encode())
    return f"{MARK_PREFIX}all-{found.hexdigest()[:32]}"
