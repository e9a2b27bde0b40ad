"""The pages for the site, and what `make docs` refuses in the site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docs_site.check import ITS_PAGE, KNOWN_WORD, faults, navigation_faults
from tests.docs_site.stage import documents, stage


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "pages"
    stage(folder)
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two pages without a fault."""
    (tmp_path / "one.html").write_text('<a href="two.html#there">two</a><img src="a.svg">')
    (tmp_path / "two.html").write_text('<h2 id="there"></h2><a href="https://example.com/">out</a>')
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "search.js").touch()
    items = [{"location": f"{ITS_PAGE}#calls", "text": f"<code>{KNOWN_WORD}</code>"}]
    (tmp_path / "search.json").write_text(json.dumps({"items": items}))
    return tmp_path


def test_every_page_is_in_the_navigation_once() -> None:
    assert list(navigation_faults()) == []


def test_every_document_is_at_its_place_of_the_repository(pages: Path) -> None:
    assert [x for x in documents() if not (pages / x).is_file()] == []


def test_a_linked_file_is_a_page(pages: Path) -> None:
    page = pages / "bridge/directory/example.yaml.md"
    linking = (pages / "docs/setting-up.md").read_text()
    assert "(../bridge/directory/example.yaml.md)" in linking
    assert "organizations:" in page.read_text()


def test_a_linked_page_outside_the_navigation_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.docs_site.stage.DOCUMENTS", ["CONTRIBUTING.md"])
    stage(tmp_path)
    assert (tmp_path / "SECURITY.md").is_file()


def test_a_linked_folder_is_a_page_with_its_files(pages: Path) -> None:
    page = "fail2ban/" + "README.md"  # only the site has it
    assert f"({page})" in (pages / "docs/operating.md").read_text()
    assert "## jail.d/" in (pages / "docs" / page).read_text()


def test_a_site_without_a_fault_is_taken(site: Path) -> None:
    assert list(faults(site)) == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="three.html">', "one.html links to three.html, which is not there"),
        ('<a href="two.html#gone">', "one.html links to two.html#gone, which is not there"),
        ('<img src="b.svg">', "one.html links to b.svg, which is not there"),
        (
            '<script src="https://cdn.example.com/x.js">',
            "one.html loads https://cdn.example.com/x.js of another host",
        ),
        (
            '<link rel="stylesheet" href="//fonts.example.com/x">',
            "one.html loads //fonts.example.com/x of another host",
        ),
    ],
)
def test_a_fault_in_a_page_is_found(site: Path, html: str, fault: str) -> None:
    (site / "one.html").write_text(html)
    assert list(faults(site)) == [fault]


def test_an_index_without_the_word_is_a_fault(site: Path) -> None:
    (site / "search.json").write_text('{"items": []}')
    assert list(faults(site)) == [f"the search does not find {KNOWN_WORD} in {ITS_PAGE}"]


def test_a_search_that_needs_a_server_is_a_fault(site: Path) -> None:
    (site / "search.js").unlink()
    assert list(faults(site)) == ["search.js is missing: the search needs a server"]
