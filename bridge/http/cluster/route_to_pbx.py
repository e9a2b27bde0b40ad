"""Which PBX each request of a client is for, and how its answer is got from there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from bridge.calls.pbx import PbxNotHeld
from bridge.cluster.forward_client import ForwardBroken
from bridge.cluster.forwarding import HeldHere, NoHolder
from bridge.cluster.pbx_names import Placements
from bridge.cluster.pbx_of_calls import PbxOfCalls
from bridge.directory.model import Extension
from bridge.directory.numbers import find_extension
from bridge.faults import StorageUnavailable
from bridge.http.body import body_of
from bridge.http.cluster.creates import Creates
from bridge.http.cluster.gathered_calls import ANSWERED_WITHIN_S, GatheredCalls
from bridge.http.cluster.hang_ups import HangUps
from bridge.http.cluster.holders import AppHandler, Holders
from bridge.http.cluster.payer import organization_of_payer
from bridge.http.cluster.route_table import Where
from bridge.http.cluster.streams import Streams, until_moved
from bridge.http.cluster.verba_requests import VerbaRequests
from bridge.http.cluster.written_records import WrittenRecords
from bridge.http.console.session_cookie import session_app
from bridge.http.errors import UapiError
from bridge.http.forwarded import ENDED
from bridge.http.uapi.listed_calls import LISTED_CALLS
from bridge.http.uapi.query_values import flag
from bridge.http.uapi.scope import Scope, authenticated_app, scope_of
from bridge.http.uapi.stream.reach import followed_scope

ACTION_WITHIN_S = 120.0
"""An action is answered when the PBX has done it: a transfer rings for so long."""

_Route = Callable[[web.Request, AppHandler], Awaitable[web.StreamResponse]]


class RouteToPbx:
    """Every request is authenticated before anything is asked of others."""

    def __init__(
        self,
        holders: Holders,
        placements: Placements,
        calls: PbxOfCalls,
        creates: Creates,
        gathered: GatheredCalls,
        hang_ups: HangUps,
        records: WrittenRecords,
        streams: Streams,
        verba: VerbaRequests,
    ) -> None:
        self._holders = holders
        self._placements = placements
        self._calls = calls
        self._creates = creates
        self._gathered = gathered
        self._hang_ups = hang_ups
        self._records = records
        self._streams = streams
        self._verba = verba
        self._routes: Mapping[Where, _Route] = {
            Where.HERE: _here,
            Where.RECORDS: self._records_of_all,
            Where.CREATE: self._create,
            Where.CALL: self._call,
            Where.LISTED: self._list,
            Where.HANGUP: self._hang_up,
            Where.ACTION: self._action,
            Where.STREAM: self._stream,
            Where.HOME: self._home,
            Where.HOME_STREAM: self._home_stream,
            Where.PHONE: self._phone,
            Where.VERBA: self._verba.answer,
        }

    async def answer(
        self, where: Where, request: web.Request, handler: AppHandler
    ) -> web.StreamResponse:
        """The answer to a client. Raises what the APIs have answers for."""
        return await self._routes[where](request, handler)

    async def _records_of_all(
        self, request: web.Request, handler: AppHandler
    ) -> web.StreamResponse:
        authenticated_app(request)
        await self._records.written(request)
        return await handler(request)

    async def _create(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        organization = organization_of_payer(request, await body_of(request))
        return await self._creates.carried_out(request, handler, self._pbx_of(organization))

    async def _call(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        """An ended call is on disk with its history: nobody has to hold its PBX."""
        scope, call_id = scope_of(request), request.match_info["phoneCallId"]
        if await self._has_ended(call_id):
            request[ENDED] = True
            return await handler(request)
        [pbx, *_] = await self._pbx_of_call(scope, call_id)
        return await self._holders.carried_out(request, handler, pbx, repeatable=True)

    async def _has_ended(self, call_id: str) -> bool:
        try:
            return await self._calls.has_ended(call_id)
        except StorageUnavailable:
            return False  # its holder may know it all the same

    async def _list(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        scope = scope_of(request)
        if flag(request.query.get("ended", "false"), "ended_invalid", "ended"):
            await self._records.written(request)
            return await handler(request)
        pbx_names = await self._pbx_of_calls(request, scope)
        if len(pbx_names) == 1:
            answer = await self._from_one(request, handler, pbx_names[0])
            if answer is not None:
                return answer
        request[LISTED_CALLS] = await self._gathered.gather(request, scope, pbx_names)
        return await handler(request)

    async def _from_one(
        self, request: web.Request, handler: AppHandler, pbx: str
    ) -> web.StreamResponse | None:
        """Its holder makes the whole answer. None where it does not, within the time of a list."""
        if self._holders.takes(request, pbx):
            return await handler(request)
        within_s = ANSWERED_WITHIN_S
        try:
            return await self._holders.forwarded(
                request, pbx, head_within_s=within_s, found_within_s=within_s
            )
        except HeldHere:
            return await handler(request)
        except (NoHolder, ForwardBroken):
            return None

    async def _hang_up(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        pbx_names = await self._pbx_of_calls(request, scope_of(request))
        return await self._hang_ups.carried_out(request, handler, pbx_names)

    async def _action(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        scope = scope_of(request)
        pbx_names = await self._pbx_of_calls(request, scope, home=False)
        if len(pbx_names) > 1:
            raise UapiError(
                409,
                "pc_action_failed",
                "The extension has calls on several PBXs: name the call in the URI.",
            )
        [pbx] = pbx_names
        return await self._holders.carried_out(
            request, handler, pbx, repeatable=False, head_within_s=ACTION_WITHIN_S
        )

    async def _stream(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        return await self._streams.answer(request, handler, self._placements.pbx_names)

    async def _home_stream(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        extensions = followed_scope(request).extensions
        home = self._home_of(extensions)
        if len(self._placements.pbx_names) == 1:
            return await self._streams.answer(request, handler, [home])
        return await until_moved(
            request,
            self._streams.answer(request, handler, [home]),
            lambda: self._home_of(extensions) != home,
        )

    async def _home(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        pbx = self._home_of(scope_of(request).extensions)
        repeatable = request.method != "PUT"
        return await self._holders.carried_out(request, handler, pbx, repeatable=repeatable)

    async def _phone(self, request: web.Request, handler: AppHandler) -> web.StreamResponse:
        _, requester = session_app(request)
        extension = find_extension(requester, request.match_info["extension"])
        pbx = self._home_of(() if extension is None else (extension,))
        return await self._holders.carried_out(request, handler, pbx, repeatable=False)

    # ---- which PBX -------------------------------------------------------------------

    async def _pbx_of_calls(
        self, request: web.Request, scope: Scope, *, home: bool = True
    ) -> Sequence[str]:
        """Of the call in the path, else all on which the extensions have live calls.

        `home`: and the one that they are on themselves, whose calls may be too new for the
        database. If the database does not say, all.
        """
        call_id = request.match_info.get("phoneCallId")
        if call_id is not None:
            return await self._pbx_of_call(scope, call_id)
        names = self._placements.pbx_names
        if len(names) == 1:
            return names
        try:
            found = set(await self._calls.of_live_calls([x.number for x in scope.extensions]))
        except StorageUnavailable:
            return names
        if home or not found:
            found |= {self._home_of(scope.extensions)}
        return [x for x in names if x in found]

    async def _pbx_of_call(self, scope: Scope, call_id: str) -> Sequence[str]:
        """The home of the extensions says what is wrong with an id that no call has."""
        if len(self._placements.pbx_names) == 1:
            return self._placements.pbx_names
        try:
            pbx = await self._calls.of_call(call_id)
        except StorageUnavailable as why:
            raise PbxNotHeld(f"nobody can say on which PBX the call is: {why}") from None
        return [pbx if pbx in self._placements.pbx_names else self._home_of(scope.extensions)]

    def _home_of(self, extensions: Sequence[Extension]) -> str:
        return self._pbx_of(extensions[0].organization if extensions else None)

    def _pbx_of(self, organization: str | None) -> str:
        """Any PBX, where nobody is meant: it has the right error."""
        if organization is None:
            return self._placements.pbx_names[0]
        return self._placements.pbx_of_organization(organization)


async def _here(request: web.Request, handler: AppHandler) -> web.StreamResponse:
    return await handler(request)
