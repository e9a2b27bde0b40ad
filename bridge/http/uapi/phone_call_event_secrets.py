"""POST …/phoneCallEvents/{eventType}/{eventId}/secret: another secret for a subscription. Ours."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from bridge.clock import now_ms
from bridge.http.answer_headers import answer_headers
from bridge.http.body import body_of
from bridge.http.context import SERVICES
from bridge.http.errors import invalid
from bridge.http.json_answer import json_text
from bridge.http.json_body import json_object
from bridge.http.keyed_answers import AnswerKeeper, StoredAnswer
from bridge.http.uapi.idempotent_posts import answered_once, stored_response
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_json import phone_call_event_json
from bridge.http.uapi.phone_call_event_request import event_scope_of, no_such_event, one_named_by
from bridge.http.uapi.phone_call_event_routes import SECRET_HEADER, collection_url
from bridge.http.uapi.phone_call_json import date, without_nulls
from bridge.http.uapi.query_values import number_text, whole_number
from bridge.http.uapi.scope import authenticated_app
from bridge.phone_call_events.secret_replacement import TooManySecrets, with_new_secret
from bridge.phone_call_events.subscription import Subscription

KEEP = "keepSeconds"


async def replace_secret(request: web.Request) -> web.Response:
    """The new secret is told in a header, as that of a new subscription."""
    app, _ = authenticated_app(request)
    body = await body_of(request)
    answer = await answered_once(request, app, partial(_replace, request, body), body)
    subscription = one_named_by(request, event_scope_of(request))
    return stored_response(answer, {SECRET_HEADER: subscription.secret})


async def _replace(request: web.Request, text: bytes, keeper: AnswerKeeper) -> StoredAnswer:
    body = json_object(text) if text.strip() else {}
    scope = event_scope_of(request)
    subscription = one_named_by(request, scope)
    unknown = [*unknown_of(request.query, ()), *unknown_of(body, {KEEP})]
    ignored = ignored_header(request, unknown)
    keep_s = keep_seconds(body.get(KEEP), request.app[SERVICES].settings.uapi.event_old_secret_s)

    def answer(after: Subscription) -> StoredAnswer:
        return StoredAnswer(200, json_text(_replaced(request, after)))

    try:
        after = await scope.services.phone_call_events.update(
            subscription.id,
            lambda x: with_new_secret(x, keep_s, now_ms()),
            first=lambda x: keeper.first_write(answer(x)),
        )
    except TooManySecrets as why:
        raise invalid("pce_limit_reached", f"{why}, until {date(why.until_ms)}.") from None
    if after is None:
        raise no_such_event()
    answer_headers(request).update(ignored)
    return answer(after)


def keep_seconds(value: object, most: int) -> int:
    """How long the old secret signs, `most` where the body leaves it out.

    Raises 400 pce_secret_invalid.
    """
    text = str(most) if value is None else number_text(value) or ""
    return whole_number(text, "pce_secret_invalid", KEEP, 0, most)


def _replaced(request: web.Request, after: Subscription) -> dict[str, object]:
    item = phone_call_event_json(after, collection_url(request))
    old = after.old_secrets
    return without_nulls(
        {
            **{key: item[key] for key in ("id", "links", "link")},
            "oldSecretUntil": date(old[0].until_ms) if old else None,
        }
    )
