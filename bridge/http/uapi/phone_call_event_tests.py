"""POST …/phoneCallEvents/{eventType}/{eventId}/test: try the receiver of a subscription. Ours."""

from __future__ import annotations

import math
from functools import partial

from aiohttp import web

from bridge.http.answer_headers import answer_headers
from bridge.http.context import SERVICES
from bridge.http.errors import UapiError, invalid
from bridge.http.json_answer import json_text
from bridge.http.keyed_answers import IdempotentRequest, StoredAnswer, idempotency_key_of
from bridge.http.rate_limits import RateLimit, tell_limits
from bridge.http.request_meaning import meaning_of
from bridge.http.uapi.idempotent_posts import stored_response
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_json import delivery_json
from bridge.http.uapi.phone_call_event_request import event_scope_of, one_named_by
from bridge.http.uapi.scope import authenticated_app
from bridge.phone_call_events.receiver_tests import WINDOW_S, TooManyTests


async def test_receiver(request: web.Request) -> web.Response:
    """The answer has the status or the error of the receiver."""
    app, _ = authenticated_app(request)
    once = IdempotentRequest(
        app.client_id, idempotency_key_of(request.headers), lambda: meaning_of(request, b"")
    )
    answer = await request.app[SERVICES].keyed_answers.once_begun(
        once, partial(_send, request), lambda fault: isinstance(fault, UapiError)
    )
    return stored_response(answer)


async def _send(request: web.Request) -> StoredAnswer:
    scope = event_scope_of(request)
    subscription = one_named_by(request, scope)
    ignored = ignored_header(request, unknown_of(request.query, ()))
    events = scope.services.phone_call_events
    if not events.is_in_force(subscription.id):
        raise _disabled()
    tests = events.receiver_tests
    try:
        tried = await tests.send(subscription)
    except TooManyTests as why:
        retry = {"Retry-After": str(math.ceil(why.wait_s))}
        raise UapiError(429, "too_many_test_events", f"{why}.", retry) from None
    finally:
        tell_limits(request, _limit(tests.turns(subscription.id)))
    if tried is None:
        raise _disabled()
    answer_headers(request).update(ignored)
    return StoredAnswer(200, json_text(delivery_json(tried)))


def _limit(turns: tuple[int, int, float | None]) -> RateLimit:
    most, left, more_in_s = turns
    more = None if more_in_s is None else math.ceil(more_in_s)
    return RateLimit("test-events-of-subscription", most, left, round(WINDOW_S), more)


def _disabled() -> UapiError:
    return invalid("pce_status_invalid", "status: this event is disabled.")
