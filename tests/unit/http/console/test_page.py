"""The page and its files: nothing of another host, no script in the page but the import map."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import cast

import pytest

from bridge.config.settings import Settings
from bridge.console.assets import PAGE, ROOT, loaded_files, policy
from bridge.http.application import make_application
from bridge.http.context import Services
from bridge.wiring.http import http_settings

from ..whole_service import WholeService
from .console_client import console_client

_IMPORTED = re.compile(r'(?:\bfrom |\bimport |\bimport\()"([^"\s]+)"')


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loaded: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(str(values.get("type", tag)))
        self.inline += [x for x in values if x == "style" or x.startswith("on")]
        self.loaded |= {str(values[x]) for x in ("src", "href") if x in values}


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    page = _Page()
    page.feed(ROOT.joinpath(PAGE).read_text())
    assert page.inline == ["importmap"]
    assert page.loaded <= loaded_files().keys()


def test_each_module_imports_what_is_there() -> None:
    """A name is in the import map, everything else is a file beside the module."""
    named = set(re.findall(r'"([\w/-]+)":"\./', ROOT.joinpath(PAGE).read_text()))
    files = loaded_files()
    wrong = []
    for path, (file, _) in files.items():
        if not path.startswith("app/"):
            continue
        folder = path.split("/")[:-1]
        for imported in _IMPORTED.findall(file.read_text()):
            parts = [*folder]
            for part in imported.split("/"):
                parts = parts[:-1] if part == ".." else [*parts, part] if part != "." else parts
            if imported not in named and "/".join(parts) not in files:
                wrong.append((path, imported))
    assert wrong == []


def test_every_source_of_its_policy_is_this_host() -> None:
    rules = {
        k: v for k, *v in (x.split() for x in policy(ROOT.joinpath(PAGE).read_text()).split(";"))
    }
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert rules["connect-src"] == rules["style-src"] == ["'self'"]
    script, import_map = rules["script-src"]
    assert script == "'self'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", import_map)
    allowed = {"'none'", "'self'", "data:", "blob:", import_map}
    assert {x for v in rules.values() for x in v} <= allowed


@pytest.mark.asyncio(loop_scope="package")
async def test_each_file_is_served_with_its_type(running: WholeService) -> None:
    async with console_client(running) as client:
        async with client.http.get(f"{running.base_url}/console") as page:
            assert str(page.url) == f"{running.base_url}/console/"
            assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        for path, (_, content_type) in loaded_files().items():
            if path == PAGE:
                continue
            async with client.http.get(f"{running.base_url}/console/{path}") as answer:
                assert answer.status == 200, path
                assert answer.headers["Content-Type"] == content_type
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("there", [True, False])
def test_a_setting_decides_whether_it_is_there(*, there: bool) -> None:
    settings = http_settings(Settings(console=there))
    app = make_application(cast("Services", SimpleNamespace(settings=settings)))
    paths = {x.canonical for x in app.router.resources()}
    assert ("/console/" in paths) is ("/console/session" in paths) is there
