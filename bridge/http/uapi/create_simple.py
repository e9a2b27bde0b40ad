"""POST /uapi/phoneCalls/{userId}/simple: place a call (spec/003)."""

from __future__ import annotations

import json
from dataclasses import replace

from aiohttp import web

from bridge.calls.pbx import Pbx
from bridge.calls.phone_call import PhoneCall
from bridge.calls.placing import NewCall
from bridge.directory.caller import Caller
from bridge.directory.model import App
from bridge.directory.party import Party
from bridge.http.base_url import base_url
from bridge.http.body import body_of
from bridge.http.context import SERVICES, Services
from bridge.http.json_body import json_object
from bridge.http.uapi.caller import TOKEN_PARAMETER, authenticated
from bridge.http.uapi.create_simple_request import CreateSimple
from bridge.http.uapi.errors import invalid
from bridge.http.uapi.fields import Json, requested_fields, select
from bridge.http.uapi.idempotency import Answer, IdempotentRequest, Save, key_of
from bridge.http.uapi.json_answer import json_text
from bridge.http.uapi.phone_call_json import PHONE_CALL_FIELDS, without_nulls


async def create_simple(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    app, caller = authenticated(request)
    body = await body_of(request)
    again = IdempotentRequest(
        app.client_id, key_of(request.headers), lambda: _fingerprint(request, body)
    )
    creation = _Creation(request, services, app, caller, body)
    answer = await services.idempotency.once(again, creation.run)
    return web.Response(
        status=answer.status,
        text=answer.text,
        content_type="application/json",
        headers={"Idempotent-Replayed": "true"} if answer.replayed else None,
    )


class _Creation:
    """One request on its way to a call; parsed only where no earlier answer is given again."""

    def __init__(
        self, request: web.Request, services: Services, app: App, caller: Caller, body: bytes
    ) -> None:
        self._request = request
        self._services = services
        self._app = app
        self._caller = caller
        self._body = body

    async def run(self, save: Save) -> Answer:
        """Place the call; the answer is on disk with the accepted call, before it is dialled."""
        services, answers = self._services, list[Answer]()
        order = self._order()
        fields = requested_fields(self._request.query, PHONE_CALL_FIELDS)
        if services.settings.refuse_unreachable_sources:
            order = await without_unreachable(order, services.pbx)

        async def accept(call: PhoneCall) -> None:
            answers.append(Answer(services.settings.create_status, self._text(call, fields)))
            await save(call, answers[0])

        await services.placement.place(order, accept)
        return answers[0]

    def _order(self) -> NewCall:
        request = CreateSimple(
            self._app,
            self._caller,
            self._request.match_info["userId"],
            self._request.query,
            json_object(self._body),
        )
        return request.parse(self._services.settings)

    def _text(self, call: PhoneCall, fields: frozenset[str] | None) -> str:
        base = base_url(self._request, self._services.settings.public_base_url)
        user = self._request.match_info["userId"]
        self_url = f"{base}/uapi/phoneCalls/{user}/{call.extension_spelled}/{call.id}"
        item: Json = {
            "id": call.id,
            "extension": call.extension_spelled,
            "nonce": call.nonce,
            "links": {"self": self_url},
            "link": {"self": self_url},
        }
        # Whatever was asked for: without its id nobody could find the call again.
        fields = None if fields is None else fields | {"id"}
        return json_text([select(without_nulls(item), fields)])


async def without_unreachable(order: NewCall, pbx: Pbx) -> NewCall:
    """The order without sources whose phone is not there. Raises pc_source_invalid if none is."""
    sources = _reachable(order.sources, pbx)
    if not sources and pbx.link.up:
        # A phone may have registered a moment ago: nobody is refused on hearsay.
        await pbx.refresh_endpoints()
        sources = _reachable(order.sources, pbx)
    if not sources and pbx.link.up:
        missing = ", ".join(x.spelled for x in order.sources)
        raise invalid(
            "pc_source_invalid", f"source: no phone is registered that could ring: {missing}."
        )
    return replace(order, sources=sources)


def _reachable(sources: tuple[Party, ...], pbx: Pbx) -> tuple[Party, ...]:
    return tuple(x for x in sources if not x.endpoint or pbx.reachable(x.endpoint))


def _fingerprint(request: web.Request, body: bytes) -> bytes:
    """What makes two requests the same: not the token, which a retry may have renewed."""
    query = sorted((k, v) for k, v in request.query.items() if k != TOKEN_PARAMETER)
    head = json.dumps([request.match_info["userId"], query])
    return b"\0".join((head.encode(), body))
