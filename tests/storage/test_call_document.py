from __future__ import annotations

import json

import pytest
from hypothesis import given

from bridge.calls.phone_call import PhoneCall
from bridge.storage.call_document import UnreadableDocument, from_document, to_document

from .phone_calls import any_phone_call, ended, live_call


@given(any_phone_call)
def test_round_trip(call: PhoneCall) -> None:
    document = to_document(call)
    again = from_document(document)
    assert again == call
    assert type(again.flow) is type(call.flow)
    assert all(type(a.phase) is type(b.phase) for a, b in zip(again.legs, call.legs, strict=True))
    assert "\0" not in document  # PostgreSQL takes no NUL


def test_fields_of_a_newer_version_are_ignored() -> None:
    call = ended(live_call())
    document = json.loads(to_document(call))
    document["from_the_future"] = {"a": 1}
    assert from_document(json.dumps(document)) == call


def test_unreadable_document_names_the_field_but_not_its_content() -> None:
    document = json.loads(to_document(live_call()))
    document["origin"] = "secret words"
    with pytest.raises(UnreadableDocument, match="origin") as caught:
        from_document(json.dumps(document))
    assert "secret words" not in str(caught.value)
    assert caught.value.__cause__ is None
