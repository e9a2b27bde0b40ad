"""Parameters of a request that this service does not know.

The vendor's clients send parameters of their own making, which must not fail
(docs/reference/uapi.md §3). But a parameter that is ignored in silence may cost money: a
misspelt `callDuration` is a call of two hours. So

* the header `X-Ignored-Parameters` names every unknown parameter;
* `Prefer: handling=strict` (RFC 7240 §4.4) makes them an error instead;
* create and delete refuse a misspelled parameter (another case, `[]` at the end, two different
  values) with the code of the parameter that is meant. A list only names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from aiohttp import web
from multidict import MultiMapping

from bridge.http.answer_headers import answer_headers
from bridge.http.errors import invalid
from bridge.http.preferences import handling_preferred

HEADER = "X-Ignored-Parameters"
TOKEN_PARAMETER = "accessRequestToken"  # noqa: S105 - its name, no token

_NAMES_MAX, _NAME_MAX_CHARS = 20, 40
_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-\[\]]")


def ignored_header(request: web.BaseRequest, names: Iterable[str]) -> dict[str, str]:
    """The header of the answer that names the ignored parameters; empty where there are none.

    A route calls it before it does anything. Raises 400 request_invalid for the names where the
    request prefers strict handling. Of a name only what is safe in a header is shown.
    """
    distinct = dict.fromkeys(_UNSAFE.sub("?", x[:_NAME_MAX_CHARS]) or "?" for x in names)
    shown = ", ".join(list(distinct)[:_NAMES_MAX])
    if _is_strict(request) and shown:
        raise invalid("request_invalid", f"These parameters are not understood: {shown}.")
    return {HEADER: shown} if shown else {}


def _is_strict(request: web.BaseRequest) -> bool:
    """If so, the answer will say that this was applied, also where it is an error."""
    headers = answer_headers(request)
    headers["Vary"] = ", ".join(x for x in (headers.get("Vary"), "Prefer") if x)  # RFC 7240 §2
    strict = handling_preferred(request.headers.getall("Prefer", ())) == "strict"
    if strict:
        headers["Preference-Applied"] = "handling=strict"
    return strict


def unknown_of(given: Iterable[str], known: Iterable[str], prefix: str = "") -> list[str]:
    """The names of `given` that are not in `known`, each with `prefix` before it."""
    understood = {*known, TOKEN_PARAMETER}
    return [prefix + x for x in given if x not in understood]


def refuse_misread(query: MultiMapping[str], codes: Mapping[str, str]) -> None:
    """Raises 400 for what is meant for one of the parameters in `codes` and would not be read.

    `codes`: by the name of the parameter, the code of its errors.
    """
    if not query:  # as of most requests
        return
    refuse_misnamed(query, codes)
    for name, code in codes.items():
        if len(set(query.getall(name, ()))) > 1:
            raise invalid(code, f"{name} is given more than once, differently.")


def refuse_misnamed(names: Iterable[str], codes: Mapping[str, str]) -> None:
    """Raises 400 for a name that is one of those in `codes`, written in another way."""
    by_folded = {_own_folded(name): name for name in codes}
    for name in names:
        meant = by_folded.get(_folded(name), name)
        if meant != name:
            raise invalid(codes[meant], f"{meant}: the name must be written exactly so.")


def refuse_in_body(
    body: Mapping[str, object], query: Mapping[str, str], codes: Mapping[str, str]
) -> None:
    """Raises 400 for a parameter of the query in the body, unless it says the same there.

    `false` says the same as nothing.
    """
    by_folded = {_own_folded(name): name for name in codes}
    for name, value in body.items():
        meant = by_folded.get(_folded(name))
        if meant is not None and str(value).lower() != query.get(meant, "false").lower():
            raise invalid(codes[meant], f"{meant} is read from the query, not from the body.")


def _folded(name: str) -> str:
    return name.removesuffix("[]").replace("_", "").replace("-", "").lower()


_own_folded = cache(_folded)
"""Of the names that this service knows: few, and the same in each request."""
