"""/docs: its files are those of the package they came from, and its policy is strict."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bridge.config.settings import Settings
from bridge.http.application import make_application
from bridge.http.context import Services
from bridge.http.reference_page.routes import ASSETS, LOADED
from bridge.wiring.http import http_settings

from .whole_service import whole_service


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loaded: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)
        self.inline += [x for x in values if x == "style" or x.startswith("on")]
        if tag == "script" or values.get("rel") == "stylesheet":
            self.loaded.add(str(values.get("src") or values.get("href")))


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    page = _Page()
    page.feed(ASSETS.joinpath("reference.html").read_text())
    assert page.inline == []
    assert page.loaded == {"docs/" + Path(x).name.removesuffix(".gz") for x in LOADED}


async def test_every_source_of_its_policy_is_this_host(tmp_path: Path) -> None:
    async with whole_service(tmp_path) as service, service.client() as client:
        async with client.http.get(f"{service.base_url}/docs/") as answer:
            assert (answer.status, str(answer.url)) == (200, f"{service.base_url}/docs")
            policy = answer.headers["Content-Security-Policy"]
        rules = {k: v for k, *v in (x.split() for x in policy.split(";"))}
        assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
        assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == ["'self'"]
        assert {x for v in rules.values() for x in v} <= {"'none'", "'self'", "data:", "blob:"}
        for name in LOADED:
            path = "/docs/" + Path(name).name.removesuffix(".gz")
            async with client.http.get(service.base_url + path) as answer:
                assert (answer.status, answer.headers["X-Content-Type-Options"]) == (200, "nosniff")


@pytest.mark.parametrize("there", [True, False])
def test_a_setting_decides_whether_it_is_there(*, there: bool) -> None:
    settings = http_settings(Settings(reference_page=there))
    app = make_application(cast("Services", SimpleNamespace(settings=settings)))
    paths = {x.canonical for x in app.router.resources()}
    assert ("/docs" in paths) is ("/docs/{file}" in paths) is there
