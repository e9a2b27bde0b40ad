"""The steps of the app of a flow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import ClassVar, TypeVar

from bridge.client import ApiError, NotReached, PhoneCall, Status, UapiClient
from bridge.flows.steps import (
    OUTCOMES,
    AppActs,
    AppCreates,
    AppFinds,
    AppHangsUp,
    SeesCall,
    SeesEnd,
    SeesEntry,
    Step,
)

_POLL_S = 0.05
_T = TypeVar("_T")


class NotAsExpected(Exception):
    """`str()` says what was seen instead."""


class AppSteps:
    """`number_of` gives the extension of a phone of the flow, and any number as it is."""

    def __init__(self, api: UapiClient, number_of: Callable[[str], str]) -> None:
        self._api = api
        self._number_of = number_of
        self._call_id = ""

    @property
    def call_id(self) -> str:
        """The id of the call that the steps are about; raises NotAsExpected before there is one."""
        if not self._call_id:
            raise NotAsExpected("the app has no call yet: it has created none, and found none")
        return self._call_id

    async def carry_out(self, step: Step) -> None:
        """Raises NotAsExpected, ApiError, NotReached."""
        await self._METHODS[type(step)](self, step)

    async def create(self, step: AppCreates) -> None:
        """Place the call; it is that of the next steps."""
        try:
            made = await self._api.create_call(
                self._numbers(step.source),
                self._numbers(step.destination),
                extension=None if step.extension is None else self._number_of(step.extension),
                caller_id=step.caller_id,
                recording=step.recording,
                wait_for_pickup_s=step.wait_for_pickup_s,
                call_duration_s=step.call_duration_s,
            )
        except ApiError as why:
            if step.error is not None and why.code == step.error:
                return
            raise
        if step.error is not None:
            raise NotAsExpected(f"the call was accepted, with id {made.id}")
        self._call_id = made.id

    async def find(self, step: AppFinds) -> None:
        """Take the newest live call of an extension."""

        async def newest() -> PhoneCall | None:
            found = await self._api.calls(self._number_of(step.extension))
            return found[0] if found else None

        call = await _eventually(newest, step.within_s)
        if call is None:
            raise NotAsExpected(f"{step.extension} has no live call")
        self._call_id = call.id

    async def hang_up(self, _: AppHangsUp) -> None:
        """End the call."""
        await self._api.hang_up("@self", self.call_id)

    async def leave_no_call(self) -> None:
        """End the call if there is one."""
        if self._call_id:
            await self._api.hang_up("@self", self._call_id)

    async def act(self, step: AppActs) -> None:
        """An action on the live call."""
        fields = {k: self._number_of(v) for k, v in step.fields.items()}
        await self._api.act(step.action, self.call_id, **fields)

    async def sees(self, step: SeesCall) -> None:
        """A party that rings, or two or more that talk."""
        wanted = Status.RINGING if step.expects == "ringing" else Status.ON_CALL
        last: list[str] = []

        async def as_wanted() -> bool:
            call = await self._api.call(self.call_id)
            last[:] = [] if call is None else [_view(call)]
            if call is None or call.ended is not None:
                return False
            states = [x.status for x in call.views]
            return (any if wanted is Status.RINGING else all)(x is wanted for x in states)

        if not await _eventually(as_wanted, step.within_s):
            raise NotAsExpected(f"the API shows {last[0] if last else 'no such call'}")

    async def sees_end(self, step: SeesEnd) -> None:
        """The final record, as expected."""

        async def ended() -> PhoneCall | None:
            call = await self._api.call(self.call_id)
            return call if call is not None and call.ended is not None else None

        call = await _eventually(ended, step.within_s)
        if call is None:
            live = await self._api.call(self.call_id)
            shown = "no such call" if live is None else _view(live)
            raise NotAsExpected(f"the call has not ended: the API shows {shown}")
        wrong = list(_differences(step, call))
        if wrong:
            raise NotAsExpected(f"the record has {', '.join(wrong)}; reason: {call.reason}")

    async def sees_entry(self, step: SeesEntry) -> None:
        """An entry of the timeline."""
        seen: list[str] = []

        async def found() -> bool:
            timeline = await self._api.timeline(self.call_id)
            seen[:] = [x.type for x in timeline.entries]
            return any(
                x.type == step.type and step.status in (None, x.raw.get("status"))
                for x in timeline.entries
            )

        if not await _eventually(found, step.within_s):
            raise NotAsExpected(f"the timeline has {', '.join(seen) or 'no entry'}")

    _METHODS: ClassVar[Mapping[type[Step], Callable[..., Awaitable[None]]]] = {
        AppCreates: create,
        AppFinds: find,
        AppHangsUp: hang_up,
        AppActs: act,
        SeesCall: sees,
        SeesEnd: sees_end,
        SeesEntry: sees_entry,
    }

    def _numbers(self, names: Iterable[str]) -> list[str]:
        return [self._number_of(x) for x in names]


def _view(call: PhoneCall) -> str:
    parties = (f"{x.extension or x.id}: {x.status.name.lower()}" for x in call.views)
    return ", ".join(parties)


def _differences(step: SeesEnd, call: PhoneCall) -> Iterable[str]:
    outcome = "unknown" if call.disposition is None else OUTCOMES[call.disposition]
    shown = {
        "outcome": outcome,
        "by": call.ended_by,
        "hangup_cause": call.hangup_cause,
        "sip_code": call.raw.get("sipCode"),
    }
    for name, found in shown.items():
        expected = getattr(step, name)
        if expected is not None and expected != found:
            yield f"{name} {found!r} instead of {expected!r}"


async def _eventually(look: Callable[[], Awaitable[_T]], within_s: float) -> _T:
    """Look until it is true, or the time is over; the last look counts."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + within_s
    while True:
        found = await look()
        if found or loop.time() >= ends:
            return found
        await asyncio.sleep(_POLL_S)  # the API has a stream, but not for an ended call


NOT_MET = (NotAsExpected, ApiError, NotReached)
"""A step of the app raises these if it fails."""
