"""POST /uapi/phoneCalls/{userId}/simple, …/callback and …/conferenceInvite: place calls.

The sources are docs/reference/specification.md §4 and docs/reference/uapi.md §1.2 and §1.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace

import structlog
from aiohttp import web

from bridge.calls.call_order import NewCall
from bridge.calls.pbx import Pbx, PbxUnavailable
from bridge.calls.state.phone_call import PhoneCall, further_call_id
from bridge.directory.conferences import ROOMS_CONTEXT
from bridge.directory.model import App
from bridge.directory.party import Party
from bridge.directory.requester import Requester
from bridge.faults import StorageUnavailable
from bridge.http.body import body_of
from bridge.http.context import SERVICES, Services, node_of
from bridge.http.errors import UapiError, invalid
from bridge.http.forwarded import ACCEPTED, CALL_ID
from bridge.http.guesses import guarded
from bridge.http.json_body import json_object
from bridge.http.keyed_answers import (
    REPLAYED,
    IdempotentRequest,
    StoredAnswer,
    idempotency_key_of,
)
from bridge.http.node_services import NodeServices
from bridge.http.request_meaning import meaning_of
from bridge.http.uapi.accepted_answer import accepted_text, status_secret
from bridge.http.uapi.call_limits import tell_call_limits
from bridge.http.uapi.create_callback_request import CreateCallback
from bridge.http.uapi.create_conference_request import CreateConferenceInvite, WrongPin, pin_of
from bridge.http.uapi.create_simple_parameters import refuse_misspelled, unknown_parameters
from bridge.http.uapi.create_simple_request import CreateSimple
from bridge.http.uapi.errors import as_uapi_error
from bridge.http.uapi.fields import requested_fields
from bridge.http.uapi.idempotent_creates import Save
from bridge.http.uapi.ignored_parameters import ignored_header
from bridge.http.uapi.phone_call_json import PHONE_CALL_FIELDS
from bridge.http.uapi.scope import authenticated_app
from bridge.supervision.tasks import awaited

log = structlog.get_logger()


async def create_simple(request: web.Request) -> web.Response:
    """`POST …/simple`: place a call (docs/reference/specification.md §4)."""
    return await _create(request, CreateSimple)


async def create_callback(request: web.Request) -> web.Response:
    """`POST …/callback`: connect two public numbers (docs/reference/uapi.md §1.2)."""
    return await _create(request, CreateCallback)


async def create_conference_invite(request: web.Request) -> web.Response:
    """`POST …/conferenceInvite`: call parties into a conference (docs/reference/uapi.md §1.3)."""
    return await _create(request, CreateConferenceInvite)


async def _create(request: web.Request, kind: type[CreateSimple]) -> web.Response:
    services = request.app[SERVICES]
    app, requester = authenticated_app(request)
    node = node_of(request)
    tell_call_limits(request, node)
    body = await body_of(request)
    again = IdempotentRequest(
        app.client_id, idempotency_key_of(request.headers), lambda: meaning_of(request, body)
    )
    creation = _Creation(request, services, node, app, requester, body, kind)
    answer = await creation.in_time(node.idempotency.once(again, creation.run))
    return web.Response(
        status=answer.status,
        text=answer.text,
        content_type="application/json",
        headers={
            **(REPLAYED if answer.replayed else creation.ignored),
            **status_secret(services, app, body),
        },
    )


class _Creation:
    """One request on its way to a call; parsed only where no earlier answer is given again."""

    def __init__(
        self,
        request: web.Request,
        services: Services,
        node: NodeServices,
        app: App,
        requester: Requester,
        body: bytes,
        kind: type[CreateSimple],
    ) -> None:
        self._request = request
        self._services = services
        self._node = node
        self._app = app
        self._requester = requester
        self._body = body
        self._kind = kind
        self.ignored: dict[str, str] = {}
        self._limit_s = services.settings.uapi.create_limit_s
        self._too_late_at_s = asyncio.get_running_loop().time() + self._limit_s
        self._too_late = False
        self._stored = False
        self._waits_for_pbx = False

    async def in_time(self, work: Coroutine[object, object, StoredAnswer]) -> StoredAnswer:
        """Return or raise as `work` does, unless the call is not on disk by the time limit.

        Then `work` goes on to an end in which nothing is dialled. Otherwise the client would repeat
        the request, and the phone would ring twice. Raises StorageUnavailable or PbxUnavailable.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[StoredAnswer] = loop.create_future()
        awaited(self._tell(work, answer), "create_call")
        limit = loop.call_later(self._limit_s, self._give_up, answer)
        try:
            return await answer
        finally:
            limit.cancel()

    async def _tell(
        self,
        work: Coroutine[object, object, StoredAnswer],
        answer: asyncio.Future[StoredAnswer],
    ) -> None:
        """Not by the end of the task, which the request would hear of a turn of the loop later."""
        try:
            result = await work
        except asyncio.CancelledError:
            answer.cancel()
            raise
        except Exception as fault:
            if answer.done():
                _log_late_end(self._request, fault)
            else:
                answer.set_exception(fault)
        else:
            if not answer.done():
                answer.set_result(result)

    def _give_up(self, answer: asyncio.Future[StoredAnswer]) -> None:
        if self._stored or answer.done():
            return
        self._too_late = True
        if self._waits_for_pbx:
            why = f"it has not said which phones are registered within {self._limit_s:g} s"
            answer.set_exception(PbxUnavailable(why))
        else:
            why = f"not stored within {self._limit_s:g} s"
            answer.set_exception(StorageUnavailable(why, timed_out=True))

    async def run(self, save: Save) -> StoredAnswer:
        """Place the call; the answer is on disk with the accepted call, before it is dialled."""
        services, answers = self._services, list[StoredAnswer]()
        orders = self._orders()
        fields = requested_fields(self._request.query, PHONE_CALL_FIELDS)
        self._waits_for_pbx = True
        await self._require_rooms(orders)
        if services.settings.uapi.refuse_unreachable_sources:
            orders = await _reachable(orders, self._node.pbx, self._kind.called_first)
        self._waits_for_pbx = False
        if any(x.status_url is not None for x in orders):
            await services.phone_call_events.call_receivers.secret_of(self._app.client_id)
        self._require_time(stored=False)

        async def accept(calls: Sequence[PhoneCall]) -> None:
            self._require_time(stored=False)
            answers.append(
                StoredAnswer(
                    services.settings.uapi.create_status,
                    accepted_text(self._request, calls, fields),
                )
            )
            await save(calls, answers[0])
            self._request[ACCEPTED] = True
            self._require_time(stored=True)
            self._stored = True

        try:
            await self._node.placement.place_all(
                orders, accept, wait_for_pbx=services.settings.uapi.create_waits_for_pbx
            )
        finally:
            tell_call_limits(self._request, self._node, orders[0].extension)
        return answers[0]

    async def _require_rooms(self, orders: Sequence[NewCall]) -> None:
        """Raises ActionUnavailable where the PBX has no rooms for conferences with a number."""
        dials = {x.dial for order in orders for x in order.destinations}
        if any(f"@{ROOMS_CONTEXT}/" in x for x in dials):
            await self._node.conferences.require_rooms()

    def _require_time(self, *, stored: bool) -> None:
        """Raises StorageUnavailable where the client has been told that nothing was placed.

        Also where it is about to be told: this process may have been stopped for a while.
        """
        if self._too_late or asyncio.get_running_loop().time() > self._too_late_at_s:
            raise StorageUnavailable("not stored in time", outcome_unknown=stored, timed_out=True)

    def _orders(self) -> list[NewCall]:
        query, body = self._request.query, json_object(self._body)
        more = self._kind.more_parameters
        refuse_misspelled(query, body, more)
        self.ignored = ignored_header(self._request, unknown_parameters(query, body, more))
        user = self._request.match_info["userId"]
        request = self._kind(self._app, self._requester, user, query, body)
        limits = self._services.settings.uapi.creates
        if pin_of(query) == "":
            return self._with_ids(request.parse_all(limits))
        number, pin = query.get("number", ""), pin_of(query)
        with guarded(self._request, "conference", self._app.client_id, f"{number} {pin}", WrongPin):
            return self._with_ids(request.parse_all(limits))

    def _with_ids(self, orders: list[NewCall]) -> list[NewCall]:
        """With the ids that another instance, or this one, has chosen for the request."""
        first = self._request.get(CALL_ID)
        if first is None:
            return orders
        ids = [first, *(further_call_id(first, x) for x in range(1, len(orders)))]
        return [replace(order, call_id=x) for order, x in zip(orders, ids, strict=True)]


async def _reachable(orders: list[NewCall], pbx: Pbx, field: str) -> list[NewCall]:
    """The orders as `without_unreachable` has them; of several those that somebody can answer.

    Raises as that does, if nobody can.
    """
    found, refused = [], []
    for order in orders:
        try:
            found.append(await without_unreachable(order, pbx, field))
        except UapiError as why:
            refused.append(why)
    if not found:
        raise refused[0]
    return found


async def without_unreachable(order: NewCall, pbx: Pbx, field: str = "source") -> NewCall:
    """The order without sources whose phone is not there. `field`: where the request has them.

    A phone may have registered a moment ago: none is left out before the PBX itself was asked.
    Raises pc_source_invalid, or that of `field`, if no phone is there; PbxUnavailable.
    """
    there = await asyncio.gather(*(_can_ring(x, pbx) for x in order.sources))
    sources = tuple(x for x, can_ring in zip(order.sources, there, strict=True) if can_ring)
    if not sources:
        missing = ", ".join(x.spelled for x in order.sources)
        why = f"{field}: no phone is registered that could ring: {missing}."
        raise invalid(f"pc_{field}_invalid", why)
    return replace(order, sources=sources)


async def _can_ring(source: Party, pbx: Pbx) -> bool:
    endpoint = source.endpoint
    if not endpoint or pbx.reachable(endpoint):
        return True
    return await pbx.has_phone_to_ring(endpoint)


def _log_late_end(request: web.Request, fault: Exception) -> None:
    """The client has its answer, as nothing was placed, or has gone."""
    if as_uapi_error(fault) is not None:
        log.info("create_given_up", why=str(fault), fault=type(fault).__name__)
    else:  # a defect, as it would be in time
        log.error("request_failed", method=request.method, path=request.path, exc_info=fault)
