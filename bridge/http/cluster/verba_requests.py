"""A request to the Verba API at any instance: it gets to the holder of the conversation's PBX.

Its records are in the database, for all. Its recordings are made, kept and deleted by the holder.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bridge.access.verba_access import (
    KeyRefused,
    LoginRequired,
    TokenRefused,
    organization_of,
)
from bridge.cluster.pbx_names import Placements
from bridge.cluster.pbx_of_calls import PbxOfCalls
from bridge.faults import StorageUnavailable
from bridge.http.cluster.first_answer import FirstAnswer
from bridge.http.cluster.holders import AppHandler, Holders
from bridge.http.context import SERVICES
from bridge.http.error_answers import APP
from bridge.http.errors import UapiError
from bridge.http.rate_limits import REQUEST_BUDGET
from bridge.http.verba.errors import VerbaError
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import look_up_of
from bridge.recordings.finder import LookUp
from bridge.recordings.selection import Selection
from bridge.recordings.selector_status import SelectorStatus

_ANYWHERE = frozenset({"RequestToken"})
_ANY_NODE = frozenset({"SearchCalls"})
_READING = frozenset(
    {"SearchCalls", "GetCallInformation", "GetCallID", "GetMedia", "GetMediaEncoded", "GetMarkers"}
)
_ANSWER_WITHIN_S = 20.0
_REFUSALS = (KeyRefused, LoginRequired, TokenRefused, VerbaError, UapiError, StorageUnavailable)


class VerbaRequests:
    """`next_call_wait_s`: how long a request waits for the next call of a number."""

    def __init__(
        self,
        holders: Holders,
        placements: Placements,
        calls: PbxOfCalls,
        *,
        next_call_wait_s: float,
    ) -> None:
        self._holders = holders
        self._placements = placements
        self._calls = calls
        self._wait_s = next_call_wait_s + _ANSWER_WITHIN_S
        self._first_answer = FirstAnswer(holders)

    async def answer(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        """As of one instance with all PBXs. Raises PbxNotHeld, PbxOutcomeUnknown."""
        try:
            asked = await _authenticated(request)
        except (*_REFUSALS, web.HTTPException):
            return await handler(request)  # which refuses it in the form of the API
        if asked is None or asked.action in _ANYWHERE:
            return await handler(request)
        pbx_names = await self._meant(request, asked)
        if len(pbx_names) > 1:
            return await self._first_answer.of(request, pbx_names, self._wait_s)
        return await self._holders.carried_out(
            request,
            handler,
            pbx_names[0],
            repeatable=asked.action in _READING,
            head_within_s=self._wait_s,
        )

    async def _meant(self, http: web.Request, asked: VerbaRequest) -> Sequence[str]:
        """Several only for the next call of a number, which may come on any of them."""
        names = self._placements.pbx_names
        if len(names) == 1:
            return names
        if asked.action in _ANY_NODE:
            return self._any(http)
        try:
            look_up = look_up_of(asked)
            found = await self._found(look_up)
        except (VerbaError, StorageUnavailable):
            return self._any(http)  # which says what is wrong
        if found is not None:
            return [found]
        if SelectorStatus.NEXT in look_up.status:
            return names
        return self._home(http, asked, look_up.selection)

    async def _found(self, look_up: LookUp) -> str | None:
        """The PBX of the conversation; None where none is known yet."""
        chosen = look_up.selection
        for column, value in (
            ("id", chosen.conversation_id),
            ("platform_call_id", chosen.platform_call_id),
            ("native_id", chosen.native_id),
            ("meeting_id", chosen.meeting_id),
        ):
            if value is not None:
                names = await self._calls.of_conversation(column, value)
                return next(iter(names)) if len(names) == 1 else None
        for status in look_up.status:
            if status is SelectorStatus.NEXT:
                return None
            ongoing = status is SelectorStatus.ONGOING
            pbx = await self._calls.of_newest_conversation(chosen.numbers, ongoing=ongoing)
            if pbx is not None:
                return pbx
        return None

    def _home(self, http: web.Request, asked: VerbaRequest, chosen: Selection) -> Sequence[str]:
        extensions = asked.services.directory.directory.extensions
        known = [extensions[x] for x in sorted(chosen.numbers) if x in extensions]
        if not known:
            return self._any(http)
        return [self._placements.pbx_of_organization(known[0].organization)]

    def _any(self, http: web.Request) -> Sequence[str]:
        """One whose node this instance has, if it has any."""
        names = self._placements.pbx_names
        return [next((x for x in names if self._holders.takes(http, x)), names[0])]


async def _authenticated(request: web.Request) -> VerbaRequest | None:
    """The request, counted; None for one that names no action. Raises _REFUSALS."""
    parameters = await Parameters.of(request)
    action = parameters.get("action")
    if action is None or action in _ANYWHERE:
        return None
    access = request.app[SERVICES].verba_access
    key = access.key(parameters.get("apiKey"), request.remote)
    user = await access.user(key, parameters.get("token"))
    request.app[REQUEST_BUDGET].take(request, f"verba/{key.name}")
    request[APP] = key.name
    return VerbaRequest(request, action, parameters, key, user, organization_of(key, user))
