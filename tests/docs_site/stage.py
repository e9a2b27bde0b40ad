"""Copies the documents for the site, and turns files that they link to into pages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "build" / "pages"
SHIM = Path(__file__).parent / "iframe-worker"
DOCUMENTS = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "asterisk-conf/README.md",
    "deploy/README.md",
    "tests/event_streams/README.md",
]

_CODE = re.compile(r"^```.*?^```", re.M | re.S)
_LINK = re.compile(r"(?<=\]\()([^)#\s]+)")
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".conf": "ini"}


def documents() -> list[Path]:
    """Every page of the site that somebody wrote, relative to the repository."""
    return [*map(Path, DOCUMENTS), *(x.relative_to(ROOT) for x in (ROOT / "docs").rglob("*.md"))]


def stage(pages: Path) -> None:
    """Makes the folder `pages` anew."""
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(SHIM, pages / SHIM.name)
    for document in documents():
        text = (ROOT / document).read_text()
        target = pages / document
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_outside_code(text, document, pages))


def _outside_code(text: str, document: Path, pages: Path) -> str:
    """The text with links to pages only. Code stays as it is."""
    begin, parts = 0, []
    for code in [*_CODE.finditer(text), None]:
        end = code.start() if code else len(text)
        linked = _LINK.sub(lambda x: _page_of(x[0], document, pages), text[begin:end])
        parts += [linked, code[0] if code else ""]
        begin = code.end() if code else end
    return "".join(parts)


def _page_of(link: str, document: Path, pages: Path) -> str:
    """The link, or one to the page that shows the linked file."""
    if "://" in link:
        return link
    file = Path(os.path.normpath(ROOT / document.parent / link))
    if file.suffix in (".svg", ".png", ".md"):
        _copy(file.relative_to(ROOT), pages)
        return link
    name = f"{link}/README.md" if file.is_dir() else f"{link}.md"
    page = pages / document.parent / name
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(_shown(file)))
    return name


def _copy(file: Path, pages: Path) -> None:
    """A picture, or a page that is not in the navigation."""
    target = pages / file
    if (ROOT / file).is_file() and file not in documents() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, target)


def _shown(path: Path) -> Iterator[str]:
    """A page with the text of a file, or of each file in a folder."""
    files = sorted(x for x in path.rglob("*") if x.is_file()) if path.is_dir() else [path]
    yield f"# {path.relative_to(ROOT)}"
    for file in files:
        if file != path:
            yield f"\n## {file.relative_to(path)}"
        yield f"\n````{_LANGUAGES.get(file.suffix, 'text')}\n{file.read_text().rstrip()}\n````\n"


if __name__ == "__main__":
    stage(PAGES)
