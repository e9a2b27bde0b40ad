"""A call of a flow, with expectations that read as the flow does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bridge.client import PhoneCall, PhoneCallView, Status, UapiClient
from bridge.testing.expecting import Seen, expect
from bridge.testing.journal import Journal

HeardBy = Callable[[float, str | None], Awaitable[Seen[float]]]
"""Looks how loud a frequency is at one phone of the test, or at the phone that hears it best."""

DISPOSITIONS = ("answered", "busy", "failed", "no answer", "unknown", "not allowed")
"""The names of the dispositions 0 to 5 of a final record."""

_SHORT_S, _LONG_S = 5.0, 15.0


class FollowedCall:
    """`id` of the PhoneCall; `last` is its state at the last look.

    Numbers are written as apps do: `0003*211`, `211` or a public number. Every expectation waits
    at most `within_s` seconds, and raises FlowFailure after that.
    """

    def __init__(
        self, api: UapiClient, journal: Journal, call: PhoneCall, heard_by: HeardBy
    ) -> None:
        self.id = call.id
        self.last = call
        self._api = api
        self._journal = journal
        self._heard_by = heard_by

    @classmethod
    async def of_extension(
        cls,
        api: UapiClient,
        journal: Journal,
        extension: str,
        heard_by: HeardBy,
        within_s: float,
    ) -> FollowedCall:
        """The only live call of an extension, as soon as there is one."""

        async def look() -> Seen[list[PhoneCall]]:
            calls = await api.calls(extension)
            return Seen(len(calls) == 1, f"{len(calls)} calls: {[x.id for x in calls]}", calls)

        [call] = await expect(journal, f"one call of {extension}", look, within_s)
        return cls(api, journal, call, heard_by)

    # Expectations of the parties.

    async def is_ringing_at(self, number: str, *, within_s: float = _SHORT_S) -> None:
        """The phone of `number` rings, as the API tells."""
        await self._party(number, "rings", lambda x: x.status is Status.RINGING, within_s)

    async def is_talking_at(self, number: str, *, within_s: float = _SHORT_S) -> None:
        """`number` is in the talk."""
        await self._party(number, "talks", lambda x: x.status is Status.ON_CALL, within_s)

    async def is_on_hold_at(self, number: str, *, within_s: float = _SHORT_S) -> None:
        """`number` is on hold."""
        await self._party(number, "is on hold", lambda x: x.on_hold, within_s)

    async def is_between(self, *numbers: str, within_s: float = _LONG_S) -> None:
        """These numbers talk with each other, and nobody else is in the call."""

        def together(call: PhoneCall) -> bool:
            talking = [x for x in call.views if x.status is Status.ON_CALL]
            return len(talking) == len(call.views) == len(numbers) and all(
                any(_is_at(view, number) for view in talking) for number in numbers
            )

        await self._live(f"{' and '.join(numbers)} talk", together, within_s)

    async def is_answered(self, *, within_s: float = _LONG_S) -> None:
        """Every party that is left talks."""

        def answered(call: PhoneCall) -> bool:
            return bool(call.views) and all(x.status is Status.ON_CALL for x in call.views)

        await self._live("it is answered", answered, within_s)

    async def heard(
        self, freq_hz: float, *, by: str | None = None, within_s: float = _LONG_S
    ) -> float:
        """A phone of this test hears the tone; the level in dB (a full sine is 0).

        `by`: the user of the phone, as `0003*211`; left out, any phone of the test.
        """

        async def look() -> Seen[float]:
            return await self._heard_by(freq_hz, by)

        expected = f"{by or 'a phone'} hears {freq_hz:g} Hz in call {self.id}"
        return await expect(self._journal, expected, look, within_s, call_id=self.id)

    async def has_ended(
        self,
        disposition: str = "",
        *,
        hangup_cause: int | None = None,
        ended_by: str = "",
        within_s: float = _LONG_S,
    ) -> PhoneCall:
        """It has its final record, with these values where they are given; returns the record.

        `disposition`: a name of DISPOSITIONS. `hangup_cause`: as in Q.850, 17 is busy.
        """
        if disposition and disposition not in DISPOSITIONS:
            raise ValueError(f"{disposition!r} is none of {', '.join(DISPOSITIONS)}")
        wanted = {
            "disposition": disposition or None,
            "hangup cause": hangup_cause,
            "ended by": ended_by or None,
        }
        given = {name: value for name, value in wanted.items() if value is not None}

        async def look() -> Seen[PhoneCall]:
            await self._look()
            record = {
                "disposition": _disposition_name(self.last.disposition),
                "hangup cause": self.last.hangup_cause,
                "ended by": self.last.ended_by,
            }
            right = all(record[name] == value for name, value in given.items())
            over = self.last.ended is not None
            text = f"ended: {_listed(record)}" if over else told(self.last)
            return Seen(over and right, text, self.last, final=over)

        expected = f"call {self.id} has ended" + (f": {_listed(given)}" if given else "")
        return await expect(self._journal, expected, look, within_s, call_id=self.id)

    # The requests of an app.

    async def hang_up(self) -> None:
        """End the call for everybody."""
        await self._api.hang_up("@self", self.id)

    async def act(self, action: str, **fields: Any) -> None:
        """Steer the call: `OnHold`, `Transfer` and the others of docs/actions.md."""
        await self._api.act(action, self.id, **fields)

    async def state(self) -> PhoneCall:
        """The call as it is now, live or ended."""
        await self._look()
        return self.last

    async def _party(
        self, number: str, does: str, wanted: Callable[[PhoneCallView], bool], within_s: float
    ) -> None:
        def found(call: PhoneCall) -> bool:
            return any(_is_at(view, number) and wanted(view) for view in call.views)

        await self._live(f"{number} {does}", found, within_s)

    async def _live(
        self, expected: str, wanted: Callable[[PhoneCall], bool], within_s: float
    ) -> None:
        async def look() -> Seen[PhoneCall]:
            await self._look()
            over = self.last.ended is not None
            return Seen(not over and wanted(self.last), told(self.last), self.last, final=over)

        what = f"{expected} in call {self.id}"
        await expect(self._journal, what, look, within_s, call_id=self.id)

    async def _look(self) -> None:
        found = await self._api.call(self.id)
        if found is not None:
            self.last = found


def told(call: PhoneCall) -> str:
    """The call in one line: each party with its status, or how it ended."""
    if call.ended is not None:
        how = [_disposition_name(call.disposition), f"by {call.ended_by}", call.reason or ""]
        return "ended: " + ", ".join(x for x in how if x)
    parties = [
        f"{view.extension or _public_number(view)} {view.status.name}"
        + (" on hold" if view.on_hold else "")
        for view in call.views
    ]
    return ", ".join(parties) or "no party"


def _listed(record: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in record.items())


def _disposition_name(disposition: int | None) -> str:
    known = disposition is not None and 0 <= disposition < len(DISPOSITIONS)
    return DISPOSITIONS[disposition] if known and disposition is not None else "none"


def _is_at(view: PhoneCallView, number: str) -> bool:
    extension = view.extension
    if extension is not None:
        # A call that was placed with a short `extension` names its parties short as well.
        prefix, _, short = extension.rpartition("*")
        return number in (extension, short) or (not prefix and number.rpartition("*")[2] == short)
    return number.lstrip("+") in {x.lstrip("+") for x in (*view.source, *view.destination)}


def _public_number(view: PhoneCallView) -> str:
    return "/".join((*view.source, *view.destination)) or "a public number"
