"""/uapi/extensions/{userId}/{extension}/phoneCallEvents[/{eventType}[/{eventId}]].

Delete is in docs/reference/specification.md §2, the others are in docs/reference/uapi.md §3.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import orjson
from aiohttp import web
from yarl import URL

from bridge.http.answer_headers import answer_headers
from bridge.http.base_url import base_url
from bridge.http.body import body_of
from bridge.http.context import SERVICES
from bridge.http.errors import invalid
from bridge.http.json_answer import json_answer, json_text
from bridge.http.json_body import json_object
from bridge.http.keyed_answers import AnswerKeeper, StoredAnswer
from bridge.http.rate_limits import RateLimit, tell_limits
from bridge.http.uapi.collection import CURSOR_LIST_PARAMETERS, Listing
from bridge.http.uapi.cursors import Position
from bridge.http.uapi.deleted_answer import deleted_answer
from bridge.http.uapi.fields import requested_fields, select
from bridge.http.uapi.idempotent_posts import answered_once, stored_response
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_json import (
    FILTERABLE,
    PHONE_CALL_EVENT_FIELDS,
    phone_call_event_json,
)
from bridge.http.uapi.phone_call_event_request import (
    changed,
    event_scope_of,
    named_by,
    new_event,
    no_such_event,
    one_named_by,
    types_in_uri,
)
from bridge.http.uapi.scope import authenticated_app
from bridge.phone_call_events.service import TooManySubscriptions
from bridge.phone_call_events.subscription import Subscription

SECRET_HEADER = "X-Event-Secret"  # noqa: S105 - a name


async def create_phone_call_event(request: web.Request) -> web.Response:
    """The secret that signs the events is told here, in a header, and never again. Only the same
    request with the same Idempotency-Key gets it once more, as long as the subscription exists."""
    app, _ = authenticated_app(request)
    body = await body_of(request)
    answer = await answered_once(request, app, partial(_create, request, body), body)
    subscription_id = str(orjson.loads(answer.text)["id"])
    made = request.app[SERVICES].phone_call_events.find(subscription_id)
    is_own = made is not None and made.client_id == app.client_id
    return stored_response(answer, {SECRET_HEADER: made.secret} if made and is_own else {})


async def _create(request: web.Request, text: bytes, keeper: AnswerKeeper) -> StoredAnswer:
    body = json_object(text)
    scope, kind = event_scope_of(request), types_in_uri(request, "pcet_type_invalid")
    ignored = _ignored(request, body)
    subscription = new_event(scope, kind, body)
    item = phone_call_event_json(subscription, collection_url(request))
    answer = StoredAnswer(200, json_text({key: item[key] for key in ("id", "links", "link")}))
    events = scope.services.phone_call_events
    try:
        await events.create(subscription, keeper.first_write(answer), keeper.undoing_write())
    except TooManySubscriptions as why:
        raise invalid("pce_limit_reached", f"{why}.") from None
    finally:
        most, left = events.places(scope.extension)
        tell_limits(request, RateLimit("subscriptions-of-extension", most, left))
    answer_headers(request).update(ignored)
    return answer


async def list_phone_call_events(request: web.Request) -> web.Response:
    """`GET …/phoneCallEvents/…`: a page of the events that the URI names (docs/reference/uapi.md
    §3)."""
    found = named_by(request, event_scope_of(request))
    ignored = ignored_header(
        request, unknown_of(request.query, {*CURSOR_LIST_PARAMETERS, "fields"})
    )
    listing = Listing.parse(request.query, FILTERABLE, cursors_of="subscriptions")
    fields = requested_fields(request.query, PHONE_CALL_EVENT_FIELDS)
    page, total = listing.page(found, _position_of)
    collection = collection_url(request)
    entry = [select(phone_call_event_json(x, collection), fields) for x in page]
    url = own_url(request)
    link = listing.next_header(_position_of(page[-1]) if listing.has_more(total) else None, url)
    return json_answer(listing.envelope(entry, total, url), headers={**ignored, **link})


def _position_of(subscription: Subscription) -> Position:
    return 0, f"{subscription.url} {subscription.id}"  # no URL has a space


async def update_phone_call_event(request: web.Request) -> web.Response:
    """`PUT …/phoneCallEvents/…`: change the given fields of one event (docs/reference/uapi.md
    §3)."""
    authenticated_app(request)
    body = json_object(await body_of(request))
    scope = event_scope_of(request)
    ignored, subscription = _ignored(request, body), one_named_by(request, scope)
    after = await scope.services.phone_call_events.update(
        subscription.id, lambda x: changed(scope, x, body)
    )
    if after is None:
        raise no_such_event()
    item = phone_call_event_json(after, collection_url(request))
    return json_answer({key: item[key] for key in ("id", "links", "link")}, headers=ignored)


async def delete_phone_call_events(request: web.Request) -> web.Response:
    """`DELETE …/phoneCallEvents/…`: delete the events that the URI names.

    The rules are in docs/reference/specification.md §2.
    """
    scope = event_scope_of(request)
    meant, ignored = (
        named_by(request, scope),
        ignored_header(request, unknown_of(request.query, ())),
    )
    ids = await scope.services.phone_call_events.delete(meant)
    return deleted_answer(request, [{"id": x} for x in ids], ignored)


def _ignored(request: web.Request, body: Mapping[str, object]) -> dict[str, str]:
    return ignored_header(
        request, [*unknown_of(request.query, ()), *unknown_of(body, PHONE_CALL_EVENT_FIELDS)]
    )


def own_url(request: web.Request) -> URL:
    """The request's own address, absolute, as its sender sees it."""
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    return URL(base + request.rel_url.raw_path_qs, encoded=True)


def collection_url(request: web.Request) -> str:
    """Of all events of the extension, absolute."""
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    user, extension = request.match_info["userId"], request.match_info["extension"]
    return f"{base}/uapi/extensions/{user}/{extension}/phoneCallEvents"
