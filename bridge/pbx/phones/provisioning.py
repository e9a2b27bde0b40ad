"""Brings the phones of the directory into Asterisk, live, and takes those away that are gone.

A phone is an aor, an endpoint and an auth of the same name. The aor carries our mark in
`voicemail_extension`. Every version has this field, only an aor with mailboxes uses it, and it
shows neither on a channel nor on the wire. Objects without the mark belong to somebody else and are
not touched.

A phone is made aor first, endpoint last, and so is complete once it has an endpoint. All aors come
before all endpoints, because Asterisk looks through every endpoint for each aor that is new.

There may be a hundred thousand of them: no step holds the event loop, or takes all requests to the
PBX that may be open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from bridge.calls.pbx import InvalidPbxValue
from bridge.pbx.ari.errors import AriRefused
from bridge.pbx.pbx_settings import PhoneProfile
from bridge.pbx.phones.mark_of_all import MarkOfAll
from bridge.pbx.phones.phone_objects import (
    MARK_FIELD,
    MARK_PREFIX,
    PhoneAccount,
    PhoneObjects,
    is_our_mark,
    phone_objects,
    registers_elsewhere,
)
from bridge.pbx.phones.phone_store import PhoneStore
from bridge.pbx.phones.provisioning_pace import ProvisioningPace
from bridge.supervision.fair_share import in_turns
from bridge.supervision.tasks import awaited

AT_A_TIME = 6
"""Phones. Others ask the PBX as well, and all that wait for a turn have a time limit."""

INCOMPLETE = MARK_PREFIX + "incomplete"

NOT_OURS = "exists on the PBX and is not ours; left alone"

Progress = Callable[[int, int], None]
"""Told how many of the phones to be made, changed or removed are done, and how many there are."""

ContactsOf = Callable[[str], Awaitable[Collection[str]]]
"""The ids of the contacts that phones have registered at an aor."""

_T = TypeVar("_T")


async def _none(_: str) -> Collection[str]:
    return ()


class _Step(Enum):
    ADD = "added"
    UPDATE = "updated"
    REPLACE = "replaced"
    REMOVE = "removed"
    NOTHING = "unchanged"
    FOREIGN = "foreign"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class ProvisioningResult:
    """Numbers, sorted. `not_made`: why, of each phone that exists on the PBX without our mark or
    that the PBX refuses."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    not_made: Mapping[str, str] = field(default_factory=dict)


async def provision(
    phones: Sequence[PhoneAccount],
    profile: PhoneProfile,
    ari: PhoneStore,
    *,
    unsure: Collection[str] = (),
    only: Collection[str] | None = None,
    progress: Progress = lambda done, of: None,
    contacts_of: ContactsOf = _none,
) -> ProvisioningResult:
    """Make the PBX's phones exactly these; running it again changes nothing.

    `only`: look at these numbers and no others. `unsure`: names whose endpoint the PBX may list
    though it is gone. `contacts_of`: a phone that is behind an edge from now on loses these; what
    it raises is raised. Raises InvalidPbxValue before anything is changed, AriError when the PBX
    goes away in between: another run then finishes the work. The PBX sends no event for a phone
    that is removed: let the link ask again (AmiLink.refresh_endpoints) afterwards.
    """
    accounts = {phone.number: phone for phone in phones}
    if len(accounts) != len(phones):
        raise InvalidPbxValue("two phones with the same number")
    made = await in_turns(phones, lambda x: phone_objects(x, profile)["aor"][MARK_FIELD])
    marks = dict(zip(accounts, made, strict=True))
    existing = {one.resource for one in await ari.endpoints()}
    whole = MarkOfAll(ari, marks)
    await whole.read()
    if only is not None:
        names = [x for x in sorted(existing | accounts.keys()) if x in only]
    elif whole.holds and accounts.keys() <= existing:
        # Nothing was changed since, so `unsure` is of no phone that shall be there.
        names = sorted(existing - accounts.keys())
    else:
        names = sorted(existing | accounts.keys())
    run = _Run(ari, accounts, marks, profile, progress, contacts_of)
    await run.plan(names, existing, unsure)
    if run.changes:
        await whole.remove()
    await run.carry_out()
    result = run.result(accounts.keys() - set(names) if only is None else ())
    if only is None and not result.not_made:
        await whole.put()
    return result


class _Run:
    def __init__(
        self,
        ari: PhoneStore,
        accounts: Mapping[str, PhoneAccount],
        marks: Mapping[str, str],
        profile: PhoneProfile,
        progress: Progress,
        contacts_of: ContactsOf,
    ) -> None:
        self._ari = ari
        self._accounts = accounts
        self._marks = marks
        self._profile = profile
        self._progress = progress
        self._contacts_of = contacts_of
        self._steps: dict[str, _Step] = {}
        self._refused: dict[str, str] = {}

    async def plan(
        self, names: Iterable[str], existing: Collection[str], unsure: Collection[str]
    ) -> None:
        """Look what there is of each name, and decide."""

        async def look(name: str) -> None:
            self._steps[name] = await self._step(name, name in existing, name in unsure)

        await self._each(names, look)

    @property
    def changes(self) -> bool:
        """Whether `carry_out` has anything to do."""
        return not set(self._steps.values()) <= {_Step.NOTHING, _Step.FOREIGN, _Step.CONFLICT}

    async def carry_out(self) -> None:
        steps = (_Step.REMOVE, _Step.REPLACE, _Step.UPDATE, _Step.ADD)
        work = {step: self._names(step) for step in steps}
        total, done = sum(map(len, work.values())), 0
        async with ProvisioningPace(self._ari, total) as pace:
            for names, write, counts in (
                (work[_Step.REMOVE], self._remove, True),
                (work[_Step.REPLACE], self._replace, True),
                (work[_Step.UPDATE], self._update, True),
                (work[_Step.ADD], self._add_aor, False),
                (work[_Step.ADD], self._add_endpoint, True),
            ):
                for batch in pace.batches(names):
                    self._progress(done, total)
                    await self._each((x for x in batch if x not in self._refused), write)
                    done += len(batch) if counts else 0
                    await pace.keep()
        self._progress(done, total)

    def result(self, not_looked_at: Collection[str]) -> ProvisioningResult:
        """`not_looked_at`: phones that are known to be as they should be."""
        done = {
            step: tuple(x for x in self._names(step) if x not in self._refused) for step in _Step
        }
        not_made = dict.fromkeys(done[_Step.CONFLICT], NOT_OURS) | self._refused
        return ProvisioningResult(
            added=done[_Step.ADD],
            updated=tuple(sorted(done[_Step.UPDATE] + done[_Step.REPLACE])),
            removed=done[_Step.REMOVE],
            unchanged=tuple(sorted({*done[_Step.NOTHING], *not_looked_at})),
            not_made=dict(sorted(not_made.items())),
        )

    def _names(self, step: _Step) -> list[str]:
        return sorted(name for name, one in self._steps.items() if one is step)

    async def _step(self, name: str, listed: bool, unsure: bool) -> _Step:
        aor = await self._ari.dynamic_object("aor", name)
        mark = (aor or {}).get(MARK_FIELD, "")
        ours = is_our_mark(mark)
        wanted = self._marks.get(name)
        if wanted is None:
            return _Step.REMOVE if ours else _Step.FOREIGN
        if not ours and aor is not None:
            return _Step.CONFLICT
        # The PBX lists removed endpoints for a while, so ask for the single endpoint.
        if listed and (unsure or not ours):
            listed = await self._ari.dynamic_object("endpoint", name) is not None
        if not ours and listed:
            return _Step.CONFLICT
        # An update leaves what it does not name, and a phone behind an edge has other fields. To
        # its contacts it adds: the phone would be rung at a former edge, too, or twice at one. Also
        # where a run has ended half-way, after the endpoint was removed.
        if aor is not None and registers_elsewhere(aor, self._accounts[name], self._profile.edges):
            return _Step.REPLACE
        if not listed:
            return _Step.ADD
        return _Step.NOTHING if mark == wanted else _Step.UPDATE

    async def _remove(self, name: str) -> None:
        for kind in ("endpoint", "auth", "aor"):
            await self._ari.delete_dynamic_object(kind, name)

    async def _remove_contacts(self, name: str) -> None:
        """Asterisk keeps them without their aor, and would ring them, past the edge, until they
        expire. First what lets the phone register anew."""
        for kind in ("endpoint", "auth"):
            await self._ari.delete_dynamic_object(kind, name)
        for contact in await self._contacts_of(name):
            await self._ari.delete_dynamic_object("contact", contact)

    async def _update(self, name: str) -> None:
        """The mark with the fingerprint last: a run that ends half-way is repeated by the next."""
        wanted = self._objects(name)
        await self._ari.put_dynamic_object("aor", name, wanted["aor"] | {MARK_FIELD: INCOMPLETE})
        if "auth" in wanted:
            await self._ari.put_dynamic_object("auth", name, wanted["auth"])
        endpoint = dict(wanted["endpoint"])
        if "acl" in endpoint:
            # Asterisk adds the list to those that the endpoint has, and refuses one that it has.
            has = await self._ari.dynamic_object("endpoint", name)
            if has is not None and has.get("acl") == endpoint["acl"]:
                del endpoint["acl"]
        await self._ari.put_dynamic_object("endpoint", name, endpoint)
        await self._ari.put_dynamic_object("aor", name, wanted["aor"])

    async def _replace(self, name: str) -> None:
        if self._profile.edges:
            await self._remove_contacts(name)
        await self._remove(name)
        await self._add_aor(name)
        await self._add_endpoint(name)

    async def _add_aor(self, name: str) -> None:
        await self._ari.put_dynamic_object("aor", name, self._objects(name)["aor"])

    async def _add_endpoint(self, name: str) -> None:
        wanted = self._objects(name)
        if "auth" in wanted:
            await self._ari.put_dynamic_object("auth", name, wanted["auth"])
        await self._ari.put_dynamic_object("endpoint", name, wanted["endpoint"])

    def _objects(self, name: str) -> PhoneObjects:
        """Made where they are needed: those of all phones would take hundreds of megabytes."""
        return phone_objects(self._accounts[name], self._profile)

    async def _each(
        self, names: Iterable[str], do: Callable[[str], Coroutine[object, object, None]]
    ) -> None:
        """AT_A_TIME at once; what the PBX refuses is noted, another fault ends them all."""
        waiting = iter(names)

        async def one_after_the_other() -> None:
            for name in waiting:
                try:
                    await do(name)
                except AriRefused as why:
                    self._refused[name] = str(why)

        tasks = [awaited(one_after_the_other(), "provision_phone") for _ in range(AT_A_TIME)]
        try:
            await asyncio.gather(*tasks)
        finally:
            # None goes on after a failure of another: it would undo what a later run does.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
