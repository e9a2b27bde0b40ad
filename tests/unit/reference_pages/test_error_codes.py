"""docs/reference/errors.md has every code of the APIs that the code can answer, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from bridge.access import errors as oauth_errors
from bridge.http.uapi.cdr.cdr_request import CDR_PARAMETERS
from bridge.http.verba.errors import Code

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "errors.md").read_text()

# Where a code is said: the number of the argument, and the status if it is always the same.
_SAYING = {"invalid": (0, "400"), "error_body": (0, ""), "UapiError": (1, ""), "_error": (0, "")}
# What is handed on to one of them, in a table or a parameter, is known by its end.
_CODE = re.compile(r"[a-z]+(_[a-z]+)*_(invalid|denied|reached)")
_FILLED_IN = {
    "pc_*_invalid": ("pc_source_invalid", "pc_destination_invalid"),
    "cdr_*_invalid": tuple(f"cdr_{x.lower()}_invalid" for x in CDR_PARAMETERS),
}
# Of aiohttp's own answers, whose status is handed on.
_STATUS_OF_AIOHTTP = {("request_invalid", "417"), ("access_denied", "403")}


def documented(section: str) -> dict[str, str]:
    """Of each code of a section what the second column says: its statuses, or its name."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| [A-Z`/][^|]+ \|$", text, re.MULTILINE)
    assert len({code for code, _ in rows}) == len(rows)
    assert len(rows) == text.count("\n| `"), "a row has another form"
    return dict(rows)


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    """Each call in bridge/http, with the name of what is called."""
    for file in sorted((ROOT / "bridge" / "http").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield file, node, node.func.id


def said_by_uapi() -> set[tuple[str, str]]:
    """Codes with their status, which is empty where the code does not say it in one place."""
    said: set[tuple[str, str]] = set()
    for file, call, name in calls():
        if name not in _SAYING or file.parent.name in ("oauth", "verba"):
            continue
        position, status = _SAYING[name]
        code = call.args[position]
        if name == "UapiError" and isinstance(call.args[0], ast.Constant):
            status = str(call.args[0].value)
        if isinstance(code, ast.Constant):
            said.add((str(code.value), status))
    return said


def handed_on() -> set[str]:
    """Codes in tables and parameters."""
    found: set[str] = set()
    for file in sorted((ROOT / "bridge" / "http").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [str(x.value) if isinstance(x, ast.Constant) else "*" for x in node.values]
                if _CODE.fullmatch("".join(parts).replace("*", "x")):
                    found.update(_FILLED_IN["".join(parts)])
            elif isinstance(node, ast.Constant) and _CODE.fullmatch(str(node.value)):
                found.add(str(node.value))
    return found


def test_given_a_code_of_the_unified_api_when_looked_up_then_the_page_has_it_and_no_other() -> None:
    assert set(documented("UnifiedAPI")) == {code for code, _ in said_by_uapi()} | handed_on()


def test_given_a_status_in_the_code_when_looked_up_then_the_page_has_it() -> None:
    said = {(code, status) for code, status in said_by_uapi() if status} | _STATUS_OF_AIOHTTP
    page = documented("UnifiedAPI")
    assert [x for x in sorted(said) if x[1] not in page.get(x[0], "").split(", ")] == []


def test_given_a_code_of_oauth_when_looked_up_then_the_page_has_it_and_no_other() -> None:
    said = {
        x.code
        for x in vars(oauth_errors).values()
        if isinstance(x, type) and issubclass(x, oauth_errors.OAuthError)
    }
    for file, call, name in calls():
        if name == "_error" and file.parent.name == "oauth":
            code, status = call.args[2], call.args[1]
            if isinstance(code, ast.Constant):
                said.add(str(code.value))
                assert isinstance(status, ast.Constant)
                assert str(status.value) in documented("OAuth")[str(code.value)].split(", ")
    assert set(documented("OAuth")) == said | {"server_error"}


def test_given_a_code_of_verba_when_looked_up_then_the_page_has_it_and_no_other() -> None:
    assert documented("Verba") == {str(x.value): f"`{x.name}`" for x in Code}
