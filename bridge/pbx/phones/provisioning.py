"""Brings the phones of the directory into Asterisk, live, and takes those away that are gone.

A phone is an aor, an endpoint and an auth of the same name. The aor carries our mark in
`voicemail_extension`. Every version has this field, only an aor with mailboxes uses it, and it
shows neither on a channel nor on the wire. Objects without the mark belong to somebody else and are
not touched. The endpoint carries the fingerprint of the whole phone.

No aor that may have contacts is written. Asterisk then takes the contacts that are registered for
contacts of the aor: they never expire, and no phone can unregister them. Earlier versions of the
service did so, and such an aor is made anew.

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

from bridge.calls.pbx import InvalidPbxValue
from bridge.pbx.ari.errors import AriRefused
from bridge.pbx.pbx_settings import PhoneProfile
from bridge.pbx.phones.kept_registrations import KeptRegistrations
from bridge.pbx.phones.mark_of_all import MarkOfAll
from bridge.pbx.phones.phone_objects import (
    FINGERPRINT_FIELD,
    MARK_FIELD,
    MARK_PREFIX,
    PhoneAccount,
    PhoneObjects,
    has_fields,
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
    only: Collection[str] | None = None,
    progress: Progress = lambda done, of: None,
    kept: KeptRegistrations | None = None,
) -> ProvisioningResult:
    """Make the PBX's phones exactly these; running it again changes nothing.

    `only`: look at these numbers and no others. `kept`: knows what is registered; what
    it raises is raised. A phone that is removed, or behind an edge from now on, loses its
    registrations. Raises InvalidPbxValue before anything is changed, AriError when the PBX
    goes away in between: another run then finishes the work. The PBX sends no event for a phone
    that is removed: let the link ask again (AmiLink.refresh_endpoints) afterwards.
    """
    accounts = {phone.number: phone for phone in phones}
    if len(accounts) != len(phones):
        raise InvalidPbxValue("two phones with the same number")
    made = await in_turns(phones, lambda x: _fingerprint(x, profile))
    marks = dict(zip(accounts, made, strict=True))
    existing = {one.resource for one in await ari.endpoints()}
    whole = MarkOfAll(ari, marks)
    await whole.read()
    if only is not None:
        names = [x for x in sorted(existing | accounts.keys()) if x in only]
    elif whole.holds and accounts.keys() <= existing:
        names = sorted(existing - accounts.keys())
    else:
        names = sorted(existing | accounts.keys())
    run = _Run(ari, accounts, marks, profile, progress, kept or KeptRegistrations(ari, _none))
    await run.plan(names, existing)
    if run.changes:
        await whole.remove()
    await run.carry_out()
    result = run.result(accounts.keys() - set(names) if only is None else ())
    if only is None and not result.not_made:
        await whole.put()
    return result


def _fingerprint(phone: PhoneAccount, profile: PhoneProfile) -> str:
    return phone_objects(phone, profile)["endpoint"][FINGERPRINT_FIELD]


class _Run:
    def __init__(
        self,
        ari: PhoneStore,
        accounts: Mapping[str, PhoneAccount],
        marks: Mapping[str, str],
        profile: PhoneProfile,
        progress: Progress,
        kept: KeptRegistrations,
    ) -> None:
        self._ari = ari
        self._accounts = accounts
        self._marks = marks
        self._profile = profile
        self._progress = progress
        self._kept = kept
        self._steps: dict[str, _Step] = {}
        self._refused: dict[str, str] = {}
        self._made: set[str] = set()  # endpoints

    async def plan(self, names: Iterable[str], existing: Collection[str]) -> None:
        """Look what there is of each name, and decide."""

        async def look(name: str) -> None:
            self._steps[name] = await self._step(name, name in existing)

        await self._each(names, look)

    @property
    def changes(self) -> bool:
        """Whether `carry_out` has anything to do."""
        return not set(self._steps.values()) <= {_Step.NOTHING, _Step.FOREIGN, _Step.CONFLICT}

    async def carry_out(self) -> None:
        steps = (_Step.REMOVE, _Step.REPLACE, _Step.UPDATE, _Step.ADD)
        work = {step: self._names(step) for step in steps}
        total, done = sum(map(len, work.values())), 0
        exact = bool(work[_Step.REPLACE] or self._kept.aors)
        async with ProvisioningPace(self._ari, total, exact=exact) as pace:
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
                    await self._put_back()
            await self._put_back()
        self._progress(done, total)

    async def _put_back(self) -> None:
        done = [x for x in self._kept.aors if x in self._made]
        await self._each(done, self._kept.put_back)

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

    async def _step(self, name: str, listed: bool) -> _Step:
        # The PBX lists removed endpoints for a while, so ask for the single endpoint.
        endpoint = await self._ari.dynamic_object("endpoint", name) if listed else None
        mark = (endpoint or {}).get(FINGERPRINT_FIELD, "")
        wanted = self._marks.get(name)
        if wanted is not None and mark == wanted:
            self._made.add(name)
            return _Step.NOTHING
        aor = await self._ari.dynamic_object("aor", name)
        ours = is_our_mark(mark) or is_our_mark((aor or {}).get(MARK_FIELD, ""))
        if wanted is None:
            return _Step.REMOVE if ours else _Step.FOREIGN
        if not ours:
            return _Step.ADD if aor is None and endpoint is None else _Step.CONFLICT
        if aor is None or await self._must_be_new(name, aor, has_endpoint=endpoint is not None):
            return _Step.REPLACE
        return _Step.ADD if endpoint is None else _Step.UPDATE

    async def _must_be_new(self, name: str, aor: Mapping[str, str], *, has_endpoint: bool) -> bool:
        """An update leaves what it does not name, and a phone behind an edge has other fields. To
        its contacts it adds: the phone would be rung at a former edge, too, or twice at one. Also
        where a run has ended half-way, after the endpoint was removed."""
        edges = self._profile.edges
        if registers_elsewhere(aor, self._accounts[name], edges):
            return True
        if not has_fields(aor, self._objects(name)["aor"]):
            return True
        if edges or not aor.get("contact"):
            return False
        return not has_endpoint or await self._kept.has_permanent(name)

    async def _remove(self, name: str) -> None:
        await self._take_away(name, self._kept.remove)

    async def _take_away(self, name: str, registrations: Callable[[str], Awaitable[None]]) -> None:
        """First what lets the phone register anew."""
        for kind in ("endpoint", "auth"):
            await self._ari.delete_dynamic_object(kind, name)
        await registrations(name)
        await self._ari.delete_dynamic_object("aor", name)

    async def _update(self, name: str) -> None:
        """The fingerprint last: a run that ends half-way is repeated by the next."""
        wanted = self._objects(name)
        await self._ari.put_dynamic_object("endpoint", name, {FINGERPRINT_FIELD: INCOMPLETE})
        if "auth" in wanted:
            await self._ari.put_dynamic_object("auth", name, wanted["auth"])
        endpoint = dict(wanted["endpoint"])
        if "acl" in endpoint:
            # Asterisk adds the list to those that the endpoint has, and refuses one that it has.
            has = await self._ari.dynamic_object("endpoint", name)
            if has is not None and has.get("acl") == endpoint["acl"]:
                del endpoint["acl"]
        await self._ari.put_dynamic_object("endpoint", name, endpoint)

    async def _replace(self, name: str) -> None:
        """Behind an edge it loses what was registered: the PBX would ring it, past the edge."""
        kept = self._kept
        await self._take_away(name, kept.remove if self._profile.edges else kept.take)
        await self._add_aor(name)
        await self._add_endpoint(name)

    async def _add_aor(self, name: str) -> None:
        await self._ari.put_dynamic_object("aor", name, self._objects(name)["aor"])

    async def _add_endpoint(self, name: str) -> None:
        wanted = self._objects(name)
        if "auth" in wanted:
            await self._ari.put_dynamic_object("auth", name, wanted["auth"])
        await self._ari.put_dynamic_object("endpoint", name, wanted["endpoint"])
        self._made.add(name)

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
