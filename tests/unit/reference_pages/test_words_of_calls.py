"""docs/calls.md lists the words and limits that the code has."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.calls.state.phone_call import EndedBy
from bridge.directory import caller_ids
from bridge.http.uapi import collection
from bridge.testing.lab.openapi_check import openapi

PAGE = (Path(__file__).parents[3] / "docs" / "calls.md").read_text()


def test_each_end_of_a_call_is_explained() -> None:
    table = PAGE.partition("| `endedBy` | the end |")[2].partition("\n\n")[0]
    assert re.findall(r"\| `([a-z ]+)` \|", table) == [x.value for x in EndedBy]


def test_the_limits_of_a_list_are_those_of_the_code() -> None:
    assert f"calls of a page, 1 to {collection.COUNT_MAX} | {collection.COUNT_DEFAULT} |" in PAGE
    assert f"the first call, 0 to {collection.START_MAX};" in PAGE
    operators = openapi()["components"]["parameters"]["filterOp"]["schema"]["enum"]
    row = PAGE.partition("| `filterOp` | ")[2].partition(" |")[0]
    assert re.findall(r"`(\w+)`", row) == sorted(operators)


def test_the_form_of_a_caller_id_is_that_of_the_code() -> None:
    name, number = caller_ids.MAX_NAME_CHARS, caller_ids.MAX_CALLER_NUMBER_CHARS
    said = f"The name has at most {name} characters, the number at most {number}"
    assert said in PAGE
    assert str(caller_ids.parse_caller_id("John Doe <+3334444>"))
