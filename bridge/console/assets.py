"""The files of the web console, and what its page may load."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

ROOT = files(__package__).joinpath("assets")
PAGE = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


def loaded_files() -> dict[str, tuple[Traversable, str]]:
    """Each file that a browser may load, by its path below the console, with its content type.

    A file with the ending `.gz` is packed; its path has no such ending.
    """
    found = {}
    for path, file in _walk(ROOT, ""):
        name = path.removesuffix(".gz")
        ending = name[name.rfind(".") :]
        if ending in _TYPES:
            found[name] = file, _TYPES[ending]
    return found


def policy(page: str) -> str:
    """The Content-Security-Policy of the page. `page`: its text.

    The import map is the only text in the page that a browser acts on. Its hash allows it, and
    nothing else.
    """
    return (
        f"default-src 'none'; script-src 'self' {_hash_of_import_map(page)}; style-src 'self'; "
        "img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash_of_import_map(page: str) -> str:
    """A hash source of Content Security Policy Level 3. Raises ValueError without one map."""
    [text] = _IMPORT_MAP.findall(page)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{path}{entry.name}/")
        else:
            yield f"{path}{entry.name}", entry
