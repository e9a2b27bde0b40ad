"""POST /uapi/phoneCalls/{userId}/statusSecret: another secret for the states of calls. Ours."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from bridge.directory.model import App
from bridge.directory.ownership import resolve_user
from bridge.http.answer_headers import answer_headers
from bridge.http.body import body_of
from bridge.http.context import SERVICES
from bridge.http.errors import invalid
from bridge.http.json_answer import json_text
from bridge.http.json_body import json_object
from bridge.http.keyed_answers import AnswerKeeper, StoredAnswer
from bridge.http.uapi.idempotent_posts import answered_once, stored_response
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_routes import SECRET_HEADER
from bridge.http.uapi.phone_call_event_secrets import KEEP, keep_seconds
from bridge.http.uapi.phone_call_json import date
from bridge.http.uapi.scope import authenticated_app
from bridge.phone_call_events.secret_replacement import TooManySecrets
from bridge.phone_call_events.subscription import AppSecret


async def replace_status_secret(request: web.Request) -> web.Response:
    """The new secret of the app is told in a header, and by each create with `statusUrl`."""
    app, requester = authenticated_app(request)
    body = await body_of(request)
    resolve_user(requester, request.match_info["userId"], None)
    answer = await answered_once(request, app, partial(_replace, request, app, body), body)
    receivers = request.app[SERVICES].phone_call_events.call_receivers
    return stored_response(answer, {SECRET_HEADER: await receivers.secret_of(app.client_id)})


async def _replace(
    request: web.Request, app: App, text: bytes, keeper: AnswerKeeper
) -> StoredAnswer:
    body, services = json_object(text) if text.strip() else {}, request.app[SERVICES]
    unknown = [*unknown_of(request.query, ()), *unknown_of(body, {KEEP})]
    ignored = ignored_header(request, unknown)
    keep_s = keep_seconds(body.get(KEEP), services.settings.uapi.event_old_secret_s)
    try:
        after = await services.phone_call_events.call_receivers.replace_secret(
            app.client_id, keep_s, lambda x: keeper.first_write(_answer(x))
        )
    except TooManySecrets as why:
        raise invalid("pce_limit_reached", f"{why}, until {date(why.until_ms)}.") from None
    answer_headers(request).update(ignored)
    return _answer(after)


def _answer(secret: AppSecret) -> StoredAnswer:
    old = secret.old_secrets
    return StoredAnswer(200, json_text({"oldSecretUntil": date(old[0].until_ms)} if old else {}))
