"""The meaning of a request: what is the same in another spelling, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from bridge.http.request_meaning import meaning_of

REQUEST = make_mocked_request("POST", "/uapi/phoneCalls/@me/simple")
CALL = {"extension": "210", "metadata": {"order": 1, "tags": ["a"], "none": None}}


def meaning(body: Any) -> bytes:
    return meaning_of(REQUEST, json.dumps(body).encode())


def test_given_other_metadata_then_it_is_another_request() -> None:
    others: list[dict[str, Any]] = [
        {"order": "1", "tags": ["a"], "none": None},
        {"order": 1, "tags": "a", "none": None},
        {"order": 1, "tags": ["a"]},
        {"order": True, "tags": ["a"], "none": None},
    ]
    meanings = {meaning({**CALL, "metadata": x}) for x in (CALL["metadata"], *others)}
    assert len(meanings) == 1 + len(others)
    turned = {"none": None, "tags": ["a"], "order": 1}
    assert meaning({"metadata": turned, "extension": 210}) == meaning(CALL)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a": 1, "a": 2}', b"\xff"])
def test_a_body_that_will_be_refused_has_a_meaning_of_its_own(body: bytes) -> None:
    assert meaning_of(REQUEST, body) != meaning({})
    assert meaning_of(REQUEST, body) == meaning_of(REQUEST, body)
