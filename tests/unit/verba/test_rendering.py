"""Whatever text comes in, each form stays what it is."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.http.verba.answer import Element, VerbaAnswer, error_answer
from bridge.http.verba.rendering import ResponseType, render
from bridge.recordings.selector_status import parse_selector_status


def _rendered(answer: VerbaAnswer, response_type: ResponseType) -> str:
    body = render(answer, response_type).body
    assert isinstance(body, bytes)
    return body.decode()


@given(st.text(), st.text())
def test_given_any_text_then_the_xml_parses_and_has_one_response(action: str, text: str) -> None:
    root = ET.fromstring(_rendered(error_answer(action, -50, text), ResponseType.XML))  # noqa: S314
    assert [x.tag for x in root.iter()] == ["VerbaApi", "Response", "ErrorMessage"]
    assert root[0].attrib["code"] == "-50"


@given(st.text(), st.text())
def test_given_any_text_then_the_html_has_the_same_tags(action: str, text: str) -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.tags.append(tag)

    page = Tags()
    page.feed(_rendered(error_answer(action, -50, text), ResponseType.HTML))
    assert page.tags == [
        *("html", "head", "meta", "title", "style", "body", "h1", "table", "tr", "th", "td")
    ]


@given(st.text(), st.text())
def test_given_any_text_then_the_text_form_has_two_lines(action: str, text: str) -> None:
    lines = _rendered(error_answer(action, -50, text), ResponseType.TEXT).splitlines()
    assert len(lines) == 2


def test_given_a_payload_then_each_form_shows_it() -> None:
    cdr = Element("verbacdr", "", {"state": "1"}, (Element("ccdr_id", "x"), Element("empty")))
    answer = VerbaAnswer("Get", children=(cdr,), siblings=(Element("CallID", "y"),))
    assert _rendered(answer, ResponseType.TEXT).splitlines() == [
        "Get: 0",
        "verbacdr.state: 1",
        "verbacdr.ccdr_id: x",
        "verbacdr.empty: ",
        "CallID: y",
    ]
    root = ET.fromstring(_rendered(answer, ResponseType.XML))  # noqa: S314 - our own
    assert root.findtext("CallID") == "y"
    assert root.findtext("Response/verbacdr/ccdr_id") == "x"


@pytest.mark.parametrize("text", ["ongoing,next", "ongoing, next", " ongoing ,next "])
def test_spaces_in_a_status_are_allowed(text: str) -> None:
    assert [x.value for x in parse_selector_status(text)] == ["ongoing", "next"]


@given(st.text())
def test_given_any_other_status_then_it_is_refused(text: str) -> None:
    try:
        words = [x.value for x in parse_selector_status(text)]
    except ValueError:
        return
    assert ",".join(words) in {"ongoing", "next", "last", "ongoing,next", "last,ongoing"}
