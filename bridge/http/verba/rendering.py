"""The three forms of an answer: XML for applications, HTML and TEXT for people.

An answer may contain text of the client. Each form escapes it, so that it adds neither markup nor a
line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from html import escape
from xml.etree.ElementTree import Element as XmlElement
from xml.etree.ElementTree import SubElement, tostring

from aiohttp import web

from bridge.http.json_answer import IN_A_THREAD_FROM_BYTES
from bridge.http.verba.answer import Element, VerbaAnswer


class ResponseType(Enum):
    """The values of `responseType`."""

    XML = "XML"
    HTML = "HTML"
    TEXT = "TEXT"


# Characters that no XML document may hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_ENDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_REPLACEMENT = "\ufffd"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
_CONTENT_TYPES = {
    ResponseType.XML: "text/xml",
    ResponseType.HTML: "text/html",
    ResponseType.TEXT: "text/plain",
}
_STYLE = (
    "body{font-family:sans-serif;margin:2em}th{text-align:left;padding-right:1em}"
    "td,th{vertical-align:top}"
)


def render(answer: VerbaAnswer, response_type: ResponseType) -> web.Response:
    """HTTP status 200, also for errors: the result is the code inside."""
    body = {
        ResponseType.XML: _xml,
        ResponseType.HTML: _html,
        ResponseType.TEXT: _text,
    }[response_type](answer)
    return web.Response(
        body=body.encode("utf-8", "replace"),
        content_type=_CONTENT_TYPES[response_type],
        charset="utf-8",
        headers=_HEADERS,
        zlib_executor_size=IN_A_THREAD_FROM_BYTES,
    )


def _xml(answer: VerbaAnswer) -> str:
    root = XmlElement("VerbaApi", {name: _legal(x) for name, x in answer.root_attributes.items()})
    attributes = {"code": str(answer.code), "type": answer.action, **answer.attributes}
    _add(root, Element("Response", "", attributes, answer.children))
    for sibling in answer.siblings:
        _add(root, sibling)
    _one_line_each(root)
    document = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n\n{document}'


def _add(parent: XmlElement, element: Element) -> None:
    attributes = {name: _legal(value) for name, value in element.attributes.items()}
    node = SubElement(parent, element.name, attributes)
    if element.text:
        node.text = _legal(element.text)
    for child in element.children:
        _add(node, child)


def _one_line_each(node: XmlElement) -> None:
    """As in docs/reference/specification.md §3: an empty line between elements."""
    if len(node):
        node.text = "\n\n"
    for child in node:
        _one_line_each(child)
        child.tail = "\n\n"


def _legal(text: str) -> str:
    return _NOT_XML.sub(_REPLACEMENT, text)


def _html(answer: VerbaAnswer) -> str:
    title = f"{answer.action}: {'success' if answer.code == 0 else 'error'} ({answer.code})"
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n"
        for name, value in _lines(answer)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n<table>\n{rows}</table>\n</body>\n</html>\n"
    )


def _text(answer: VerbaAnswer) -> str:
    """First line: action and code; then one line for each value, the path before it."""
    lines = [f"{answer.action}: {answer.code}"]
    lines += [f"{name}: {value}" for name, value in _lines(answer)]
    return "".join(_LINE_ENDS.sub(" ", line) + "\n" for line in lines)


def _lines(answer: VerbaAnswer) -> Iterator[tuple[str, str]]:
    yield from answer.attributes.items()
    for element in (*answer.children, *answer.siblings):
        yield from _flat(element, element.name)


def _flat(element: Element, path: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attributes.items():
        yield f"{path}.{name}", value
    if element.text or not (element.attributes or element.children):
        yield path, element.text
    for child in element.children:
        yield from _flat(child, f"{path}.{child.name}")
