"""Each route of the UnifiedAPI has an example in the documentation. Tests of the pages run them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit.openapi.document import document

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
METHODS = ("get", "post", "put", "delete")
NOT_IMPLEMENTED = "/uapi/faxes"
# One route with an optional end, as the specification writes it.
OPTIONAL_ENDS = ("/{phoneCallId}", "/{eventType}/{eventId}", "/{eventType}", "/{agent}")
_WRITTEN = re.compile(r"^    (GET|POST|PUT|DELETE) +(/uapi/\S+)", re.MULTILINE)
_CURL = re.compile(r"curl (?:\\\n|[^\n])+")
_PATH = re.compile(r"/uapi/[^\s\"'?]+")


def examples() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for method, path in _WRITTEN.findall(text):
            yield method.lower(), path.partition("?")[0]
        for command in _CURL.findall(text):
            path = _PATH.search(command)
            if path is not None:
                asked = re.search(r"-X (\w+)", command)
                method = asked[1] if asked else "POST" if " -d" in command else "GET"
                yield method.lower(), path.group()


def whole(path: str) -> str:
    """The path without its optional end."""
    if path == "/uapi/cdr" or path.startswith("/uapi/cdr/"):
        return path.replace("/{userId}", "")
    for end in OPTIONAL_ENDS:
        if path.endswith(end) and "conference/members" not in path:
            return path.removesuffix(end)
    return path


def test_each_route_has_an_example() -> None:
    routes: dict[tuple[str, str], list[re.Pattern[str]]] = {}
    for path, item in document()["paths"].items():
        if path.startswith("/uapi/") and path != NOT_IMPLEMENTED:
            for method in METHODS:
                if method in item:
                    form = re.sub(r"\\{\w+\\}", "[^/{}…]+", re.escape(path))
                    routes.setdefault((method, whole(path)), []).append(re.compile(f"{form}/?"))
    assert len(routes) > 20
    written = set(examples())
    missing = [
        f"{method.upper()} {path}"
        for (method, path), forms in routes.items()
        if not any(m == method and any(x.fullmatch(p) for x in forms) for m, p in written)
    ]
    assert "\n".join(missing) == ""
