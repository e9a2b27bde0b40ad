"""The name of the session's cookie: by TLS no other host can set one of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.http.console.session_cookie import (
    require_own_page,
    session_cookie,
    set_session_cookie,
)
from bridge.http.context import SERVICES
from bridge.http.errors import UapiError


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


@pytest.mark.parametrize("host", ["calls.example.com", "127.0.0.1:8080"])
def test_given_a_proxy_with_another_host_when_our_page_asks_then_it_is_ours(host: str) -> None:
    public = "https://calls.example.com:8443"
    require_own_page(request_with(public, "", Host=host, Origin=public))
    with pytest.raises(UapiError):
        require_own_page(request_with(public, "", Host=host, Origin="https://other.example.com"))
    with pytest.raises(UapiError):
        require_own_page(request_with("", "", Host=host, Origin=public))


def request_with(public: str, cookie: str, **headers: str) -> web.Request:
    app = web.Application()
    settings = SimpleNamespace(public_base_url=public)
    app[SERVICES] = cast("Any", SimpleNamespace(settings=settings))
    return make_mocked_request("GET", "/console/session", {"Cookie": cookie, **headers}, app=app)
