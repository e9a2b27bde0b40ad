"""The name of the session's cookie: by TLS no other host can set one of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.http.console.session_cookie import session_cookie, set_session_cookie
from bridge.http.context import SERVICES


@pytest.mark.parametrize(
    ("public", "name", "secure"),
    [
        ("https://calls.example.com", "__Host-uapi_console", True),
        ("http://calls.example.com", "uapi_console", False),
        ("", "uapi_console", False),
    ],
)
def test_given_an_address_when_signed_in_then_the_cookie_is_as_safe_as_it_can_be(
    public: str, name: str, *, secure: bool
) -> None:
    response = web.Response()
    set_session_cookie(request_with(public, ""), response, "console.x", 60)
    cookie = response.cookies[name]
    assert bool(cookie["secure"]) is secure
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert session_cookie(request_with(public, f"{name}=console.x")) == "console.x"


def test_given_tls_when_another_host_has_set_a_cookie_then_it_is_no_session() -> None:
    request = request_with("https://calls.example.com", "uapi_console=console.x")
    assert session_cookie(request) == ""


def request_with(public: str, cookie: str) -> web.Request:
    app = web.Application()
    settings = SimpleNamespace(public_base_url=public)
    app[SERVICES] = cast("Any", SimpleNamespace(settings=settings))
    return make_mocked_request("GET", "/console/session", {"Cookie": cookie}, app=app)
