"""A body in JSON says each thing once."""

from __future__ import annotations

import pytest

from bridge.http.errors import UapiError
from bridge.http.json_body import json_object


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"extension": "210", "extension": "211"}', "extension"),
        (b'{"a": [{"source": ["210"], "source": ["19005550123"]}]}', "source"),
        (b'{"a": 1, "a": true}', "a"),
        (b'{"a": {"b": 1}, "a": {"b": 2}}', "a"),
        (b'{"%s": 1, "%s": 2}' % (b"x" * 500, b"x" * 500), "x" * 40),
    ],
)
def test_given_a_member_twice_differently_then_it_is_refused_by_name(
    body: bytes, name: str
) -> None:
    with pytest.raises(UapiError, match=f"{name}\\b is given more than once, differently") as why:
        json_object(body)
    assert (why.value.status, why.value.code) == (400, "request_invalid")
    assert len(str(why.value)) < 200


def test_given_a_member_twice_the_same_then_it_counts_once() -> None:
    body = b'{"extension": "210", "a": [{"b": 1}], "extension": "210", "a": [{"b": 1}]}'
    assert json_object(body) == {"extension": "210", "a": [{"b": 1}]}
