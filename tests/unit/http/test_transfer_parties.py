"""Which party transfers, in calls with another number of parties than two."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side
from bridge.directory.ownership import extensions_of
from bridge.directory.requester import Requester
from bridge.http.errors import UapiError
from bridge.http.uapi.actions.request import ActionRequest
from bridge.http.uapi.actions.transfer_parties import NamedParties
from bridge.http.uapi.scope import Scope
from tests.unit.calls.fakes import accepted
from tests.unit.recordings.fakes import DIRECTORY

SERVICES: Any = SimpleNamespace()
NODE: Any = SimpleNamespace()
QUEUE = "0003*300"


def transferer(call: PhoneCall, **body: object) -> Leg:
    """The party that `Transfer` of that body means, asked for by the app of 210's user."""
    directory = DIRECTORY.directory
    app = directory.apps["user-12"]
    requester = Requester.of_app(directory, app)
    assert requester.user is not None
    scope = Scope(app, requester.user, extensions_of(requester, requester.user), "@self")
    return NamedParties(ActionRequest(SERVICES, NODE, scope, requester, None, body)).transferer(
        call
    )


def in_a_queue() -> PhoneCall:
    """210 has dialled a queue, and nobody has answered."""
    call = accepted()
    source = replace(call.legs[0], phase=LegPhase.UP, answered_ms=1)
    assert source.side is Side.SOURCE
    return replace(call, legs=(source,), called_service=QUEUE)


def test_given_a_call_with_one_party_when_it_is_to_be_kept_then_nobody_is_left_to_transfer() -> (
    None
):
    with pytest.raises(UapiError) as refused:
        transferer(in_a_queue(), transferNumber="210")
    assert (refused.value.status, refused.value.code) == (400, "pc_transfernumber_invalid")
    assert refused.value.message == "transferNumber is the only party of this call."


def test_given_a_call_with_one_party_when_nobody_is_named_then_it_is_that_one() -> None:
    call = in_a_queue()
    assert transferer(call) == call.legs[0]
    assert transferer(call, transferFromNumber=210) == call.legs[0]


def test_given_an_app_whose_extension_has_left_when_several_are_there_then_one_must_be_named() -> (
    None
):
    call = accepted()
    others = tuple(
        replace(leg, phase=LegPhase.UP, answered_ms=1, extension=f"0004*{number}", number=number)
        for leg, number in zip(call.legs, ("410", "411"), strict=True)
    )
    with pytest.raises(UapiError, match="transferFromNumber must be given") as refused:
        transferer(replace(call, legs=others))
    assert refused.value.code == "pc_transferfromnumber_invalid"
