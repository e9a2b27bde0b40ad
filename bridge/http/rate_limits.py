"""`RateLimit` and `RateLimit-Policy`: the limits that apply to a request, and what is left of them.

The form is that of draft-ietf-httpapi-ratelimit-headers. A limit has a name, which both headers
repeat. `q` is its quota, and all of it is back after `w` seconds. `r` remains, and after `t`
seconds there is more. A limit without `w` is of things at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bridge.access.buckets import Buckets
from bridge.http.answer_headers import answer_headers
from bridge.http.error_answers import Handler
from bridge.http.errors import UapiError
from bridge.http.forwarded import FORWARDED

RETRY_AFTER_S = 5
"""Of an answer 429 or 503 whose cause names no time of its own."""

_REQUESTS_WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`more_in_s`: None where all is left, and where nobody can tell."""

    name: str
    quota: int
    remaining: int
    window_s: int | None = None
    more_in_s: int | None = None

    @property
    def policy(self) -> str:
        """The limit in `RateLimit-Policy`."""
        window = "" if self.window_s is None else f";w={self.window_s}"
        return f'"{self.name}";q={self.quota}{window}'

    @property
    def state(self) -> str:
        """The limit in `RateLimit`."""
        more = "" if self.more_in_s is None else f";t={self.more_in_s}"
        return f'"{self.name}";r={max(0, self.remaining)}{more}'


_TOLD = web.RequestKey("rate_limits", dict[str, RateLimit])


def tell_limits(request: web.BaseRequest, *limits: RateLimit) -> None:
    """Put the limits on the answer to come, whatever it is; a later state replaces an earlier."""
    told = request.get(_TOLD)
    if told is None:
        told = request[_TOLD] = {}
    told.update({x.name: x for x in limits})
    headers = answer_headers(request)
    headers["RateLimit-Policy"] = ", ".join([x.policy for x in told.values()])
    headers["RateLimit"] = ", ".join([x.state for x in told.values()])


def bucket_limit(name: str, buckets: Buckets, key: str) -> RateLimit:
    """The limit of one bucket as it is now."""
    return RateLimit(
        name, buckets.size, buckets.left(key), round(buckets.window_s), buckets.next_s(key)
    )


class RequestBudget:
    """Requests of one app within a minute; `per_minute` 0: any number."""

    def __init__(self, per_minute: int, **more: Callable[[], float]) -> None:
        self._buckets = Buckets(per_minute, _REQUESTS_WINDOW_S, **more)

    def take(self, request: web.BaseRequest, owner: str) -> None:
        """Count the request, however often this is called for it.

        Another instance has counted a forwarded one. Raises 429 too_many_requests; the request is
        not counted then.
        """
        buckets = self._buckets
        if not buckets.size or _COUNTED in request or FORWARDED in request:
            return
        request[_COUNTED] = True
        if buckets.wait_s(owner) > 0:
            tell_limits(request, bucket_limit("requests-of-app", buckets, owner))
            retry_s = str(buckets.next_s(owner) or 1)
            text = f"More than {buckets.size} requests of this app within a minute."
            raise UapiError(429, "too_many_requests", text, {"Retry-After": retry_s})
        buckets.take(owner)
        tell_limits(request, bucket_limit("requests-of-app", buckets, owner))


_COUNTED = web.RequestKey("counted", bool)
REQUEST_BUDGET = web.AppKey("request_budget", RequestBudget)


def with_retry_after(handler: Handler) -> Handler:
    """Wrap `handler`: each answer 429 or 503 says in how many seconds to try again."""

    async def answering(request: web.BaseRequest) -> web.StreamResponse:
        response = await handler(request)
        if response.status in (429, 503) and not response.prepared:
            response.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
        return response

    return answering
