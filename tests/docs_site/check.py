"""Faults of the built site: `make docs` ends with them.

Zensical finds links to pages and anchors that do not exist, but only in the text of a page.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .stage import ROOT, documents

SITE = ROOT / "build" / "site"
CONFIGURATION = ROOT / "zensical.toml"
# A word of a page, and that page: somebody searches for it.
KNOWN_WORD, ITS_PAGE = "BRIDGE_DESTINATION_WAIT_S", "docs/reference/settings.html"
_FETCHED_BY = {"script", "link", "img", "iframe", "source", "video", "audio", "object", "embed"}


@dataclass
class _Page(HTMLParser):
    """What an HTML page links to and loads, and the anchors in it."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name in ("href", "src", "data") and value is not None:
                (self.loaded if tag in _FETCHED_BY else self.links).append(value)


def faults(site: Path) -> Iterator[str]:
    """Each broken link or anchor, each request to another host, and an index without its word."""
    pages = {x: _read(x) for x in sorted(site.rglob("*.html")) if x.name != "404.html"}
    for file, page in pages.items():
        name = file.relative_to(site)
        hosts = [x for x in page.loaded if urlsplit(x).netloc]
        yield from (f"{name} loads {x} of another host" for x in hosts)
        for link in page.links + page.loaded:
            if not _leads_somewhere(link, file, pages):
                yield f"{name} links to {link}, which is not there"
    if not _is_found(site / "search.json"):
        yield f"the search does not find {KNOWN_WORD} in {ITS_PAGE}"
    if not (site / "search.js").is_file():
        yield "search.js is missing: the search needs a server"


def navigation_faults() -> Iterator[str]:
    """Pages that the navigation lacks, and names in it that are no page."""
    with CONFIGURATION.open("rb") as file:
        named = list(_names(tomllib.load(file)["project"]["nav"]))
    there = {str(x) for x in documents()}
    yield from (f"{x} is twice in the navigation" for x in sorted(set(named)) if named.count(x) > 1)
    yield from (f"{x} is not in the navigation" for x in sorted(there - set(named)))
    yield from (f"{x} of the navigation is no page" for x in sorted(set(named) - there))


def _names(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from _names(part)


def _read(file: Path) -> _Page:
    page = _Page()
    page.feed(file.read_text())
    return page


def _leads_somewhere(link: str, file: Path, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if target.is_dir():
        target /= "index.html"
    if target not in pages:
        return target.is_file()
    return parts.fragment in ("", "__top") or unquote(parts.fragment) in pages[target].anchors


def _is_found(index: Path) -> bool:
    if not index.is_file():
        return False
    items = json.loads(index.read_text())["items"]
    return any(KNOWN_WORD in x["text"] and x["location"].startswith(ITS_PAGE) for x in items)


if __name__ == "__main__":
    found = [*navigation_faults(), *faults(SITE)]
    sys.exit("\n".join(found) or 0)
