"""The answer to a create that has accepted its calls."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.model import App
from bridge.http.base_url import base_url
from bridge.http.body import body_of
from bridge.http.context import SERVICES, Services
from bridge.http.json_answer import json_text
from bridge.http.json_body import json_object
from bridge.http.uapi.fields import Json, requested_fields, select
from bridge.http.uapi.phone_call_event_routes import SECRET_HEADER
from bridge.http.uapi.phone_call_json import PHONE_CALL_FIELDS, metadata_json, without_nulls
from bridge.http.uapi.scope import authenticated_app


async def created_answer(request: web.Request, calls: Sequence[PhoneCall]) -> web.Response:
    """The answer to a create that has accepted these calls, made anew from their rows.

    Raises StorageUnavailable.
    """
    services, (app, _) = request.app[SERVICES], authenticated_app(request)
    body = await body_of(request)
    fields = requested_fields(request.query, PHONE_CALL_FIELDS)
    if json_object(body).get("statusUrl") is not None:
        await services.phone_call_events.call_receivers.secret_of(app.client_id)
    return web.Response(
        status=services.settings.uapi.create_status,
        text=accepted_text(request, calls, fields),
        content_type="application/json",
        headers=status_secret(services, app, body),
    )


def status_secret(services: Services, app: App, body: bytes) -> dict[str, str]:
    """Each answer to a create with `statusUrl` tells the secret that signs the states."""
    if json_object(body).get("statusUrl") is None:
        return {}
    return {SECRET_HEADER: services.phone_call_events.call_receivers.known_secret(app.client_id)}


def accepted_text(
    request: web.Request, calls: Sequence[PhoneCall], fields: frozenset[str] | None
) -> str:
    """The body of the answer to a create: the calls that were accepted, with these fields."""
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    items = [_item(request, x, base) for x in calls]
    # Independent of the request: without its id nobody could find the call again.
    fields = None if fields is None else fields | {"id"}
    return json_text([select(without_nulls(x), fields) for x in items])


def _item(request: web.Request, call: PhoneCall, base: str) -> Json:
    user = request.match_info["userId"]
    self_url = f"{base}/uapi/phoneCalls/{user}/{call.extension_spelled}/{call.id}"
    return {
        "id": call.id,
        "extension": call.extension_spelled,
        "nonce": call.nonce,
        "metadata": metadata_json(call),
        "links": {"self": self_url},
        "link": {"self": self_url},
    }
