"""…/phoneCallEvents/{eventType}/{eventId}/deliveries[/{deliveryId}/retry]: ours."""

from __future__ import annotations

import re
from functools import partial

from aiohttp import web

from bridge.http.answer_headers import answer_headers
from bridge.http.errors import invalid
from bridge.http.json_answer import json_answer, json_text
from bridge.http.keyed_answers import AnswerKeeper, StoredAnswer
from bridge.http.uapi.collection import CURSOR_LIST_PARAMETERS, Listing
from bridge.http.uapi.idempotent_posts import answered_once, stored_response
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_json import delivery_json
from bridge.http.uapi.phone_call_event_request import event_scope_of, named_by
from bridge.http.uapi.phone_call_event_routes import own_url
from bridge.http.uapi.scope import authenticated_app
from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.sending_again import SubscriptionDisabled
from bridge.storage.statement import Write

_DELIVERY_ID = re.compile(r"[0-9a-f]{1,64}\Z")


async def list_deliveries(request: web.Request) -> web.Response:
    """`GET …/deliveries`: a page of the kept deliveries, the newest first unless `sortOrder` is
    ascending."""
    scope = event_scope_of(request)
    [subscription] = named_by(request, scope)
    ignored = ignored_header(request, unknown_of(request.query, CURSOR_LIST_PARAMETERS))
    query = {"sortOrder": "descending", **request.query}
    listing: Listing[Delivery] = Listing.parse(query, {}, cursors_of="deliveries")
    events, total, more = scope.services.phone_call_events, 0, False
    if listing.by_cursor:
        after = None if listing.after is None else listing.after[0]
        page, more = await events.deliveries_after(
            subscription, after, count=listing.count, newest_first=listing.descending
        )
    else:
        page, total = await events.deliveries(
            subscription,
            start=listing.start,
            count=listing.count,
            newest_first=listing.descending,
        )
    url = own_url(request)
    last = (page[-1].sequence, "") if page and (more or listing.has_more(total)) else None
    entry = [delivery_json(x) for x in page]
    link = listing.next_header(last, url)
    return json_answer(listing.envelope(entry, total, url), headers={**ignored, **link})


async def retry_delivery(request: web.Request) -> web.Response:
    """202: it is sent as soon as the delivery under way is done."""
    app, _ = authenticated_app(request)
    return stored_response(await answered_once(request, app, partial(_retry, request)))


async def _retry(request: web.Request, keeper: AnswerKeeper) -> StoredAnswer:
    scope = event_scope_of(request)
    [subscription] = named_by(request, scope)
    ignored = ignored_header(request, unknown_of(request.query, ()))
    delivery_id, delivery = request.match_info["deliveryId"], None

    def first(waiting: Delivery) -> Write | None:
        return keeper.first_write(_accepted(waiting))

    try:
        if _DELIVERY_ID.match(delivery_id):
            events = scope.services.phone_call_events
            delivery = await events.send_again(subscription, delivery_id, first)
    except SubscriptionDisabled:
        raise invalid("pce_status_invalid", "status: this event is disabled.") from None
    if delivery is None:
        raise invalid("pce_delivery_invalid", "deliveryId must reference a delivery of this event.")
    answer_headers(request).update(ignored)
    return _accepted(delivery)


def _accepted(delivery: Delivery) -> StoredAnswer:
    return StoredAnswer(202, json_text(delivery_json(delivery)))
