from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from bridge.calls.state.pbx_events import ChannelState
from bridge.calls.state.phone_call import CallChannel, PhoneCall
from bridge.calls.store.call_document import (
    UnreadableDocument,
    call_from_document,
    call_to_document,
)

from .phone_calls import any_phone_call, ended, live_call


@given(any_phone_call)
def test_round_trip(call: PhoneCall) -> None:
    document = call_to_document(call)
    again = call_from_document(document)
    assert again == call
    assert type(again.flow) is type(call.flow)
    assert all(type(a.phase) is type(b.phase) for a, b in zip(again.legs, call.legs, strict=True))
    assert "\0" not in document  # PostgreSQL takes no NUL


def test_fields_of_a_newer_version_are_ignored() -> None:
    call = ended(live_call())
    document = json.loads(call_to_document(call))
    document["from_the_future"] = {"a": 1}
    assert call_from_document(json.dumps(document)) == call


def test_unreadable_document_names_the_field_but_not_its_content() -> None:
    document = json.loads(call_to_document(live_call()))
    document["origin"] = "secret words"
    with pytest.raises(UnreadableDocument, match="origin") as caught:
        call_from_document(json.dumps(document))
    assert "secret words" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_document_without_the_newer_fields_is_read() -> None:
    channel = CallChannel("100.1", "PJSIP/0003*210", ChannelState.UP, 1_800_000_000_000)
    call = replace(live_call(), channels={"100.1": channel})
    document = json.loads(call_to_document(call))
    for of_call in ("originated", "application", "went_out"):
        del document[of_call]
    for leg in document["legs"]:
        del leg["behind"]
    for stored in document["channels"].values():
        del stored["local"], stored["dialled_by"]
    assert call_from_document(json.dumps(document)) == call
